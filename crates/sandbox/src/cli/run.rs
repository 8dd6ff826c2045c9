//! `run`: becomes a command inside the sandbox's namespaces.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

use super::RunArguments;
use crate::launch::Directory;

/// Joins the user, network, mount and process namespaces. The process namespace is joined so that the command ends
/// with the sandbox; `setpriv` ends it with `nsenter`.
pub(super) fn run(arguments: &RunArguments) -> anyhow::Result<ExitCode> {
    let Some((directory, state)) = Directory::open(&arguments.dir).and_then(|found| {
        let state = found.running()?;
        Some((found, state))
    }) else {
        bail!(
            "no sandbox runs in {}; start one with: redis-ha-sandbox up --dir {} --detach",
            arguments.dir.display(),
            arguments.dir.display()
        );
    };
    let working_directory = std::env::current_dir().context("find the working directory")?;
    let error = Command::new("nsenter")
        .arg(format!("--target={}", state.init.pid))
        .args(["--user", "--preserve-credentials", "--net", "--mount", "--pid"])
        .arg("--")
        .args(["setpriv", "--pdeathsig", "KILL", "env", "-C"])
        .arg(working_directory)
        .args(&arguments.command)
        .exec();
    Err(error).with_context(|| format!("run nsenter into the sandbox of {}", directory.root().display()))
}
