//! Errors of the HTTP client, sorted by what may be done about them.

use std::error::Error;
use std::time::Duration;

use hyper_util::client::legacy::Error as HttpError;

use super::retry::Failure;
use super::token::NoToken;

/// Sorts what kube's client reports before or instead of an answer.
pub(super) fn sort_error(error: kube::Error) -> Failure {
    let reason = innermost(&error);
    if find::<NoToken>(&error).is_some() {
        return Failure::Fatal {
            reason: format!("no access token: {reason}"),
            source: Some(Box::new(error)),
        };
    }
    if let Some(tls) = find::<rustls::Error>(&error) {
        let reason = format!("TLS: {tls}");
        return Failure::Fatal { reason, source: Some(Box::new(error)) };
    }
    match find::<HttpError>(&error) {
        Some(http) if http.is_connect() => Failure::NotSent { reason, source: Box::new(error) },
        Some(_) => Failure::Lost { reason, source: Some(Box::new(error)) },
        None if find::<std::io::Error>(&error).is_some() => {
            Failure::Lost { reason, source: Some(Box::new(error)) }
        }
        None if matches!(error, kube::Error::HyperError(_)) => {
            Failure::Lost { reason, source: Some(Box::new(error)) }
        }
        None => Failure::Fatal { reason, source: Some(Box::new(error)) },
    }
}

/// An attempt that took too long may have taken effect.
pub(super) fn sort_timeout(limit: Duration) -> Failure {
    Failure::Lost { reason: format!("no answer within {} s", limit.as_secs()), source: None }
}

/// The innermost error's words, which say what happened; the outer ones only say where.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut current = error;
    while let Some(next) = inner(current) {
        current = next;
    }
    current.to_string()
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = inner(error);
    }
    None
}

/// The next error inwards. An io::Error's source skips the error that it wraps.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
