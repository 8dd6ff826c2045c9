//! Affinity between pods by topology, and node selector terms.

use serde_json::{Value, json};

use super::Cluster;
use super::verdict::Refusal;
use crate::controllers::object::{label, list, name, namespace, text};
use crate::controllers::selector::{satisfies, selects};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// The required rules of the pod itself, and those of pods that run already against newcomers.
pub(super) fn refusal(cluster: &Cluster<'_>, pod: &Value, node: &Value) -> Option<Refusal> {
    let unmet = terms(pod, "podAffinity")
        .any(|term| !has_neighbour(cluster, pod, term, node) && !is_first_of_its_kind(cluster, pod, term));
    if unmet {
        return Some(Refusal::by_pods("node(s) didn't match pod affinity rules"));
    }
    if terms(pod, "podAntiAffinity").any(|term| has_neighbour(cluster, pod, term, node)) {
        return Some(Refusal::by_pods("node(s) didn't match pod anti-affinity rules"));
    }
    let is_unwelcome = cluster.placed.iter().any(|other| {
        terms(other, "podAntiAffinity")
            .any(|term| term_selects(term, other, pod) && shares_topology(cluster, term, other, node))
    });
    is_unwelcome.then(|| Refusal::by_pods("node(s) didn't satisfy existing pods anti-affinity rules"))
}

fn terms<'a>(pod: &'a Value, affinity: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    list(pod, &format!("/spec/affinity/{affinity}/{REQUIRED}")).iter()
}

/// Whether a pod that the term selects runs in the node's topology.
pub(super) fn has_neighbour(cluster: &Cluster<'_>, pod: &Value, term: &Value, node: &Value) -> bool {
    cluster
        .placed
        .iter()
        .any(|other| term_selects(term, pod, other) && shares_topology(cluster, term, other, node))
}

/// A pod whose affinity selects itself may be the first of its kind anywhere.
fn is_first_of_its_kind(cluster: &Cluster<'_>, pod: &Value, term: &Value) -> bool {
    term_selects(term, pod, pod) && !cluster.placed.iter().any(|other| term_selects(term, pod, other))
}

/// Whether a term written on `owner` selects `other`.
fn term_selects(term: &Value, owner: &Value, other: &Value) -> bool {
    let named = list(term, "/namespaces");
    let by_selector = term.get("namespaceSelector");
    let in_namespace = match (named.is_empty(), by_selector) {
        (true, None) => namespace(owner) == namespace(other),
        (_, Some(selector)) if selector == &json!({}) => true,
        _ => named.iter().any(|one| one.as_str() == Some(namespace(other))),
    };
    in_namespace && selects(term.get("labelSelector"), other.pointer("/metadata/labels"))
}

fn shares_topology(cluster: &Cluster<'_>, term: &Value, other: &Value, node: &Value) -> bool {
    let key = text(term, "/topologyKey");
    let home = text(other, "/spec/nodeName");
    let there = cluster.nodes.iter().find(|node| name(node) == home).and_then(|node| label(node, key));
    there.is_some() && there == label(node, key)
}

/// A term of `nodeSelectorTerms`: labels and the node's name. An empty term matches nothing.
pub(super) fn node_term_matches(term: &Value, node: &Value) -> bool {
    let expressions = list(term, "/matchExpressions");
    let fields = list(term, "/matchFields");
    let node_fields = json!({"metadata.name": name(node)});
    (!expressions.is_empty() || !fields.is_empty())
        && expressions.iter().all(|requirement| satisfies(requirement, node.pointer("/metadata/labels")))
        && fields.iter().all(|requirement| satisfies(requirement, Some(&node_fields)))
}
