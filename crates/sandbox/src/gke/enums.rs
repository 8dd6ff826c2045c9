//! Enumerations: names inside and for gcloud, numbers for clients that ask for `enum-encoding=int`.

use serde_json::{Map, Value, json};

type Names = &'static [(&'static str, i64)];

const OPERATION_STATUS: Names = &[("PENDING", 1), ("RUNNING", 2), ("DONE", 3), ("ABORTING", 4)];
const OPERATION_TYPE: Names = &[
    ("UPGRADE_NODES", 4),
    ("UPDATE_CLUSTER", 6),
    ("CREATE_NODE_POOL", 7),
    ("DELETE_NODE_POOL", 8),
    ("SET_NODE_POOL_MANAGEMENT", 9),
    ("SET_NODE_POOL_SIZE", 14),
];
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
const TAINT_EFFECT: Names = &[("NO_SCHEDULE", 1), ("PREFER_NO_SCHEDULE", 2), ("NO_EXECUTE", 3)];
const LOCATION_POLICY: Names = &[("BALANCED", 1), ("ANY", 2)];
const UPDATE_STRATEGY: Names = &[("BLUE_GREEN", 2), ("SURGE", 3), ("SHORT_LIVED", 5)];
const RESERVATION: Names = &[("NO_RESERVATION", 1), ("ANY_RESERVATION", 2), ("SPECIFIC_RESERVATION", 3)];
const METADATA_MODE: Names = &[("GCE_METADATA", 1), ("GKE_METADATA", 2)];
const CGROUP_MODE: Names = &[("CGROUP_MODE_V1", 1), ("CGROUP_MODE_V2", 2)];
const EFFECTIVE_CGROUP_MODE: Names = &[("EFFECTIVE_CGROUP_MODE_V1", 1), ("EFFECTIVE_CGROUP_MODE_V2", 2)];
const HUGEPAGE_ENABLED: Names = &[
    ("TRANSPARENT_HUGEPAGE_ENABLED_ALWAYS", 1),
    ("TRANSPARENT_HUGEPAGE_ENABLED_MADVISE", 2),
    ("TRANSPARENT_HUGEPAGE_ENABLED_NEVER", 3),
];
const HUGEPAGE_DEFRAG: Names = &[
    ("TRANSPARENT_HUGEPAGE_DEFRAG_ALWAYS", 1),
    ("TRANSPARENT_HUGEPAGE_DEFRAG_DEFER", 2),
    ("TRANSPARENT_HUGEPAGE_DEFRAG_DEFER_WITH_MADVISE", 3),
    ("TRANSPARENT_HUGEPAGE_DEFRAG_MADVISE", 4),
    ("TRANSPARENT_HUGEPAGE_DEFRAG_NEVER", 5),
];
const RELEASE_CHANNEL: Names = &[("RAPID", 1), ("REGULAR", 2), ("STABLE", 3), ("EXTENDED", 4)];
const STACK_TYPE: Names = &[("IPV4", 1), ("IPV4_IPV6", 2)];
const PLACEMENT: Names = &[("COMPACT", 1)];

/// The enumeration of a field, by the map that holds the field and the key of that map.
fn names_of(holder: &Map<String, Value>, parent: &str, field: &str) -> Option<Names> {
    Some(match (parent, field) {
        (_, "status") if holder.contains_key("operationType") => OPERATION_STATUS,
        (_, "status") if holder.contains_key("nodePools") => CLUSTER_STATUS,
        (_, "status") => POOL_STATUS,
        (_, "operationType") => OPERATION_TYPE,
        (_, "effect") => TAINT_EFFECT,
        (_, "locationPolicy") => LOCATION_POLICY,
        ("upgradeSettings", "strategy") => UPDATE_STRATEGY,
        (_, "consumeReservationType") => RESERVATION,
        ("workloadMetadataConfig", "mode") => METADATA_MODE,
        (_, "cgroupMode") => CGROUP_MODE,
        (_, "effectiveCgroupMode") => EFFECTIVE_CGROUP_MODE,
        (_, "transparentHugepageEnabled") => HUGEPAGE_ENABLED,
        (_, "transparentHugepageDefrag") => HUGEPAGE_DEFRAG,
        ("placementPolicy", "type") => PLACEMENT,
        (_, "channel") => RELEASE_CHANNEL,
        (_, "stackType") => STACK_TYPE,
        _ => return None,
    })
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
                if let Some(new) = map.get(&field).and_then(|value| replace(names, value)) {
                    map.insert(field, new);
                }
            }
            for (field, item) in map.iter_mut() {
                if !matches!(field.as_str(), "labels" | "resourceLabels" | "metadata" | "sysctls") {
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
            "config": {"taints": [{"effect": 3}]}});
        decode_to_names(&mut pool);
        assert_eq!(pool["upgradeSettings"]["strategy"], "SURGE");
        assert_eq!(pool["config"]["taints"][0]["effect"], "NO_EXECUTE");
        assert_eq!(pool["status"], Value::Null);
    }
}
