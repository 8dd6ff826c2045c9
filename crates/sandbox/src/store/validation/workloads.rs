//! Workloads: selector, template, and what of a StatefulSet may change.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Cause, at, check_immutable, object, pod};
use crate::cron::Schedule;
use crate::store::selector::LabelSelector;

/// The fields of a StatefulSet's spec that may change.
const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

pub(super) fn check(object: &Value, causes: &mut Vec<Cause>) {
    let labels = object.pointer("/spec/template/metadata/labels").cloned().unwrap_or(Value::Null);
    let selector = at(object, "spec.selector");
    if selector.is_none() {
        causes.push(Cause::required("spec.selector", ""));
    }
    let selects = selector
        .and_then(LabelSelector::from_object)
        .is_some_and(|selector| selector.matches_labels(labels.as_object()));
    if !selects {
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            &labels,
            "`selector` does not match template `labels`",
        ));
    }
    if let Some(replicas) =
        at(object, "spec.replicas").filter(|replicas| replicas.as_i64().is_some_and(|n| n < 0))
    {
        causes.push(Cause::invalid("spec.replicas", replicas, "must be greater than or equal to 0"));
    }
    let mut spec = object.pointer("/spec/template/spec").cloned().unwrap_or_default();
    add_claims(object, &mut spec);
    pod::check_pod_spec(&spec, "spec.template.spec", causes);
}

/// A job's pods end by themselves.
pub(super) fn check_job(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let pod_spec = spec.pointer("/template/spec").unwrap_or(&Value::Null);
    let path = format!("{path}.template.spec");
    pod::check_pod_spec(pod_spec, &path, causes);
    if !matches!(object::text(pod_spec, "/restartPolicy"), "OnFailure" | "Never") {
        let hint = "valid values: \"OnFailure\", \"Never\"";
        causes.push(Cause::required(format!("{path}.restartPolicy"), hint));
    }
}

pub(super) fn check_cron_job(object: &Value, causes: &mut Vec<Cause>) {
    let (schedule, zone) = (object::text(object, "/spec/schedule"), object::text(object, "/spec/timeZone"));
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if let Err(why) = Schedule::parse(schedule) {
        causes.push(Cause::invalid("spec.schedule", &json!(schedule), why));
    }
    if !zone.is_empty() && TimeZone::get(zone).is_err() {
        causes.push(Cause::invalid("spec.timeZone", &json!(zone), format!("unknown time zone {zone}")));
    }
    let policy = object::text(object, "/spec/concurrencyPolicy");
    let policies = ["Allow", "Forbid", "Replace"];
    if !policies.contains(&policy) {
        causes.push(Cause::unsupported("spec.concurrencyPolicy", &json!(policy), &policies));
    }
    let job = object.pointer("/spec/jobTemplate/spec").unwrap_or(&Value::Null);
    check_job(job, "spec.jobTemplate.spec", causes);
}

/// Claims of a StatefulSet are volumes of its pods.
fn add_claims(object: &Value, spec: &mut Value) {
    let claims = object::items(object, "/spec/volumeClaimTemplates");
    if claims.is_empty() || !spec.is_object() {
        return;
    }
    let names: Vec<Value> = claims.iter().map(|claim| json!({"name": object::name(claim)})).collect();
    let map = spec.as_object_mut().expect("checked above");
    let volumes = map.entry("volumes").or_insert_with(|| Value::Array(Vec::new()));
    if let Some(volumes) = volumes.as_array_mut() {
        volumes.retain(|volume| !names.iter().any(|claim| claim.get("name") == volume.get("name")));
        volumes.extend(names);
    }
}

/// Kubernetes compares decoded objects, in which a map that is empty and one that is absent are equal.
fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(drop_empty);
            map.retain(|_, inner| {
                !inner.is_null() && inner.as_object().is_none_or(|inner| !inner.is_empty())
            });
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

pub(super) fn check_stateful_set_change(stored: &Value, object: &Value, causes: &mut Vec<Cause>) {
    let fixed = |set: &Value| {
        let mut spec = set.get("spec").cloned().unwrap_or_default();
        if let Some(spec) = spec.as_object_mut() {
            for field in CHANGEABLE {
                spec.shift_remove(field);
            }
        }
        drop_empty(&mut spec);
        spec
    };
    if fixed(stored) != fixed(object) {
        causes.push(Cause::forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
    }
    if causes.is_empty() {
        check_immutable(stored, object, "spec.selector", causes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_with_empty_labels_and_without_are_the_same() {
        let set = |metadata: Value| json!({"spec": {"volumeClaimTemplates": [{"metadata": metadata}]}});
        let check = |metadata: Value| {
            let mut causes = Vec::new();
            let stored = set(json!({"name": "data", "labels": {}, "annotations": null}));
            check_stateful_set_change(&stored, &set(metadata), &mut causes);
            causes.is_empty()
        };
        assert!(check(json!({"name": "data"})));
        assert!(!check(json!({"name": "data", "labels": {"a": "b"}})));
    }
}
