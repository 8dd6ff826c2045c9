//! Which of the possible nodes is the best: preferences first, then the emptier node.

use serde_json::Value;

use super::volumes::Claims;
use super::{Cluster, affinity, filter};
use crate::controllers::object::{integer, list, name, text};
use crate::controllers::toleration::is_tolerated;
use crate::store::quantity::parse_quantity_milli;

const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Higher is better.
pub(super) fn score(cluster: &Cluster<'_>, pod: &Value, node: &Value, claims: &Claims<'_>) -> i64 {
    let preference =
        preferred_nodes(pod, node) + preferred_pods(cluster, pod, node) - avoided_taints(pod, node) * 10;
    let crowd = i64::try_from(cluster.pods_on(name(node)).count()).unwrap_or(i64::MAX);
    let selected = i64::from(claims.selected_node() == Some(name(node)));
    selected * 1_000_000_000 + preference * 100_000 + free_share(cluster, node) * 100 - crowd.min(99)
}

fn preferred_nodes(pod: &Value, node: &Value) -> i64 {
    list(pod, &format!("/spec/affinity/nodeAffinity/{PREFERRED}"))
        .iter()
        .filter(|term| term.get("preference").is_some_and(|term| affinity::node_term_matches(term, node)))
        .map(weight)
        .sum()
}

fn preferred_pods(cluster: &Cluster<'_>, pod: &Value, node: &Value) -> i64 {
    let sum = |kind: &str| -> i64 {
        list(pod, &format!("/spec/affinity/{kind}/{PREFERRED}"))
            .iter()
            .filter(|term| {
                term.get("podAffinityTerm")
                    .is_some_and(|term| affinity::has_neighbour(cluster, pod, term, node))
            })
            .map(weight)
            .sum()
    };
    sum("podAffinity") - sum("podAntiAffinity")
}

fn avoided_taints(pod: &Value, node: &Value) -> i64 {
    let avoided = list(node, "/spec/taints")
        .iter()
        .filter(|taint| text(taint, "/effect") == "PreferNoSchedule")
        .filter(|taint| !is_tolerated(pod, taint))
        .count();
    i64::try_from(avoided).unwrap_or(i64::MAX)
}

fn weight(term: &Value) -> i64 {
    integer(term, "/weight").unwrap_or(0)
}

/// How much of the node is still free, in hundredths, cpu and memory together.
fn free_share(cluster: &Cluster<'_>, node: &Value) -> i64 {
    let share = |resource: &str| -> i128 {
        let total = node
            .pointer("/status/allocatable")
            .and_then(|allocatable| allocatable.get(resource))
            .and_then(parse_quantity_milli)
            .unwrap_or(0);
        let used: i128 = cluster.pods_on(name(node)).map(|pod| filter::request_milli(pod, resource)).sum();
        if total == 0 { 0 } else { (total - used).max(0) * 50 / total }
    };
    i64::try_from(share("cpu") + share("memory")).unwrap_or(0)
}
