//! What GKE refuses of a node pool, in its own words.

use serde_json::{Value, json};

use super::defaults::max_pods;
use super::error::GoogleError;
use super::machine::parse_machine;
use crate::controllers::object::{integer, list, text};

const IMAGE_TYPES: [&str; 6] = [
    "COS_CONTAINERD",
    "UBUNTU_CONTAINERD",
    "COS",
    "UBUNTU",
    "WINDOWS_LTSC_CONTAINERD",
    "WINDOWS_SAC_CONTAINERD",
];
const DISK_TYPES: [&str; 5] =
    ["pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced", "hyperdisk-throughput"];
const NODES_MAX: i64 = 1000;
const SURGE_MAX: i64 = 20;

fn invalid(field: &str, value: impl std::fmt::Display, why: impl std::fmt::Display) -> GoogleError {
    GoogleError::invalid(format!("Invalid value for field \"node_pool.{field}\": {value}. {why}"))
}

/// Refuses what the API does not know; `known` are names with blanks between.
pub(super) fn check_fields(value: &Value, place: &str, known: &str) -> Result<(), GoogleError> {
    let mut fields = value.as_object().into_iter().flatten().map(|(field, _)| field);
    let unknown = fields.find(|field| !known.split_ascii_whitespace().any(|known| known == *field));
    unknown.map_or(Ok(()), |unknown| Err(GoogleError::unknown_field_at(unknown, place)))
}

/// All that is checked when a pool is made.
pub(super) fn check_pool(pool: &Value) -> Result<(), GoogleError> {
    check_name(text(pool, "/name"))?;
    check_config(&pool["config"])?;
    check_autoscaling(&pool["autoscaling"])?;
    check_upgrade_settings(&pool["upgradeSettings"])?;
    let pods = max_pods(pool);
    if !(8..=256).contains(&pods) {
        return Err(invalid("max_pods_constraint", pods, "Must be between 8 and 256."));
    }
    let size = integer(pool, "/initialNodeCount").unwrap_or(0);
    if !(0..=NODES_MAX).contains(&size) {
        return Err(invalid("initial_node_count", size, format!("Must be between 0 and {NODES_MAX}.")));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), GoogleError> {
    let is_letter = |c: char| c.is_ascii_lowercase();
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_valid =
        name.len() <= 40 && name.starts_with(is_letter) && name.chars().all(is_inner) && !name.ends_with('-');
    if is_valid {
        return Ok(());
    }
    let pattern = "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?)'.";
    Err(invalid("name", format!("\"{name}\""), pattern))
}

/// The parts of a node config that GKE checks, in creation and in updates.
pub(super) fn check_config(config: &Value) -> Result<(), GoogleError> {
    let machine = text(config, "/machineType");
    if !machine.is_empty() && parse_machine(machine).is_none() {
        let why = format!("Machine type with name '{machine}' does not exist.");
        return Err(invalid("config.machine_type", format!("\"{machine}\""), why));
    }
    let disk = integer(config, "/diskSizeGb").unwrap_or(0);
    if disk != 0 && disk < 10 {
        return Err(invalid("config.disk_size_gb", disk, "Must be at least 10."));
    }
    let kind = text(config, "/diskType");
    if !kind.is_empty() && !DISK_TYPES.contains(&kind) {
        let why = format!("Disk type '{kind}' is not supported.");
        return Err(invalid("config.disk_type", format!("\"{kind}\""), why));
    }
    let image = text(config, "/imageType").to_uppercase();
    if !image.is_empty() && !IMAGE_TYPES.contains(&image.as_str()) {
        let why = format!("Node image type \"{image}\" is not supported.");
        return Err(invalid("config.image_type", format!("\"{image}\""), why));
    }
    if config["spot"] == json!(true) && config["preemptible"] == json!(true) {
        return Err(GoogleError::invalid("Only one of preemptible and spot can be set."));
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
    match (bound("maxNodeCount"), bound("totalMaxNodeCount")) {
        (0, 0) => Err(GoogleError::invalid("Autoscaling is enabled but max_node_count is not set.")),
        (0, _) | (_, 0) => Ok(()),
        _ => Err(GoogleError::invalid(
            "Limits for each zone and total limits of autoscaling cannot be set at the same time.",
        )),
    }
}

/// Nodes that a surge upgrade may add and take away at a time; blue-green settings go with their strategy only.
pub(super) fn check_upgrade_settings(settings: &Value) -> Result<(), GoogleError> {
    if settings.is_null() {
        return Ok(());
    }
    let number = |field: &str| settings[field].as_i64();
    let is_surge = matches!(text(settings, "/strategy"), "" | "SURGE");
    let has_blue_green = settings.get("blueGreenSettings").is_some_and(|settings| !settings.is_null());
    if is_surge && has_blue_green {
        return Err(GoogleError::invalid("Blue-green settings need the upgrade strategy BLUE_GREEN."));
    }
    let (surge, unavailable) = (number("maxSurge"), number("maxUnavailable"));
    let is_given = surge.is_some() || unavailable.is_some();
    let sum = surge.unwrap_or(0) + unavailable.unwrap_or(0);
    if is_surge && is_given && !(1..=SURGE_MAX).contains(&sum) {
        return Err(GoogleError::invalid(format!(
            "The sum of max_surge and max_unavailable must be between 1 and {SURGE_MAX}."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(changes: Value, words: &str) {
        let mut pool = json!({"name": "redis", "initialNodeCount": 1});
        for (field, value) in changes.as_object().into_iter().flatten() {
            pool[field] = value.clone();
        }
        let said = check_pool(&pool).map_or_else(|error| error.message, |()| "fine".to_owned());
        assert!(said.contains(words), "{pool}: {said}");
    }

    #[test]
    fn bad_pools_are_refused_with_the_field() {
        check(json!({}), "fine");
        check(json!({"name": "Redis"}), "node_pool.name");
        check(json!({"initialNodeCount": 2000}), "node_pool.initial_node_count");
        check(json!({"maxPodsConstraint": {"maxPodsPerNode": "4"}}), "between 8 and 256");
        check(json!({"config": {"machineType": "x9-huge-2"}}), "does not exist");
        check(json!({"config": {"imageType": "DOS"}}), "node_pool.config.image_type");
        check(json!({"config": {"diskType": "floppy"}}), "'floppy' is not supported");
        check(json!({"config": {"spot": true, "preemptible": true}}), "Only one of");
        check(json!({"config": {"taints": [{"key": "a"}]}}), "effect must be specified");
        let scaled =
            |low: i64, high: i64| json!({"enabled": true, "minNodeCount": low, "maxNodeCount": high});
        check(json!({"autoscaling": scaled(1, 3)}), "fine");
        check(json!({"autoscaling": scaled(3, 1)}), "minNodeCount (3) is greater than maxNodeCount (1)");
        check(json!({"autoscaling": {"enabled": true}}), "max_node_count is not set");
        check(json!({"upgradeSettings": {"maxSurge": 0, "maxUnavailable": 0}}), "must be between 1 and 20");
        check(json!({"upgradeSettings": {"blueGreenSettings": {}}}), "strategy BLUE_GREEN");
        check(json!({"upgradeSettings": {"strategy": "BLUE_GREEN", "blueGreenSettings": {}}}), "fine");
    }
}
