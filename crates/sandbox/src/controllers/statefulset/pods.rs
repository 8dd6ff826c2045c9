//! A pod of a StatefulSet: its identity, and the claims that follow it.

use serde_json::{Value, json};

use super::{Observed, claim_templates, claims};
use crate::controllers::object::{
    controller_reference, entry, is_terminating, list, metadata_entry, name, namespace, text,
};

/// The ordinal of a pod by its name, if the name is one that the set gives.
pub(super) fn ordinal_of(set: &Value, pod: &Value) -> Option<i64> {
    let (parent, ordinal) = name(pod).rsplit_once('-')?;
    (parent == name(set)).then(|| ordinal.parse().ok()).flatten()
}

pub(super) fn name_of(set: &Value, ordinal: i64) -> String {
    format!("{}-{ordinal}", name(set))
}

/// The pod of an ordinal at the revision it should have when it is made now.
pub(super) fn render(observed: &Observed<'_>, ordinal: i64) -> Value {
    if wants_current(observed, ordinal) {
        let template = &observed.revisions.current_template;
        render_from(observed.set, template, ordinal, &observed.revisions.current)
    } else {
        let template = &observed.set["spec"]["template"];
        render_from(observed.set, template, ordinal, &observed.revisions.update)
    }
}

/// During a rolling update, what lies below the partition (or what was not reached yet) is made again
/// at the current revision, not at the new one.
fn wants_current(observed: &Observed<'_>, ordinal: i64) -> bool {
    let set = observed.set;
    if text(set, "/spec/updateStrategy/type") == "OnDelete" {
        return false;
    }
    let reached = match set.pointer("/spec/updateStrategy/rollingUpdate") {
        Some(rolling) => rolling["partition"].as_i64().unwrap_or(0),
        None => set.pointer("/status/currentReplicas").and_then(Value::as_i64).unwrap_or(0),
    };
    ordinal < observed.first_ordinal() + reached
}

fn render_from(set: &Value, template: &Value, ordinal: i64, revision: &str) -> Value {
    let pod_name = name_of(set, ordinal);
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": template.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
    });
    let metadata = entry(&mut pod, "metadata");
    metadata.insert("name".to_owned(), json!(pod_name));
    metadata.insert("generateName".to_owned(), json!(format!("{}-", name(set))));
    metadata.insert("namespace".to_owned(), json!(namespace(set)));
    metadata.insert("ownerReferences".to_owned(), json!([controller_reference(set)]));
    let labels = metadata_entry(&mut pod, "labels");
    labels.insert("controller-revision-hash".to_owned(), json!(revision));
    labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), json!(pod_name));
    labels.insert("apps.kubernetes.io/pod-index".to_owned(), json!(ordinal.to_string()));
    let claimed = claim_volumes(set, &pod);
    let spec = entry(&mut pod, "spec");
    spec.insert("hostname".to_owned(), json!(pod_name));
    spec.insert("subdomain".to_owned(), json!(text(set, "/spec/serviceName")));
    spec.insert("volumes".to_owned(), Value::Array(claimed));
    pod
}

/// The claims' volumes first, then the template's own that no claim replaces.
fn claim_volumes(set: &Value, pod: &Value) -> Vec<Value> {
    let claimed = claim_templates(set).iter().map(|template| {
        let claim = claims::name_of(template, name(pod));
        json!({"name": name(template), "persistentVolumeClaim": {"claimName": claim}})
    });
    let own = list(pod, "/spec/volumes").iter().filter(|volume| {
        !claim_templates(set).iter().any(|template| name(template) == text(volume, "/name"))
    });
    claimed.chain(own.cloned()).collect()
}

/// Running and ready, and not on its way out.
pub(super) fn is_healthy(pod: &Value) -> bool {
    crate::controllers::object::is_pod_ready(pod) && !is_terminating(pod)
}

/// The pod with the identity labels of its ordinal, if somebody removed them.
pub(super) fn repaired_identity(pod: &Value, ordinal: i64) -> Value {
    let mut repaired = pod.clone();
    let pod_name = name(pod).to_owned();
    let labels = metadata_entry(&mut repaired, "labels");
    labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), json!(pod_name));
    labels.insert("apps.kubernetes.io/pod-index".to_owned(), json!(ordinal.to_string()));
    repaired
}
