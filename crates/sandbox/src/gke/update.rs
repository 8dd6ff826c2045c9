//! What an update of a node pool changes: which fields GKE takes, and which of them make new nodes.

use serde_json::{Map, Value, json};

use super::checks::{check_config, check_upgrade_settings};
use super::defaults::sync_boot_disk;
use super::error::GoogleError;
use super::pool::Pool;
use crate::controllers::object::{entry, text};

/// How a field of the update request reaches the pool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Of the pool itself; nodes stay.
    Pool,
    /// Of the node config; nodes stay and are changed in place.
    InPlace,
    /// Of the node config; every node is made again.
    Rolls,
}

/// Request field, the field of the pool or config, the key that wraps the value, the effect.
const FIELDS: [(&str, &str, &str, Effect); 31] = [
    ("upgradeSettings", "upgradeSettings", "", Effect::Pool),
    ("nodeDrainConfig", "nodeDrainConfig", "", Effect::Pool),
    ("nodeNetworkConfig", "networkConfig", "", Effect::Pool),
    ("queuedProvisioning", "queuedProvisioning", "", Effect::Pool),
    ("maintenancePolicy", "maintenancePolicy", "", Effect::Pool),
    ("labels", "labels", "labels", Effect::InPlace),
    ("taints", "taints", "taints", Effect::InPlace),
    ("tags", "tags", "tags", Effect::InPlace),
    ("resourceLabels", "resourceLabels", "labels", Effect::InPlace),
    ("resourceManagerTags", "resourceManagerTags", "", Effect::InPlace),
    ("consolidationDelay", "consolidationDelay", "", Effect::InPlace),
    ("taintConfig", "taintConfig", "", Effect::InPlace),
    ("imageType", "imageType", "", Effect::Rolls),
    ("machineType", "machineType", "", Effect::Rolls),
    ("diskType", "diskType", "", Effect::Rolls),
    ("diskSizeGb", "diskSizeGb", "", Effect::Rolls),
    ("bootDisk", "bootDisk", "", Effect::Rolls),
    ("kubeletConfig", "kubeletConfig", "", Effect::Rolls),
    ("linuxNodeConfig", "linuxNodeConfig", "", Effect::Rolls),
    ("workloadMetadataConfig", "workloadMetadataConfig", "", Effect::Rolls),
    ("gcfsConfig", "gcfsConfig", "", Effect::Rolls),
    ("gvnic", "gvnic", "", Effect::Rolls),
    ("fastSocket", "fastSocket", "", Effect::Rolls),
    ("loggingConfig", "loggingConfig", "", Effect::Rolls),
    ("containerdConfig", "containerdConfig", "", Effect::Rolls),
    ("confidentialNodes", "confidentialNodes", "", Effect::Rolls),
    ("windowsNodeConfig", "windowsNodeConfig", "", Effect::Rolls),
    ("accelerators", "accelerators", "", Effect::Rolls),
    ("storagePools", "storagePools", "", Effect::Rolls),
    ("maxRunDuration", "maxRunDuration", "", Effect::Rolls),
    ("flexStart", "flexStart", "", Effect::Rolls),
];

/// Fields that name the pool or are read apart from [`FIELDS`].
const OTHERS: [&str; 10] = [
    "name",
    "projectId",
    "zone",
    "clusterId",
    "nodePoolId",
    "etag",
    "nodeVersion",
    "locations",
    "image",
    "imageProject",
];

/// What an update asks for, checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// The pool's resource after the update.
    pub(super) resource: Value,
    /// Whether every node is made again.
    pub(super) rolls_nodes: bool,
    /// Whether this is an upgrade of the nodes' version.
    pub(super) is_upgrade: bool,
    /// The zones wanted, if they are to change.
    pub(super) zones: Option<Vec<String>>,
}

pub(super) fn plan_update(pool: &Pool, request: &Value, newest: &str) -> Result<Change, GoogleError> {
    let fields = request.as_object().ok_or_else(nothing_to_do)?;
    let mut change =
        Change { resource: pool.resource.clone(), rolls_nodes: false, is_upgrade: false, zones: None };
    let mut is_empty = true;
    for (field, value) in fields.iter().filter(|(_, value)| is_set(value)) {
        if let Some((_, target, wrapper, effect)) = FIELDS.iter().find(|known| known.0 == field) {
            is_empty = false;
            apply_field(&mut change, (target, wrapper, *effect), value);
        } else if !OTHERS.contains(&field.as_str()) {
            return Err(GoogleError::unknown_field(field));
        }
    }
    check_config(&change.resource["config"])?;
    check_upgrade_settings(&change.resource["upgradeSettings"])?;
    let version = text(request, "/nodeVersion");
    if !version.is_empty() {
        is_empty = false;
        set_version(&mut change, version, newest)?;
    }
    if let Some(zones) = request.get("locations").and_then(Value::as_array).filter(|zones| !zones.is_empty())
    {
        is_empty = false;
        change.zones = Some(zones.iter().filter_map(|zone| zone.as_str().map(str::to_owned)).collect());
    }
    if is_empty { Err(nothing_to_do()) } else { Ok(change) }
}

fn nothing_to_do() -> GoogleError {
    GoogleError::invalid(
        "At least one of ['node_version', 'image_type', 'locations', 'workload_metadata_config', \
         'upgrade_settings', 'kubelet_config', 'linux_node_config', 'tags', 'taints', 'labels', \
         'node_network_config', 'gcfs_config', 'gvnic', 'confidential_nodes', 'logging_config', \
         'fast_socket', 'resource_labels', 'machine_type', 'disk_type', 'disk_size_gb'] must be specified.",
    )
}

/// Unset fields travel as null, as the empty string or as 0.
fn is_set(value: &Value) -> bool {
    !matches!(value, Value::Null)
        && value.as_str() != Some("")
        && value.as_str() != Some("0")
        && value.as_i64() != Some(0)
        && value.as_array().is_none_or(|items| !items.is_empty())
}

fn apply_field(change: &mut Change, (target, wrapper, effect): (&str, &str, Effect), value: &Value) {
    let empty = || if matches!(target, "taints" | "tags") { json!([]) } else { json!({}) };
    let value = match wrapper {
        "" => value.clone(),
        // An empty wrapper clears: `labels: {}` and `taints: {}` are the way to remove all.
        wrapper => value.get(wrapper).filter(|value| !value.is_null()).cloned().unwrap_or_else(empty),
    };
    let value = match target {
        "diskSizeGb" => json!(number(&value)),
        _ => value,
    };
    let before = change.resource.clone();
    let config_before = before["config"].clone();
    let holder: &mut Map<String, Value> = match effect {
        Effect::Pool => entry(&mut change.resource, target),
        Effect::InPlace | Effect::Rolls => entry(&mut change.resource, "config"),
    };
    if effect == Effect::Pool {
        merge(holder, &value);
        return;
    }
    if target == "bootDisk" {
        if let Some(kind) = value.get("diskType").filter(|kind| is_set(kind)) {
            holder.insert("diskType".to_owned(), kind.clone());
        }
        if let Some(size) = value.get("sizeGb").filter(|size| is_set(size)) {
            holder.insert("diskSizeGb".to_owned(), json!(number(size)));
        }
    } else {
        holder.insert(target.to_owned(), value);
    }
    sync_boot_disk(holder);
    let is_different = Value::Object(holder.clone()) != config_before;
    change.rolls_nodes |= effect == Effect::Rolls && is_different;
}

fn merge(target: &mut Map<String, Value>, value: &Value) {
    for (key, value) in value.as_object().into_iter().flatten() {
        target.insert(key.clone(), value.clone());
    }
}

/// A number as JSON has it, or as text, which is how Google writes 64-bit integers.
fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok())).unwrap_or(0)
}

fn set_version(change: &mut Change, version: &str, newest: &str) -> Result<(), GoogleError> {
    let is_alias = version == "-" || version == "latest" || newest.starts_with(version);
    let wanted = if is_alias { newest } else { version };
    if wanted != newest && wanted != text(&change.resource, "/version") {
        return Err(GoogleError::invalid(format!(
            "Node version \"{version}\" is unsupported. The version must be at most the master version {newest}."
        )));
    }
    let is_different = text(&change.resource, "/version") != wanted;
    change.resource["version"] = json!(wanted);
    change.is_upgrade = true;
    change.rolls_nodes |= is_different;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        let resource = json!({"name": "redis", "version": "1.33.1-gke.1",
            "upgradeSettings": {"maxSurge": 1, "strategy": "SURGE"},
            "config": {"machineType": "e2-medium", "diskSizeGb": 100, "diskType": "pd-balanced",
                "bootDisk": {"diskType": "pd-balanced", "sizeGb": "100"},
                "labels": {"a": "b"}, "taints": [{"key": "k", "effect": "NO_SCHEDULE"}]}});
        Pool { resource, groups: Vec::new() }
    }

    /// What a request changes in the pool, and whether it makes new nodes.
    fn check(request: Value, pointer: &str, expected: Value, rolls: bool) {
        let change = plan_update(&pool(), &request, "1.33.1-gke.1").expect("a change");
        assert_eq!(change.resource.pointer(pointer), Some(&expected), "{request}");
        assert_eq!(change.rolls_nodes, rolls, "{request}");
    }

    #[test]
    fn some_fields_change_in_place_and_some_make_new_nodes() {
        check(json!({"labels": {"labels": {"c": "d"}}}), "/config/labels", json!({"c": "d"}), false);
        check(json!({"taints": {}}), "/config/taints", json!([]), false);
        check(json!({"tags": {"tags": ["t"]}}), "/config/tags", json!(["t"]), false);
        check(json!({"machineType": "e2-highmem-4"}), "/config/machineType", json!("e2-highmem-4"), true);
        check(json!({"machineType": "e2-medium"}), "/config/machineType", json!("e2-medium"), false);
        check(json!({"diskSizeGb": "200"}), "/config/diskSizeGb", json!(200), true);
        check(json!({"diskSizeGb": "200"}), "/config/bootDisk/sizeGb", json!("200"), true);
        check(json!({"upgradeSettings": {"maxSurge": 2}}), "/upgradeSettings/maxSurge", json!(2), false);
    }

    #[test]
    fn bad_updates_are_refused_in_googles_words() {
        for (request, words) in [
            (json!({}), "At least one of"),
            (json!({"machineType": "x-large"}), "does not exist"),
            (json!({"spot": true}), "Unknown name \"spot\""),
            (json!({"diskSizeGb": "5"}), "Must be at least 10"),
        ] {
            let error = plan_update(&pool(), &request, "1.33.1-gke.1").expect_err("refused");
            assert!(error.message.contains(words), "{}", error.message);
        }
    }
}
