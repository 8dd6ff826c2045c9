//! Which pod is made, repaired or ended next.

use std::ops::ControlFlow;

use serde_json::Value;

use super::{Observed, claims, pods};
use crate::controllers::events::{Event, EventKind};
use crate::controllers::object::{
    integer, is_pod_available, is_pod_finished, is_pod_ready, is_terminating, label, name, text,
};
use crate::controllers::world::{Plan, Write};

/// What this round does to the counts of the status: pods made now are counted at once, as
/// Kubernetes does.
#[derive(Debug, Default)]
pub(super) struct Rolled {
    pub(super) created: Vec<Value>,
    /// Pods of the current revision that were told to go to make room for the update.
    pub(super) ended_for_update: i64,
}

pub(super) fn next_step(observed: &Observed<'_>, plan: &mut Plan) -> Rolled {
    let mut rolled = Rolled::default();
    // Break means "nothing more this round": in order, one unready pod blocks all that follow it.
    let _ = fill_ordinals(observed, plan, &mut rolled)
        .is_continue()
        .then(|| end_surplus(observed, plan))
        .filter(ControlFlow::is_continue)
        .map(|_| roll(observed, plan, &mut rolled));
    rolled
}

fn fill_ordinals(observed: &Observed<'_>, plan: &mut Plan, rolled: &mut Rolled) -> ControlFlow<()> {
    let first = observed.first_ordinal();
    for ordinal in first..first + observed.replicas() {
        let flow = match observed.pod_at(ordinal) {
            None => {
                create(observed, ordinal, plan, rolled);
                ControlFlow::Break(())
            }
            Some(pod) => keep(observed, pod, ordinal, plan),
        };
        if flow.is_break() && observed.is_ordered() {
            return flow;
        }
    }
    ControlFlow::Continue(())
}

fn create(observed: &Observed<'_>, ordinal: i64, plan: &mut Plan, rolled: &mut Rolled) {
    let set_name = name(observed.set);
    let pod = pods::render(observed, ordinal);
    for claim in claims::create_missing(observed, ordinal, plan) {
        let message = format!("Create Claim {claim} Pod {} in StatefulSet {set_name} success", name(&pod));
        plan.push(event(observed, EventKind::Normal, "SuccessfulCreate", message));
    }
    let message = format!("Create Pod {} in StatefulSet {set_name} successful", name(&pod));
    plan.push(Write::Create(pod.clone()));
    plan.push(event(observed, EventKind::Normal, "SuccessfulCreate", message));
    rolled.created.push(pod);
}

/// Looks after one existing pod; breaks when those that follow must wait for it.
fn keep(observed: &Observed<'_>, pod: &Value, ordinal: i64, plan: &mut Plan) -> ControlFlow<()> {
    if is_terminating(pod) {
        return ControlFlow::Break(());
    }
    if is_pod_finished(pod) {
        let message = format!(
            "StatefulSet {}/{} is recreating {} Pod {}",
            text(observed.set, "/metadata/namespace"),
            name(observed.set),
            if text(pod, "/status/phase") == "Failed" { "failed" } else { "terminated" },
            name(pod)
        );
        plan.push(Write::delete(pod));
        plan.push(event(observed, EventKind::Warning, "RecreatingFailedPod", message));
        return ControlFlow::Break(());
    }
    if text(pod, "/status/phase") != "Running" {
        claims::create_missing(observed, ordinal, plan);
    }
    let (available, available_at) = is_pod_available(pod, observed.min_ready_seconds(), observed.world.now);
    plan.look_again_at(available_at);
    if !available && observed.is_ordered() {
        return ControlFlow::Break(());
    }
    plan.update(pod, pods::repaired_identity(pod, ordinal));
    ControlFlow::Continue(())
}

fn end_surplus(observed: &Observed<'_>, plan: &mut Plan) -> ControlFlow<()> {
    let first = observed.first_ordinal();
    let kept = first..first + observed.replicas();
    let ordinal = |pod: &Value| pods::ordinal_of(observed.set, pod);
    let mut surplus: Vec<&Value> = observed
        .pods
        .iter()
        .copied()
        .filter(|pod| ordinal(pod).is_some_and(|ordinal| !kept.contains(&ordinal)))
        .collect();
    surplus.sort_by_key(|pod| std::cmp::Reverse(ordinal(pod)));
    let first_unhealthy = first_unhealthy(observed, &surplus);
    for pod in surplus {
        if is_terminating(pod) {
            if observed.is_ordered() {
                return ControlFlow::Break(());
            }
            continue;
        }
        let blocks = !is_pod_ready(pod) && first_unhealthy != Some(name(pod));
        if blocks && observed.is_ordered() {
            return ControlFlow::Break(());
        }
        end(observed, pod, plan);
        if observed.is_ordered() {
            return ControlFlow::Break(());
        }
    }
    ControlFlow::Continue(())
}

/// The unhealthy pod of the lowest ordinal, kept ones first: it may go although it is unhealthy.
fn first_unhealthy<'a>(observed: &'a Observed<'_>, surplus: &[&'a Value]) -> Option<&'a str> {
    let first = observed.first_ordinal();
    (first..first + observed.replicas())
        .filter_map(|ordinal| observed.pod_at(ordinal))
        .chain(surplus.iter().rev().copied())
        .find(|pod| !pods::is_healthy(pod))
        .map(name)
}

/// Ends the highest pod that is not at the update revision, once all above it are healthy.
fn roll(observed: &Observed<'_>, plan: &mut Plan, rolled: &mut Rolled) {
    let set = observed.set;
    if text(set, "/spec/updateStrategy/type") == "OnDelete" {
        return;
    }
    let first = observed.first_ordinal();
    let partition = integer(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    for ordinal in (first + partition..first + observed.replicas()).rev() {
        let Some(pod) = observed.pod_at(ordinal) else {
            return;
        };
        let is_old = label(pod, "controller-revision-hash") != Some(&observed.revisions.update);
        if is_old && !is_terminating(pod) {
            end(observed, pod, plan);
            if label(pod, "controller-revision-hash") == Some(&observed.revisions.current) {
                rolled.ended_for_update += 1;
            }
            return;
        }
        if !pods::is_healthy(pod) {
            return;
        }
    }
}

fn end(observed: &Observed<'_>, pod: &Value, plan: &mut Plan) {
    let message = format!("Delete Pod {} in StatefulSet {} successful", name(pod), name(observed.set));
    plan.push(Write::delete(pod));
    plan.push(event(observed, EventKind::Normal, "SuccessfulDelete", message));
}

fn event(observed: &Observed<'_>, kind: EventKind, reason: &'static str, message: String) -> Write {
    Write::Event(Event {
        about: observed.set.clone(),
        kind,
        reason,
        message,
        component: "statefulset-controller",
    })
}
