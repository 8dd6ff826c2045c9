//! The scheduler: which node each pending pod runs on, or why none.
//!
//! Enters: pods without a node, nodes, claims and volumes. Leaves: a binding and its event, or the
//! condition PodScheduled=False with kube-scheduler's message and a FailedScheduling event; and the
//! node chosen for claims that wait for their first consumer. Absent: preemption and priorities (all
//! pods are equal here), topology spread constraints.

mod affinity;
mod filter;
mod score;
#[cfg(test)]
mod tests;
mod verdict;
mod volumes;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::{Event, EventKind};
use super::object::{
    condition, entry, is_pod_finished, is_terminating, name, namespace, set_condition, text,
};
use super::world::{Plan, Reconciler, World, Write};
use verdict::Refusals;
use volumes::Claims;

const COMPONENT: &str = "default-scheduler";

pub(crate) const RECONCILER: Reconciler = Reconciler {
    name: COMPONENT,
    reads: &["Pod", "Node", "PersistentVolumeClaim", "PersistentVolume", "StorageClass"],
    reconcile,
};

/// Whether a node, one that is there or one more, could take a pod as things are.
pub(crate) fn fits(world: &World, pod: &Value, node: &Value) -> bool {
    let is_placed = |pod: &&Value| !is_pod_finished(pod) && !text(pod, "/spec/nodeName").is_empty();
    let mut nodes: Vec<&Value> = world.all("Node").filter(|known| name(known) != name(node)).collect();
    nodes.push(node);
    let cluster = Cluster { nodes, placed: world.all("Pod").filter(is_placed).cloned().collect() };
    let claims = volumes::claims_of(world, pod);
    claims.is_ok_and(|claims| filter::refusals(&cluster, pod, node, &claims).is_empty())
}

/// Whether a pod's selector and node affinity let it onto a node.
pub(super) fn suits(pod: &Value, node: &Value) -> bool {
    filter::unmatched_affinity(pod, node).is_none()
}

/// The nodes and the pods on them, pods placed in this round included.
struct Cluster<'a> {
    nodes: Vec<&'a Value>,
    placed: Vec<Value>,
}

impl Cluster<'_> {
    fn pods_on<'b>(&'b self, node: &'b str) -> impl Iterator<Item = &'b Value> {
        self.placed.iter().filter(move |pod| text(pod, "/spec/nodeName") == node)
    }
}

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    let is_live = |pod: &&Value| !is_pod_finished(pod);
    let has_node = |pod: &&Value| !text(pod, "/spec/nodeName").is_empty();
    let mut cluster = Cluster {
        nodes: world.all("Node").collect(),
        placed: world.all("Pod").filter(is_live).filter(has_node).cloned().collect(),
    };
    let mut waiting: Vec<&Value> =
        world.all("Pod").filter(is_live).filter(|pod| !has_node(pod) && !is_terminating(pod)).collect();
    waiting.sort_by_key(|pod| (text(pod, "/metadata/creationTimestamp"), name(pod)));
    for pod in waiting {
        place(world, &mut cluster, pod, &mut plan);
    }
    plan
}

fn place(world: &World, cluster: &mut Cluster<'_>, pod: &Value, plan: &mut Plan) {
    let choice = volumes::claims_of(world, pod).map(|claims| {
        let choice = choose(cluster, pod, &claims);
        (choice, claims)
    });
    match choice {
        Err(reason) => refuse(pod, Refusals::of_all(cluster.nodes.len(), reason), world.now, plan),
        Ok((Err(refusals), _)) => refuse(pod, refusals, world.now, plan),
        Ok((Ok(node), claims)) => {
            if claims.waiting.is_empty() {
                let bound = bind(pod, node, world.now);
                plan.push(Write::Update(bound.clone()));
                plan.push(scheduled(pod, node));
                cluster.placed.push(bound);
            } else {
                let mut assumed = pod.clone();
                entry(&mut assumed, "spec").insert("nodeName".to_owned(), json!(name(node)));
                cluster.placed.push(assumed);
                volumes::select_node(&claims, node, plan);
            }
        }
    }
}

fn choose<'a>(cluster: &Cluster<'a>, pod: &Value, claims: &Claims<'_>) -> Result<&'a Value, Refusals> {
    let mut refusals = Refusals::default();
    let mut best: Option<(i64, &'a Value)> = None;
    for node in cluster.nodes.iter().copied() {
        let refused = filter::refusals(cluster, pod, node, claims);
        if !refused.is_empty() {
            refusals.add(refused);
            continue;
        }
        let score = score::score(cluster, pod, node, claims);
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, node));
        }
    }
    best.map(|(_, node)| node).ok_or(refusals)
}

fn bind(pod: &Value, node: &Value, now: Timestamp) -> Value {
    let mut bound = pod.clone();
    entry(&mut bound, "spec").insert("nodeName".to_owned(), json!(name(node)));
    let condition = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null});
    set_condition(&mut bound, condition, now);
    bound
}

fn scheduled(pod: &Value, node: &Value) -> Write {
    Write::Event(Event {
        about: pod.clone(),
        kind: EventKind::Normal,
        reason: "Scheduled",
        message: format!("Successfully assigned {}/{} to {}", namespace(pod), name(pod), name(node)),
        component: COMPONENT,
    })
}

/// Says why no node was good enough, once for each new reason.
fn refuse(pod: &Value, refusals: Refusals, now: Timestamp, plan: &mut Plan) {
    let message = refusals.message();
    let known = condition(pod, "PodScheduled").is_some_and(|condition| {
        text(condition, "/status") == "False" && text(condition, "/message") == message
    });
    if known {
        return;
    }
    let mut changed = pod.clone();
    let condition = json!({
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": null,
        "reason": "Unschedulable",
        "message": message,
    });
    set_condition(&mut changed, condition, now);
    plan.push(Write::UpdateStatus(changed));
    plan.push(Write::Event(Event {
        about: pod.clone(),
        kind: EventKind::Warning,
        reason: "FailedScheduling",
        message,
        component: COMPONENT,
    }));
}
