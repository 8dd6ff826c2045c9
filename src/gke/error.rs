//! What can go wrong between us and Google Cloud, and which of it passes.

use std::time::Duration;

use google_cloud_container_v1::Error as GoogleError;
use google_cloud_gax::error::rpc::Code;
use thiserror::Error;

/// An error of a library, kept as the source.
pub(super) type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Error)]
pub enum GkeError {
    #[error("no Google credentials from {described}: {reason}")]
    Credentials { described: String, reason: String, source: Option<Source> },
    #[error("cannot {operation}: {message} ({code}){hint}")]
    Refused { operation: String, code: String, message: String, hint: String, source: Option<Source> },
    #[error("cannot {operation}: {subject} exists already; import it, or choose another name")]
    AlreadyExists { operation: String, subject: String },
    #[error("cannot {operation}: {subject} does not exist; check project, location and name")]
    NotFound { operation: String, subject: String },
    #[error("cannot {operation}: {endpoint} does not answer ({reason}); tried {attempts} times")]
    Unreachable { operation: String, endpoint: String, reason: String, attempts: u32, source: Option<Source> },
    #[error("GKE could not {operation}: {message} (operation {name})")]
    Failed { operation: String, name: String, message: String },
    #[error("{operation} took longer than {waited:?}; last seen: {last_seen}")]
    Timeout { operation: String, waited: Duration, last_seen: String },
    #[error("cancelled while waiting to {operation}; last seen: {last_seen}")]
    Cancelled { operation: String, last_seen: String },
    #[error("{subject} cannot be used: {reason}")]
    Unusable { subject: String, reason: String },
}

impl GkeError {
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. })
    }

    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "PERMISSION_DENIED" || code == "UNAUTHENTICATED")
    }

    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }
}

/// What may be done about an error of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Another operation runs on the cluster: wait for it.
    Busy,
    /// Nothing was done, trying again may work.
    NotDone,
    /// It may have been done, trying again may work.
    Uncertain,
    AlreadyExists,
    NotFound,
    Final,
}

/// Sorts an error of the API.
pub(super) fn classify(error: &GoogleError) -> Class {
    if error.is_connect() || error.is_transient_and_before_rpc() {
        return Class::NotDone;
    }
    if error.is_authentication() {
        return Class::Final;
    }
    match error.status() {
        Some(status) => classify_code(status.code, &status.message),
        None => match error.http_status_code() {
            Some(429) => Class::NotDone,
            Some(status) if status >= 500 => Class::Uncertain,
            Some(_) => Class::Final,
            None if error.is_timeout() || error.is_io() || error.is_transport() => Class::Uncertain,
            None => Class::Final,
        },
    }
}

/// Sorts by the canonical code. GKE says by its message alone that another operation is in the
/// way: the code is that of any unmet precondition.
pub(super) fn classify_code(code: Code, message: &str) -> Class {
    let waits = ["incompatible operation", "try again", "CLUSTER_ALREADY_HAS_OPERATION", "currently being"];
    match code {
        Code::FailedPrecondition | Code::Aborted if waits.iter().any(|words| message.contains(words)) => {
            Class::Busy
        }
        Code::Aborted | Code::ResourceExhausted => Class::NotDone,
        Code::Unavailable | Code::Internal | Code::Unknown | Code::DeadlineExceeded => Class::Uncertain,
        Code::AlreadyExists => Class::AlreadyExists,
        Code::NotFound => Class::NotFound,
        _ => Class::Final,
    }
}

/// The error of a request that is not tried again.
pub(super) fn to_error(operation: &str, subject: &str, error: GoogleError) -> GkeError {
    let operation = operation.to_owned();
    let subject = subject.to_owned();
    match classify(&error) {
        Class::AlreadyExists => return GkeError::AlreadyExists { operation, subject },
        Class::NotFound => return GkeError::NotFound { operation, subject },
        _ => {}
    }
    if error.is_authentication() {
        let (described, reason) = ("the google block and the environment".to_owned(), innermost(&error));
        return GkeError::Credentials { described, reason, source: Some(Box::new(error)) };
    }
    let code = error.status().map_or("UNKNOWN", |status| status.code.name()).to_owned();
    let hint = match code.as_str() {
        "PERMISSION_DENIED" => "; ask for the role roles/container.admin, or one with this permission",
        "UNAUTHENTICATED" => "; the credentials are not accepted: have they expired?",
        _ => "",
    };
    let message = error.status().map_or_else(|| innermost(&error), |status| status.message.clone());
    let message = message.trim_end_matches('.').to_owned();
    GkeError::Refused { operation, code, message, hint: hint.to_owned(), source: Some(Box::new(error)) }
}

/// The innermost error's words, which say what happened; the outer ones only say where.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(next) = current.source() {
        current = next;
    }
    current.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_in_the_way_is_waited_for_and_other_preconditions_are_not() {
        let cases = [
            (
                Code::FailedPrecondition,
                "Cluster is running incompatible operation operation-1-2.",
                Class::Busy,
            ),
            (
                Code::FailedPrecondition,
                "Operation operation-1 is currently being run. Please wait and try again.",
                Class::Busy,
            ),
            (Code::FailedPrecondition, "Node pool has no such zone.", Class::Final),
            (Code::Aborted, "", Class::NotDone),
            (Code::ResourceExhausted, "quota", Class::NotDone),
            (Code::Unavailable, "", Class::Uncertain),
            (Code::Internal, "", Class::Uncertain),
            (Code::AlreadyExists, "", Class::AlreadyExists),
            (Code::NotFound, "", Class::NotFound),
            (Code::PermissionDenied, "", Class::Final),
            (Code::InvalidArgument, "", Class::Final),
        ];
        for (code, message, class) in cases {
            assert_eq!(classify_code(code, message), class, "{code} {message}");
        }
    }
}
