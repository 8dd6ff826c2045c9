//! What can go wrong on a node.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("cannot start {program}")]
    Spawn { program: String, source: io::Error },
    #[error("`{command}` failed ({status}): {said}")]
    Command { command: String, status: String, said: String },
    #[error("cannot {operation} {}", path.display())]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot serve {what} on {address}")]
    Serve { what: &'static str, address: String, source: io::Error },
    #[error("{0}")]
    Volume(String),
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Image(String),
    #[error("container {container} did not start within {seconds} s: {last_seen}")]
    StartTimeout { container: String, seconds: u64, last_seen: String },
    #[error("the thread that spawns processes has ended")]
    SpawnerGone,
}

impl NodeError {
    /// A closure for `map_err` on file operations.
    pub(super) fn file(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> NodeError {
        let path = path.into();
        move |source| NodeError::File { operation, path, source }
    }

    /// The error and its sources in one line, as events and logs want it.
    pub(super) fn in_one_line(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}
