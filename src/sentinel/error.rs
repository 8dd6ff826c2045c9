//! The room's one error: which process, which command, what came back.

use std::time::Duration;

use super::dialer::DialError;

/// An error of one conversation. None of them carries an argument of a command, so none carries a
/// password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{target} could not be reached: {source}")]
    Dial { target: String, source: DialError },
    #[error("{target}: {operation} was not answered within {timeout_milliseconds} ms")]
    Timeout { target: String, operation: &'static str, timeout_milliseconds: u128 },
    #[error("{target}: {operation} failed: {source}")]
    Command { target: String, operation: &'static str, source: redis::RedisError },
    #[error("{target}: the answer to {operation} is not what Redis documents: {detail}")]
    Reply { target: String, operation: &'static str, detail: String },
    #[error("{target} is not asked: {reason}")]
    Refused { target: String, reason: String },
    #[error("TLS: {reason}")]
    Tls { reason: String },
    #[error("the failover away from {from} did not happen within {}s; last seen: {last_seen}", waited.as_secs())]
    Failover { from: String, waited: Duration, last_seen: String },
}

impl Error {
    /// The code that Redis put first in its error reply, such as `NOGOODSLAVE` or `INPROG`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Command { source, .. } => source.code(),
            _ => None,
        }
    }

    /// Whether the process answered, but not to us: a wrong password, or a user without the right.
    pub fn is_refusal(&self) -> bool {
        let Self::Command { operation, source, .. } = self else { return false };
        *operation == "AUTH" && source.kind() == redis::ErrorKind::AuthenticationFailed
            || matches!(source.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
    }
}
