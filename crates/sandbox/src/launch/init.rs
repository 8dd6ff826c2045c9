//! Process 1 of the namespaces: starts the sandbox proper, reaps orphans, and ends with it.
//!
//! When process 1 ends, the kernel ends every other process of the namespace: nothing can be left behind.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use rustix::io::Errno;
use rustix::process::{WaitOptions, WaitStatus};

/// Runs this binary again with these arguments and answers with its exit code.
pub fn run_init(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let own = std::env::current_exe().context("find this binary")?;
    let child = Command::new(own).args(arguments).spawn().context("start the sandbox in its namespaces")?;
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == child.id() => {
                return Ok(exit_code(status));
            }
            // A probe that outlived its time, or another orphan.
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).context("wait for the sandbox in its namespaces"),
        }
    }
}

fn exit_code(status: WaitStatus) -> ExitCode {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
