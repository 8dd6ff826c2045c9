//! Namespaces: what each one holds from the start, and how it ends.
//!
//! Enters: every object of the cluster. Leaves: a ServiceAccount `default` and the ConfigMap
//! `kube-root-ca.crt` in each namespace that lives; the deletion of all that a terminating one holds,
//! and then its own.

use serde_json::{Value, json};

use super::object::{is_terminating, name, text};
use super::world::{Plan, Propagation, Reconciler, World, Write};

pub(crate) const RECONCILER: Reconciler = Reconciler { name: "namespace-controller", reads: &[], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for namespace in world.all("Namespace") {
        if is_terminating(namespace) {
            end(world, namespace, &mut plan);
        } else {
            furnish(world, name(namespace), &mut plan);
        }
    }
    plan
}

fn furnish(world: &World, namespace: &str, plan: &mut Plan) {
    if world.get("ServiceAccount", namespace, "default").is_none() {
        plan.push(Write::Create(json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": namespace},
        })));
    }
    if world.get("ConfigMap", namespace, "kube-root-ca.crt").is_none() {
        plan.push(Write::Create(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "kube-root-ca.crt",
                "namespace": namespace,
                "annotations": {"kubernetes.io/description":
                    "Contains a CA bundle that can be used to verify the kube-apiserver when using \
                     internal endpoints such as the internal service IP or \
                     kubernetes.default.svc. No other usage is guaranteed across distributions of \
                     Kubernetes clusters."},
            },
            "data": {"ca.crt": &*world.cluster_ca_pem},
        })));
    }
}

fn end(world: &World, namespace: &Value, plan: &mut Plan) {
    let mut is_empty = true;
    for object in world.everything().filter(|object| text(object, "/metadata/namespace") == name(namespace)) {
        is_empty = false;
        if !is_terminating(object) {
            plan.push(Write::Delete {
                object: object.clone(),
                grace_seconds: None,
                propagation: Propagation::Background,
            });
        }
    }
    if is_empty {
        let mut changed = namespace.clone();
        changed["spec"]["finalizers"] = json!([]);
        plan.update(namespace, changed);
    } else if text(namespace, "/status/phase") != "Terminating" {
        plan.set_status(namespace, json!({"phase": "Terminating"}));
    }
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{deleted, summary, world};

    use super::*;

    fn namespace() -> Value {
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "uid": "n"},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
    }

    fn config_map() -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "c", "namespace": "web", "uid": "c"}})
    }

    #[test]
    fn a_new_namespace_is_furnished() {
        assert_eq!(
            summary(&reconcile(&world([namespace()]))),
            ["create ServiceAccount default", "create ConfigMap kube-root-ca.crt"]
        );
    }

    #[test]
    fn a_terminating_namespace_is_emptied_and_then_finalized() {
        let full = world([deleted(namespace()), config_map()]);
        assert_eq!(summary(&reconcile(&full)), ["delete ConfigMap c", "status Namespace web"]);
        let waiting = world([deleted(namespace()), deleted(config_map())]);
        assert_eq!(summary(&reconcile(&waiting)), ["status Namespace web"]);
        let empty = world([deleted(namespace())]);
        assert_eq!(summary(&reconcile(&empty)), ["update Namespace web"]);
    }
}
