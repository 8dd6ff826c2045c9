//! What fetching a chart asks of an HTTP client.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An HTTP client. An implementation
///
/// - verifies certificates by the system's roots and [`Tls`],
/// - follows redirects, but never from https to http, and never hands an authorization to another host,
/// - decides what is safe to retry, and has a deadline of its own.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a GET and returns the answer, whatever its status.
    async fn get(&self, request: &Get<'_>) -> Result<Answer, TransportError>;
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Get<'a> {
    pub url: &'a str,
    /// The header of that name; empty for none.
    pub accept: &'a str,
    pub authorization: Option<&'a Authorization>,
    pub tls: &'a Tls,
    /// A longer body is an error.
    pub bytes_max: u64,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub status: u16,
    /// The header `WWW-Authenticate`, empty where there is none.
    pub challenge: String,
    pub body: Vec<u8>,
}

/// Why there is no answer. Neither it nor its sources may tell a URL's query or an authorization.
#[derive(Debug)]
pub struct TransportError {
    pub message: String,
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// The header `Authorization`. Its debug output tells nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(String);

impl Authorization {
    pub fn basic(user: &str, password: &str) -> Self {
        Self(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    pub fn bearer(token: &str) -> Self {
        Self(format!("Bearer {token}"))
    }

    /// The header's value, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(redacted)")
    }
}

/// How a server's certificate is checked, and which one the client shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tls {
    /// PEM certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM certificate and key that the client shows.
    pub client_files: Option<(PathBuf, PathBuf)>,
    /// No check at all: whoever answers is believed.
    pub insecure_skip_verify: bool,
}
