//! Between our types and those of the GKE API. Pure.

use std::collections::{BTreeMap, HashMap};

use google_cloud_container_v1::model::{
    self, CreateNodePoolRequest, NodeConfig, NodeLabels, NodePool, NodeTaint, NodeTaints,
    SetNodePoolSizeRequest, UpdateNodePoolRequest, node_pool, node_taint,
};

use super::node_pool::{
    ClusterId, NodePoolLive, NodePoolSpec, NodePoolUpdate, PoolStatus, Taint, TaintEffect, is_set_by_gke,
};

/// What GKE gives nodes that ask for nothing (its alias `gke-default`): pulling images, logs,
/// metrics and traces.
const OAUTH_SCOPES: [&str; 6] = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
];

/// The label of a pool's machines that says for which release we made the pool.
const OWNER_LABEL: &str = "terraform-provider-redis";
const OWNER_LENGTH_MAX: usize = 63;

/// The request that creates a pool.
pub(super) fn to_create_request(cluster: &ClusterId, spec: &NodePoolSpec) -> CreateNodePoolRequest {
    let mut config = NodeConfig::new()
        .set_machine_type(spec.machine_type.clone().unwrap_or_default())
        .set_disk_size_gb(to_i32(spec.disk_size_gb.unwrap_or_default()))
        .set_disk_type(spec.disk_type.clone().unwrap_or_default())
        .set_labels(spec.labels.clone().unwrap_or_default())
        .set_taints(spec.taints.iter().flatten().map(to_taint))
        .set_oauth_scopes(OAUTH_SCOPES);
    if let Some(owner) = &spec.owner {
        config = config.set_resource_labels([(OWNER_LABEL, owner_label(owner))]);
    }
    let pool = NodePool::new()
        .set_name(&spec.name)
        .set_initial_node_count(to_i32(spec.node_count.unwrap_or(1)))
        .set_locations(spec.node_locations.clone().unwrap_or_default())
        .set_config(config);
    CreateNodePoolRequest::new().set_parent(cluster.path()).set_node_pool(pool)
}

/// A request that changes a pool.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum UpdateRequest {
    Update(Box<UpdateNodePoolRequest>),
    SetSize(SetNodePoolSizeRequest),
}

/// The request that makes one change.
pub(super) fn to_update_request(path: &str, update: &NodePoolUpdate) -> UpdateRequest {
    let request = UpdateNodePoolRequest::new().set_name(path);
    let request = match update {
        NodePoolUpdate::Size(count) => {
            let request = SetNodePoolSizeRequest::new().set_name(path).set_node_count(to_i32(*count));
            return UpdateRequest::SetSize(request);
        }
        NodePoolUpdate::Machine { machine_type, disk_size_gb, disk_type } => request
            .set_machine_type(machine_type.clone().unwrap_or_default())
            .set_disk_size_gb(disk_size_gb.unwrap_or_default())
            .set_disk_type(disk_type.clone().unwrap_or_default()),
        NodePoolUpdate::Labels(labels) => request.set_labels(NodeLabels::new().set_labels(labels.clone())),
        NodePoolUpdate::Taints(taints) => {
            request.set_taints(NodeTaints::new().set_taints(taints.iter().map(to_taint)))
        }
        NodePoolUpdate::Locations(locations) => request.set_locations(locations.clone()),
    };
    UpdateRequest::Update(Box::new(request))
}

/// A pool as GKE tells it.
pub(super) fn to_live(pool: &NodePool) -> NodePoolLive {
    let config = pool.config.clone().unwrap_or_default();
    let mut node_locations = pool.locations.clone();
    node_locations.sort();
    NodePoolLive {
        name: pool.name.clone(),
        owner: config.resource_labels.get(OWNER_LABEL).cloned(),
        machine_type: config.machine_type,
        disk_size_gb: config.disk_size_gb.into(),
        disk_type: config.disk_type,
        labels: to_labels(config.labels),
        taints: config
            .taints
            .iter()
            .filter(|taint| !is_set_by_gke(&taint.key))
            .filter_map(from_taint)
            .collect(),
        node_locations,
        initial_node_count: pool.initial_node_count.into(),
        autoscaling: pool.autoscaling.as_ref().is_some_and(|autoscaling| autoscaling.enabled),
        version: pool.version.clone(),
        status: to_status(&pool.status),
        status_message: messages_of(&pool.conditions),
        instance_group_urls: pool.instance_group_urls.clone(),
        etag: pool.etag.clone(),
    }
}

/// The release's name as a label of Google Cloud may hold it: lower case, digits, `-` and `_`.
pub fn owner_label(release: &str) -> String {
    let fitting = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' { c } else { '_' };
    release.to_ascii_lowercase().chars().map(fitting).take(OWNER_LENGTH_MAX).collect()
}

fn to_labels(labels: HashMap<String, String>) -> BTreeMap<String, String> {
    labels.into_iter().filter(|(key, _)| !is_set_by_gke(key)).collect()
}

fn to_taint(taint: &Taint) -> NodeTaint {
    let effect = match taint.effect {
        TaintEffect::NoSchedule => node_taint::Effect::NoSchedule,
        TaintEffect::PreferNoSchedule => node_taint::Effect::PreferNoSchedule,
        TaintEffect::NoExecute => node_taint::Effect::NoExecute,
    };
    NodeTaint::new().set_key(&taint.key).set_value(&taint.value).set_effect(effect)
}

fn from_taint(taint: &NodeTaint) -> Option<Taint> {
    let effect = TaintEffect::parse(taint.effect.name()?)?;
    Some(Taint { key: taint.key.clone(), value: taint.value.clone(), effect })
}

fn to_status(status: &node_pool::Status) -> PoolStatus {
    match status {
        node_pool::Status::Provisioning => PoolStatus::Provisioning,
        node_pool::Status::Running => PoolStatus::Running,
        node_pool::Status::RunningWithError => PoolStatus::RunningWithError,
        node_pool::Status::Reconciling => PoolStatus::Reconciling,
        node_pool::Status::Stopping => PoolStatus::Stopping,
        node_pool::Status::Error => PoolStatus::Error,
        _ => PoolStatus::Unknown,
    }
}

fn messages_of(conditions: &[model::StatusCondition]) -> String {
    let told = conditions.iter().map(|condition| condition.message.as_str()).filter(|text| !text.is_empty());
    told.collect::<Vec<_>>().join("; ")
}

/// What a finished operation failed with, `None` when it went well.
pub(super) fn failure_of(operation: &model::Operation) -> Option<String> {
    operation.error.as_ref().filter(|error| error.code != 0).map(|error| error.message.clone())
}

/// Bounds are those of the API, which says so better than we could.
fn to_i32(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
