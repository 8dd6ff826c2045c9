//! A validated configuration: nothing in it is maybe-unset, and only `resolve` makes one.

use std::collections::BTreeMap;
use std::time::Duration;

use helm::cluster::Capabilities;
use helm::render::Rendered;
use serde_json::Value as Json;

use super::chart_source::ChartSource;
use crate::chart::{Effective, Names};
use crate::gke::{ClusterId, NodePoolSpec};

/// What a cluster is meant to be.
#[derive(Clone, Debug)]
pub struct Config {
    pub create_namespace: bool,
    pub gke: Option<GkeConfig>,
    pub auth: Auth,
    pub repair: Repair,
    pub names: Names,
    /// What the values declare, the chart's defaults among them.
    pub effective: Effective,
    /// The chart's defaults under what the release is given.
    pub effective_values: Json,
    pub chart_source: ChartSource,
    /// The release as it will be recorded.
    pub rendered: Rendered,
    /// Digest of each object by `Kind/name`; `None` where another rendering may differ.
    pub objects: BTreeMap<String, Option<String>>,
    pub pod_template: Option<String>,
    /// Digest of what the StatefulSet keeps for life.
    pub fixed_fields: Option<String>,
    pub capabilities: Capabilities,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GkeConfig {
    pub cluster: ClusterId,
    pub node_pool: Option<NodePoolSpec>,
}

/// Where the password of Redis comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    Disabled,
    /// A Secret of ours, made when it is missing.
    Generated {
        secret: String,
        key: String,
    },
    /// A Secret of ours with the user's password.
    Brought {
        secret: String,
        key: String,
    },
    /// The user's own Secret.
    Existing {
        secret: String,
        key: String,
    },
}

impl Auth {
    /// Name and key of the Secret.
    pub fn secret(&self) -> Option<(&str, &str)> {
        match self {
            Self::Disabled => None,
            Self::Generated { secret, key }
            | Self::Brought { secret, key }
            | Self::Existing { secret, key } => Some((secret, key)),
        }
    }

    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Generated { .. } | Self::Brought { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    Auto,
    Report,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub create: Duration,
    pub read: Duration,
    pub update: Duration,
    pub delete: Duration,
}

impl Config {
    pub fn replicas(&self) -> i64 {
        self.effective.replicas.into()
    }

    /// The objects that the release will have.
    pub fn manifest(&self) -> impl Iterator<Item = &Json> {
        self.rendered.objects()
    }

    pub fn node_pool(&self) -> Option<&NodePoolSpec> {
        self.gke.as_ref()?.node_pool.as_ref()
    }
}
