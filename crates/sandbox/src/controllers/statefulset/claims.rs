//! The claims of a StatefulSet: made before the pod, kept after it unless the set says otherwise.

use serde_json::{Map, Value, json};

use super::{Observed, claim_templates, pods};
use crate::controllers::object::{controller_reference, list, name, namespace, owner_reference, text, uid};
use crate::controllers::world::{Plan, Write};

/// `TEMPLATE-POD`, which stays the same however often the pod is made again.
pub(super) fn name_of(template: &Value, pod_name: &str) -> String {
    format!("{}-{pod_name}", name(template))
}

/// Plans the claims of an ordinal that do not exist, and returns their names.
pub(super) fn create_missing(observed: &Observed<'_>, ordinal: i64, plan: &mut Plan) -> Vec<String> {
    let set = observed.set;
    let pod_name = pods::name_of(set, ordinal);
    let mut made = Vec::new();
    for template in claim_templates(set) {
        let claim_name = name_of(template, &pod_name);
        let exists = observed.world.get("PersistentVolumeClaim", namespace(set), &claim_name).is_some();
        if !exists {
            plan.push(Write::Create(render(set, template, &claim_name)));
            made.push(claim_name);
        }
    }
    made
}

fn render(set: &Value, template: &Value, claim_name: &str) -> Value {
    let mut labels: Map<String, Value> =
        template.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(selected) = set.pointer("/spec/selector/matchLabels").and_then(Value::as_object) {
        labels.extend(selected.clone());
    }
    let mut metadata = json!({
        "name": claim_name,
        "namespace": namespace(set),
        "labels": labels,
    });
    if let Some(annotations) = template.pointer("/metadata/annotations") {
        metadata["annotations"] = annotations.clone();
    }
    if policy(set, "whenDeleted") == "Delete" {
        metadata["ownerReferences"] = json!([controller_reference(set)]);
    }
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
    })
}

fn policy<'a>(set: &'a Value, when: &str) -> &'a str {
    match text(set, &format!("/spec/persistentVolumeClaimRetentionPolicy/{when}")) {
        "" => "Retain",
        other => other,
    }
}

/// Makes the owners of each claim say what the retention policy says: the set under `whenDeleted:
/// Delete`, the surplus pod under `whenScaled: Delete`, nobody otherwise.
pub(super) fn apply_retention(observed: &Observed<'_>, plan: &mut Plan) {
    let set = observed.set;
    let end = observed.first_ordinal() + observed.replicas();
    for pod in &observed.pods {
        let Some(ordinal) = pods::ordinal_of(set, pod) else {
            continue;
        };
        let is_surplus = ordinal >= end || ordinal < observed.first_ordinal();
        for template in claim_templates(set) {
            let claim_name = name_of(template, name(pod));
            let Some(claim) = observed.world.get("PersistentVolumeClaim", namespace(set), &claim_name) else {
                continue;
            };
            let mut owners: Vec<Value> = list(claim, "/metadata/ownerReferences")
                .iter()
                .filter(|owner| ![uid(set), uid(pod)].contains(&text(owner, "/uid")))
                .cloned()
                .collect();
            if is_surplus && policy(set, "whenScaled") == "Delete" {
                owners.push(owner_reference(pod));
            } else if policy(set, "whenDeleted") == "Delete" {
                owners.push(controller_reference(set));
            }
            if owners != list(claim, "/metadata/ownerReferences") {
                let mut changed = claim.clone();
                changed["metadata"]["ownerReferences"] = Value::Array(owners);
                plan.push(Write::Update(changed));
            }
        }
    }
}
