//! A bound claim that asks for more gets it, where its class allows that: first the volume, then the claim.

use serde_json::{Value, json};

use super::events::{Event, EventKind};
use super::object::{is_terminating, name, text};
use super::world::{Plan, Reconciler, World, Write};
use crate::store::quantity::parse_quantity_milli;

pub(crate) const RECONCILER: Reconciler = Reconciler {
    name: "volume-expander",
    reads: &["PersistentVolumeClaim", "PersistentVolume", "StorageClass"],
    reconcile,
};

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    let bound = world.all("PersistentVolumeClaim").filter(|claim| text(claim, "/status/phase") == "Bound");
    for claim in bound.filter(|claim| !is_terminating(claim)) {
        let size = |path: &str| claim.pointer(path).and_then(parse_quantity_milli);
        let wanted = claim.pointer("/spec/resources/requests/storage");
        if let Some(wanted) = wanted
            && size("/spec/resources/requests/storage") > size("/status/capacity/storage")
        {
            expand(world, claim, wanted, &mut plan);
        }
    }
    plan
}

fn expand(world: &World, claim: &Value, wanted: &Value, plan: &mut Plan) {
    let class = world.get("StorageClass", "", text(claim, "/spec/storageClassName"));
    let may_grow = class.is_some_and(|class| class.get("allowVolumeExpansion") == Some(&json!(true)));
    let Some(volume) = world.get("PersistentVolume", "", text(claim, "/spec/volumeName")) else { return };
    if !may_grow {
        return tell(
            claim,
            EventKind::Warning,
            "VolumeResizeFailed",
            format!(
                "the storage class {:?} does not allow its volumes to grow",
                text(claim, "/spec/storageClassName")
            ),
            plan,
        );
    }
    let mut larger = volume.clone();
    larger["spec"]["capacity"]["storage"] = wanted.clone();
    plan.update(volume, larger);
    let mut status = claim["status"].clone();
    status["capacity"]["storage"] = wanted.clone();
    plan.set_status(claim, status);
    let message = format!("MountVolume.NodeExpandVolume succeeded for volume {:?}", name(volume));
    tell(claim, EventKind::Normal, "FileSystemResizeSuccessful", message, plan);
}

fn tell(claim: &Value, kind: EventKind, reason: &'static str, message: String, plan: &mut Plan) {
    let about = claim.clone();
    plan.push(Write::Event(Event { about, kind, reason, message, component: "volume_expand" }));
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{status_of, summary, world};

    use super::*;

    fn check(request: &str, may_grow: bool, expected: &[&str]) {
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "web", "uid": "c"},
            "spec": {"volumeName": "pv", "storageClassName": "fast",
                "resources": {"requests": {"storage": request}}},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}});
        let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
            "spec": {"capacity": {"storage": "1Gi"}}});
        let class =
            json!({"kind": "StorageClass", "metadata": {"name": "fast"}, "allowVolumeExpansion": may_grow});
        let plan = reconcile(&world([claim, volume, class]));
        assert_eq!(summary(&plan), expected);
        let capacity = status_of(&plan, "data").map(|status| status["capacity"]["storage"].clone());
        assert_eq!(capacity, (!expected.is_empty()).then(|| json!(request)));
    }

    #[test]
    fn a_claim_that_asks_for_more_gets_it_where_its_class_allows() {
        check("2Gi", true, &["update PersistentVolume pv", "status PersistentVolumeClaim data"]);
        check("1024Mi", true, &[]);
        check("2Gi", false, &[]);
    }
}
