//! The rows of what makes pods.

use serde_json::{Value, json};

use super::cells::pairs;
use super::{age, lasted};
use crate::store::{Kind, object};

pub(super) fn cells(kind: &Kind, object: &Value, now: jiff::Timestamp) -> Vec<Value> {
    let number = |path: &str| object.pointer(path).and_then(Value::as_i64).unwrap_or(0);
    let name = json!(object::name(object));
    let age = json!(age(object::text(object, "/metadata/creationTimestamp"), now));
    let ready = || json!(format!("{}/{}", number("/status/readyReplicas"), number("/spec/replicas")));
    let (mut row, selector) = match kind.kind {
        "StatefulSet" => (vec![name, ready(), age], None),
        "Deployment" => {
            let (updated, available) =
                (number("/status/updatedReplicas"), number("/status/availableReplicas"));
            let row = vec![name, ready(), json!(updated.to_string()), json!(available.to_string()), age];
            (row, Some("/spec/selector/matchLabels"))
        }
        "DaemonSet" => {
            let counts = [
                "desiredNumberScheduled",
                "currentNumberScheduled",
                "numberReady",
                "updatedNumberScheduled",
                "numberAvailable",
            ];
            let counts = counts.iter().map(|field| json!(number(&format!("/status/{field}"))));
            let nodes = json!(pairs(object, "/spec/template/spec/nodeSelector"));
            let row = std::iter::once(name).chain(counts).chain([nodes, age]).collect();
            (row, Some("/spec/selector/matchLabels"))
        }
        "Job" => (job(object, name, age, now), Some("/spec/selector/matchLabels")),
        "CronJob" => (cron_job(object, name, age, now), Some("/spec/selector")),
        other => {
            let counts = ["/spec/replicas", "/status/replicas", "/status/readyReplicas"];
            let counts = counts.iter().map(|path| json!(number(path)));
            let row = std::iter::once(name).chain(counts).chain([age]).collect();
            (row, Some(if other == "ReplicaSet" { "/spec/selector/matchLabels" } else { "/spec/selector" }))
        }
    };
    row.extend([containers(object, "/name"), containers(object, "/image")]);
    row.extend(selector.map(|path| json!(pairs(object, path))));
    row
}

fn containers(object: &Value, field: &str) -> Value {
    let paths = ["/spec/template/spec/containers", "/spec/jobTemplate/spec/template/spec/containers"];
    let all = paths.iter().flat_map(|path| object::items(object, path));
    json!(all.map(|container| object::text(container, field)).collect::<Vec<_>>().join(","))
}

fn job(job: &Value, name: Value, age: Value, now: jiff::Timestamp) -> Vec<Value> {
    let holds = |wanted: &str| {
        let mut conditions = object::items(job, "/status/conditions").iter();
        conditions.any(|one| object::text(one, "/type") == wanted && object::text(one, "/status") == "True")
    };
    let status = match () {
        () if holds("Complete") => "Complete",
        () if holds("Failed") => "Failed",
        () if object::is_deleting(job) => "Terminating",
        () if holds("Suspended") => "Suspended",
        () if holds("FailureTarget") => "FailureTarget",
        () if holds("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    };
    let number = |path: &str| job.pointer(path).and_then(Value::as_i64);
    let done = number("/status/succeeded").unwrap_or(0);
    let completions = match number("/spec/completions") {
        Some(wanted) => format!("{done}/{wanted}"),
        None => format!("{done}/1"),
    };
    let began = object::text(job, "/status/startTime").parse::<jiff::Timestamp>().ok();
    let ended = object::text(job, "/status/completionTime").parse().unwrap_or(now);
    let duration = began.map_or(String::new(), |began| lasted(ended.as_second() - began.as_second()));
    vec![name, json!(status), json!(completions), json!(duration), age]
}

fn cron_job(cron_job: &Value, name: Value, own_age: Value, now: jiff::Timestamp) -> Vec<Value> {
    let or = |path: &str, absent: &str| match object::text(cron_job, path) {
        "" => json!(absent),
        found => json!(found),
    };
    let last = match object::text(cron_job, "/status/lastScheduleTime") {
        "" => "<none>".to_owned(),
        time => age(time, now),
    };
    let suspended = cron_job.pointer("/spec/suspend") == Some(&json!(true));
    vec![
        name,
        or("/spec/schedule", ""),
        or("/spec/timeZone", "<none>"),
        json!(if suspended { "True" } else { "False" }),
        json!(object::items(cron_job, "/status/active").len()),
        json!(last),
        own_age,
    ]
}
