//! Stopping a sandbox from another process.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Directory, LaunchError, ProcessIdentity};

const ORDERLY_LIMIT: Duration = Duration::from_secs(20);
const KILLED_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    Gone,
    WasNotRunning,
}

/// Ends the launcher, and with it everything else; returns when the last process is gone.
pub fn stop(directory: &Directory) -> Result<Stopped, LaunchError> {
    let state = directory.read_state();
    let init = state.map(|state| state.init);
    let processes: Vec<_> = directory.holder().into_iter().chain(init).collect();
    let was_running = directory.is_locked()? || processes.iter().any(ProcessIdentity::is_alive);
    for (signal, limit) in [(Signal::TERM, ORDERLY_LIMIT), (Signal::KILL, KILLED_LIMIT)] {
        for process in &processes {
            // Process 1 of a namespace ignores SIGTERM; the launcher sees to it.
            process.signal(signal)?;
        }
        if wait_until_gone(directory, &processes, limit)? {
            directory.remove_state()?;
            return Ok(if was_running { Stopped::Gone } else { Stopped::WasNotRunning });
        }
    }
    Err(LaunchError::StopTimeout {
        pid: processes.iter().find(|process| process.is_alive()).map_or(0, |process| process.pid),
        path: directory.root().to_path_buf(),
        seconds: (ORDERLY_LIMIT + KILLED_LIMIT).as_secs(),
    })
}

fn wait_until_gone(
    directory: &Directory,
    processes: &[ProcessIdentity],
    limit: Duration,
) -> Result<bool, LaunchError> {
    let deadline = Instant::now() + limit;
    loop {
        if !directory.is_locked()? && !processes.iter().any(ProcessIdentity::is_alive) {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(POLL);
    }
}
