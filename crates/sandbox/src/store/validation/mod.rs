//! What a kube-apiserver refuses, in its own words: the rules that a chart's author or a provider's user meets.

mod names;
mod pod;
mod service;
mod workloads;

use serde_json::{Value, json};

use super::quantity::parse_quantity_milli;
use super::{Cause, Kind, object, structural};

/// What is wrong with a new object.
pub(super) fn validate_new(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    names::check_metadata(kind, object, &mut causes);
    check_body(kind, object, &mut causes);
    causes
}

/// What is wrong with a changed object, the immutable fields included.
pub(super) fn validate_changed(kind: &Kind, stored: &Value, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    names::check_labels(object, &mut causes);
    match (kind.group, kind.kind) {
        ("", "Secret") => {
            check_immutable(stored, object, "type", &mut causes);
            check_frozen(stored, object, &["data"], &mut causes);
        }
        ("", "ConfigMap") => check_frozen(stored, object, &["data", "binaryData"], &mut causes),
        ("", "Service") => service::check_change(stored, object, &mut causes),
        ("", "Pod") => pod::check_change(stored, object, &mut causes),
        ("", "PersistentVolumeClaim") => check_claim_change(stored, object, &mut causes),
        ("apps", "StatefulSet") => workloads::check_stateful_set_change(stored, object, &mut causes),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => {
            check_immutable(stored, object, "spec.selector", &mut causes);
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            check_role_ref(stored, object, &mut causes)
        }
        ("storage.k8s.io", "StorageClass") => check_immutable(stored, object, "provisioner", &mut causes),
        _ => {}
    }
    if causes.is_empty() {
        check_body(kind, object, &mut causes);
    }
    causes
}

fn check_body(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    if let Some(structure) = kind.structure {
        causes.extend(structural::validate(structure, object));
    }
    match (kind.group, kind.kind) {
        ("", "Pod") => pod::check_pod_spec(object.get("spec").unwrap_or(&Value::Null), "spec", causes),
        ("", "Service") => service::check(object, causes),
        ("", "ConfigMap") => names::check_data_keys(object, &["data", "binaryData"], causes),
        ("", "Secret") => names::check_data_keys(object, &["data"], causes),
        ("", "PersistentVolumeClaim") => check_claim(object, causes),
        ("apps", "StatefulSet" | "Deployment" | "ReplicaSet" | "DaemonSet") => {
            workloads::check(object, causes)
        }
        ("networking.k8s.io", "Ingress") => check_ingress(object, causes),
        ("batch", "Job") => workloads::check_job(object.get("spec").unwrap_or(&Value::Null), "spec", causes),
        ("batch", "CronJob") => workloads::check_cron_job(object, causes),
        ("policy", "PodDisruptionBudget") => check_budget(object, causes),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => check_definition(object, causes),
        _ => {}
    }
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    object.pointer(&format!("/{}", path.replace('.', "/"))).filter(|value| !value.is_null())
}

fn check_immutable(stored: &Value, object: &Value, path: &str, causes: &mut Vec<Cause>) {
    if at(stored, path) != at(object, path) {
        let value = at(object, path).cloned().unwrap_or(Value::Null);
        causes.push(Cause::invalid(path, &value, "field is immutable"));
    }
}

/// A ConfigMap or Secret that says `immutable: true` keeps its data.
fn check_frozen(stored: &Value, object: &Value, fields: &[&str], causes: &mut Vec<Cause>) {
    if stored.get("immutable") != Some(&json!(true)) {
        return;
    }
    if object.get("immutable") != Some(&json!(true)) {
        causes.push(Cause::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in fields.iter().filter(|field| stored.get(**field) != object.get(**field)) {
        causes.push(Cause::forbidden(*field, "field is immutable when `immutable` is set"));
    }
}

fn check_role_ref(stored: &Value, object: &Value, causes: &mut Vec<Cause>) {
    if stored.get("roleRef") != object.get("roleRef") {
        let value = object.get("roleRef").cloned().unwrap_or(Value::Null);
        causes.push(Cause::invalid("roleRef", &value, "cannot change roleRef"));
    }
}

fn check_claim(object: &Value, causes: &mut Vec<Cause>) {
    if object::items(object, "/spec/accessModes").is_empty() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if at(object, "spec.resources.requests.storage").is_none() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
}

/// Only the size (upwards) and the volume's name may change; a missing class may be filled in once.
fn check_claim_change(stored: &Value, object: &Value, causes: &mut Vec<Cause>) {
    let had_class = at(stored, "spec.storageClassName").is_some();
    let fixed = |claim: &Value| {
        let mut spec = claim.get("spec").cloned().unwrap_or_default();
        if let Some(spec) = spec.as_object_mut() {
            spec.shift_remove("resources");
            spec.shift_remove("volumeName");
            if !had_class {
                spec.shift_remove("storageClassName");
            }
        }
        spec
    };
    let request = |claim: &Value| at(claim, "spec.resources.requests.storage").and_then(parse_quantity_milli);
    let is_bound = object::text(stored, "/status/phase") == "Bound";
    if fixed(stored) != fixed(object) || (!is_bound && request(stored) != request(object)) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        causes.push(Cause::forbidden("spec", why));
    }
    let capacity = at(stored, "status.capacity.storage").and_then(parse_quantity_milli);
    if request(object) < request(stored) && request(object) < capacity {
        let field = "spec.resources.requests.storage";
        causes.push(Cause::forbidden(field, "field can not be less than status.capacity"));
    }
}

fn check_budget(object: &Value, causes: &mut Vec<Cause>) {
    if at(object, "spec.minAvailable").is_some() && at(object, "spec.maxUnavailable").is_some() {
        let spec = object.get("spec").cloned().unwrap_or_default();
        causes.push(Cause::invalid("spec", &spec, "minAvailable and maxUnavailable cannot be both set"));
    }
}

fn check_ingress(object: &Value, causes: &mut Vec<Cause>) {
    let rules = object::items(object, "/spec/rules");
    if rules.is_empty() && at(object, "spec.defaultBackend").is_none() {
        let spec = object.get("spec").cloned().unwrap_or_default();
        causes.push(Cause::invalid("spec", &spec, "either `defaultBackend` or `rules` must be specified"));
    }
    for (rule_index, rule) in rules.iter().enumerate() {
        for (index, path) in object::items(rule, "/http/paths").iter().enumerate() {
            let field = format!("spec.rules[{rule_index}].http.paths[{index}].pathType");
            match object::text(path, "/pathType") {
                "" => causes.push(Cause::required(field, "pathType must be specified")),
                "Exact" | "Prefix" | "ImplementationSpecific" => {}
                other => {
                    let known = ["Exact", "ImplementationSpecific", "Prefix"];
                    causes.push(Cause::unsupported(field, &json!(other), &known));
                }
            }
        }
    }
}

fn check_definition(object: &Value, causes: &mut Vec<Cause>) {
    let (plural, group) = (object::text(object, "/spec/names/plural"), object::text(object, "/spec/group"));
    if object::name(object) != format!("{plural}.{group}") {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &json!(object::name(object)), why));
    }
    let versions = object::items(object, "/spec/versions");
    for (index, version) in versions.iter().enumerate() {
        if version.pointer("/schema/openAPIV3Schema").is_none() {
            let field = format!("spec.versions[{index}].schema.openAPIV3Schema");
            causes.push(Cause::required(field, "schemas are required"));
        }
    }
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let versions = json!(versions.iter().map(|version| version["name"].clone()).collect::<Vec<_>>());
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &versions, why));
    }
}

/// What of a custom object's status does not fit its schema.
pub(super) fn validate_status(kind: &Kind, object: &Value) -> Vec<Cause> {
    kind.structure.map(|structure| structural::validate(structure, object)).unwrap_or_default()
}
