//! Node pools: what is wanted, what is live, and what lies between. Pure.

use std::collections::BTreeMap;

/// A GKE cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterId {
    pub project: String,
    /// Region or zone.
    pub location: String,
    pub cluster: String,
}

impl ClusterId {
    /// `projects/P/locations/L`.
    pub fn parent(&self) -> String {
        format!("projects/{}/locations/{}", self.project, self.location)
    }

    /// `projects/P/locations/L/clusters/C`.
    pub fn path(&self) -> String {
        format!("{}/clusters/{}", self.parent(), self.cluster)
    }

    /// `projects/P/locations/L/clusters/C/nodePools/NAME`.
    pub fn pool_path(&self, pool: &str) -> String {
        format!("{}/nodePools/{pool}", self.path())
    }
}

/// What is wanted of a node pool. `None` is 'not said': GKE chooses at create, and whatever is
/// live is right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePoolSpec {
    pub name: String,
    pub machine_type: Option<String>,
    /// Nodes in each zone.
    pub node_count: Option<i64>,
    pub disk_size_gb: Option<i64>,
    pub disk_type: Option<String>,
    pub labels: Option<BTreeMap<String, String>>,
    pub taints: Option<Vec<Taint>>,
    /// Zones; GKE's default are the cluster's own.
    pub node_locations: Option<Vec<String>>,
    /// The release that the pool is made for, as `NAMESPACE/NAME`. It is written at creation as a
    /// mark, and is never a difference.
    pub owner: Option<String>,
}

/// A taint of every node of a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: TaintEffect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaintEffect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

impl TaintEffect {
    /// GKE's name, such as `NO_SCHEDULE`, which the google provider takes too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NO_SCHEDULE",
            Self::PreferNoSchedule => "PREFER_NO_SCHEDULE",
            Self::NoExecute => "NO_EXECUTE",
        }
    }

    /// Kubernetes' name, such as `NoSchedule`.
    pub fn kubernetes(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }

    /// Reads both names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::NoSchedule, Self::PreferNoSchedule, Self::NoExecute]
            .into_iter()
            .find(|effect| text == effect.as_str() || text == effect.kubernetes())
    }
}

/// A node pool as GKE tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePoolLive {
    pub name: String,
    /// The mark that we left at creation; compare it with [`super::owner_label`].
    pub owner: Option<String>,
    pub machine_type: String,
    pub disk_size_gb: i64,
    pub disk_type: String,
    /// Without those that GKE itself puts on nodes.
    pub labels: BTreeMap<String, String>,
    /// Without those that GKE itself puts on nodes.
    pub taints: Vec<Taint>,
    pub node_locations: Vec<String>,
    /// At creation, in each zone. The live count is `Gke::node_count`.
    pub initial_node_count: i64,
    pub autoscaling: bool,
    pub version: String,
    pub status: PoolStatus,
    pub status_message: String,
    /// Addresses of the instance group managers, one a zone.
    pub instance_group_urls: Vec<String>,
    /// Changes with every change of the pool.
    pub etag: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolStatus {
    #[default]
    Unknown,
    Provisioning,
    Running,
    RunningWithError,
    Reconciling,
    Stopping,
    Error,
}

/// A field whose live value is not the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    pub field: Field,
    pub live: String,
    pub wanted: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Name,
    MachineType,
    NodeCount,
    DiskSizeGb,
    DiskType,
    Labels,
    Taints,
    NodeLocations,
}

impl Field {
    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::MachineType => "machine_type",
            Self::NodeCount => "node_count",
            Self::DiskSizeGb => "disk_size_gb",
            Self::DiskType => "disk_type",
            Self::Labels => "labels",
            Self::Taints => "taints",
            Self::NodeLocations => "node_locations",
        }
    }

    /// Whether GKE can change it without a new pool.
    pub fn is_changed_in_place(self) -> bool {
        self != Self::Name
    }

    /// Whether GKE recreates the nodes, one by one, to change it.
    pub fn recreates_nodes(self) -> bool {
        matches!(self, Self::MachineType | Self::DiskSizeGb | Self::DiskType)
    }
}

/// One call to GKE. It takes one group of fields at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodePoolUpdate {
    /// Recreates the nodes.
    Machine {
        machine_type: Option<String>,
        disk_size_gb: Option<i64>,
        disk_type: Option<String>,
    },
    Labels(BTreeMap<String, String>),
    Taints(Vec<Taint>),
    Locations(Vec<String>),
    /// Nodes in each zone.
    Size(i64),
}

impl NodePoolUpdate {
    /// What is changed, in words.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Machine { .. } => "change machine type and disk",
            Self::Labels(_) => "change labels",
            Self::Taints(_) => "change taints",
            Self::Locations(_) => "change zones",
            Self::Size(_) => "resize",
        }
    }
}

/// How many nodes each zone is meant to have, by the instance groups' targetSize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeCount {
    Zones(Vec<ZoneSize>),
    /// The Compute API refused to tell: worth a warning, no reason to fail.
    Forbidden {
        message: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSize {
    pub zone: String,
    pub nodes: i64,
}

impl NodeCount {
    /// The count per zone. Where zones differ, the first that is not the wanted count, so that the
    /// difference shows.
    pub fn per_zone(&self, wanted: Option<i64>) -> Option<i64> {
        let Self::Zones(zones) = self else { return None };
        let odd = zones.iter().find(|zone| wanted.is_some_and(|wanted| zone.nodes != wanted));
        odd.or_else(|| zones.first()).map(|zone| zone.nodes)
    }
}

/// Which fields differ. `node_count` is the live count per zone, `None` where it could not be read;
/// under autoscaling it never counts as a difference.
pub fn diff(spec: &NodePoolSpec, live: &NodePoolLive, node_count: Option<i64>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let mut push = |field, live: String, wanted: String| {
        if live != wanted {
            changes.push(FieldChange { field, live, wanted });
        }
    };
    push(Field::Name, live.name.clone(), spec.name.clone());
    if let Some(wanted) = &spec.machine_type {
        push(Field::MachineType, live.machine_type.clone(), wanted.clone());
    }
    if let (Some(wanted), Some(count), false) = (spec.node_count, node_count, live.autoscaling) {
        push(Field::NodeCount, count.to_string(), wanted.to_string());
    }
    if let Some(wanted) = spec.disk_size_gb {
        push(Field::DiskSizeGb, live.disk_size_gb.to_string(), wanted.to_string());
    }
    if let Some(wanted) = &spec.disk_type {
        push(Field::DiskType, live.disk_type.clone(), wanted.clone());
    }
    if let Some(wanted) = &spec.labels {
        push(Field::Labels, labels_text(&live.labels), labels_text(wanted));
    }
    if let Some(wanted) = &spec.taints {
        push(Field::Taints, taints_text(&live.taints), taints_text(wanted));
    }
    if let Some(wanted) = &spec.node_locations {
        push(Field::NodeLocations, sorted_text(&live.node_locations), sorted_text(wanted));
    }
    changes
}

/// The calls that make the changes, in the order to make them: zones before sizes, and what
/// recreates nodes last, so that new nodes come up with their labels and taints.
pub fn updates(spec: &NodePoolSpec, changes: &[FieldChange]) -> Vec<NodePoolUpdate> {
    let changed = |field: Field| changes.iter().any(|change| change.field == field);
    let mut updates = Vec::new();
    if let (true, Some(locations)) = (changed(Field::NodeLocations), &spec.node_locations) {
        updates.push(NodePoolUpdate::Locations(locations.clone()));
    }
    if let (true, Some(count)) = (changed(Field::NodeCount), spec.node_count) {
        updates.push(NodePoolUpdate::Size(count));
    }
    if let (true, Some(labels)) = (changed(Field::Labels), &spec.labels) {
        updates.push(NodePoolUpdate::Labels(labels.clone()));
    }
    if let (true, Some(taints)) = (changed(Field::Taints), &spec.taints) {
        updates.push(NodePoolUpdate::Taints(taints.clone()));
    }
    if changes.iter().any(|change| change.field.recreates_nodes()) {
        updates.push(NodePoolUpdate::Machine {
            machine_type: spec.machine_type.clone(),
            disk_size_gb: spec.disk_size_gb,
            disk_type: spec.disk_type.clone(),
        });
    }
    updates
}

/// Whether GKE itself puts a label or a taint of this key on nodes.
pub fn is_set_by_gke(key: &str) -> bool {
    key.starts_with("cloud.google.com/") || matches!(key, "nvidia.com/gpu" | "kubernetes.io/arch")
}

fn labels_text(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

fn taints_text(taints: &[Taint]) -> String {
    let mut sorted: Vec<_> = taints
        .iter()
        .map(|taint| format!("{}={}:{}", taint.key, taint.value, taint.effect.as_str()))
        .collect();
    sorted.sort();
    sorted.join(",")
}

fn sorted_text(items: &[String]) -> String {
    let mut sorted = items.to_vec();
    sorted.sort();
    sorted.join(",")
}
