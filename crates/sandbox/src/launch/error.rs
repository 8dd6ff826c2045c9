//! What can go wrong between a command line and a running sandbox.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error("cannot {operation} {}", path.display())]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is below /run, which a sandbox replaces with its own; choose a directory elsewhere, such as $HOME or /tmp", path.display())]
    BelowRun { path: PathBuf },
    #[error("{} holds {found:?}, which no sandbox put there, and a sandbox removes files of its own names; choose an empty or a new directory", path.display())]
    Foreign { path: PathBuf, found: OsString },
    #[error("{} is in use by another running sandbox (process {pid}); stop it with: redis-ha-sandbox down --dir {}", path.display(), path.display())]
    InUse { path: PathBuf, pid: String },
    #[error("this machine cannot run the sandbox:\n{0}")]
    Preflight(String),
    #[error(
        "cannot listen on 127.0.0.1:{port}; choose another port with --port, or leave it out for a free one"
    )]
    Listen { port: u16, source: io::Error },
    #[error("cannot start {program}")]
    Start { program: &'static str, source: io::Error },
    #[error("the socket between the launcher and the namespaces failed to {operation}")]
    Handover { operation: &'static str, source: io::Error },
    #[error("the sandbox ended ({status}) before its APIs answered; its log {} ends with:\n{tail}", log.display())]
    EndedEarly { status: String, log: PathBuf, tail: String },
    #[error("the sandbox's APIs did not answer within {seconds} s; its log {} ends with:\n{tail}", log.display())]
    StartTimeout { seconds: u64, log: PathBuf, tail: String },
    #[error("the sandbox ended by itself ({status}); its log {} ends with:\n{tail}", log.display())]
    EndedByItself { status: String, log: PathBuf, tail: String },
    #[error("process {pid} of the sandbox in {} is still there after {seconds} s and a SIGKILL; it may wait for a disk", path.display())]
    StopTimeout { pid: i32, path: PathBuf, seconds: u64 },
    #[error("no sandbox runs in {}; start one with: redis-ha-sandbox up --dir {} --detach", path.display(), path.display())]
    NotRunning { path: PathBuf },
    #[error("cannot ask the sandbox in {}", path.display())]
    Control { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{0}")]
    Refused(String),
    #[error(
        "cannot signal process {pid} of the sandbox; it belongs to another user: run `down` as the one who ran `up`"
    )]
    Signal { pid: i32, source: io::Error },
}

impl LaunchError {
    /// A closure for `map_err` on file operations.
    pub(crate) fn file(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> LaunchError {
        let path = path.into();
        move |source| LaunchError::File { operation, path, source }
    }
}
