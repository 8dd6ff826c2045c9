//! Whether a node can take a pod, rule by rule; the first rule that refuses names the reason.

use serde_json::Value;

use super::verdict::Refusal;
use super::volumes::Claims;
use super::{Cluster, affinity};
use crate::controllers::object::{is_terminating, list, name, text};
use crate::controllers::selector::contains;
use crate::controllers::toleration::is_tolerated;
use crate::store::quantity::parse_quantity_milli;

/// Empty when the node can take the pod. Only the resource rule gives more than one reason.
pub(super) fn refusals(
    cluster: &Cluster<'_>,
    pod: &Value,
    node: &Value,
    claims: &Claims<'_>,
) -> Vec<Refusal> {
    let first = cordoned(pod, node)
        .or_else(|| untolerated_taint(pod, node))
        .or_else(|| unmatched_affinity(pod, node));
    if let Some(refusal) = first {
        return vec![refusal];
    }
    let insufficient = insufficient_resources(cluster, pod, node);
    if !insufficient.is_empty() {
        return insufficient;
    }
    claims.conflict(node).or_else(|| affinity::refusal(cluster, pod, node)).into_iter().collect()
}

fn cordoned(pod: &Value, node: &Value) -> Option<Refusal> {
    let is_cordoned = node.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
    let taint = serde_json::json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    (is_terminating(node) || is_cordoned && !is_tolerated(pod, &taint))
        .then(|| Refusal::by_node("node(s) were unschedulable"))
}

fn untolerated_taint(pod: &Value, node: &Value) -> Option<Refusal> {
    list(node, "/spec/taints")
        .iter()
        .filter(|taint| matches!(text(taint, "/effect"), "NoSchedule" | "NoExecute"))
        .find(|taint| !is_tolerated(pod, taint))
        .map(|taint| {
            let (key, value) = (text(taint, "/key"), text(taint, "/value"));
            Refusal::by_node(format!("node(s) had untolerated taint {{{key}: {value}}}"))
        })
}

pub(super) fn unmatched_affinity(pod: &Value, node: &Value) -> Option<Refusal> {
    let labels = node.pointer("/metadata/labels");
    let by_selector = pod.pointer("/spec/nodeSelector").is_none_or(|wanted| contains(labels, wanted));
    let required = pod.pointer(
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let by_affinity = required
        .and_then(Value::as_array)
        .is_none_or(|terms| terms.iter().any(|term| affinity::node_term_matches(term, node)));
    (!(by_selector && by_affinity))
        .then(|| Refusal::by_node("node(s) didn't match Pod's node affinity/selector"))
}

fn insufficient_resources(cluster: &Cluster<'_>, pod: &Value, node: &Value) -> Vec<Refusal> {
    let mut refused = Vec::new();
    let capacity = |resource: &str| {
        node.pointer("/status/allocatable")
            .and_then(|allocatable| allocatable.get(resource))
            .and_then(parse_quantity_milli)
    };
    let running = i128::try_from(cluster.pods_on(name(node)).count()).unwrap_or(i128::MAX);
    if capacity("pods").is_some_and(|pods| (running + 1) * 1000 > pods) {
        refused.push(Refusal::by_pods("Too many pods"));
    }
    for resource in requested_resources(pod) {
        let wanted = request_milli(pod, &resource);
        let used: i128 = cluster.pods_on(name(node)).map(|other| request_milli(other, &resource)).sum();
        if wanted > 0 && used + wanted > capacity(&resource).unwrap_or(0) {
            refused.push(Refusal::by_pods(format!("Insufficient {resource}")));
        }
    }
    refused
}

fn requested_resources(pod: &Value) -> std::collections::BTreeSet<String> {
    list(pod, "/spec/containers")
        .iter()
        .chain(list(pod, "/spec/initContainers"))
        .filter_map(|container| container.pointer("/resources/requests")?.as_object())
        .flat_map(|requests| requests.keys().cloned())
        .collect()
}

/// What a pod asks of a resource: its containers and sidecars together, or its greediest init container with the
/// sidecars that run by then.
pub(super) fn request_milli(pod: &Value, resource: &str) -> i128 {
    let of = |container: &Value| {
        container
            .pointer("/resources/requests")
            .and_then(|requests| requests.get(resource))
            .and_then(parse_quantity_milli)
            .unwrap_or(0)
    };
    let together: i128 = list(pod, "/spec/containers").iter().map(of).sum();
    let (mut sidecars, mut greediest) = (0, 0);
    for container in list(pod, "/spec/initContainers") {
        let is_sidecar = text(container, "/restartPolicy") == "Always";
        greediest = greediest.max(sidecars + of(container));
        sidecars += if is_sidecar { of(container) } else { 0 };
    }
    greediest.max(together + sidecars)
}
