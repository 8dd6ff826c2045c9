//! Running a command in a container that runs already: probes, hooks and exec.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::Instance;
use super::terminal::open_terminal;
use crate::node::{NodeError, Spawner};

/// A command inside a container. Dropping the child ends the command.
#[derive(Debug)]
pub(in crate::node) struct Entered {
    pub(in crate::node) child: Child,
    /// The terminal's other end, if a terminal was asked for.
    pub(in crate::node) terminal: Option<File>,
}

/// Starts a command with the container's environment and working directory. `nsenter` forks for the process
/// namespace, so that `setpriv` ties the command to it.
pub(in crate::node) async fn enter(
    spawner: &Spawner,
    instance: &Instance,
    command_line: &[String],
    with_terminal: bool,
    with_input: bool,
) -> Result<Entered, NodeError> {
    let Some(pid) = instance.pid.filter(|_| !instance.has_ended()) else {
        return Err(NodeError::Configuration("the container has ended".to_owned()));
    };
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--target={}", pid.as_raw_nonzero()))
        .args([
            "--user",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--preserve-credentials",
            "--wd",
            "--",
        ])
        .args(["setpriv", "--pdeathsig", "KILL"])
        .env_clear()
        .envs(instance.environment.iter())
        .kill_on_drop(true);
    let terminal = if with_terminal {
        // Among those of the container, so that programs in it find it under /dev/pts.
        let multiplexer = format!("/proc/{}/root/dev/ptmx", pid.as_raw_nonzero());
        let (ours, theirs) = open_terminal(Path::new(&multiplexer))?;
        let share = |file: &OwnedFd| file.try_clone().map_err(NodeError::file("share", "/dev/ptmx"));
        command.args(["setsid", "--ctty"]);
        command.env("TERM", "xterm");
        command.stdin(share(&theirs)?).stdout(share(&theirs)?).stderr(theirs);
        Some(ours)
    } else {
        let stdin = if with_input { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        None
    };
    command.args(command_line);
    let child = spawner.spawn(command).await?;
    Ok(Entered { child, terminal })
}
