//! Why a fault is not added or cleared.

use super::fault::PodName;

#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    #[error("pod {pod} does not run here; these do: {known}")]
    NoSuchPod { pod: PodName, known: String },
    #[error("pod {pod} has no running container {container:?}; it has: {known}")]
    NoSuchContainer { pod: PodName, container: String, known: String },
    #[error("there is no node {node:?}; there are: {known}")]
    NoSuchNode { node: String, known: String },
    #[error("there is no fault {id}; `fault list` shows those there are")]
    NoSuchFault { id: u64 },
    #[error("pod {pod} cannot be cut off from itself")]
    FromItself { pod: PodName },
    #[error("only the Kubernetes API has watches, so only there one can be torn; leave out --service")]
    NoWatches,
    #[error("cannot carry out the fault: {0}")]
    Failed(String),
}

impl FaultError {
    /// The HTTP status with which the control channel says it.
    pub(super) fn status(&self) -> http::StatusCode {
        match self {
            Self::NoSuchPod { .. }
            | Self::NoSuchContainer { .. }
            | Self::NoSuchNode { .. }
            | Self::NoSuchFault { .. } => http::StatusCode::NOT_FOUND,
            Self::FromItself { .. } | Self::NoWatches => http::StatusCode::BAD_REQUEST,
            Self::Failed(_) => http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
