use helm::action::{self, Wait};
use helm::release::{History, Status};
use serde_json::json;

use crate::{Stage, check, config_map};

const DEPLOYMENT: &str = "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: d}\n---\n";
const JOB: &str = "kind: Job\napiVersion: batch/v1\nmetadata: {name: j}\n---\n";

fn replicas(ready: i64) -> serde_json::Value {
    json!({ "updatedReplicas": 1, "availableReplicas": ready })
}

#[tokio::test]
async fn ends_when_the_objects_are_ready_by_one_watch_each() {
    let mut stage = Stage::new();
    stage.options.wait = Wait::Objects;
    stage.cluster.let_say("Deployment ns/d", &[json!({}), replicas(0), replicas(1)]);
    stage.install(&[config_map("a", "1"), DEPLOYMENT.to_owned(), JOB.to_owned()]).await.expect("an install");
    let mut conversation = stage.cluster.conversation();
    conversation.retain(|line| line.starts_with("watch"));
    check(&conversation, &["watch Deployment ns/d"]);
    assert_eq!(stage.statuses().await, [(1, Status::Deployed)]);
}

#[tokio::test]
async fn tells_what_it_last_saw_when_the_time_is_over() {
    let mut stage = Stage::new();
    stage.options.wait = Wait::Objects;
    stage.cluster.let_say("Deployment ns/d", &[replicas(0)]);
    let error = stage.install(&[DEPLOYMENT.to_owned()]).await.expect_err("a timeout");
    let said = error.to_string();
    assert!(
        said.contains("Deployment ns/d is not ready within 300 s") && said.contains("0 of 1 replicas"),
        "{said}"
    );
    assert_eq!(stage.statuses().await, [(1, Status::Failed)]);
}

#[tokio::test]
async fn waits_for_jobs_only_when_told_to_and_not_for_one_that_failed() {
    let mut stage = Stage::new();
    stage.options.wait = Wait::ObjectsAndJobs;
    let failed =
        json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "DeadlineExceeded" }] });
    stage.cluster.let_say("Job ns/j", &[json!({ "active": 1 }), failed]);
    let error = stage.install(&[JOB.to_owned()]).await.expect_err("a failed job");
    assert!(error.to_string().contains("DeadlineExceeded"), "{error}");
}

#[tokio::test]
async fn an_uninstall_that_waits_ends_when_all_is_gone() {
    let mut stage = Stage::with(&[config_map("a", "1")]).await;
    stage.options.wait = Wait::Objects;
    stage.uninstall().await.expect("an uninstall");
    let conversation = stage.cluster.conversation();
    assert!(conversation.contains(&"watch ConfigMap ns/a".to_owned()), "{conversation:?}");
}

#[tokio::test]
async fn tests_run_when_asked_for_and_are_recorded() {
    let hook = "kind: Pod\napiVersion: v1\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n---\n";
    let stage = Stage::with(&[hook.to_owned()]).await;
    stage.cluster.let_pods_say(json!({ "phase": "Failed", "message": "no answer" }));
    let error = action::test(&stage.cluster, &stage.clock, "ns", "rel", &stage.options).await;
    assert!(error.expect_err("a failed test").to_string().contains("no answer"));
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    let recorded = serde_json::to_value(&history.latest().expect("a record").hooks[0]).expect("JSON");
    assert_eq!(recorded["last_run"]["phase"], "Failed");
    stage.cluster.let_pods_say(json!({ "phase": "Succeeded" }));
    action::test(&stage.cluster, &stage.clock, "ns", "rel", &stage.options).await.expect("a test");
}

#[tokio::test]
async fn keeps_as_many_revisions_as_it_is_told_to_and_the_deployed_one() {
    let mut stage = Stage::with(&[config_map("a", "0")]).await;
    stage.options.history_max = 2;
    for revision in 2..=4 {
        stage.cluster.refuse("apply ConfigMap ns/a", helm::cluster::ClusterErrorKind::Unavailable);
        stage.upgrade(revision, &[config_map("a", &revision.to_string())]).await.expect_err("unavailable");
    }
    assert_eq!(stage.statuses().await, [(1, Status::Deployed), (4, Status::Failed)]);
    stage.options.history_max = 0;
    for revision in 5..=16 {
        stage.upgrade(revision, &[config_map("a", &revision.to_string())]).await.expect_err("unavailable");
    }
    assert_eq!(stage.statuses().await.len(), 14);
}
