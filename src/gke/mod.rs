//! Google Kubernetes Engine: node pools, and how a cluster is reached.
//!
//! Enters: settings of the google block, a cluster's and a pool's names, what a pool should be,
//! deadlines and cancellation. Leaves: the live pool, the calls that lie between the two, awaited
//! operations, a cluster's address and CA, access tokens, and one error type.
//! Deliberately absent: Terraform, Kubernetes objects, clusters' own life. The environment is a
//! parameter; no token is ever logged.

mod client;
mod compute;
mod error;
mod identity;
mod node_pool;
mod operations;
mod secret;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

pub use client::{ClusterAccess, Gke, Wait};
pub use error::GkeError;
pub use node_pool::{
    ClusterId, Field, FieldChange, NodeCount, NodePoolLive, NodePoolSpec, NodePoolUpdate, PoolStatus, Taint,
    TaintEffect, ZoneSize, diff, is_set_by_gke, updates,
};
pub use operations::OnStarted;
pub use secret::Secret;
pub use settings::{GkeSettings, Lookup};
pub use wire::owner_label;
