//! The shape of the resource as Terraform sees it. One model serves configuration, plan and
//! state: every leaf is an [`Attr`], which may be unknown in a plan and null in a configuration.
//! `schema` describes the same shape; a test fails when the two differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tfplugin_sdk::Attr;

pub type StringMap = BTreeMap<String, Attr<String>>;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub name: Attr<String>,
    pub namespace: Attr<String>,
    pub create_namespace: Attr<bool>,
    pub gke: Attr<Gke>,
    pub chart: Attr<Chart>,
    pub values: Attr<Vec<Attr<String>>>,
    pub replicas: Attr<i64>,
    pub image: Attr<Image>,
    pub redis: Attr<Redis>,
    pub sentinel: Attr<Sentinel>,
    pub auth: Attr<Auth>,
    pub password_wo: Attr<String>,
    pub password_wo_version: Attr<i64>,
    pub persistence: Attr<Persistence>,
    pub repair: Attr<String>,
    pub timeouts: Attr<Timeouts>,
    pub deletion_protection: Attr<bool>,

    pub id: Attr<String>,
    pub release: Attr<Release>,
    pub objects: Attr<StringMap>,
    pub master_endpoint: Attr<String>,
    pub master: Attr<Master>,
    pub replica_endpoints: Attr<Vec<Attr<String>>>,
    pub sentinel_endpoints: Attr<Vec<Attr<String>>>,
    pub announce_endpoints: Attr<Vec<Attr<String>>>,
    pub service_endpoint: Attr<String>,
    pub master_group_name: Attr<String>,
    pub auth_secret: Attr<AuthSecret>,
    pub redis_version: Attr<String>,
    pub topology: Attr<Vec<Attr<Member>>>,
    pub health: Attr<Vec<Attr<Condition>>>,
    pub drift: Attr<Vec<Attr<DriftRow>>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gke {
    pub project: Attr<String>,
    pub location: Attr<String>,
    pub cluster: Attr<String>,
    pub node_pool: Attr<NodePool>,
}

/// A GKE cluster as data sources and the list name it: without a node pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GkeCluster {
    pub project: Attr<String>,
    pub location: Attr<String>,
    pub cluster: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodePool {
    pub name: Attr<String>,
    pub machine_type: Attr<String>,
    pub node_count: Attr<i64>,
    pub disk_size_gb: Attr<i64>,
    pub disk_type: Attr<String>,
    pub labels: Attr<StringMap>,
    pub taints: Attr<Vec<Attr<Taint>>>,
    pub node_locations: Attr<Vec<Attr<String>>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Taint {
    pub key: Attr<String>,
    pub value: Attr<String>,
    pub effect: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    pub repository: Attr<String>,
    pub name: Attr<String>,
    pub version: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub repository: Attr<String>,
    pub tag: Attr<String>,
    pub pull_policy: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Redis {
    pub config: Attr<StringMap>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sentinel {
    pub quorum: Attr<i64>,
    pub master_group_name: Attr<String>,
    pub down_after_milliseconds: Attr<i64>,
    pub failover_timeout_milliseconds: Attr<i64>,
    pub parallel_syncs: Attr<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Auth {
    pub enabled: Attr<bool>,
    pub existing_secret: Attr<String>,
    pub secret_key: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Persistence {
    pub enabled: Attr<bool>,
    pub size: Attr<String>,
    pub storage_class: Attr<String>,
    pub on_destroy: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeouts {
    pub create: Attr<String>,
    pub read: Attr<String>,
    pub update: Attr<String>,
    pub delete: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Release {
    pub revision: Attr<i64>,
    pub status: Attr<String>,
    pub chart_version: Attr<String>,
    pub app_version: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Master {
    pub host: Attr<String>,
    pub port: Attr<i64>,
    pub pod: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuthSecret {
    pub name: Attr<String>,
    pub key: Attr<String>,
    pub fingerprint: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub pod: Attr<String>,
    pub role: Attr<String>,
    pub endpoint: Attr<String>,
    pub address: Attr<String>,
    pub node: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    pub condition: Attr<String>,
    pub object: Attr<String>,
    pub message: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DriftRow {
    pub layer: Attr<String>,
    pub object: Attr<String>,
    pub setting: Attr<String>,
    pub declared: Attr<String>,
    pub live: Attr<String>,
}

impl Model {
    /// Whether anything that was set is not known yet; the password is never looked at.
    pub fn has_unknown(&self) -> bool {
        let silent = Self { password_wo: Attr::Null, ..self.clone() };
        let shape = super::cluster_schema().implied_type();
        tfplugin_sdk::value::to_value(&silent, &shape).is_ok_and(|value| !value.unknown_paths().is_empty())
    }
}
