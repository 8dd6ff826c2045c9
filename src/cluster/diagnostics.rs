//! The one place where errors become diagnostics.

use tfplugin_sdk::{AttributePath, Diagnostic, Diagnostics, path};

use super::error::Error;
use super::resolve::chain;
use crate::kubernetes::KubernetesError;

/// An error of a verb, on the attribute at fault where one is.
pub fn diagnostic(doing: &str, error: &Error) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("Cannot {doing}"), chain(error));
    match attribute(error) {
        Some(at) => diagnostic.at(at),
        None => diagnostic,
    }
}

pub fn failed(doing: &str, error: &Error) -> Diagnostics {
    diagnostic(doing, error).into()
}

fn attribute(error: &Error) -> Option<AttributePath> {
    match error {
        Error::ReleaseExists { .. } | Error::MadeByAnother { .. } => Some(path!["name"]),
        Error::NodePoolExists { .. } => Some(path!["gke", "node_pool", "name"]),
        Error::SettingRefused { .. } => Some(path!["redis", "config"]),
        Error::VolumeKept { .. } => Some(path!["persistence", "size"]),
        Error::TooFewNodes { .. } => Some(path!["gke", "node_pool", "node_count"]),
        Error::Kubernetes(
            KubernetesError::SecretMissing { .. }
            | KubernetesError::SecretKeyMissing { .. }
            | KubernetesError::SecretNotText { .. },
        ) => Some(path!["auth", "existing_secret"]),
        _ => None,
    }
}
