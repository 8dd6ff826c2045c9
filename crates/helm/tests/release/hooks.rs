use helm::release::{History, Status};
use serde_json::json;

use crate::{Stage, check, config_map};

fn job(name: &str, event: &str, weight: i32, policy: &str) -> String {
    let policy =
        if policy.is_empty() { String::new() } else { format!(", helm.sh/hook-delete-policy: {policy}") };
    format!(
        "kind: Job\napiVersion: batch/v1\nmetadata:\n  name: {name}\n  \
         annotations: {{helm.sh/hook: {event}, helm.sh/hook-weight: '{weight}'{policy}}}\n---\n"
    )
}

fn done() -> serde_json::Value {
    json!({ "conditions": [{ "type": "Complete", "status": "True" }] })
}

#[tokio::test]
async fn run_by_weight_around_the_objects() {
    let stage = Stage::new();
    stage.cluster.let_pods_say(done());
    let documents = [
        job("after", "post-install", 0, "hook-succeeded"),
        job("second", "pre-install", 1, "hook-succeeded"),
        job("first", "pre-install", -1, "hook-succeeded"),
        config_map("a", "1"),
    ];
    stage.install(&documents).await.expect("an install");
    let mut changes = stage.cluster.changes();
    changes.retain(|line| !line.contains("Secret"));
    check(
        &changes,
        &[
            "apply Job ns/first",
            "apply Job ns/second",
            "delete Job ns/second",
            "delete Job ns/first",
            "apply ConfigMap ns/a",
            "apply Job ns/after",
            "delete Job ns/after",
        ],
    );
}

#[tokio::test]
async fn bear_no_marks_and_replace_what_ran_before() {
    let stage = Stage::new();
    stage.cluster.let_pods_say(done());
    stage.install(&[job("h", "pre-install", 0, "")]).await.expect("an install");
    let mut changes = stage.cluster.changes();
    changes.retain(|line| !line.contains("Secret"));
    check(&changes, &["delete Job ns/h", "apply Job ns/h"]);
    let object = stage.cluster.find("Job ns/h").expect("the hook stays");
    assert!(object["metadata"]["labels"].is_null());
}

#[tokio::test]
async fn a_failed_hook_fails_the_release() {
    let stage = Stage::new();
    stage.cluster.let_pods_say(
        json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" }] }),
    );
    let documents = [job("h", "pre-install", 0, "hook-failed"), config_map("a", "1")];
    let error = stage.install(&documents).await.expect_err("a failed hook");
    assert!(error.to_string().contains("BackoffLimitExceeded"), "{error}");
    assert!(stage.cluster.find("ConfigMap ns/a").is_none());
    assert!(stage.cluster.find("Job ns/h").is_none(), "its policy deletes it");
    assert_eq!(stage.statuses().await, [(1, Status::Failed)]);
}

#[tokio::test]
async fn a_hook_that_never_ends_times_out_and_says_what_it_last_saw() {
    let stage = Stage::new();
    stage.cluster.let_pods_say(json!({ "active": 1 }));
    let error = stage.install(&[job("h", "pre-install", 0, "")]).await.expect_err("a timeout");
    assert!(error.to_string().contains("not done after 300 s, last seen: the job has 1 active"), "{error}");
}

#[tokio::test]
async fn the_record_knows_how_a_hook_ended() {
    let stage = Stage::new();
    stage.cluster.let_pods_say(done());
    stage.install(&[job("h", "pre-install", 0, "")]).await.expect("an install");
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    let hook = serde_json::to_value(&history.latest().expect("a record").hooks[0]).expect("JSON");
    assert_eq!(hook["last_run"]["phase"], "Succeeded");
    assert_eq!(hook["events"], json!(["pre-install"]));
    assert_eq!(hook["delete_policies"], json!(["before-hook-creation"]));
}

#[tokio::test]
async fn tests_do_not_run_by_themselves() {
    let stage = Stage::new();
    stage.install(&[job("t", "test", 0, "")]).await.expect("an install");
    assert!(stage.cluster.find("Job ns/t").is_none());
}
