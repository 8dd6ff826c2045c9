//! Node pools: what a request may say, and what GKE fills in for what it does not say.

use serde_json::{Value, json};

use super::Settings;
use super::checks::{check_fields, check_pool};
use super::defaults::{autoscaling_bounds, fill_defaults};
use super::error::GoogleError;
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

/// What a request may say of a pool, and of its nodes: `google.container.v1.NodePool` and `NodeConfig`.
const POOL_FIELDS: &str = "name config initialNodeCount locations networkConfig selfLink version instanceGroupUrls \
    status statusMessage autoscaling management maxPodsConstraint conditions podIpv4CidrSize upgradeSettings \
    placementPolicy updateInfo etag queuedProvisioning bestEffortProvisioning nodeDrainConfig maintenancePolicy \
    kubeletCertInfo";
const CONFIG_FIELDS: &str = "machineType diskSizeGb oauthScopes serviceAccount metadata imageType nodeImageConfig labels \
    localSsdCount tags preemptible accelerators diskType minCpuPlatform workloadMetadataConfig taints sandboxConfig \
    nodeGroup reservationAffinity shieldedInstanceConfig linuxNodeConfig kubeletConfig bootDiskKmsKey gcfsConfig \
    advancedMachineFeatures gvnic spot confidentialNodes fastSocket resourceLabels loggingConfig windowsNodeConfig \
    localNvmeSsdBlockConfig ephemeralStorageLocalSsdConfig soleTenantConfig containerdConfig resourceManagerTags \
    enableConfidentialStorage secondaryBootDisks storagePools secondaryBootDiskUpdateStrategy gpuDirectConfig \
    maxRunDuration localSsdEncryptionMode effectiveCgroupMode flexStart bootDisk consolidationDelay taintConfig";

impl Pool {
    /// Reads the pool of a create request; checks it and fills in GKE's defaults.
    pub(super) fn parse_request(settings: &Settings, requested: &Value) -> Result<Self, GoogleError> {
        if !requested.is_object() {
            return Err(GoogleError::invalid("Node pool must be specified."));
        }
        check_fields(requested, "node_pool", POOL_FIELDS)?;
        check_fields(&requested["config"], "node_pool.config", CONFIG_FIELDS)?;
        let mut resource = drop_nulls(requested);
        check_pool(&resource)?;
        fill_defaults(settings, &mut resource)?;
        let size = u32::try_from(integer(&resource, "/initialNodeCount").unwrap_or(0))
            .map_err(|_| GoogleError::invalid("Node pool size must be at least 0."))?;
        let bounds = autoscaling_bounds(&resource["autoscaling"]);
        let size = bounds.map_or(size, |(low, high)| size.clamp(low, high));
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
