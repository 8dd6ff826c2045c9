//! StatefulSets: ordinals, stable claims, one pod at a time.
//!
//! Enters: StatefulSets, their pods, claims and revisions. Leaves: the next pod to make or to end,
//! the claims it needs, revisions, status. The order of the rules is that of Kubernetes: make what is
//! missing from the lowest ordinal, end what is too much from the highest, then roll from the highest.
//! Absent: `maxUnavailable` of a rolling update, which Kubernetes keeps behind a gate.

mod adoption;
mod claims;
mod pods;
mod rollout;
mod status;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::object::{integer, is_controlled_by, is_terminating, list, namespace, text, uid};
use super::revisions::{self, Revisions};
use super::selector::selects;
use super::world::{Plan, Reconciler, World};

pub(crate) const RECONCILER: Reconciler = Reconciler {
    name: "statefulset-controller",
    reads: &["StatefulSet", "Pod", "PersistentVolumeClaim", "ControllerRevision"],
    reconcile,
};

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for set in world.all("StatefulSet") {
        reconcile_set(world, set, &mut plan);
    }
    plan
}

/// A set and all that belongs to it in the snapshot.
struct Observed<'a> {
    world: &'a World,
    set: &'a Value,
    pods: Vec<&'a Value>,
    revisions: Revisions,
}

impl Observed<'_> {
    fn replicas(&self) -> i64 {
        integer(self.set, "/spec/replicas").unwrap_or(1)
    }

    fn first_ordinal(&self) -> i64 {
        integer(self.set, "/spec/ordinals/start").unwrap_or(0)
    }

    fn min_ready_seconds(&self) -> i64 {
        integer(self.set, "/spec/minReadySeconds").unwrap_or(0)
    }

    /// One at a time, in order.
    fn is_ordered(&self) -> bool {
        text(self.set, "/spec/podManagementPolicy") != "Parallel"
    }

    fn pod_at(&self, ordinal: i64) -> Option<&Value> {
        self.pods.iter().copied().find(|pod| pods::ordinal_of(self.set, pod) == Some(ordinal))
    }
}

fn reconcile_set(world: &World, set: &Value, plan: &mut Plan) {
    let owned = |object: &&Value| is_controlled_by(object, uid(set));
    let pods: Vec<&Value> = world
        .within("Pod", namespace(set))
        .filter(|pod| owned(pod) && selects(set.pointer("/spec/selector"), pod.pointer("/metadata/labels")))
        .collect();
    let history: Vec<&Value> = world.within("ControllerRevision", namespace(set)).filter(owned).collect();
    if is_terminating(set) || adoption::adopt(world, set, plan) {
        return;
    }
    let revisions = revisions::resolve(set, &history, plan);
    let observed = Observed { world, set, pods, revisions };
    claims::apply_retention(&observed, plan);
    let rolled = rollout::next_step(&observed, plan);
    status::write(&observed, rolled, plan);
    revisions::prune(set, &history, &observed.pods, &observed.revisions, plan);
}

/// The claim templates of a set.
fn claim_templates(set: &Value) -> &[Value] {
    list(set, "/spec/volumeClaimTemplates")
}
