//! ReplicaSets: as many interchangeable pods as asked.
//!
//! Absent: adoption of pods that nobody owns, slow start.

use serde_json::{Map, Value, json};

use super::digest::letters_of;
use super::events::{Event, EventKind};
use super::object::{
    integer, is_controlled_by, is_pod_available, is_pod_finished, is_pod_ready, is_terminating, name,
    namespace, pod_of_template, text, uid,
};
use super::selector::{contains, selects};
use super::world::{Plan, Reconciler, World, Write};

const COMPONENT: &str = "replicaset-controller";

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: COMPONENT, reads: &["ReplicaSet", "Pod"], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for set in world.all("ReplicaSet").filter(|set| !is_terminating(set)) {
        let all: Vec<&Value> = world
            .within("Pod", namespace(set))
            .filter(|pod| is_controlled_by(pod, uid(set)))
            .filter(|pod| selects(set.pointer("/spec/selector"), pod.pointer("/metadata/labels")))
            .collect();
        let live: Vec<&Value> =
            all.iter().copied().filter(|pod| !is_pod_finished(pod) && !is_terminating(pod)).collect();
        scale(set, &all, &live, &mut plan);
        write_status(world, set, &live, &mut plan);
    }
    plan
}

fn scale(set: &Value, all: &[&Value], live: &[&Value], plan: &mut Plan) {
    let wanted = usize::try_from(integer(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let taken: Vec<&str> = all.iter().map(|pod| name(pod)).collect();
    let names = (0..).map(|index| {
        let suffix = letters_of(&format!("{}/{index}/{}", uid(set), newest(all)), 5);
        format!("{}-{suffix}", name(set))
    });
    for pod_name in
        names.filter(|candidate| !taken.contains(&candidate.as_str())).take(wanted.saturating_sub(live.len()))
    {
        plan.push(event(set, "SuccessfulCreate", format!("Created pod: {pod_name}")));
        plan.push(Write::Create(pod_of_template(set, &pod_name)));
    }
    let mut surplus = live.to_vec();
    surplus.sort_by_key(|pod| {
        let is_placed = !text(pod, "/spec/nodeName").is_empty();
        let age = std::cmp::Reverse(text(pod, "/metadata/creationTimestamp"));
        (is_placed, is_pod_ready(pod), age)
    });
    for pod in surplus.iter().take(live.len().saturating_sub(wanted)) {
        plan.push(event(set, "SuccessfulDelete", format!("Deleted pod: {}", name(pod))));
        plan.push(Write::delete(pod));
    }
}

/// Makes the names of later pods differ from those of pods that are gone.
fn newest<'a>(pods: &[&'a Value]) -> &'a str {
    pods.iter().map(|pod| uid(pod)).max().unwrap_or_default()
}

fn event(set: &Value, reason: &'static str, message: String) -> Write {
    Write::Event(Event { about: set.clone(), kind: EventKind::Normal, reason, message, component: COMPONENT })
}

fn write_status(world: &World, set: &Value, live: &[&Value], plan: &mut Plan) {
    let labels = set.pointer("/spec/template/metadata/labels");
    let min_ready_seconds = integer(set, "/spec/minReadySeconds").unwrap_or(0);
    let mut available = 0;
    for pod in live {
        let (is_available, at) = is_pod_available(pod, min_ready_seconds, world.now);
        plan.look_again_at(at);
        available += usize::from(is_available);
    }
    let labelled = live
        .iter()
        .filter(|pod| labels.is_none_or(|labels| contains(pod.pointer("/metadata/labels"), labels)))
        .count();
    let ready = live.iter().filter(|pod| is_pod_ready(pod)).count();
    let mut status = Map::new();
    status.insert("replicas".to_owned(), json!(live.len()));
    for (key, count) in
        [("fullyLabeledReplicas", labelled), ("readyReplicas", ready), ("availableReplicas", available)]
    {
        if count > 0 {
            status.insert(key.to_owned(), json!(count));
        }
    }
    let generation = integer(set, "/metadata/generation").unwrap_or(1);
    status.insert("observedGeneration".to_owned(), json!(generation));
    plan.set_status(set, Value::Object(status));
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{owned_by, ready, summary, world};

    use super::*;

    fn set(replicas: i64) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "proxy", "namespace": "web", "uid": "r"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "proxy"}},
                "template": {"metadata": {"labels": {"app": "proxy"}}, "spec": {}}}})
    }

    fn pod(name: &str) -> Value {
        let pod = json!({"kind": "Pod", "metadata": {"name": name, "namespace": "web", "uid": name,
            "labels": {"app": "proxy"}}, "spec": {"nodeName": "n"}});
        owned_by(pod, &set(1))
    }

    #[test]
    fn it_makes_what_is_missing_under_different_names() {
        let mut lines = summary(&reconcile(&world([set(2)])));
        lines.retain(|line| line.starts_with("create Pod proxy-"));
        lines.dedup();
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn it_ends_pods_that_are_not_ready_first() {
        let world = world([set(1), ready(pod("a")), pod("b")]);
        assert_eq!(summary(&reconcile(&world))[0], "delete Pod b");
    }
}
