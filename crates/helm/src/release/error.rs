//! Why a release could not be read, changed or recorded.

use crate::chart::ChartError;
use crate::cluster::ClusterError;
use crate::manifest::ManifestError;
use crate::release::Status;
use crate::render::RenderError;
use crate::value::ConvertError;

/// Why a release could not be read, changed or recorded.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("cannot {operation} {object}")]
    Cluster { operation: &'static str, object: String, source: ClusterError },
    #[error("the release record {record} cannot be read; restore it or delete the Secret")]
    Record { record: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the manifest of release {name} revision {version} is damaged")]
    Manifest { name: String, version: u64, source: ManifestError },
    #[error(
        "the record of release {name} has {bytes} bytes, it may have {limit} to fit into a Secret; \
         make the chart or its values smaller"
    )]
    TooLarge { name: String, bytes: usize, limit: usize },
    #[error("{name:?} is no release name: lower-case letters, digits, '-' and '.', at most 53")]
    Name { name: String },
    #[error("release {name} exists with status {status}: upgrade it, or uninstall it first")]
    NameInUse { name: String, status: Status },
    #[error("release {name} does not exist in namespace {namespace}")]
    NotFound { name: String, namespace: String },
    #[error(
        "release {name} revision {version} is {status} since {since}: wait for whoever works on it, or \
         try again when it is old enough to be taken for dead"
    )]
    InProgress { name: String, version: u64, status: Status, since: String },
    #[error("release {name} was rendered as revision {rendered}, revision {next} is next; render it again")]
    MovedOn { name: String, rendered: u64, next: u64 },
    #[error(
        "{object} exists and is no part of release {name}: {found}; give it these marks to make it a part of \
         the release, or delete it, or choose another name"
    )]
    NotOurs { object: String, name: String, found: String },
    #[error("{path} renders an object without {missing}")]
    Incomplete { path: String, missing: &'static str },
    #[error("hook {hook} ({path}): {reason}")]
    Hook { hook: String, path: String, reason: String },
    #[error("{object} is not ready within {seconds} s: {reason}")]
    NotReady { object: String, seconds: u64, reason: String },
    #[error("release {name} has no revision {revision}; recorded are {kept}")]
    NoRevision { name: String, revision: u64, kept: String },
    #[error("the upgrade of release {name} failed and was rolled back to revision {to}")]
    RolledBack { name: String, to: u64, source: Box<ReleaseError> },
    #[error("the installation of release {name} failed and was undone")]
    Undone { name: String, source: Box<ReleaseError> },
    #[error("release {name} failed, and it could not be undone ({reason})")]
    NotUndone { name: String, reason: String, source: Box<ReleaseError> },
    #[error("{} objects of release {name} could not be deleted, the first is {object}", .count)]
    Delete { name: String, count: usize, object: String, source: ClusterError },
    #[error("a value of release {name} cannot be recorded")]
    Value { name: String, source: ConvertError },
    #[error(transparent)]
    Chart(#[from] ChartError),
    #[error(transparent)]
    Render(#[from] RenderError),
}
