//! Claims and volumes: default class, binding, provisioning on first use, protection and reclaim.
//!
//! Enters: claims, volumes, classes, pods. Leaves: the class of a claim that names none, a volume for
//! a claim that the scheduler placed, both sides of a binding, the end of released volumes. Absent:
//! snapshots, access modes beyond equality; `expansion` makes volumes larger.

use serde_json::{Value, json};

use super::events::{Event, EventKind};
use super::object::{
    annotation, is_pod_finished, is_terminating, label, list, metadata_entry, name, namespace, text,
    time_text, uid,
};
use super::world::{Plan, Reconciler, World, Write};
use crate::store::quantity::parse_quantity_milli;

/// Where the scheduler leaves the node it chose for a claim.
pub(crate) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";
const COMPONENT: &str = "persistentvolume-controller";

pub(crate) const RECONCILER: Reconciler = Reconciler {
    name: COMPONENT,
    reads: &["PersistentVolumeClaim", "PersistentVolume", "StorageClass", "Pod", "Node"],
    reconcile,
};

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for claim in world.all("PersistentVolumeClaim") {
        if is_terminating(claim) {
            release_claim(world, claim, &mut plan);
        } else {
            reconcile_claim(world, claim, &mut plan);
        }
    }
    for volume in world.all("PersistentVolume") {
        reconcile_volume(world, volume, &mut plan);
    }
    plan
}

/// Whether a claim's class binds only once a pod uses the claim.
pub(crate) fn waits_for_consumer(world: &World, claim: &Value) -> bool {
    class_of(world, claim).is_some_and(|class| text(class, "/volumeBindingMode") == "WaitForFirstConsumer")
}

fn class_of<'a>(world: &'a World, claim: &Value) -> Option<&'a Value> {
    world.get("StorageClass", "", text(claim, "/spec/storageClassName"))
}

/// A claim in use stays until no pod that still runs mentions it.
fn release_claim(world: &World, claim: &Value, plan: &mut Plan) {
    let is_used = world.within("Pod", namespace(claim)).any(|pod| {
        !is_pod_finished(pod)
            && list(pod, "/spec/volumes")
                .iter()
                .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == name(claim))
    });
    if !is_used {
        remove_finalizer(claim, CLAIM_PROTECTION, plan);
    }
}

fn remove_finalizer(object: &Value, finalizer: &str, plan: &mut Plan) {
    let mut changed = object.clone();
    let Some(finalizers) = changed.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) else {
        return;
    };
    finalizers.retain(|one| one.as_str() != Some(finalizer));
    plan.update(object, changed);
}

fn reconcile_claim(world: &World, claim: &Value, plan: &mut Plan) {
    if claim.pointer("/spec/storageClassName").is_none() {
        if let Some(class) = default_class(world) {
            let mut changed = claim.clone();
            changed["spec"]["storageClassName"] = json!(name(class));
            plan.push(Write::Update(changed));
        }
        return;
    }
    if text(claim, "/status/phase") == "Bound" {
        return;
    }
    if let Some(volume) = matching_volume(world, claim) {
        bind(claim, volume, plan);
        return;
    }
    let Some(class) = class_of(world, claim) else {
        return;
    };
    if text(class, "/provisioner") == "kubernetes.io/no-provisioner" {
        return;
    }
    let selected = annotation(claim, SELECTED_NODE);
    if selected.is_none() && waits_for_consumer(world, claim) {
        return;
    }
    let node = selected.and_then(|node| world.get("Node", "", node));
    provision(claim, class, node, plan);
}

fn default_class(world: &World) -> Option<&Value> {
    world.all("StorageClass").find(|class| annotation(class, DEFAULT_CLASS) == Some("true"))
}

/// A volume made for this claim, or a free one that is large enough.
fn matching_volume<'a>(world: &'a World, claim: &Value) -> Option<&'a Value> {
    let wanted_name = text(claim, "/spec/volumeName");
    let request =
        claim.pointer("/spec/resources/requests/storage").and_then(parse_quantity_milli).unwrap_or(0);
    world.all("PersistentVolume").filter(|volume| !is_terminating(volume)).find(|volume| {
        match volume.pointer("/spec/claimRef") {
            Some(reference) => {
                let owner = text(reference, "/uid");
                text(reference, "/name") == name(claim)
                    && text(reference, "/namespace") == namespace(claim)
                    && (owner.is_empty() || owner == uid(claim))
            }
            None if !wanted_name.is_empty() => name(volume) == wanted_name,
            None => {
                let capacity =
                    volume.pointer("/spec/capacity/storage").and_then(parse_quantity_milli).unwrap_or(0);
                text(volume, "/spec/storageClassName") == text(claim, "/spec/storageClassName")
                    && volume.pointer("/spec/accessModes") == claim.pointer("/spec/accessModes")
                    && capacity >= request
            }
        }
    })
}

fn bind(claim: &Value, volume: &Value, plan: &mut Plan) {
    let mut bound = volume.clone();
    bound["spec"]["claimRef"] = reference_to(claim);
    bound["status"]["phase"] = json!("Bound");
    plan.update(volume, bound);
    let mut changed = claim.clone();
    let annotations = metadata_entry(&mut changed, "annotations");
    annotations.insert("pv.kubernetes.io/bind-completed".to_owned(), json!("yes"));
    annotations.insert("pv.kubernetes.io/bound-by-controller".to_owned(), json!("yes"));
    changed["spec"]["volumeName"] = json!(name(volume));
    changed["status"] = json!({
        "phase": "Bound",
        "accessModes": volume.pointer("/spec/accessModes"),
        "capacity": volume.pointer("/spec/capacity"),
    });
    plan.update(claim, changed);
}

fn reference_to(claim: &Value) -> Value {
    json!({
        "kind": "PersistentVolumeClaim",
        "namespace": namespace(claim),
        "name": name(claim),
        "uid": uid(claim),
        "apiVersion": "v1",
    })
}

/// A disk of the class, in the zone of the node where the claim is wanted.
fn provision(claim: &Value, class: &Value, node: Option<&Value>, plan: &mut Plan) {
    let volume_name = format!("pvc-{}", uid(claim));
    let provisioner = text(class, "/provisioner");
    let reclaim = match text(class, "/reclaimPolicy") {
        "" => "Delete",
        other => other,
    };
    let mut spec = json!({
        "capacity": {"storage": claim.pointer("/spec/resources/requests/storage")},
        "csi": {
            "driver": provisioner,
            "fsType": "ext4",
            "volumeHandle": volume_name,
        },
        "accessModes": claim.pointer("/spec/accessModes"),
        "claimRef": reference_to(claim),
        "persistentVolumeReclaimPolicy": reclaim,
        "storageClassName": name(class),
        "volumeMode": "Filesystem",
    });
    if let Some(zone) = node.and_then(|node| label(node, "topology.kubernetes.io/zone")) {
        spec["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}]}});
    }
    let volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name,
            "annotations": {"pv.kubernetes.io/provisioned-by": provisioner},
            "finalizers": [VOLUME_PROTECTION],
        },
        "spec": spec,
        "status": {"phase": "Pending"},
    });
    plan.push(Write::Create(volume));
    plan.push(Write::Event(Event {
        about: claim.clone(),
        kind: EventKind::Normal,
        reason: "ProvisioningSucceeded",
        message: format!("Successfully provisioned volume {volume_name}"),
        component: COMPONENT,
    }));
}

fn reconcile_volume(world: &World, volume: &Value, plan: &mut Plan) {
    let Some(reference) = volume.pointer("/spec/claimRef") else {
        if is_terminating(volume) {
            remove_finalizer(volume, VOLUME_PROTECTION, plan);
        } else {
            set_phase(world, volume, "Available", plan);
        }
        return;
    };
    let owner = text(reference, "/uid");
    let claim = world.get("PersistentVolumeClaim", text(reference, "/namespace"), text(reference, "/name"));
    let is_claimed = claim.is_some_and(|claim| owner.is_empty() || owner == uid(claim));
    if is_claimed {
        return;
    }
    if is_terminating(volume) {
        remove_finalizer(volume, VOLUME_PROTECTION, plan);
    } else if owner.is_empty() {
        set_phase(world, volume, "Available", plan);
    } else if text(volume, "/status/phase") != "Released" {
        set_phase(world, volume, "Released", plan);
    } else if text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
        plan.push(Write::delete_now(volume));
    }
}

fn set_phase(world: &World, volume: &Value, phase: &str, plan: &mut Plan) {
    if text(volume, "/status/phase") == phase {
        return;
    }
    let status = json!({
        "phase": phase,
        "lastPhaseTransitionTime": time_text(world.now),
    });
    plan.set_status(volume, status);
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{deleted, summary, world};

    use super::*;

    fn class(mode: &str) -> Value {
        json!({"kind": "StorageClass", "provisioner": "disk", "volumeBindingMode": mode,
            "metadata": {"name": "standard-rwo", "annotations": {DEFAULT_CLASS: "true"}}})
    }

    fn claim(class: Option<&str>) -> Value {
        let mut claim = json!({"kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "web", "uid": "u", "finalizers": [CLAIM_PROTECTION]},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            "status": {"phase": "Pending"}});
        if let Some(class) = class {
            claim["spec"]["storageClassName"] = json!(class);
        }
        claim
    }

    fn volume(phase: &str, uid: &str) -> Value {
        json!({"kind": "PersistentVolume",
            "metadata": {"name": "pvc-u", "uid": "v", "finalizers": [VOLUME_PROTECTION]},
            "spec": {"persistentVolumeReclaimPolicy": "Delete",
                "claimRef": {"namespace": "web", "name": "data", "uid": uid}},
            "status": {"phase": phase}})
    }

    fn check<const N: usize>(objects: [Value; N], expected: &[&str]) {
        assert_eq!(summary(&reconcile(&world(objects))), expected);
    }

    #[test]
    fn a_claim_gets_the_default_class_a_volume_and_its_binding() {
        let wait = || class("WaitForFirstConsumer");
        check([wait(), claim(None)], &["update PersistentVolumeClaim data"]);
        check([wait(), claim(Some("standard-rwo"))], &[]);
        check([class("Immediate"), claim(Some("standard-rwo"))], &["create PersistentVolume pvc-u"]);
        let mut selected = claim(Some("standard-rwo"));
        selected["metadata"]["annotations"] = json!({SELECTED_NODE: "n"});
        check([wait(), selected.clone()], &["create PersistentVolume pvc-u"]);
        check(
            [wait(), selected, volume("Pending", "u")],
            &["update PersistentVolume pvc-u", "update PersistentVolumeClaim data"],
        );
    }

    #[test]
    fn a_claim_in_use_stays_and_a_released_volume_goes() {
        let user = json!({"kind": "Pod", "metadata": {"name": "p", "namespace": "web"},
            "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}});
        let going = || deleted(claim(Some("standard-rwo")));
        check([going(), user], &[]);
        check([going()], &["update PersistentVolumeClaim data"]);
        check([volume("Bound", "u")], &["status PersistentVolume pvc-u"]);
        check([volume("Released", "u")], &["delete PersistentVolume pvc-u now"]);
        check([deleted(volume("Released", "u"))], &["update PersistentVolume pvc-u"]);
    }
}
