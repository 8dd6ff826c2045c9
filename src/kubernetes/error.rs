//! What can go wrong between us and a cluster.

use std::time::Duration;

use thiserror::Error;

use super::not_ready::NotReady;
use super::request::Operation;

/// An error of a library, kept as the source.
pub(super) type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Error)]
pub enum KubernetesError {
    #[error(
        "no cluster is configured: set `gke` on the resource, or the provider's `kubernetes` block, or \
         KUBE_CONFIG_PATH, or KUBE_HOST with credentials"
    )]
    NotConfigured,
    #[error("cannot use {described}: {reason}")]
    Settings { described: String, reason: String, source: Option<Source> },
    #[error("no credentials for {host} from {described}: {reason}")]
    Credentials { host: String, described: String, reason: String, source: Option<Source> },
    #[error(
        "cannot {operation}: {host} does not answer ({reason}); tried {attempts} times over {seconds} s; the \
         address is that of {described}"
    )]
    Unreachable {
        operation: Box<Operation>,
        host: String,
        described: String,
        reason: String,
        attempts: u32,
        seconds: u64,
        source: Option<Source>,
    },
    #[error("cannot {operation} at {host}: {reason}; the connection is that of {described}")]
    Unusable {
        operation: Box<Operation>,
        host: String,
        described: String,
        reason: String,
        source: Option<Source>,
    },
    #[error("cannot {operation}: {answer}")]
    Refused { operation: Box<Operation>, answer: Box<Answer> },
    #[error("cannot {operation}: the answer is not what Kubernetes answers: {reason}")]
    Malformed { operation: String, reason: String },
    #[error("{api_version} {kind} is not served by {host}: is its CustomResourceDefinition installed?")]
    KindNotServed { api_version: String, kind: String, host: String },
    #[error("an object to {verb} lacks apiVersion, kind or metadata.name")]
    Anonymous { verb: &'static str },
    #[error("{0}")]
    NotReady(Box<NotReady>),
    #[error("{subject} is still there after {waited:?}; last seen: {last_seen}")]
    StillThere { subject: String, waited: Duration, last_seen: String },
    #[error("{subject}: watching failed until the deadline, {waited:?}; last error: {last_seen}")]
    WatchFailed { subject: String, waited: Duration, last_seen: String },
    #[error("cancelled while waiting for {subject}; last seen: {last_seen}")]
    Cancelled { subject: String, last_seen: String },
    #[error("Secret {namespace}/{name} does not exist: create it, or name another")]
    SecretMissing { namespace: String, name: String },
    #[error("Secret {namespace}/{name} has no key `{key}`; it has {present}")]
    SecretKeyMissing { namespace: String, name: String, key: String, present: String },
    #[error("Secret {namespace}/{name}: the value of key `{key}` is not text in UTF-8")]
    SecretNotText { namespace: String, name: String, key: String },
    #[error("{subject} exists and is not ours ({owner}): rename it, delete it, or import what it belongs to")]
    NotOurs { subject: String, owner: String },
    #[error("cannot run a command in container {container} of pod {namespace}/{pod}: {reason}")]
    Exec { namespace: String, pod: String, container: String, reason: String, source: Source },
    #[error("cannot reach port {port} of pod {namespace}/{pod} {how}: {reason}")]
    Stream {
        namespace: String,
        pod: String,
        port: u16,
        how: &'static str,
        reason: String,
        source: Option<Source>,
    },
}

/// A refusal of the API server.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message} ({status} {reason}){hint}")]
pub struct Answer {
    pub status: u16,
    /// Kubernetes' machine-readable word, such as `AlreadyExists`.
    pub reason: String,
    /// Kubernetes' own message.
    pub message: String,
    /// What to do, where we know; starts with a separator.
    pub hint: String,
}

impl KubernetesError {
    /// The server's answer, where there was one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Refused { answer, .. } => Some(answer),
            _ => None,
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404) || matches!(self, Self::KindNotServed { .. })
    }

    pub fn is_forbidden(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    pub fn is_already_exists(&self) -> bool {
        self.answer().is_some_and(|answer| answer.status == 409 && answer.reason == "AlreadyExists")
    }

    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409) && !self.is_already_exists()
    }

    /// Whether the cluster, not the request, is at fault.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unreachable { .. }) || self.status().is_some_and(|status| status >= 500)
    }

    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }
}
