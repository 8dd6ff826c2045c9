//! What was seen of a cluster, as plain data. `observe` fills it; `outputs`, `steps` and the verbs
//! read it. A part that does not exist is `None`; a part that could not be asked is an error of
//! `observe`, never a gap here.

use std::collections::BTreeMap;

use helm::cluster::Capabilities;
use serde_json::Value as Json;

use super::claims::Claims;
use super::objects::ObjectSeen;
use crate::gke::{NodeCount, NodePoolLive};
use crate::sentinel::{DriftRow, Observation};

/// One look at everything that belongs to a cluster.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub release: Option<ReleaseSeen>,
    pub stateful_set: Option<StatefulSetSeen>,
    pub secret: Option<SecretSeen>,
    /// The Secret that the release's values name for the password.
    pub expected_secret: Option<String>,
    pub node_pool: Option<NodePoolLive>,
    /// Nodes in each zone by the instance groups' target size; `None` where they could not be asked.
    pub node_count: Option<i64>,
    pub node_counts: Option<NodeCount>,
    /// The declared objects of the release beside the live ones.
    pub objects: Vec<ObjectSeen>,
    /// The claims of the servers' volumes; none where the release declares none.
    pub claims: Claims,
    pub redis: Option<Observation>,
    /// What servers and sentinels have otherwise than declared, as far as it was confirmed; filled by
    /// `judge`.
    pub drift: Vec<DriftRow>,
    /// Why servers and sentinels were not judged: they are changing by themselves.
    pub unjudged: Vec<String>,
    /// What the cluster can do, asked only where the release's chart could read it.
    pub capabilities: Option<Capabilities>,
    /// By pod name.
    pub placement: BTreeMap<String, Placement>,
    /// What of the node pool could be seen only in part, or is not well: a summary, and more words.
    pub warnings: Vec<(&'static str, String)>,
}

/// The newest record of the Helm release, or what it would be where there is none.
#[derive(Clone, Debug, Default)]
pub struct ReleaseSeen {
    pub revision: i64,
    pub status: String,
    pub chart_version: String,
    /// `bundled` or `recorded`; `None` where there is no chart to upgrade by.
    pub chart_name: Option<&'static str>,
    /// The chart's own name.
    pub chart: String,
    pub app_version: String,
    /// What the release was given over the chart's own values.
    pub config: Json,
    /// The chart's own values.
    pub chart_values: Json,
    /// The chart's own values under the configuration.
    pub effective_values: Json,
    /// The objects of the manifest, as they were declared.
    pub manifest: Vec<Json>,
    /// Digest of each object of the manifest, by `Kind/name`.
    pub objects: BTreeMap<String, String>,
    /// Digest of the pods' template in the manifest.
    pub pod_template: Option<String>,
    /// Digest of what the StatefulSet in the manifest keeps for life.
    pub fixed_fields: Option<String>,
    /// Whether its chart or its values could ask what the cluster can do.
    pub reads_capabilities: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatefulSetSeen {
    pub name: String,
    pub replicas: i64,
    pub ready_replicas: i64,
    /// Pods of two revisions, or a change that the controller has not seen yet.
    pub is_rolling: bool,
    /// The revision that pods are to have.
    pub revision: Option<String>,
    /// Pods below this ordinal keep their revision.
    pub partition: i64,
}

/// The Secret that holds the password. The password itself is never part of an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSeen {
    pub name: String,
    pub key: String,
    /// Made by this provider, by its mark.
    pub ours: bool,
    /// Keyed digest of the password.
    pub fingerprint: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    pub address: Option<String>,
    pub node: Option<String>,
    /// The StatefulSet's revision that the pod was made from.
    pub revision: Option<String>,
    pub is_ending: bool,
}

impl ReleaseSeen {
    /// Whether there is a record of it.
    pub fn is_recorded(&self) -> bool {
        self.revision > 0
    }
}

impl StatefulSetSeen {
    /// Whether a pod was made from another revision than pods are to have.
    pub fn is_outdated(&self, pod: &Placement) -> bool {
        pod.revision.as_ref().zip(self.revision.as_ref()).is_some_and(|(own, new)| own != new)
    }
}

impl Observed {
    /// Whether nothing of the cluster is left.
    pub fn is_gone(&self) -> bool {
        self.release.is_none()
            && self.stateful_set.is_none()
            && self.node_pool.is_none()
            && self.secret.as_ref().is_none_or(|secret| !secret.ours)
    }
}
