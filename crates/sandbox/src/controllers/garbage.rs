//! Garbage collection by owner references: background, foreground and orphan.
//!
//! Enters: every object of the cluster. Leaves: the deletion of what nobody owns any more, and the end
//! of the finalizers `foregroundDeletion` and `orphan` once their work is done.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::object::{is_terminating, list, text, uid};
use super::world::{Plan, Propagation, Reconciler, World, Write};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

pub(crate) const RECONCILER: Reconciler = Reconciler { name: "garbage-collector", reads: &[], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    let by_uid: HashMap<&str, &Value> = world.everything().map(|object| (uid(object), object)).collect();
    for dependent in world.everything() {
        collect(world, &by_uid, dependent, &mut plan);
    }
    for owner in world.everything().filter(|object| is_terminating(object)) {
        if has_finalizer(owner, FOREGROUND) && !has_blocking_dependents(world, owner) {
            remove_finalizer(owner, FOREGROUND, &mut plan);
        }
        if has_finalizer(owner, ORPHAN) && dependents(world, owner).next().is_none() {
            remove_finalizer(owner, ORPHAN, &mut plan);
        }
    }
    plan
}

fn collect(world: &World, by_uid: &HashMap<&str, &Value>, dependent: &Value, plan: &mut Plan) {
    let references = list(dependent, "/metadata/ownerReferences");
    if references.is_empty() {
        return;
    }
    let owner_of = |reference: &Value| by_uid.get(text(reference, "/uid")).copied();
    let lets_go = |reference: &Value| {
        owner_of(reference).is_some_and(|owner| is_terminating(owner) && has_finalizer(owner, ORPHAN))
    };
    if references.iter().any(lets_go) {
        let kept: Vec<&Value> = references.iter().filter(|one| !lets_go(one)).collect();
        let mut changed = dependent.clone();
        changed["metadata"]["ownerReferences"] = json!(kept);
        plan.update(dependent, changed);
        return;
    }
    if is_terminating(dependent) {
        return;
    }
    let is_held = references
        .iter()
        .filter_map(owner_of)
        .any(|owner| !(is_terminating(owner) && has_finalizer(owner, FOREGROUND)));
    if is_held {
        return;
    }
    let is_foreground =
        references.iter().any(|one| owner_of(one).is_some()) && dependents(world, dependent).next().is_some();
    plan.push(Write::Delete {
        object: dependent.clone(),
        grace_seconds: None,
        propagation: if is_foreground { Propagation::Foreground } else { Propagation::Background },
    });
}

fn dependents<'a>(world: &'a World, owner: &'a Value) -> impl Iterator<Item = &'a Value> {
    world.everything().filter(move |object| {
        list(object, "/metadata/ownerReferences")
            .iter()
            .any(|reference| text(reference, "/uid") == uid(owner))
    })
}

fn has_blocking_dependents(world: &World, owner: &Value) -> bool {
    dependents(world, owner).any(|object| {
        list(object, "/metadata/ownerReferences").iter().any(|reference| {
            text(reference, "/uid") == uid(owner)
                && reference.get("blockOwnerDeletion") == Some(&Value::Bool(true))
        })
    })
}

fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    list(object, "/metadata/finalizers").iter().any(|one| one.as_str() == Some(finalizer))
}

fn remove_finalizer(object: &Value, finalizer: &str, plan: &mut Plan) {
    let kept: Vec<&Value> =
        list(object, "/metadata/finalizers").iter().filter(|one| one.as_str() != Some(finalizer)).collect();
    let mut changed = object.clone();
    changed["metadata"]["finalizers"] = json!(kept);
    plan.update(object, changed);
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{deleted, owned_by, summary, world};

    use super::*;

    fn object(kind: &str, name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": kind,
            "metadata": {"name": name, "namespace": "web", "uid": name}})
    }

    fn going(kind: &str, name: &str, finalizer: &str) -> Value {
        let mut object = deleted(object(kind, name));
        object["metadata"]["finalizers"] = json!([finalizer]);
        object
    }

    fn check<const N: usize>(objects: [Value; N], expected: &[&str]) {
        assert_eq!(summary(&reconcile(&world(objects))), expected);
    }

    #[test]
    fn an_object_whose_owner_is_gone_is_deleted() {
        let owner = object("StatefulSet", "s");
        check([owned_by(object("Pod", "p"), &owner)], &["delete Pod p"]);
        check([owned_by(object("Pod", "p"), &owner), owner], &[]);
    }

    #[test]
    fn a_foreground_deletion_waits_for_its_dependents() {
        let owner = going("StatefulSet", "s", FOREGROUND);
        let pod = owned_by(object("Pod", "p"), &owner);
        check([owner.clone(), pod.clone()], &["delete Pod p"]);
        check([owner.clone(), deleted(pod)], &[]);
        check([owner], &["update StatefulSet s"]);
    }

    #[test]
    fn a_foreground_deletion_goes_down_the_tree() {
        let owner = going("Deployment", "d", FOREGROUND);
        let set = owned_by(object("ReplicaSet", "r"), &owner);
        let pod = owned_by(object("Pod", "p"), &set);
        check([owner, set, pod], &["delete ReplicaSet r in the foreground"]);
    }

    #[test]
    fn orphans_lose_their_owner_and_stay() {
        let owner = going("StatefulSet", "s", ORPHAN);
        check([owner.clone(), owned_by(object("Pod", "p"), &owner)], &["update Pod p"]);
        check([owner], &["update StatefulSet s"]);
    }
}
