//! What can go wrong while a cluster is observed or changed.

use std::time::Duration;

use thiserror::Error;

use super::discover::Unfit;
use crate::gke::GkeError;
use crate::kubernetes::KubernetesError;
use crate::sentinel;

#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),
    #[error(transparent)]
    Gke(#[from] GkeError),
    #[error("release {release}")]
    Release { release: String, source: Box<helm::release::ReleaseError> },
    #[error("{0}")]
    Sentinel(#[from] sentinel::Error),
    #[error("{secret}, with which the servers speak TLS, is of no use")]
    Tls { secret: Box<str>, source: Box<sentinel::Error> },
    #[error(
        "the release {namespace}/{name} exists already and is not of this resource. To manage it, run: \
         terraform import {address} {id}"
    )]
    ReleaseExists { namespace: String, name: String, address: &'static str, id: String },
    #[error(
        "another run makes the release {id} at this moment. Let it end; then import {id} to manage it here, or choose \
         another name"
    )]
    MadeByAnother { id: String },
    #[error(
        "the node pool {pool} exists already and was not made for this resource. To manage it, import the cluster \
         with the id {id}, or choose another name"
    )]
    NodePoolExists { pool: String, id: String },
    #[error(
        "no redis-ha release {namespace}/{name} was found. Releases are listed by: helm list --namespace {namespace}"
    )]
    NotFound { namespace: String, name: String },
    #[error("{waited:?} have passed, and the servers have not settled: {last_seen}")]
    NotSettled { waited: Duration, last_seen: String },
    #[error("{waited:?} have passed, and it is not safe to repair: {reasons}")]
    RepairUnsafe { waited: Duration, reasons: String },
    #[error(
        "the claim {claim} keeps its {live}, and {declared} is declared. Where the StorageClass lets no volume grow, keep \
         persistence.size, or create a second cluster under another name and move the data"
    )]
    VolumeKept { claim: String, live: String, declared: String, source: Box<KubernetesError> },
    #[error(
        "Redis does not take redis.config {setting} = {value:?}: {reason}. A server that starts with it would end at \
         once; nothing of the release was changed. Correct the setting, or remove it"
    )]
    SettingRefused { setting: String, value: String, reason: String },
    #[error("cannot repair {what}: {reason}")]
    RepairRefused { what: String, reason: String },
    #[error("repaired, but still different afterwards: {rows}")]
    RepairFailed { rows: String },
    #[error(
        "hard anti-affinity puts each of the {replicas} servers on a node of its own, but the node pool has \
         {nodes} node(s): {zones} zone(s) with {per_zone} each. Raise gke.node_pool.node_count, or set \
         `hardAntiAffinity: false` in values"
    )]
    TooFewNodes { replicas: i64, nodes: i64, zones: i64, per_zone: i64 },
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Whether somebody else made first what this run was about to make: nothing of it is ours.
    pub fn is_lost_race(&self) -> bool {
        match self {
            Self::MadeByAnother { .. } => true,
            Self::Gke(error) => error.is_already_exists(),
            _ => false,
        }
    }

    pub fn release(namespace: &str, name: &str) -> impl FnOnce(helm::release::ReleaseError) -> Self {
        let release = format!("{namespace}/{name}");
        move |source| Self::Release { release, source: Box::new(source) }
    }
}
