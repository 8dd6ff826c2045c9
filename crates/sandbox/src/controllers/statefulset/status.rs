//! The status of a StatefulSet, in the order and with the omissions of Kubernetes.

use serde_json::{Map, Value, json};

use super::Observed;
use super::rollout::Rolled;
use crate::controllers::object::{integer, is_pod_available, is_pod_ready, is_terminating, label, text};
use crate::controllers::world::Plan;

#[derive(Default)]
struct Counts {
    all: i64,
    ready: i64,
    available: i64,
    current: i64,
    updated: i64,
}

pub(super) fn write(observed: &Observed<'_>, rolled: Rolled, plan: &mut Plan) {
    let set = observed.set;
    let mut counts = count(observed, &rolled, plan);
    let mut current = observed.revisions.current.clone();
    let update = &observed.revisions.update;
    let wanted = observed.replicas();
    let is_complete = text(set, "/spec/updateStrategy/type") != "OnDelete"
        && [counts.updated, counts.ready, counts.all].iter().all(|count| *count == wanted);
    if is_complete {
        counts.current = counts.updated;
        current.clone_from(update);
    }
    let mut status = Map::new();
    let mut put = |key: &str, value: Value, is_kept: bool| {
        if is_kept {
            status.insert(key.to_owned(), value);
        }
    };
    let generation = integer(set, "/metadata/generation").unwrap_or(1);
    put("observedGeneration", json!(generation), true);
    put("replicas", json!(counts.all), true);
    put("readyReplicas", json!(counts.ready), counts.ready > 0);
    put("currentReplicas", json!(counts.current), counts.current > 0);
    put("updatedReplicas", json!(counts.updated), counts.updated > 0);
    put("currentRevision", json!(current), true);
    put("updateRevision", json!(update), true);
    let collisions = integer(set, "/status/collisionCount").unwrap_or(0);
    put("collisionCount", json!(collisions), true);
    put("availableReplicas", json!(counts.available), true);
    plan.set_status(set, Value::Object(status));
}

fn count(observed: &Observed<'_>, rolled: &Rolled, plan: &mut Plan) -> Counts {
    let mut counts = Counts::default();
    for pod in observed.pods.iter().copied().chain(&rolled.created) {
        counts.all += 1;
        if is_pod_ready(pod) {
            counts.ready += 1;
        }
        let (available, available_at) =
            is_pod_available(pod, observed.min_ready_seconds(), observed.world.now);
        plan.look_again_at(available_at);
        counts.available += i64::from(available);
        if !is_terminating(pod) {
            let revision = label(pod, "controller-revision-hash");
            counts.current += i64::from(revision == Some(&observed.revisions.current));
            counts.updated += i64::from(revision == Some(&observed.revisions.update));
        }
    }
    counts.current -= rolled.ended_for_update;
    counts
}
