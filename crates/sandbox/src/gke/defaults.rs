//! What GKE fills in for what the request of a node pool does not say.

use serde_json::{Map, Value, json};

use super::Settings;
use super::error::GoogleError;
use crate::controllers::object::{entry, integer};

const DEFAULT_SCOPES: [&str; 6] = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
];
const MAX_PODS_DEFAULT: i64 = 110;

/// # Errors
/// A pool without a size that does not scale either.
pub(super) fn fill_defaults(settings: &Settings, resource: &mut Value) -> Result<(), GoogleError> {
    let autoscales = resource.pointer("/autoscaling/enabled") == Some(&json!(true));
    if resource.get("initialNodeCount").is_none() && !autoscales {
        return Err(GoogleError::invalid("Node pool size must be at least 1."));
    }
    fill_config(entry(resource, "config"));
    let max_pods = max_pods(resource);
    let top = resource.as_object_mut().expect("checked to be a map");
    fill(
        top,
        &json!({
            "initialNodeCount": 0,
            "locations": settings.zones,
            "autoscaling": {},
            "management": {"autoUpgrade": true, "autoRepair": true},
            "upgradeSettings": {"maxSurge": 1, "strategy": "SURGE"},
            "version": settings.version,
            "podIpv4CidrSize": pod_range_bits(max_pods),
        }),
    );
    top.insert("maxPodsConstraint".to_owned(), json!({"maxPodsPerNode": max_pods.to_string()}));
    fill(entry(resource, "upgradeSettings"), &json!({"strategy": "SURGE"}));
    if autoscales {
        fill(entry(resource, "autoscaling"), &json!({"locationPolicy": "BALANCED"}));
    }
    fill(
        entry(resource, "networkConfig"),
        &json!({
            "podRange": format!("gke-{}-pods", settings.cluster),
            "podIpv4CidrBlock": "10.244.0.0/16",
            "enablePrivateNodes": false,
        }),
    );
    Ok(())
}

fn fill_config(config: &mut Map<String, Value>) {
    // A boot disk says what the two older fields say; either may be given.
    for (field, from) in [("diskType", "/bootDisk/diskType"), ("diskSizeGb", "/bootDisk/sizeGb")] {
        let given = Value::Object(config.clone()).pointer(from).cloned();
        if let Some(given) = given.filter(|_| !config.contains_key(field)) {
            let number = given.as_str().and_then(|text| text.parse::<i64>().ok());
            config.insert(field.to_owned(), number.map_or(given, Value::from));
        }
    }
    let model = if is_true(config, "spot") {
        "spot"
    } else if is_true(config, "preemptible") {
        "preemptible"
    } else {
        "on-demand"
    };
    fill(
        config,
        &json!({
            "machineType": "e2-medium",
            "diskSizeGb": 100,
            "diskType": "pd-balanced",
            "imageType": "COS_CONTAINERD",
            "oauthScopes": DEFAULT_SCOPES,
            "serviceAccount": "default",
            "metadata": {},
            "resourceLabels": {},
            "shieldedInstanceConfig": {"enableIntegrityMonitoring": true},
            // The cluster has a workload pool.
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
            "effectiveCgroupMode": "EFFECTIVE_CGROUP_MODE_V2",
        }),
    );
    for (map, key, value) in [
        ("metadata", "disable-legacy-endpoints", "true"),
        ("resourceLabels", "goog-gke-node-pool-provisioning-model", model),
    ] {
        if let Some(map) = config.get_mut(map).and_then(Value::as_object_mut) {
            map.entry(key).or_insert_with(|| json!(value));
        }
    }
    if let Some(image) = config.get("imageType").and_then(Value::as_str).map(str::to_uppercase) {
        config.insert("imageType".to_owned(), json!(image));
    }
    sync_boot_disk(config);
}

/// Keeps the boot disk in step with the two older fields.
pub(super) fn sync_boot_disk(config: &mut Map<String, Value>) {
    let mut disk = config.get("bootDisk").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    disk["diskType"] = config["diskType"].clone();
    disk["sizeGb"] = json!(config["diskSizeGb"].to_string());
    config.insert("bootDisk".to_owned(), disk);
}

fn is_true(config: &Map<String, Value>, field: &str) -> bool {
    config.get(field) == Some(&Value::Bool(true))
}

/// How many pods a node of the pool takes.
pub(super) fn max_pods(pool: &Value) -> i64 {
    let given = pool.pointer("/maxPodsConstraint/maxPodsPerNode");
    let given = given.and_then(|count| count.as_i64().or_else(|| count.as_str()?.parse().ok()));
    given.filter(|count| *count > 0).unwrap_or(MAX_PODS_DEFAULT)
}

/// The prefix length of a node's range of pod addresses: room for twice as many pods as it takes.
fn pod_range_bits(max_pods: i64) -> i64 {
    let addresses = u64::try_from(max_pods).unwrap_or(1).saturating_mul(2).next_power_of_two();
    32 - i64::from(addresses.trailing_zeros())
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

/// The sizes that a pool has and may have, as numbers.
pub(super) fn autoscaling_bounds(autoscaling: &Value) -> Option<(u32, u32)> {
    let bound = |field: &str| u32::try_from(integer(autoscaling, field).unwrap_or(0)).unwrap_or(0);
    let is_enabled = autoscaling.get("enabled") == Some(&json!(true));
    let high = Some(bound("/maxNodeCount")).filter(|high| *high > 0).unwrap_or(u32::MAX);
    is_enabled.then(|| (bound("/minNodeCount"), high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: Value, pointer: &str, expected: Value) {
        let settings = Settings::sandbox(String::new(), String::new(), String::new(), 1);
        let mut pool = request;
        fill_defaults(&settings, &mut pool).expect("a pool");
        assert_eq!(pool.pointer(pointer), Some(&expected), "{pool}");
    }

    #[test]
    fn a_pool_of_few_pods_a_node_has_a_smaller_range() {
        for (pods, bits) in [(8, 28), (32, 26), (64, 25), (110, 24), (256, 23)] {
            let request =
                json!({"initialNodeCount": 1, "maxPodsConstraint": {"maxPodsPerNode": pods.to_string()}});
            check(request, "/podIpv4CidrSize", json!(bits));
        }
    }

    #[test]
    fn what_is_given_is_kept_and_completed() {
        let pool = |config: Value| json!({"initialNodeCount": 1, "config": config});
        check(pool(json!({})), "/config/bootDisk", json!({"diskType": "pd-balanced", "sizeGb": "100"}));
        check(pool(json!({"bootDisk": {"sizeGb": "50"}})), "/config/diskSizeGb", json!(50));
        let labels = json!({"team": "a", "goog-gke-node-pool-provisioning-model": "spot"});
        check(pool(json!({"spot": true, "resourceLabels": {"team": "a"}})), "/config/resourceLabels", labels);
        check(pool(json!({"imageType": "cos_containerd"})), "/config/imageType", json!("COS_CONTAINERD"));
    }
}
