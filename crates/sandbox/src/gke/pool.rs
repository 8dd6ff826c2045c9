//! Node pools: what a request may say, and what GKE fills in for what it does not say.

use serde_json::{Map, Value, json};

use super::Settings;
use super::error::GoogleError;
use super::machine::parse_machine;
use crate::controllers::digest::{canonical, letters_of};
use crate::controllers::object::{entry, integer, list, text};

/// The instances of a pool in one zone.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) zone: String,
    pub(super) name: String,
    pub(super) target_size: u32,
    pub(super) instances: Vec<Instance>,
}

/// One virtual machine: a node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instance {
    pub(super) name: String,
    /// The number of its address in the subnet.
    pub(super) number: u32,
}

/// A pool: the resource as clients see it, without what is computed on every answer, and its groups.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) resource: Value,
    pub(super) groups: Vec<Group>,
}

const DEFAULT_SCOPES: [&str; 6] = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
];

const POOL_FIELDS: [&str; 20] = [
    "name",
    "config",
    "initialNodeCount",
    "locations",
    "networkConfig",
    "selfLink",
    "version",
    "instanceGroupUrls",
    "status",
    "statusMessage",
    "autoscaling",
    "management",
    "maxPodsConstraint",
    "conditions",
    "podIpv4CidrSize",
    "upgradeSettings",
    "placementPolicy",
    "queuedProvisioning",
    "nodeDrainConfig",
    "etag",
];

impl Pool {
    /// Reads the pool of a create request; checks it and fills in GKE's defaults.
    pub(super) fn parse_request(settings: &Settings, requested: &Value) -> Result<Self, GoogleError> {
        let fields =
            requested.as_object().ok_or_else(|| GoogleError::invalid("Node pool must be specified."))?;
        if let Some(unknown) = fields.keys().find(|field| !POOL_FIELDS.contains(&field.as_str())) {
            return Err(GoogleError::unknown_field(unknown));
        }
        let mut resource = drop_nulls(requested);
        check_name(text(&resource, "/name"))?;
        check_config(&resource["config"])?;
        check_autoscaling(&resource["autoscaling"])?;
        fill_defaults(settings, &mut resource)?;
        let size = u32::try_from(integer(&resource, "/initialNodeCount").unwrap_or(0))
            .map_err(|_| GoogleError::invalid("Node pool size must be at least 0."))?;
        let zones: Vec<String> = list(&resource, "/locations")
            .iter()
            .filter_map(|zone| zone.as_str().map(str::to_owned))
            .collect();
        let mut pool = Self { resource, groups: Vec::new() };
        pool.set_zones(settings, &zones, size)?;
        Ok(pool)
    }

    pub(super) fn name(&self) -> &str {
        text(&self.resource, "/name")
    }

    /// Keeps, adds and returns the removed groups so that there is one for each zone.
    pub(super) fn set_zones(
        &mut self,
        settings: &Settings,
        zones: &[String],
        size: u32,
    ) -> Result<Vec<Group>, GoogleError> {
        if let Some(foreign) = zones.iter().find(|zone| !settings.zones.contains(zone)) {
            return Err(GoogleError::invalid(format!(
                "Location \"{foreign}\" is not a valid node location for cluster \"{}\".",
                settings.cluster
            )));
        }
        let (kept, removed) = std::mem::take(&mut self.groups)
            .into_iter()
            .partition(|group: &Group| zones.contains(&group.zone));
        self.groups = kept;
        for zone in zones {
            if !self.groups.iter().any(|group| group.zone == *zone) {
                let name = group_name(settings, self.name(), zone);
                self.groups.push(Group {
                    zone: zone.clone(),
                    name,
                    target_size: size,
                    instances: Vec::new(),
                });
            }
        }
        self.resource["locations"] = json!(zones);
        Ok(removed)
    }

    /// The resource with what GKE computes on every answer.
    pub(super) fn render(&self, settings: &Settings) -> Value {
        let mut resource = self.resource.clone();
        let place = format!("projects/{}/locations/{}", settings.project, settings.location);
        resource["selfLink"] = json!(format!(
            "https://container.googleapis.com/v1/{place}/clusters/{}/nodePools/{}",
            settings.cluster,
            self.name()
        ));
        let urls: Vec<String> =
            self.groups.iter().map(|group| group_url(settings, &group.zone, &group.name)).collect();
        resource["instanceGroupUrls"] = json!(urls);
        let mut content = resource.clone();
        entry(&mut content, "config");
        content["status"] = Value::Null;
        resource["etag"] = json!(letters_of(&canonical(&content), 27));
        resource
    }

    pub(super) fn set_status(&mut self, status: &str) {
        self.resource["status"] = json!(status);
    }
}

/// `gke-CLUSTER-POOL-HASH`, the beginning of the names of a pool's groups and nodes.
pub(super) fn name_prefix(settings: &Settings, pool: &str, zone: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{}/{pool}/{zone}", settings.cluster));
    let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("gke-{}-{pool}-{hash}", settings.cluster)
}

fn group_name(settings: &Settings, pool: &str, zone: &str) -> String {
    format!("{}-grp", name_prefix(settings, pool, zone))
}

pub(super) fn group_url(settings: &Settings, zone: &str, group: &str) -> String {
    format!(
        "https://www.googleapis.com/compute/v1/projects/{}/zones/{zone}/instanceGroupManagers/{group}",
        settings.project
    )
}

fn check_name(name: &str) -> Result<(), GoogleError> {
    let is_letter = |c: char| c.is_ascii_lowercase();
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_valid =
        name.len() <= 40 && name.starts_with(is_letter) && name.chars().all(is_inner) && !name.ends_with('-');
    if is_valid {
        return Ok(());
    }
    Err(GoogleError::invalid(format!(
        "Invalid value for field \"node_pool.name\": \"{name}\". Must be a match of regex \
         '(?:[a-z](?:[-a-z0-9]{{0,38}}[a-z0-9])?)'."
    )))
}

/// The parts of a node config that GKE checks, in creation and in updates.
pub(super) fn check_config(config: &Value) -> Result<(), GoogleError> {
    let machine = text(config, "/machineType");
    if !machine.is_empty() && parse_machine(machine).is_none() {
        return Err(GoogleError::invalid(format!(
            "Invalid value for field \"node_pool.config.machine_type\": \"{machine}\". Machine type with \
             name '{machine}' does not exist."
        )));
    }
    let disk = integer(config, "/diskSizeGb").unwrap_or(0);
    if disk != 0 && disk < 10 {
        return Err(GoogleError::invalid(format!(
            "Invalid value for field \"node_pool.config.disk_size_gb\": {disk}. Must be at least 10."
        )));
    }
    let kind = text(config, "/diskType");
    if !matches!(kind, "" | "pd-standard" | "pd-balanced" | "pd-ssd" | "hyperdisk-balanced") {
        return Err(GoogleError::invalid(format!(
            "Invalid value for field \"node_pool.config.disk_type\": \"{kind}\". Disk type '{kind}' is not \
             supported."
        )));
    }
    for taint in list(config, "/taints") {
        if text(taint, "/key").is_empty() || text(taint, "/effect").is_empty() {
            return Err(GoogleError::invalid("Taint key and effect must be specified."));
        }
    }
    Ok(())
}

pub(super) fn check_autoscaling(autoscaling: &Value) -> Result<(), GoogleError> {
    if autoscaling["enabled"] != json!(true) {
        return Ok(());
    }
    let bound = |field: &str| autoscaling[field].as_i64().unwrap_or(0);
    for (low, high) in [("minNodeCount", "maxNodeCount"), ("totalMinNodeCount", "totalMaxNodeCount")] {
        if bound(low) > bound(high) {
            return Err(GoogleError::invalid(format!(
                "Invalid autoscaling limits: {low} ({}) is greater than {high} ({}).",
                bound(low),
                bound(high)
            )));
        }
    }
    if bound("maxNodeCount") == 0 && bound("totalMaxNodeCount") == 0 {
        return Err(GoogleError::invalid("Autoscaling is enabled but max_node_count is not set."));
    }
    Ok(())
}

fn fill_defaults(settings: &Settings, resource: &mut Value) -> Result<(), GoogleError> {
    let autoscales = resource.pointer("/autoscaling/enabled") == Some(&json!(true));
    let size = integer(resource, "/initialNodeCount").unwrap_or(0);
    if size == 0 && !autoscales && resource.get("initialNodeCount").is_none() {
        return Err(GoogleError::invalid("Node pool size must be at least 1."));
    }
    let config = entry(resource, "config");
    let defaults = json!({
        "machineType": "e2-medium",
        "diskSizeGb": 100,
        "diskType": "pd-balanced",
        "imageType": "COS_CONTAINERD",
        "oauthScopes": DEFAULT_SCOPES,
        "serviceAccount": "default",
        "metadata": {"disable-legacy-endpoints": "true"},
        "shieldedInstanceConfig": {"enableIntegrityMonitoring": true},
        "workloadMetadataConfig": {"mode": "GCE_METADATA"},
        "effectiveCgroupMode": "EFFECTIVE_CGROUP_MODE_V2",
        "resourceLabels": {"goog-gke-node-pool-provisioning-model": "on-demand"},
    });
    fill(config, &defaults);
    config.insert(
        "bootDisk".to_owned(),
        json!({
            "diskType": config["diskType"],
            "sizeGb": config["diskSizeGb"].to_string(),
        }),
    );
    let top = resource.as_object_mut().expect("checked to be a map");
    let max_pods = top
        .get("maxPodsConstraint")
        .and_then(|constraint| constraint.get("maxPodsPerNode"))
        .map_or_else(|| "110".to_owned(), |count| count.to_string().replace('"', ""));
    fill(
        top,
        &json!({
            "initialNodeCount": 0,
            "locations": settings.zones,
            "autoscaling": {},
            "management": {"autoUpgrade": true, "autoRepair": true},
            "upgradeSettings": {"maxSurge": 1, "strategy": "SURGE"},
            "version": settings.version,
            "podIpv4CidrSize": 24,
        }),
    );
    fill(entry(resource, "upgradeSettings"), &json!({"strategy": "SURGE"}));
    let top = resource.as_object_mut().expect("checked to be a map");
    top.insert("maxPodsConstraint".to_owned(), json!({"maxPodsPerNode": max_pods}));
    resource["networkConfig"] = json!({
        "podRange": format!("gke-{}-pods", settings.cluster),
        "podIpv4CidrBlock": "10.244.0.0/16",
        "enablePrivateNodes": false,
    });
    Ok(())
}

/// Puts in what is missing or empty; what is there wins.
fn fill(target: &mut Map<String, Value>, defaults: &Value) {
    for (key, value) in defaults.as_object().into_iter().flatten() {
        let is_unset = target.get(key).is_none_or(|known| match known {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_i64() == Some(0),
            Value::Array(items) => items.is_empty(),
            _ => false,
        });
        if is_unset {
            target.insert(key.clone(), value.clone());
        }
    }
}

/// The request without nulls, which mean "not set" in Google's JSON.
fn drop_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), drop_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(drop_nulls).collect()),
        other => other.clone(),
    }
}
