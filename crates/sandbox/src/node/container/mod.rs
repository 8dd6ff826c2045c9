//! One run of one container: a process tree below bwrap. Enters: a command line, an environment, mounts. Leaves: its
//! first process, its output in a file, its exit code. Deliberately absent: when to start and stop it (`pod`).

mod arguments;
mod console;
mod enter;
mod etc;
mod terminal;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::environment::Environment;
use super::logs::LogWriter;
use super::network::PodNetwork;
use super::{NodeError, Spawner};

pub(super) use arguments::Mount;
pub(super) use console::{Console, Input};
pub(super) use enter::{Entered, enter};
pub(crate) use etc::render_resolv_conf;
pub(super) use etc::write_etc;
pub(super) use terminal::{TerminalReader, feed, follow_size};

/// From the spawn of bwrap to the exec of the container's command.
const START_LIMIT: Duration = Duration::from_secs(20);
const START_POLL: Duration = Duration::from_millis(2);

/// All that a run needs.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) command_line: Vec<String>,
    pub(super) environment: Environment,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) working_directory: String,
    pub(super) mounts: Vec<Mount>,
    pub(super) hostname: String,
    pub(super) network: PodNetwork,
    /// The generated /etc of the pod.
    pub(super) etc: PathBuf,
    pub(super) read_only_root: bool,
    /// Directories of programs that are put before the rest of PATH.
    pub(super) programs: Vec<PathBuf>,
    pub(super) input: Input,
}

/// A container that runs, or ran.
#[derive(Debug)]
pub(super) struct Instance {
    /// The container's process 1, by its number in the sandbox's process namespace; none if it ended before it was
    /// seen.
    pub(super) pid: Option<Pid>,
    pub(super) environment: Environment,
    /// Of a container that has an input or a terminal.
    pub(super) console: Option<Arc<Console>>,
    /// The exit code, once there is one; 128 and the signal's number if a signal ended it.
    exited: watch::Receiver<Option<i32>>,
}

impl Instance {
    /// Starts the container; returns when its command runs.
    pub(super) async fn start(spawner: &Spawner, plan: Plan, log: LogWriter) -> Result<Self, NodeError> {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", plan.network.path()))
            .arg("bwrap")
            .args(arguments::render(&plan))
            .env_clear()
            .envs(plan.environment.iter())
            .kill_on_drop(true);
        let terminal = connect(&mut command, plan.input)?;
        let own_path = plan.environment.get("PATH").unwrap_or_default().to_owned();
        let path: Vec<_> = plan.programs.iter().map(|directory| directory.display().to_string()).collect();
        command.env("PATH", [path, vec![own_path]].concat().join(":"));
        let mut child = spawner.spawn(command).await?;
        let (console, output) = listen(&mut child, terminal, plan.input, log)?;
        let pid = await_start(&plan.name, &mut child).await?;
        let (exit, exited) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await;
            // Output that was written before the end is in the log before the end is known.
            let _ = tokio::time::timeout(Duration::from_secs(1), output).await;
            let code = status.ok().and_then(|status| status.code()).unwrap_or(137);
            exit.send_replace(Some(code));
        });
        Ok(Self { pid, environment: plan.environment, console, exited })
    }

    /// The exit code, when the container has ended.
    pub(super) async fn ended(&self) -> i32 {
        let mut exited = self.exited.clone();
        let code = exited.wait_for(Option::is_some).await.map(|code| *code);
        code.ok().flatten().unwrap_or(137)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.exited.borrow().is_some()
    }

    pub(super) fn signal(&self, signal: Signal) {
        // Gone already is as good as signalled.
        if let Some(pid) = self.pid.filter(|_| !self.has_ended()) {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Whether the container's process 1 handles a signal: the kernel drops others for it.
    pub(super) fn handles(&self, signal: Signal) -> bool {
        let Some(pid) = self.pid else { return false };
        let path = format!("/proc/{}/status", pid.as_raw_nonzero());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(u64::MAX);
        mask & (1 << (signal.as_raw() - 1)) != 0
    }
}

/// Gives a command its input and outputs; a terminal's other end if it has one.
fn connect(command: &mut Command, input: Input) -> Result<Option<File>, NodeError> {
    if !input.is_terminal {
        let stdin = if input.is_open { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        return Ok(None);
    }
    let multiplexer = Path::new("/dev/ptmx");
    let (ours, theirs) = terminal::open_terminal(multiplexer)?;
    let share = || theirs.try_clone().map_err(NodeError::file("share", multiplexer));
    command.stdin(share()?).stdout(share()?).stderr(share()?).env("TERM", "xterm");
    Ok(Some(ours))
}

/// Takes the outputs of a command to its log, and past its console if it has one.
fn listen(
    child: &mut Child,
    terminal: Option<File>,
    input: Input,
    log: LogWriter,
) -> Result<(Option<Arc<Console>>, JoinHandle<()>), NodeError> {
    if let Some(terminal) = terminal {
        let failed = NodeError::file("share", "/dev/ptmx");
        let (console, reader) = Console::of_terminal(input, terminal).map_err(failed)?;
        let heard = console.hear(console::Output::Stdout, reader);
        return Ok((Some(console), log.follow(heard, tokio::io::empty())));
    }
    let stdout = child.stdout.take().expect("stdout was piped");
    let stderr = child.stderr.take().expect("stderr was piped");
    if !input.has_console() {
        return Ok((None, log.follow(stdout, stderr)));
    }
    let console = Console::of_pipes(input, child.stdin.take());
    let heard = log
        .follow(console.hear(console::Output::Stdout, stdout), console.hear(console::Output::Stderr, stderr));
    Ok((Some(console), heard))
}

/// bwrap forks, prepares the container in the child, and executes the command there: only then may others enter.
async fn await_start(name: &str, bwrap: &mut Child) -> Result<Option<Pid>, NodeError> {
    let deadline = Instant::now() + START_LIMIT;
    let outer = bwrap.id().and_then(|id| i32::try_from(id).ok());
    loop {
        let inner = outer.and_then(crate::launch::child_of);
        let running = inner.filter(|pid| {
            let command = std::fs::read_to_string(format!("/proc/{pid}/comm"));
            command.is_ok_and(|command| !matches!(command.trim(), "bwrap" | "nsenter" | "setsid"))
        });
        if let Some(pid) = running.and_then(Pid::from_raw) {
            return Ok(Some(pid));
        }
        if matches!(bwrap.try_wait(), Ok(Some(_))) {
            // A short command may end before it was seen; its exit code tells how.
            return Ok(None);
        }
        if Instant::now() >= deadline {
            return Err(NodeError::StartTimeout {
                container: name.to_owned(),
                seconds: START_LIMIT.as_secs(),
                last_seen: inner
                    .map_or("bwrap has no child".to_owned(), |pid| format!("process {pid} prepares")),
            });
        }
        tokio::time::sleep(START_POLL).await;
    }
}
