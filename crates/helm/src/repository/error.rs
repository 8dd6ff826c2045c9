//! Why a chart cannot be had.

use std::path::PathBuf;

use super::transport::TransportError;
use crate::chart::ChartError;

/// Which part of a [`super::Source`] is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Repository,
    Name,
    Version,
}

/// Why a chart cannot be had. No message tells a credential or the query of a URL.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("{reference:?}: {reason}")]
    Reference { reference: String, reason: &'static str, fault: Fault },
    #[error("{version:?} names no single version; write one in full, such as 1.2.3")]
    VersionRange { version: String },
    #[error("{}: {reason}", path.display())]
    Configuration { path: PathBuf, reason: String },
    #[error("cannot get {what} from {url}; check the address, and the way there from this machine")]
    Unreachable { what: &'static str, url: String, source: TransportError },
    #[error("cannot get {what} from {url}: the server answered {status}; {hint}")]
    Refused { what: &'static str, url: String, status: u16, hint: String },
    #[error("what {url} answers is no {what}: {reason}")]
    Malformed { what: &'static str, url: String, reason: String },
    #[error("{repository} has no chart {name}; {hint}")]
    NoChart { repository: String, name: String, hint: String },
    #[error("{repository} has no version {version} of the chart {name}; {hint}")]
    NoVersion { repository: String, name: String, version: String, hint: String },
    #[error("{what} from {url} has the digest {found}, {wanted} was promised: it was damaged or exchanged")]
    Digest { what: &'static str, url: String, wanted: String, found: String },
    #[error("{chart} is no usable chart")]
    Archive { chart: String, source: Box<ChartError> },
    #[error("{chart} was asked for, and the archive holds {found}")]
    Another { chart: String, found: String },
}

impl RepositoryError {
    /// Which part of the source is at fault.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Reference { fault, .. } => *fault,
            Self::Configuration { .. }
            | Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. } => Fault::Repository,
            Self::NoChart { .. } | Self::Archive { .. } | Self::Another { .. } => Fault::Name,
            Self::VersionRange { .. } | Self::NoVersion { .. } | Self::Digest { .. } => Fault::Version,
        }
    }
}
