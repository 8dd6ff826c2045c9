use helm::cluster::ClusterErrorKind;
use helm::release::{History, Status};
use serde_json::json;

use crate::{Stage, check, config_map};

async fn two_revisions() -> Stage {
    let stage = Stage::with(&[config_map("same", "1"), config_map("a", "1"), config_map("old", "1")]).await;
    let second = [config_map("same", "1"), config_map("a", "2"), config_map("new", "1")];
    stage.upgrade(2, &second).await.expect("an upgrade");
    stage.cluster.conversation();
    stage
}

#[tokio::test]
async fn makes_an_earlier_revision_the_next_one_and_touches_only_what_differs() {
    let stage = two_revisions().await;
    let outcome = stage.rollback(None).await.expect("a rollback");
    check(
        &stage.cluster.changes(),
        &[
            "create Secret ns/sh.helm.release.v1.rel.v3",
            "apply ConfigMap ns/a",
            "apply ConfigMap ns/old",
            "delete ConfigMap ns/new",
            "update Secret ns/sh.helm.release.v1.rel.v3 deployed",
            "update Secret ns/sh.helm.release.v1.rel.v2 superseded",
        ],
    );
    assert_eq!(outcome.release.info.description, "Rollback to 1");
    assert_eq!(outcome.release.info.notes, "Thank you.");
    assert_eq!(stage.cluster.find("ConfigMap ns/a").expect("the object")["data"]["x"], "1");
    let statuses = stage.statuses().await;
    assert_eq!(statuses, [(1, Status::Superseded), (2, Status::Superseded), (3, Status::Deployed)]);
}

#[tokio::test]
async fn runs_its_own_hooks() {
    let stage = Stage::new();
    let hook = |event: &str| {
        let name = event.replace("-rollback", "");
        config_map(&name, "1").replace(
            &format!("{{name: {name}}}"),
            &format!("{{name: {name}, annotations: {{helm.sh/hook: {event}}}}}"),
        )
    };
    let documents = [config_map("a", "1"), hook("pre-rollback"), hook("post-rollback")];
    stage.install(&documents).await.expect("an install");
    stage.upgrade(2, &[config_map("a", "2")]).await.expect("an upgrade");
    stage.cluster.conversation();
    stage.rollback(Some(1)).await.expect("a rollback");
    let applied: Vec<_> =
        stage.cluster.changes().into_iter().filter(|line| line.starts_with("apply")).collect();
    check(&applied, &["apply ConfigMap ns/pre", "apply ConfigMap ns/a", "apply ConfigMap ns/post"]);
}

#[tokio::test]
async fn a_revision_that_is_not_recorded_is_told_with_those_that_are() {
    let stage = two_revisions().await;
    let error = stage.rollback(Some(7)).await.expect_err("no revision 7");
    assert!(error.to_string().contains("no revision 7; recorded are 1, 2"), "{error}");
    check(&stage.cluster.changes(), &[]);
    assert!(Stage::new().rollback(None).await.is_err(), "no release");
}

#[tokio::test]
async fn a_failed_rollback_is_recorded_and_the_deployed_revision_stays() {
    let stage = two_revisions().await;
    stage.cluster.refuse("apply ConfigMap ns/old", ClusterErrorKind::Unavailable);
    stage.rollback(Some(1)).await.expect_err("unavailable");
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    assert!(history.latest().expect("a record").info.description.contains("cannot apply ConfigMap ns/old"));
    assert_eq!(stage.statuses().await.last(), Some(&(3, Status::Failed)));
    assert_eq!(history.deployed().expect("a record").version, 2);
}

#[tokio::test]
async fn an_atomic_upgrade_that_fails_leaves_the_cluster_as_it_was() {
    let mut stage = Stage::with(&[config_map("a", "1"), config_map("b", "1")]).await;
    stage.options.atomic = true;
    stage.cluster.refuse("apply ConfigMap ns/c", ClusterErrorKind::Invalid);
    let second = [config_map("a", "2"), config_map("b", "1"), config_map("c", "1")];
    let error = stage.upgrade(2, &second).await.expect_err("invalid");
    assert!(error.to_string().contains("was rolled back to revision 1"), "{error}");
    let statuses = stage.statuses().await;
    assert_eq!(statuses, [(1, Status::Superseded), (2, Status::Failed), (3, Status::Deployed)]);
    assert_eq!(stage.cluster.find("ConfigMap ns/a").expect("the object")["data"]["x"], "1");
    assert!(stage.cluster.find("ConfigMap ns/c").is_none());
}

#[tokio::test]
async fn an_atomic_upgrade_that_never_gets_ready_is_rolled_back() {
    let deployment = "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: d}\n---\n".to_owned();
    let mut stage = Stage::with(&[config_map("a", "1")]).await;
    stage.options.atomic = true;
    let error = stage.upgrade(2, &[config_map("a", "2"), deployment]).await.expect_err("never ready");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("Deployment ns/d is not ready within 300 s"), "{cause}");
    assert!(stage.cluster.find("Deployment ns/d").is_none());
}

#[tokio::test]
async fn an_atomic_install_that_fails_leaves_nothing() {
    let mut stage = Stage::new();
    stage.options.atomic = true;
    stage.cluster.refuse("apply ConfigMap ns/b", ClusterErrorKind::Invalid);
    let error = stage.install(&[config_map("a", "1"), config_map("b", "1")]).await.expect_err("invalid");
    assert!(error.to_string().contains("was undone"), "{error}");
    assert!(stage.cluster.keys().is_empty());
}

#[tokio::test]
async fn what_cannot_be_undone_is_told_with_both_reasons() {
    let mut stage = Stage::with(&[config_map("a", "1"), config_map("b", "1")]).await;
    stage.options.atomic = true;
    stage.cluster.refuse("apply ConfigMap ns/b", ClusterErrorKind::Forbidden);
    let error = stage.upgrade(2, &[config_map("a", "2"), config_map("b", "2")]).await.expect_err("forbidden");
    assert!(error.to_string().contains("could not be undone (cannot apply ConfigMap ns/b"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn goes_on_from_a_release_of_client_side_apply() {
    let stage = two_revisions().await;
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    let now = helm::cluster::Clock::now(&stage.clock);
    for mut release in history.revisions().iter().cloned() {
        release.apply_method.clear();
        stage.cluster.put(&helm::release::encode(&release, now, true).expect("small enough"));
    }
    let mut live = stage.cluster.find("ConfigMap ns/a").expect("the object");
    live["metadata"]["managedFields"] =
        json!([{ "manager": "helm", "operation": "Update", "fieldsV1": { "f:data": {} } }]);
    stage.cluster.put(&live);
    stage.cluster.conversation();
    let outcome = stage.rollback(None).await.expect("a rollback");
    assert!(outcome.release.is_server_side_applied());
    assert_eq!(stage.cluster.changes()[1..3], ["patch ConfigMap ns/a", "apply ConfigMap ns/a"]);
}
