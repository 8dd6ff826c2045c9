//! Nodes that stopped reporting: they are tainted, their pods count as not ready, and pods are evicted from taints
//! that they do not tolerate, or no longer.
//!
//! Two controllers of Kubernetes in one: node-lifecycle and taint-eviction.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::events::{Event, EventKind};
use super::object::{
    condition, condition_is_true, entry, integer, is_terminating, list, name, namespace, parse_time,
    set_condition, text, time_text,
};
use super::toleration::tolerates;
use super::world::{Plan, Reconciler, World, Write};

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: "node-lifecycle-controller", reads: &["Node", "Pod"], reconcile };

/// The taints that follow from the Ready condition, and the status that brings each.
const BY_CONDITION: [(&str, &str); 2] =
    [("node.kubernetes.io/not-ready", "False"), ("node.kubernetes.io/unreachable", "Unknown")];

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for node in world.all("Node").filter(|node| !is_terminating(node)) {
        let ready = condition(node, "Ready").map_or("True", |ready| text(ready, "/status"));
        plan.update(node, tainted(node, ready, world.now));
        let pods = world.all("Pod").filter(|pod| text(pod, "/spec/nodeName") == name(node));
        for pod in pods.filter(|pod| !is_terminating(pod)) {
            if ready != "True" {
                mark_not_ready(&mut plan, pod, world.now);
            }
            match eviction_time(pod, node, world) {
                Some(at) if at <= world.now => evict(&mut plan, pod),
                at => plan.look_again_at(at),
            }
        }
    }
    plan
}

/// The node with the taints of its Ready condition and no stale ones; each NoExecute taint knows since when.
fn tainted(node: &Value, ready: &str, now: Timestamp) -> Value {
    let mut taints: Vec<Value> = list(node, "/spec/taints").to_vec();
    for (key, status) in BY_CONDITION {
        let is_wanted = ready == status;
        taints.retain(|taint| is_wanted || text(taint, "/key") != key);
        for effect in ["NoSchedule", "NoExecute"].into_iter().filter(|_| is_wanted) {
            let is_there = |taint: &Value| text(taint, "/key") == key && text(taint, "/effect") == effect;
            if !taints.iter().any(is_there) {
                taints.push(json!({"key": key, "effect": effect}));
            }
        }
    }
    for taint in taints.iter_mut().filter(|taint| text(taint, "/effect") == "NoExecute") {
        if taint.get("timeAdded").is_none() {
            taint["timeAdded"] = json!(time_text(now));
        }
    }
    let mut changed = node.clone();
    if taints.is_empty() {
        entry(&mut changed, "spec").shift_remove("taints");
    } else {
        entry(&mut changed, "spec").insert("taints".to_owned(), Value::Array(taints));
    }
    changed
}

fn mark_not_ready(plan: &mut Plan, pod: &Value, now: Timestamp) {
    if !condition_is_true(pod, "Ready") {
        return;
    }
    let mut changed = pod.clone();
    let unready = json!({"type": "Ready", "status": "False", "lastProbeTime": null, "reason": "NodeNotReady",
        "message": "Node is not ready"});
    set_condition(&mut changed, unready, now);
    plan.push(Write::UpdateStatus(changed));
}

/// When a pod has to leave its node: at once for a taint that it does not tolerate, later for one that it tolerates
/// for a time; never if it tolerates all for good.
fn eviction_time(pod: &Value, node: &Value, world: &World) -> Option<Timestamp> {
    let taints = list(node, "/spec/taints").iter().filter(|taint| text(taint, "/effect") == "NoExecute");
    let times = taints.filter_map(|taint| {
        let since = parse_time(text(taint, "/timeAdded")).unwrap_or(world.now);
        let tolerations: Vec<_> =
            list(pod, "/spec/tolerations").iter().filter(|toleration| tolerates(toleration, taint)).collect();
        if tolerations.is_empty() {
            return Some(since);
        }
        let seconds = tolerations.iter().filter_map(|toleration| integer(toleration, "/tolerationSeconds"));
        let milliseconds = seconds.min()?.max(0) * 1000 / i64::from(world.toleration_divisor);
        Some(since + SignedDuration::from_millis(milliseconds))
    });
    times.min()
}

fn evict(plan: &mut Plan, pod: &Value) {
    plan.push(Write::Event(Event {
        about: pod.clone(),
        kind: EventKind::Normal,
        reason: "TaintManagerEviction",
        message: format!("Marking for deletion Pod {}/{}", namespace(pod), name(pod)),
        component: "taint-eviction-controller",
    }));
    plan.push(Write::delete(pod));
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{NOW, ready, status_of, summary, world};

    use super::*;

    fn node(ready: &str, taints: Value) -> Value {
        json!({"kind": "Node", "metadata": {"name": "n"}, "spec": {"taints": taints},
            "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn pod(tolerations: Value) -> Value {
        ready(json!({"kind": "Pod", "metadata": {"name": "p"},
            "spec": {"nodeName": "n", "tolerations": tolerations}}))
    }

    fn unreachable(added: &str) -> Value {
        let key = "node.kubernetes.io/unreachable";
        json!([{"key": key, "effect": "NoSchedule"}, {"key": key, "effect": "NoExecute", "timeAdded": added}])
    }

    fn for_seconds(seconds: i64) -> Value {
        json!([{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
            "tolerationSeconds": seconds}])
    }

    fn check(node: Value, pod: Value, expected: &[&str]) -> Plan {
        let plan = reconcile(&world([node, pod]));
        assert_eq!(summary(&plan), expected);
        plan
    }

    #[test]
    fn a_silent_node_is_tainted_and_its_pods_are_not_ready() {
        let plan =
            check(node("Unknown", json!([])), pod(for_seconds(300)), &["update Node n", "status Pod p"]);
        let Some(Write::Update(tainted)) = plan.writes.first() else { panic!("{plan:?}") };
        assert_eq!(tainted["spec"]["taints"], unreachable(NOW));
        let status = status_of(&plan, "p").expect("a status");
        assert_eq!(status["conditions"][0]["reason"], "NodeNotReady");
    }

    #[test]
    fn a_node_that_is_back_loses_the_taints_and_keeps_those_of_others() {
        let mut taints = unreachable(NOW);
        let foreign = json!({"key": "dedicated", "effect": "NoSchedule"});
        taints.as_array_mut().expect("a list").push(foreign.clone());
        let plan = check(node("True", taints), pod(for_seconds(300)), &["update Node n"]);
        let Some(Write::Update(freed)) = plan.writes.first() else { panic!("{plan:?}") };
        assert_eq!(freed["spec"]["taints"], json!([foreign]));
    }

    #[test]
    fn a_pod_leaves_when_its_toleration_is_over() {
        let started = "2026-01-01T00:08:00Z";
        let later = check(node("Unknown", unreachable(started)), pod(for_seconds(300)), &["status Pod p"]);
        assert_eq!(later.again_at, parse_time("2026-01-01T00:13:00Z"));
        let over = for_seconds(60);
        check(node("Unknown", unreachable(started)), pod(over), &["status Pod p", "delete Pod p"]);
        check(node("Unknown", unreachable(started)), pod(json!([])), &["status Pod p", "delete Pod p"]);
        let for_good = json!([{"operator": "Exists"}]);
        check(node("Unknown", unreachable(started)), pod(for_good), &["status Pod p"]);
    }

    #[test]
    fn tolerated_time_is_scaled() {
        let mut world = world([node("Unknown", unreachable("2026-01-01T00:09:45Z")), pod(for_seconds(300))]);
        world.toleration_divisor = 20;
        assert_eq!(summary(&reconcile(&world)), ["status Pod p", "delete Pod p"]);
    }
}
