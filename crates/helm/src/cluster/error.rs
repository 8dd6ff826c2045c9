//! A failed request, sorted by what a caller can do about it.

use std::error::Error;
use std::fmt;

/// What a caller can do about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClusterErrorKind {
    /// 404: the object, namespace or kind does not exist.
    NotFound,
    /// 409 on an update, an apply or a precondition: someone else changed or owns it.
    Conflict,
    /// 409 on a create: the name is taken.
    AlreadyExists,
    /// 401 or 403.
    Forbidden,
    /// 429: wait and try again.
    TooManyRequests,
    /// The server could not be reached, answered 5xx, or the deadline passed. The request may
    /// have taken effect.
    Unavailable,
    /// 400, 413 or 422: the object itself is refused.
    Invalid,
    Other,
}

/// A failed request to a cluster. `message` is what the server or the transport said.
#[derive(Debug)]
pub struct ClusterError {
    pub kind: ClusterErrorKind,
    pub message: String,
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl ClusterError {
    pub fn new(kind: ClusterErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ClusterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
