//! The row of a pod: its status is a word made of many.

use serde_json::{Value, json};

use super::age;
use crate::store::object;

pub(super) fn cells(pod: &Value, now: jiff::Timestamp) -> Vec<Value> {
    let statuses = object::items(pod, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status.get("ready") == Some(&json!(true))).count();
    let total = object::items(pod, "/spec/containers").len();
    let restarts: i64 = statuses.iter().filter_map(|status| status.get("restartCount")?.as_i64()).sum();
    let or_none = |path: &str| match object::text(pod, path) {
        "" => json!("<none>"),
        text => json!(text),
    };
    vec![
        json!(object::name(pod)),
        json!(format!("{ready}/{total}")),
        json!(status_word(pod)),
        json!(restarts_word(statuses, restarts, now)),
        json!(age(object::text(pod, "/metadata/creationTimestamp"), now)),
        or_none("/status/podIP"),
        or_none("/spec/nodeName"),
        or_none("/status/nominatedNodeName"),
        json!("<none>"),
    ]
}

/// `3 (2m ago)` when the last restart's time is known.
fn restarts_word(statuses: &[Value], restarts: i64, now: jiff::Timestamp) -> String {
    let last = statuses.iter().map(|status| object::text(status, "/lastState/terminated/finishedAt")).max();
    match last {
        Some(time) if restarts > 0 && !time.is_empty() => format!("{restarts} ({} ago)", age(time, now)),
        _ => restarts.to_string(),
    }
}

fn status_word(pod: &Value) -> String {
    let phase = object::text(pod, "/status/phase");
    let mut word = match object::text(pod, "/status/reason") {
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    };
    let inits = object::items(pod, "/status/initContainerStatuses");
    let total = object::items(pod, "/spec/initContainers").len();
    match inits.iter().enumerate().find_map(|(index, status)| init_word(index, total, status)) {
        Some(waiting) => word = waiting,
        None => {
            for status in object::items(pod, "/status/containerStatuses").iter().rev() {
                if let Some(shown) = state_word(status) {
                    word = shown;
                }
            }
        }
    }
    if object::is_deleting(pod) { "Terminating".to_owned() } else { word }
}

/// The word of an init container that is not done; None when it is.
fn init_word(index: usize, total: usize, status: &Value) -> Option<String> {
    let code = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64);
    if code == Some(0) {
        return None;
    }
    let waiting = object::text(status, "/state/waiting/reason");
    let ended = object::text(status, "/state/terminated/reason");
    Some(match code {
        Some(code) if ended.is_empty() => format!("Init:ExitCode:{code}"),
        Some(_) => format!("Init:{ended}"),
        None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
        None => format!("Init:{index}/{total}"),
    })
}

fn state_word(status: &Value) -> Option<String> {
    let waiting = object::text(status, "/state/waiting/reason");
    let ended = object::text(status, "/state/terminated/reason");
    let code = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64);
    match (waiting, ended, code) {
        ("", "", Some(code)) => Some(format!("ExitCode:{code}")),
        ("", "", None) => None,
        ("", ended, _) => Some(ended.to_owned()),
        (waiting, _, _) => Some(waiting.to_owned()),
    }
}
