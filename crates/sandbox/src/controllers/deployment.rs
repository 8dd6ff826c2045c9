//! Deployments: a ReplicaSet for each version of the template, and the step from one to the next.
//!
//! Absent: progress deadlines (a rollout that does not progress simply waits).

use serde_json::{Map, Value, json};

use super::digest::{canonical, letters_of};
use super::disruption::{portion, portion_down};
use super::events::{Event, EventKind};
use super::object::{
    annotation, controller_reference, integer, is_controlled_by, is_terminating, name, namespace,
    set_condition, text, uid,
};
use super::world::{Plan, Reconciler, World, Write};

const REVISION: &str = "deployment.kubernetes.io/revision";
const COMPONENT: &str = "deployment-controller";

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: COMPONENT, reads: &["Deployment", "ReplicaSet"], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for deployment in world.all("Deployment") {
        if !is_terminating(deployment) {
            reconcile_deployment(world, deployment, &mut plan);
        }
    }
    plan
}

fn reconcile_deployment(world: &World, deployment: &Value, plan: &mut Plan) {
    let owned: Vec<&Value> = world
        .within("ReplicaSet", namespace(deployment))
        .filter(|set| is_controlled_by(set, uid(deployment)))
        .collect();
    let hash = letters_of(&canonical(&deployment["spec"]["template"]), 10);
    let wanted_name = format!("{}-{hash}", name(deployment));
    let (new, old): (Vec<&Value>, Vec<&Value>) = owned.iter().partition(|set| name(set) == wanted_name);
    match new.first() {
        _ if is_paused(deployment) => scale_paused(deployment, &owned, plan),
        None => create(deployment, &owned, &old, &hash, plan),
        Some(new) => {
            roll(deployment, new, &old, plan);
            prune(deployment, &old, plan);
        }
    }
    write_status(world, deployment, new.first().copied(), &owned, plan);
}

fn replicas(object: &Value) -> i64 {
    integer(object, "/spec/replicas").unwrap_or(1)
}

fn available(object: &Value) -> i64 {
    integer(object, "/status/availableReplicas").unwrap_or(0)
}

fn is_paused(deployment: &Value) -> bool {
    deployment.pointer("/spec/paused") == Some(&json!(true))
}

/// A paused deployment makes no version of its template, but has as many pods as it says.
fn scale_paused(deployment: &Value, owned: &[&Value], plan: &mut Plan) {
    let mut active = owned.iter().filter(|set| replicas(set) > 0);
    if let (Some(only), None) = (active.next(), active.next()) {
        scale(deployment, only, replicas(deployment), plan);
    }
}

fn is_recreate(deployment: &Value) -> bool {
    text(deployment, "/spec/strategy/type") == "Recreate"
}

/// The limits of a rolling update: pods above and below the wanted number.
fn limits(deployment: &Value) -> (i64, i64) {
    let wanted = replicas(deployment);
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let quarter = json!("25%");
    let surge = portion(rolling.get("maxSurge").unwrap_or(&quarter), wanted);
    // Kubernetes rounds this one down.
    let unavailable = portion_down(rolling.get("maxUnavailable").unwrap_or(&quarter), wanted);
    (surge, if surge == 0 && unavailable == 0 { 1 } else { unavailable })
}

fn create(deployment: &Value, owned: &[&Value], old: &[&Value], hash: &str, plan: &mut Plan) {
    let running: i64 = old.iter().map(|set| replicas(set)).sum();
    let wanted = replicas(deployment);
    let first = if is_recreate(deployment) && running > 0 {
        0
    } else {
        let (surge, _) = limits(deployment);
        (wanted + surge - running).clamp(0, wanted)
    };
    let revision = owned.iter().map(|set| revision_of(set)).max().unwrap_or(0) + 1;
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!(hash);
    let set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)),
            "namespace": namespace(deployment),
            "labels": template.pointer("/metadata/labels"),
            "annotations": {
                REVISION: revision.to_string(),
                "deployment.kubernetes.io/desired-replicas": wanted.to_string(),
            },
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": {
            "replicas": first,
            "minReadySeconds": integer(deployment, "/spec/minReadySeconds").unwrap_or(0),
            "selector": selector,
            "template": template,
        },
    });
    plan.push(scaled(deployment, name(&set), 0, first));
    plan.push(Write::Create(set));
}

fn revision_of(set: &Value) -> i64 {
    annotation(set, REVISION).and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

/// One step: the new set up as far as the surge allows, the old ones down as far as availability does.
fn roll(deployment: &Value, new: &Value, old: &[&Value], plan: &mut Plan) {
    let wanted = replicas(deployment);
    let old_running: i64 = old.iter().map(|set| replicas(set)).sum();
    let (surge, unavailable) = limits(deployment);
    let target = if is_recreate(deployment) {
        let is_still_running = old.iter().any(|set| integer(set, "/status/replicas").unwrap_or(0) > 0);
        if old_running > 0 || is_still_running { replicas(new) } else { wanted }
    } else {
        (wanted + surge - old_running).clamp(replicas(new).min(wanted), wanted)
    };
    scale(deployment, new, target, plan);
    let total_available: i64 = available(new) + old.iter().map(|set| available(set)).sum::<i64>();
    let mut spare = if is_recreate(deployment) {
        old_running
    } else {
        // Pods of old sets that are not available anyway may go at once.
        let broken: i64 = old.iter().map(|set| (replicas(set) - available(set)).max(0)).sum();
        (total_available - (wanted - unavailable)).max(0) + broken
    };
    for set in old {
        let down = replicas(set).min(spare);
        spare -= down;
        scale(deployment, set, replicas(set) - down, plan);
    }
}

fn scale(deployment: &Value, set: &Value, target: i64, plan: &mut Plan) {
    let from = replicas(set);
    if from == target {
        return;
    }
    let mut changed = set.clone();
    changed["spec"]["replicas"] = json!(target);
    plan.push(Write::Update(changed));
    plan.push(scaled(deployment, name(set), from, target));
}

fn scaled(deployment: &Value, set: &str, from: i64, to: i64) -> Write {
    let way = if to > from { "up" } else { "down" };
    Write::Event(Event {
        about: deployment.clone(),
        kind: EventKind::Normal,
        reason: "ScalingReplicaSet",
        message: format!("Scaled {way} replica set {set} from {from} to {to}"),
        component: COMPONENT,
    })
}

/// Deletes empty old sets beyond `revisionHistoryLimit`.
fn prune(deployment: &Value, old: &[&Value], plan: &mut Plan) {
    let limit = integer(deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
    let mut empty: Vec<&Value> = old
        .iter()
        .copied()
        .filter(|set| replicas(set) == 0 && integer(set, "/status/replicas") == Some(0))
        .collect();
    empty.sort_by_key(|set| revision_of(set));
    let surplus = empty.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for set in &empty[..surplus] {
        plan.push(Write::delete(set));
    }
}

fn write_status(world: &World, deployment: &Value, new: Option<&Value>, owned: &[&Value], plan: &mut Plan) {
    let sum = |key: &str| -> i64 {
        owned.iter().map(|set| integer(set, &format!("/status/{key}")).unwrap_or(0)).sum()
    };
    let wanted = replicas(deployment);
    let (all, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let updated = new.map_or(0, |set| integer(set, "/status/replicas").unwrap_or(0));
    let mut status = Map::new();
    let generation = integer(deployment, "/metadata/generation").unwrap_or(1);
    status.insert("observedGeneration".to_owned(), json!(generation));
    for (key, count) in [
        ("replicas", all),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted.max(all) - available).max(0)),
    ] {
        if count > 0 {
            status.insert(key.to_owned(), json!(count));
        }
    }
    if let Some(conditions) = deployment.pointer("/status/conditions") {
        status.insert("conditions".to_owned(), conditions.clone());
    }
    let mut changed = json!({"status": status});
    let (_, unavailable) = limits(deployment);
    let is_available = available >= wanted - unavailable;
    let is_complete = updated == wanted && all == wanted && available >= wanted;
    for condition in conditions(deployment, new, is_available, is_complete) {
        set_condition(&mut changed, condition, world.now);
    }
    plan.set_status(deployment, changed["status"].take());
}

fn conditions(deployment: &Value, new: Option<&Value>, is_available: bool, is_complete: bool) -> [Value; 2] {
    let set = new.map_or_else(|| name(deployment), name);
    let (reason, message) = if is_available {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let (progress, told) = if is_complete {
        ("NewReplicaSetAvailable", format!("ReplicaSet \"{set}\" has successfully progressed."))
    } else {
        ("ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing."))
    };
    [
        json!({"type": "Available", "status": if is_available { "True" } else { "False" },
            "reason": reason, "message": message}),
        if is_paused(deployment) {
            json!({"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused",
                "message": "Deployment is paused"})
        } else {
            json!({"type": "Progressing", "status": "True", "reason": progress, "message": told})
        },
    ]
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{owned_by, status_of, summary, world};

    use super::*;

    fn deployment(image: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "proxy", "namespace": "web", "uid": "d"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "proxy"}},
                "template": {"metadata": {"labels": {"app": "proxy"}},
                    "spec": {"containers": [{"image": image}]}}}})
    }

    fn set_of(deployment: &Value, replicas: i64, available: i64) -> Value {
        let hash = letters_of(&canonical(&deployment["spec"]["template"]), 10);
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": format!("proxy-{hash}"), "namespace": "web", "uid": hash},
            "spec": {"replicas": replicas},
            "status": {"replicas": replicas, "availableReplicas": available,
                "readyReplicas": available}});
        owned_by(set, deployment)
    }

    #[test]
    fn the_first_version_gets_a_replica_set_at_once() {
        let plan = reconcile(&world([deployment("a")]));
        assert!(summary(&plan)[0].starts_with("create ReplicaSet proxy-"));
    }

    #[test]
    fn a_new_version_surges_by_one_and_takes_over() {
        let (old, new) = (deployment("a"), deployment("b"));
        let started = reconcile(&world([new.clone(), set_of(&old, 3, 3)]));
        let Some(Write::Create(first)) =
            started.writes.iter().find(|write| matches!(write, Write::Create(_)))
        else {
            panic!("no set was made: {:?}", summary(&started));
        };
        assert_eq!(replicas(first), 1);
        let rolling = reconcile(&world([new.clone(), set_of(&old, 3, 3), set_of(&new, 1, 1)]));
        let update = rolling.writes.iter().find_map(|write| match write {
            Write::Update(set) => Some(replicas(set)),
            _ => None,
        });
        assert_eq!(update, Some(2), "an old pod goes once the new one is available");
    }

    #[test]
    fn a_paused_deployment_makes_no_new_version_but_scales() {
        let mut new = deployment("b");
        new["spec"]["paused"] = json!(true);
        new["spec"]["replicas"] = json!(5);
        let old = set_of(&deployment("a"), 3, 3);
        let plan = reconcile(&world([new, old]));
        let scaled = plan.writes.iter().find_map(|write| match write {
            Write::Update(set) => Some(replicas(set)),
            _ => None,
        });
        assert_eq!(scaled, Some(5));
        assert!(!plan.writes.iter().any(|write| matches!(write, Write::Create(_))), "{:?}", summary(&plan));
        let status = status_of(&plan, "proxy").expect("a status");
        assert_eq!(status.pointer("/conditions/1/reason"), Some(&json!("DeploymentPaused")));
    }

    #[test]
    fn a_complete_rollout_says_so() {
        let deployment = deployment("a");
        let plan = reconcile(&world([deployment.clone(), set_of(&deployment, 3, 3)]));
        let status = status_of(&plan, "proxy").expect("a status");
        assert_eq!(status["updatedReplicas"], 3);
        assert_eq!(status.pointer("/conditions/1/reason"), Some(&json!("NewReplicaSetAvailable")));
    }
}
