//! The row of a pod: its status is a word made of many.

use serde_json::{Value, json};

use super::age;
use crate::store::object;

pub(super) fn cells(pod: &Value, now: jiff::Timestamp) -> Vec<Value> {
    let summary = summarize(pod);
    let or_none = |path: &str| match object::text(pod, path) {
        "" => json!("<none>"),
        text => json!(text),
    };
    vec![
        json!(object::name(pod)),
        json!(summary.ready),
        json!(summary.status),
        json!(restarts_word(&summary, now)),
        json!(age(object::text(pod, "/metadata/creationTimestamp"), now)),
        or_none("/status/podIP"),
        or_none("/spec/nodeName"),
        or_none("/status/nominatedNodeName"),
        json!("<none>"),
    ]
}

/// A pod in a few words, as `kubectl get` shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PodWords {
    /// `1/2`: containers and sidecars that are ready, of all.
    pub(crate) ready: String,
    pub(crate) status: String,
    pub(crate) restarts: i64,
    last_restart: Option<String>,
}

/// Counts a pod's containers and finds its word: the state of the first init container that is not done, then of the
/// first container that is not running.
pub(crate) fn summarize(pod: &Value) -> PodWords {
    let inits = object::items(pod, "/spec/initContainers");
    let init_statuses = object::items(pod, "/status/initContainerStatuses");
    let statuses = object::items(pod, "/status/containerStatuses");
    let is_sidecar = |status: &Value| {
        let container = inits.iter().find(|container| container["name"] == status["name"]);
        container.is_some_and(|container| object::text(container, "/restartPolicy") == "Always")
    };
    let is_set = |status: &Value, field: &str| status.get(field) == Some(&json!(true));
    let sidecars: Vec<&Value> = init_statuses.iter().filter(|status| is_sidecar(status)).collect();
    let started = |status: &Value| is_sidecar(status) && is_set(status, "started");
    let initializing = init_statuses
        .iter()
        .enumerate()
        .filter(|(_, status)| !started(status))
        .find_map(|(index, status)| init_word(index, inits.len(), status));
    let is_initialized = initializing.is_none() || has_condition(pod, "Initialized");
    let mut word = match object::text(pod, "/status/reason") {
        "" => object::text(pod, "/status/phase").to_owned(),
        reason => reason.to_owned(),
    };
    word = initializing.unwrap_or(word);
    let mut ready =
        sidecars.iter().filter(|status| is_set(status, "started") && is_set(status, "ready")).count();
    let mut counted: Vec<&Value> = init_statuses.iter().collect();
    if is_initialized {
        counted = sidecars.iter().copied().chain(statuses).collect();
        let running = |status: &&Value| is_set(status, "ready") && status.pointer("/state/running").is_some();
        let running = statuses.iter().filter(running).count();
        ready += running;
        word = statuses.iter().find_map(state_word).unwrap_or(word);
        if word == "Completed" && running > 0 {
            word = if has_condition(pod, "Ready") { "Running" } else { "NotReady" }.to_owned();
        }
    }
    let is_over = matches!(object::text(pod, "/status/phase"), "Succeeded" | "Failed");
    let last = counted.iter().map(|status| object::text(status, "/lastState/terminated/finishedAt")).max();
    let all = object::items(pod, "/spec/containers").len()
        + inits.iter().filter(|container| object::text(container, "/restartPolicy") == "Always").count();
    PodWords {
        ready: format!("{ready}/{all}"),
        status: if object::is_deleting(pod) && !is_over { "Terminating".to_owned() } else { word },
        restarts: counted.iter().filter_map(|status| status.get("restartCount")?.as_i64()).sum(),
        last_restart: last.filter(|time| !time.is_empty()).map(str::to_owned),
    }
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    let conditions = object::items(pod, "/status/conditions");
    conditions.iter().any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// `3 (2m ago)` when the last restart's time is known.
fn restarts_word(words: &PodWords, now: jiff::Timestamp) -> String {
    match &words.last_restart {
        Some(time) if words.restarts > 0 => format!("{} ({} ago)", words.restarts, age(time, now)),
        _ => words.restarts.to_string(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a pod of a sidecar, an init container and a main container shows as READY and STATUS.
    fn check(inits: Value, main: Value, phase: &str, expected: (&str, &str, i64)) {
        let sidecar = json!({"name": "proxy", "restartPolicy": "Always"});
        let pod = json!({"spec": {"initContainers": [sidecar, {"name": "setup"}], "containers": [{"name": "main"}]},
            "status": {"phase": phase, "initContainerStatuses": inits, "containerStatuses": [main]}});
        let words = summarize(&pod);
        assert_eq!((&*words.ready, &*words.status, words.restarts), expected);
    }

    #[test]
    fn sidecars_count_among_the_containers_that_are_ready() {
        let runs = json!({"running": {}});
        let waits = json!({"name": "main", "state": {"waiting": {"reason": "PodInitializing"}}});
        let setup = json!({"name": "setup", "state": {"waiting": {"reason": "PodInitializing"}}});
        let proxy = |started: bool| json!({"name": "proxy", "started": started, "ready": started, "restartCount": 2, "state": runs});
        check(json!([proxy(false), setup]), waits.clone(), "Pending", ("0/2", "Init:0/2", 2));
        check(json!([proxy(true), setup]), waits, "Pending", ("1/2", "Init:1/2", 2));
        let setup = json!({"name": "setup", "restartCount": 5, "state": {"terminated": {"exitCode": 0}}});
        let main = json!({"name": "main", "ready": true, "restartCount": 1, "state": runs});
        check(json!([proxy(true), setup]), main, "Running", ("2/2", "Running", 3));
    }
}
