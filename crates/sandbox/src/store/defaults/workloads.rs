//! Defaults of the kinds that make pods.

use serde_json::{Map, Value, json};

use super::object::{self, child, set_default};
use super::pod;

fn template(spec: &mut Map<String, Value>) {
    let Some(template) = spec.get_mut("template") else { return };
    if template.is_object() {
        pod::pod_spec(child(template, "spec"));
    }
}

pub(super) fn stateful_set(object: &mut Value) {
    let spec = child(object, "spec");
    template(spec);
    set_default(spec, "replicas", 1);
    set_default(spec, "podManagementPolicy", "OrderedReady");
    set_default(spec, "revisionHistoryLimit", 10);
    let strategy = spec.entry("updateStrategy").or_insert_with(|| json!({}));
    if let Some(strategy) = strategy.as_object_mut() {
        set_default(strategy, "type", "RollingUpdate");
        let rolls = strategy.get("type").is_some_and(|kind| kind == "RollingUpdate");
        if let Some(rolling) =
            strategy.get_mut("rollingUpdate").filter(|_| rolls).and_then(Value::as_object_mut)
        {
            set_default(rolling, "partition", 0);
        }
    }
    let retention = spec.entry("persistentVolumeClaimRetentionPolicy").or_insert_with(|| json!({}));
    if let Some(retention) = retention.as_object_mut() {
        set_default(retention, "whenDeleted", "Retain");
        set_default(retention, "whenScaled", "Retain");
    }
    for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
        set_default(child(claim, "spec"), "volumeMode", "Filesystem");
        set_default(child(claim, "status"), "phase", "Pending");
        if let Some(claim) = claim.as_object_mut() {
            set_default(claim, "kind", "PersistentVolumeClaim");
            set_default(claim, "apiVersion", "v1");
        }
    }
}

pub(super) fn deployment(object: &mut Value) {
    let spec = child(object, "spec");
    template(spec);
    set_default(spec, "replicas", 1);
    set_default(spec, "revisionHistoryLimit", 10);
    set_default(spec, "progressDeadlineSeconds", 600);
    let strategy = spec.entry("strategy").or_insert_with(|| json!({}));
    let Some(strategy) = strategy.as_object_mut() else { return };
    set_default(strategy, "type", "RollingUpdate");
    if strategy.get("type").is_some_and(|kind| kind == "RollingUpdate") {
        let rolling = strategy.entry("rollingUpdate").or_insert_with(|| json!({}));
        if let Some(rolling) = rolling.as_object_mut() {
            set_default(rolling, "maxUnavailable", "25%");
            set_default(rolling, "maxSurge", "25%");
        }
    }
}

pub(super) fn replica_set(object: &mut Value) {
    let spec = child(object, "spec");
    template(spec);
    set_default(spec, "replicas", 1);
}

pub(super) fn daemon_set(object: &mut Value) {
    let spec = child(object, "spec");
    template(spec);
    set_default(spec, "revisionHistoryLimit", 10);
    set_default(
        spec,
        "updateStrategy",
        json!({"type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}),
    );
}

pub(super) fn job(object: &mut Value) {
    let spec = child(object, "spec");
    template(spec);
    set_default(spec, "completions", 1);
    set_default(spec, "parallelism", 1);
    set_default(spec, "backoffLimit", 6);
    set_default(spec, "completionMode", "NonIndexed");
    set_default(spec, "suspend", false);
}

pub(super) fn cron_job(object: &mut Value) {
    let spec = child(object, "spec");
    set_default(spec, "concurrencyPolicy", "Allow");
    set_default(spec, "suspend", false);
    set_default(spec, "successfulJobsHistoryLimit", 3);
    set_default(spec, "failedJobsHistoryLimit", 1);
    if let Some(job) = spec.get_mut("jobTemplate").filter(|job| job.is_object()) {
        template(child(job, "spec"));
    }
}

/// A job tells its pods apart by its own uid, unless it says that it brings a selector.
pub(super) fn admit_job(object: &mut Value) {
    let (uid, name) = (object::uid(object).to_owned(), object::name(object).to_owned());
    let spec = child(object, "spec");
    if spec.get("manualSelector") == Some(&json!(true)) || spec.contains_key("selector") {
        return;
    }
    spec.insert("selector".to_owned(), json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
    let Some(template) = spec.get_mut("template").filter(|template| template.is_object()) else { return };
    let labels = child(template, "metadata").entry("labels").or_insert_with(|| json!({}));
    for prefix in ["batch.kubernetes.io/", ""] {
        labels[format!("{prefix}controller-uid")] = json!(uid);
        labels[format!("{prefix}job-name")] = json!(name);
    }
}
