//! Pods whose node vanished: nobody is left to end them, so they are deleted at once.

use super::object::{is_terminating, text};
use super::world::{Plan, Reconciler, World, Write};

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: "pod-garbage-collector", reads: &["Pod", "Node"], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for pod in world.all("Pod") {
        let node = text(pod, "/spec/nodeName");
        let has_no_agent = match node {
            "" => is_terminating(pod),
            node => world.get("Node", "", node).is_none(),
        };
        if has_no_agent {
            plan.push(Write::delete_now(pod));
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::controllers::testing::{summary, world};

    use super::*;

    #[test]
    fn a_pod_on_a_vanished_node_is_deleted_at_once() {
        let pod = |name: &str, node: &str| json!({"kind": "Pod", "metadata": {"name": name}, "spec": {"nodeName": node}});
        let node = json!({"kind": "Node", "metadata": {"name": "here"}});
        let world = world([pod("a", "here"), pod("b", "gone"), node]);
        assert_eq!(summary(&reconcile(&world)), ["delete Pod b now"]);
    }
}
