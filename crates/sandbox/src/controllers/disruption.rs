//! PodDisruptionBudgets: how many pods may go now.
//!
//! Enters: budgets, pods, and the sets that own them. Leaves: the budget's status, which the eviction
//! subresource spends from. Absent: `unhealthyPodEvictionPolicy`, which the eviction itself reads.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::events::{Event, EventKind};
use super::object::{
    condition_is_true, controller_of, integer, is_pod_finished, is_terminating, name, namespace, parse_time,
    set_condition, text, uid,
};
use super::selector::selects;
use super::world::{Plan, Reconciler, World, Write};

/// An eviction that was granted but whose pod does not go is forgotten after this time.
const GRANT_EXPIRES_AFTER: SignedDuration = SignedDuration::from_secs(120);

pub(crate) const RECONCILER: Reconciler = Reconciler {
    name: "disruption-controller",
    reads: &["PodDisruptionBudget", "Pod", "StatefulSet", "ReplicaSet"],
    reconcile,
};

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for budget in world.all("PodDisruptionBudget") {
        if !is_terminating(budget) {
            reconcile_budget(world, budget, &mut plan);
        }
    }
    plan
}

fn reconcile_budget(world: &World, budget: &Value, plan: &mut Plan) {
    let pods: Vec<&Value> = world
        .within("Pod", namespace(budget))
        .filter(|pod| !is_pod_finished(pod))
        .filter(|pod| selects(budget.pointer("/spec/selector"), pod.pointer("/metadata/labels")))
        .collect();
    if pods.is_empty() && budget.pointer("/status/observedGeneration").is_none() {
        plan.push(Write::Event(Event {
            about: budget.clone(),
            kind: EventKind::Normal,
            reason: "NoPods",
            message: "No matching pods found".to_owned(),
            component: "controllermanager",
        }));
    }
    let granted = outstanding_grants(budget, &pods, world.now, plan);
    let (expected, desired) = wanted(world, budget, &pods);
    let healthy = i64::try_from(
        pods.iter()
            .filter(|pod| !is_terminating(pod) && !granted.contains_key(name(pod)))
            .filter(|pod| condition_is_true(pod, "Ready"))
            .count(),
    )
    .unwrap_or(i64::MAX);
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let generation = integer(budget, "/metadata/generation").unwrap_or(1);
    let mut status = json!({
        "observedGeneration": generation,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
    });
    if !granted.is_empty() {
        status["disruptedPods"] = Value::Object(granted);
    }
    if let Some(conditions) = budget.pointer("/status/conditions") {
        status["conditions"] = conditions.clone();
    }
    let mut changed = json!({"status": status});
    let condition = json!({
        "type": "DisruptionAllowed",
        "status": if allowed > 0 { "True" } else { "False" },
        "observedGeneration": generation,
        "reason": if allowed > 0 { "SufficientPods" } else { "InsufficientPods" },
        "message": "",
    });
    set_condition(&mut changed, condition, world.now);
    plan.set_status(budget, changed["status"].take());
}

/// Evictions granted to pods that are still there and not yet going.
fn outstanding_grants(
    budget: &Value,
    pods: &[&Value],
    now: Timestamp,
    plan: &mut Plan,
) -> Map<String, Value> {
    let mut outstanding = Map::new();
    let granted = budget.pointer("/status/disruptedPods").and_then(Value::as_object);
    for (pod_name, at) in granted.into_iter().flatten() {
        let expires = at.as_str().and_then(parse_time).map(|at| at + GRANT_EXPIRES_AFTER);
        let is_pending = pods.iter().any(|pod| name(pod) == pod_name && !is_terminating(pod));
        if is_pending && expires.is_some_and(|expires| expires > now) {
            outstanding.insert(pod_name.clone(), at.clone());
            plan.look_again_at(expires);
        }
    }
    outstanding
}

/// How many pods there should be, and how many of them healthy.
fn wanted(world: &World, budget: &Value, pods: &[&Value]) -> (i64, i64) {
    let count = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    if let Some(limit) = budget.pointer("/spec/maxUnavailable") {
        let expected = expected_scale(world, pods);
        return (expected, (expected - portion(limit, expected)).max(0));
    }
    match budget.pointer("/spec/minAvailable") {
        Some(limit) if limit.is_string() => {
            let expected = expected_scale(world, pods);
            (expected, portion(limit, expected))
        }
        Some(limit) => (count, limit.as_i64().unwrap_or(0)),
        None => (count, 1),
    }
}

/// The sum of the replicas of all sets that own the pods.
fn expected_scale(world: &World, pods: &[&Value]) -> i64 {
    let mut owners: Vec<&str> =
        pods.iter().filter_map(|pod| controller_of(pod)).map(|owner| text(owner, "/uid")).collect();
    owners.sort_unstable();
    owners.dedup();
    world
        .all("StatefulSet")
        .chain(world.all("ReplicaSet"))
        .filter(|set| owners.contains(&uid(set)))
        .map(|set| integer(set, "/spec/replicas").unwrap_or(1))
        .sum()
}

/// A number, or a percentage of `whole` rounded up.
pub(super) fn portion(limit: &Value, whole: i64) -> i64 {
    number_or(limit, |percent| (whole * percent + 99) / 100)
}

/// A number, or a percentage of `whole` rounded down.
pub(super) fn portion_down(limit: &Value, whole: i64) -> i64 {
    number_or(limit, |percent| whole * percent / 100)
}

fn number_or(limit: &Value, of_percent: impl FnOnce(i64) -> i64) -> i64 {
    match limit {
        Value::String(text) => of_percent(text.trim_end_matches('%').parse().unwrap_or(0)),
        number => number.as_i64().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{deleted, owned_by, ready, status_of, world};

    use super::*;

    fn set() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "s", "namespace": "web", "uid": "s"}, "spec": {"replicas": 3}})
    }

    fn pod(name: &str) -> Value {
        let pod = json!({"kind": "Pod", "metadata": {"name": name, "namespace": "web", "uid": name,
            "labels": {"app": "cache"}}});
        owned_by(pod, &set())
    }

    /// Allowed, healthy, desired and expected, for a budget over these pods.
    fn check(limit: Value, pods: Vec<Value>, disrupted: Value, expected: [i64; 4]) {
        let mut budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "pdb", "namespace": "web", "generation": 1},
            "spec": {"selector": {"matchLabels": {"app": "cache"}}},
            "status": {"observedGeneration": 1, "disruptedPods": disrupted}});
        for (key, value) in limit.as_object().expect("a limit") {
            budget["spec"][key] = value.clone();
        }
        let plan = reconcile(&world(pods.into_iter().chain([set(), budget])));
        let status = status_of(&plan, "pdb").expect("a status");
        let found = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]
            .map(|field| status[field].as_i64().expect("a count"));
        assert_eq!(found, expected, "{limit}");
    }

    #[test]
    fn a_budget_counts_healthy_pods_against_its_limit() {
        let all = || vec![ready(pod("a")), ready(pod("b")), ready(pod("c"))];
        let none = || json!({});
        check(json!({"maxUnavailable": 1}), all(), none(), [1, 3, 2, 3]);
        check(json!({"maxUnavailable": "50%"}), all(), none(), [2, 3, 1, 3]);
        check(json!({"minAvailable": 2}), all(), none(), [1, 3, 2, 3]);
        check(json!({"minAvailable": "100%"}), all(), none(), [0, 3, 3, 3]);
        let one_starts = vec![ready(pod("a")), ready(pod("b")), pod("c")];
        check(json!({"maxUnavailable": 1}), one_starts, none(), [0, 2, 2, 3]);
        let one_goes = vec![ready(pod("a")), ready(pod("b")), deleted(ready(pod("c")))];
        check(json!({"maxUnavailable": 1}), one_goes, none(), [0, 2, 2, 3]);
    }

    #[test]
    fn a_granted_eviction_counts_until_its_pod_goes_or_the_grant_expires() {
        let all = || vec![ready(pod("a")), ready(pod("b")), ready(pod("c"))];
        let granted = |at: &str| json!({"a": at});
        check(json!({"maxUnavailable": 1}), all(), granted("2026-01-01T00:09:00Z"), [0, 2, 2, 3]);
        check(json!({"maxUnavailable": 1}), all(), granted("2026-01-01T00:07:00Z"), [1, 3, 2, 3]);
    }
}
