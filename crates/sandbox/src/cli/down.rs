//! `down`: stops whatever still runs of a sandbox and waits until it is gone.

use std::path::Path;
use std::process::ExitCode;

use crate::launch::{Directory, Stopped, stop};

pub(super) fn run(dir: &Path) -> anyhow::Result<ExitCode> {
    let stopped = match Directory::open(dir) {
        Some(directory) => stop(&directory)?,
        None => Stopped::WasNotRunning,
    };
    match stopped {
        Stopped::Gone => eprintln!("The sandbox in {} is gone.", dir.display()),
        Stopped::WasNotRunning => eprintln!("No sandbox runs in {}.", dir.display()),
    }
    Ok(ExitCode::SUCCESS)
}
