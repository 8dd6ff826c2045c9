//! Enumerations: names inside and for gcloud, numbers for clients that ask for `enum-encoding=int`.

use serde_json::{Map, Value, json};

/// Names and numbers of `google.container.v1`.
type Names = &'static [(&'static str, i64)];

const OPERATION_STATUS: Names = &[("PENDING", 1), ("RUNNING", 2), ("DONE", 3), ("ABORTING", 4)];
const POOL_STATUS: Names = &[
    ("PROVISIONING", 1),
    ("RUNNING", 2),
    ("RUNNING_WITH_ERROR", 3),
    ("RECONCILING", 4),
    ("STOPPING", 5),
    ("ERROR", 6),
];
const CLUSTER_STATUS: Names = &[
    ("PROVISIONING", 1),
    ("RUNNING", 2),
    ("RECONCILING", 3),
    ("STOPPING", 4),
    ("ERROR", 5),
    ("DEGRADED", 6),
];

/// The key of the map that holds the field (empty for any), the field, its names.
const FIELDS: [(&str, &str, Names); 32] = [
    (
        "",
        "operationType",
        &[
            ("UPGRADE_NODES", 4),
            ("UPDATE_CLUSTER", 6),
            ("CREATE_NODE_POOL", 7),
            ("DELETE_NODE_POOL", 8),
            ("SET_NODE_POOL_MANAGEMENT", 9),
            ("SET_NODE_POOL_SIZE", 14),
        ],
    ),
    ("", "effect", &[("NO_SCHEDULE", 1), ("PREFER_NO_SCHEDULE", 2), ("NO_EXECUTE", 3)]),
    ("", "locationPolicy", &[("BALANCED", 1), ("ANY", 2)]),
    ("upgradeSettings", "strategy", &[("BLUE_GREEN", 2), ("SURGE", 3), ("SHORT_LIVED", 5)]),
    (
        "blueGreenInfo",
        "phase",
        &[
            ("UPDATE_STARTED", 1),
            ("CREATING_GREEN_POOL", 2),
            ("CORDONING_BLUE_POOL", 3),
            ("DRAINING_BLUE_POOL", 4),
            ("NODE_POOL_SOAKING", 5),
            ("DELETING_BLUE_POOL", 6),
            ("ROLLBACK_STARTED", 7),
        ],
    ),
    ("placementPolicy", "type", &[("COMPACT", 1)]),
    ("sandboxConfig", "type", &[("GVISOR", 1)]),
    (
        "",
        "consumeReservationType",
        &[
            ("NO_RESERVATION", 1),
            ("ANY_RESERVATION", 2),
            ("SPECIFIC_RESERVATION", 3),
            ("ANY_RESERVATION_THEN_FAIL", 4),
        ],
    ),
    ("workloadMetadataConfig", "mode", &[("GCE_METADATA", 1), ("GKE_METADATA", 2)]),
    ("secondaryBootDisks", "mode", &[("CONTAINER_IMAGE_CACHE", 1)]),
    ("", "cgroupMode", &[("CGROUP_MODE_V1", 1), ("CGROUP_MODE_V2", 2)]),
    ("", "effectiveCgroupMode", &[("EFFECTIVE_CGROUP_MODE_V1", 1), ("EFFECTIVE_CGROUP_MODE_V2", 2)]),
    (
        "",
        "transparentHugepageEnabled",
        &[
            ("TRANSPARENT_HUGEPAGE_ENABLED_ALWAYS", 1),
            ("TRANSPARENT_HUGEPAGE_ENABLED_MADVISE", 2),
            ("TRANSPARENT_HUGEPAGE_ENABLED_NEVER", 3),
        ],
    ),
    (
        "",
        "transparentHugepageDefrag",
        &[
            ("TRANSPARENT_HUGEPAGE_DEFRAG_ALWAYS", 1),
            ("TRANSPARENT_HUGEPAGE_DEFRAG_DEFER", 2),
            ("TRANSPARENT_HUGEPAGE_DEFRAG_DEFER_WITH_MADVISE", 3),
            ("TRANSPARENT_HUGEPAGE_DEFRAG_MADVISE", 4),
            ("TRANSPARENT_HUGEPAGE_DEFRAG_NEVER", 5),
        ],
    ),
    (
        "nodeKernelModuleLoading",
        "policy",
        &[("ENFORCE_SIGNED_MODULES", 1), ("DO_NOT_ENFORCE_SIGNED_MODULES", 2)],
    ),
    ("", "gpuSharingStrategy", &[("TIME_SHARING", 1), ("MPS", 2)]),
    ("", "gpuDriverVersion", &[("INSTALLATION_DISABLED", 1), ("DEFAULT", 2), ("LATEST", 3)]),
    ("", "gpuDirectStrategy", &[("RDMA", 2)]),
    ("", "performanceMonitoringUnit", &[("ARCHITECTURAL", 1), ("STANDARD", 2), ("ENHANCED", 3)]),
    ("", "confidentialInstanceType", &[("SEV", 1), ("SEV_SNP", 2), ("TDX", 3)]),
    ("variantConfig", "variant", &[("DEFAULT", 1), ("MAX_THROUGHPUT", 2)]),
    ("windowsNodeConfig", "osVersion", &[("OS_VERSION_LTSC2019", 1), ("OS_VERSION_LTSC2022", 2)]),
    ("nodeAffinities", "operator", &[("IN", 1), ("NOT_IN", 2)]),
    (
        "hosts",
        "capabilities",
        &[("HOST_CAPABILITY_PULL", 1), ("HOST_CAPABILITY_RESOLVE", 2), ("HOST_CAPABILITY_PUSH", 3)],
    ),
    ("", "localSsdEncryptionMode", &[("STANDARD_ENCRYPTION", 1), ("EPHEMERAL_KEY_ENCRYPTION", 2)]),
    ("", "architectureTaintBehavior", &[("NONE", 1), ("ARM", 2)]),
    ("", "totalEgressBandwidthTier", &[("TIER_1", 1)]),
    (
        "",
        "networkTier",
        &[("NETWORK_TIER_DEFAULT", 1), ("NETWORK_TIER_PREMIUM", 2), ("NETWORK_TIER_STANDARD", 3)],
    ),
    ("", "stackType", &[("IPV4", 1), ("IPV4_IPV6", 2)]),
    ("", "datapathProvider", &[("LEGACY_DATAPATH", 1), ("ADVANCED_DATAPATH", 2)]),
    ("releaseChannel", "channel", &[("RAPID", 1), ("REGULAR", 2), ("STABLE", 3), ("EXTENDED", 4)]),
    ("channels", "channel", &[("RAPID", 1), ("REGULAR", 2), ("STABLE", 3), ("EXTENDED", 4)]),
];

/// Maps whose keys are the user's.
const USERS_MAPS: [&str; 4] = ["labels", "resourceLabels", "metadata", "sysctls"];

/// The enumeration of a field, by the map that holds the field and the key of that map.
fn names_of(holder: &Map<String, Value>, parent: &str, field: &str) -> Option<Names> {
    if field == "status" {
        return Some(match () {
            () if holder.contains_key("operationType") || parent == "progress" => OPERATION_STATUS,
            () if holder.contains_key("nodePools") => CLUSTER_STATUS,
            () => POOL_STATUS,
        });
    }
    let found = FIELDS.iter().find(|(under, name, _)| *name == field && ["", parent].contains(under));
    found.map(|(_, _, names)| *names)
}

/// Replaces the names of enumerations by their numbers.
pub(super) fn encode_as_numbers(value: &mut Value) {
    walk(value, "", &|names, value| {
        let number = names.iter().find(|(name, _)| value.as_str() == Some(name))?.1;
        Some(json!(number))
    });
}

/// Replaces the numbers of enumerations by their names, as the state holds them.
pub(super) fn decode_to_names(value: &mut Value) {
    walk(value, "", &|names, value| {
        let number = value.as_i64()?;
        if number == 0 {
            return Some(Value::Null);
        }
        names.iter().find(|(_, known)| *known == number).map(|(name, _)| json!(name))
    });
}

fn walk(value: &mut Value, parent: &str, replace: &dyn Fn(Names, &Value) -> Option<Value>) {
    match value {
        Value::Array(items) => {
            for item in items {
                walk(item, parent, replace);
            }
        }
        Value::Object(map) => {
            let fields: Vec<(String, Names)> =
                map.keys().filter_map(|field| Some((field.clone(), names_of(map, parent, field)?))).collect();
            for (field, names) in fields {
                // One value, or a list of them.
                let values = match map.get_mut(&field) {
                    Some(Value::Array(values)) => values.as_mut_slice(),
                    Some(value) => std::slice::from_mut(value),
                    None => continue,
                };
                for value in values {
                    if let Some(new) = replace(names, value) {
                        *value = new;
                    }
                }
            }
            for (field, item) in map.iter_mut() {
                if !USERS_MAPS.contains(&field.as_str()) {
                    walk(item, field, replace);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_and_its_pools_number_their_states_differently() {
        let mut cluster = json!({"status": "RECONCILING",
            "nodePools": [{"status": "RECONCILING",
                "config": {"taints": [{"key": "a", "effect": "NO_SCHEDULE"}],
                    "labels": {"status": "RUNNING"}}}]});
        encode_as_numbers(&mut cluster);
        assert_eq!(cluster["status"], 3);
        assert_eq!(cluster["nodePools"][0]["status"], 4);
        assert_eq!(cluster["nodePools"][0]["config"]["taints"][0]["effect"], 1);
        assert_eq!(cluster["nodePools"][0]["config"]["labels"]["status"], "RUNNING");
    }

    #[test]
    fn numbers_in_a_request_become_names() {
        let mut pool = json!({"upgradeSettings": {"strategy": 3}, "status": 0,
            "config": {"taints": [{"effect": 3}], "containerdConfig": {"registryHosts": [
                {"hosts": [{"host": "h", "capabilities": [1, 2]}]}]}}});
        decode_to_names(&mut pool);
        assert_eq!(pool["upgradeSettings"]["strategy"], "SURGE");
        assert_eq!(pool["config"]["taints"][0]["effect"], "NO_EXECUTE");
        assert_eq!(pool["status"], Value::Null);
        let capabilities =
            &pool["config"]["containerdConfig"]["registryHosts"][0]["hosts"][0]["capabilities"];
        assert_eq!(*capabilities, json!(["HOST_CAPABILITY_PULL", "HOST_CAPABILITY_RESOLVE"]));
    }
}
