//! CustomResourceDefinitions: their names are accepted at once; when one goes, what it defined goes first.

use serde_json::{Value, json};

use super::object::{is_terminating, kind, list, set_condition, text};
use super::world::{Plan, Reconciler, World, Write};

const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(crate) const RECONCILER: Reconciler = Reconciler { name: "crd-controller", reads: &[], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for definition in world.all("CustomResourceDefinition") {
        if is_terminating(definition) {
            end(world, definition, &mut plan);
        } else {
            establish(world, definition, &mut plan);
        }
    }
    plan
}

fn establish(world: &World, definition: &Value, plan: &mut Plan) {
    let mut changed = definition.clone();
    let conditions = [
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ];
    for (name, reason, message) in conditions {
        let condition = json!({"type": name, "status": "True", "reason": reason, "message": message});
        set_condition(&mut changed, condition, world.now);
    }
    changed["status"]["acceptedNames"] = definition["spec"]["names"].clone();
    let stored = list(definition, "/spec/versions").iter().filter(|version| version["storage"] == true);
    changed["status"]["storedVersions"] = stored.map(|version| version["name"].clone()).collect();
    plan.set_status(definition, changed["status"].take());
    let finalizers = list(definition, "/metadata/finalizers");
    if !finalizers.iter().any(|one| one == CLEANUP) {
        let mut held = definition.clone();
        held["metadata"]["finalizers"] = finalizers.iter().cloned().chain([json!(CLEANUP)]).collect();
        plan.update(definition, held);
    }
}

fn end(world: &World, definition: &Value, plan: &mut Plan) {
    let (group, defined) = (text(definition, "/spec/group"), text(definition, "/spec/names/kind"));
    let ours = |object: &&Value| {
        kind(object) == defined
            && text(object, "/apiVersion").split_once('/').is_some_and(|(found, _)| found == group)
    };
    let mut left = world.everything().filter(ours).peekable();
    if left.peek().is_none() {
        let kept = list(definition, "/metadata/finalizers").iter().filter(|one| **one != CLEANUP);
        let mut released = definition.clone();
        released["metadata"]["finalizers"] = kept.cloned().collect();
        plan.update(definition, released);
    }
    for object in left.filter(|object| !is_terminating(object)) {
        plan.push(Write::delete(object));
    }
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{deleted, status_of, summary, world};

    use super::*;

    fn definition() -> Value {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "monitors.example.com", "uid": "d", "finalizers": [CLEANUP]},
            "spec": {"group": "example.com", "names": {"kind": "Monitor", "plural": "monitors"},
                "versions": [{"name": "v1", "served": true, "storage": true}]}})
    }

    fn monitor() -> Value {
        json!({"apiVersion": "example.com/v1", "kind": "Monitor",
            "metadata": {"name": "m", "namespace": "web", "uid": "m"}})
    }

    #[test]
    fn a_definition_is_established_at_once() {
        let plan = reconcile(&world([definition()]));
        let status = status_of(&plan, "monitors.example.com").expect("a status");
        assert_eq!(status.pointer("/conditions/1/type"), Some(&json!("Established")));
        assert_eq!(status["storedVersions"], json!(["v1"]));
    }

    #[test]
    fn a_definition_goes_after_what_it_defined() {
        let going = deleted(definition());
        assert_eq!(summary(&reconcile(&world([going.clone(), monitor()]))), ["delete Monitor m"]);
        assert_eq!(
            summary(&reconcile(&world([going]))),
            ["update CustomResourceDefinition monitors.example.com"]
        );
    }
}
