use helm::action;
use helm::cluster::ClusterErrorKind;
use helm::release::{History, Status};
use serde_json::json;

use crate::{Stage, check, config_map};

#[tokio::test]
async fn applies_what_changed_and_deletes_what_was_dropped() {
    let stage =
        Stage::with(&[config_map("same", "1"), config_map("changed", "1"), config_map("gone", "1")]).await;
    let documents = [config_map("same", "1"), config_map("changed", "2"), config_map("new", "1")];
    let outcome = stage.upgrade(2, &documents).await.expect("an upgrade");
    check(
        &stage.cluster.conversation(),
        &[
            "list Secret name=rel,owner=helm",
            "get ConfigMap ns/new",
            "create Secret ns/sh.helm.release.v1.rel.v2",
            "apply ConfigMap ns/changed",
            "apply ConfigMap ns/new",
            "get ConfigMap ns/gone",
            "delete ConfigMap ns/gone",
            "update Secret ns/sh.helm.release.v1.rel.v2 deployed",
            "update Secret ns/sh.helm.release.v1.rel.v1 superseded",
        ],
    );
    assert_eq!((outcome.applied.len(), outcome.deleted.len()), (2, 1));
    assert_eq!(stage.statuses().await, [(1, Status::Superseded), (2, Status::Deployed)]);
}

#[tokio::test]
async fn keeps_the_date_of_the_first_revision() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    stage.clock.advance(std::time::Duration::from_secs(60));
    let release = stage.upgrade(2, &[config_map("a", "2")]).await.expect("an upgrade").release;
    assert_eq!(release.info.first_deployed, "2026-11-23T20:00:00Z");
    assert_eq!(release.info.last_deployed, "2026-11-23T20:01:00Z");
}

#[tokio::test]
async fn applies_unchanged_objects_that_the_caller_wants_forced() {
    let mut stage = Stage::with(&[config_map("a", "1"), config_map("b", "1")]).await;
    stage.cluster.let_another_own("ConfigMap ns/a");
    stage.options.force.insert("ConfigMap/a".to_owned());
    stage.upgrade(2, &[config_map("a", "1"), config_map("b", "1")]).await.expect("an upgrade");
    assert!(stage.cluster.changes().contains(&"force ConfigMap ns/a".to_owned()));
}

#[tokio::test]
async fn does_not_take_fields_from_others_unasked() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    stage.cluster.let_another_own("ConfigMap ns/a");
    stage.upgrade(2, &[config_map("a", "2")]).await.expect_err("a conflict");
    assert_eq!(stage.statuses().await, [(1, Status::Deployed), (2, Status::Failed)]);
}

#[tokio::test]
async fn after_a_failure_both_revisions_may_stand_in_the_cluster() {
    let stage = Stage::with(&[config_map("a", "1"), config_map("b", "1")]).await;
    stage.cluster.refuse("apply ConfigMap ns/b", ClusterErrorKind::Unavailable);
    let second = [config_map("a", "2"), config_map("b", "2"), config_map("c", "1")];
    stage.upgrade(2, &second).await.expect_err("unavailable");
    stage.cluster.accept_all();
    stage.cluster.conversation();
    // Back to the first: a and b may be either, c may be there.
    let outcome = stage.upgrade(3, &[config_map("a", "1"), config_map("b", "1")]).await.expect("an upgrade");
    check(
        &stage.cluster.changes(),
        &[
            "create Secret ns/sh.helm.release.v1.rel.v3",
            "apply ConfigMap ns/a",
            "apply ConfigMap ns/b",
            "update Secret ns/sh.helm.release.v1.rel.v3 deployed",
            "update Secret ns/sh.helm.release.v1.rel.v1 superseded",
        ],
    );
    assert!(outcome.deleted.is_empty(), "c was never created");
}

#[tokio::test]
async fn goes_on_from_a_failed_install() {
    let stage = Stage::new();
    stage.cluster.refuse("apply ConfigMap ns/b", ClusterErrorKind::Unavailable);
    let documents = [config_map("a", "1"), config_map("b", "1")];
    stage.install(&documents).await.expect_err("unavailable");
    stage.cluster.accept_all();
    let outcome = stage.upgrade(2, &documents).await.expect("an upgrade");
    assert_eq!(outcome.applied.len(), 2, "nothing is deployed, so everything is applied");
    assert_eq!(stage.statuses().await, [(1, Status::Failed), (2, Status::Deployed)]);
}

#[tokio::test]
async fn takes_over_from_helm_3_object_by_object() {
    let stage = Stage::with(&[config_map("a", "1"), config_map("b", "1")]).await;
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    let mut release = history.latest().expect("a record").clone();
    release.apply_method.clear();
    let now = helm::cluster::Clock::now(&stage.clock);
    stage.cluster.put(&helm::release::encode(&release, now, true).expect("small enough"));
    for name in ["ConfigMap ns/a", "ConfigMap ns/b"] {
        let mut live = stage.cluster.find(name).expect("the object");
        live["metadata"]["managedFields"] =
            json!([{ "manager": "helm", "operation": "Update", "fieldsV1": { "f:data": {} } }]);
        stage.cluster.put(&live);
    }
    stage.cluster.conversation();
    stage.upgrade(2, &[config_map("a", "2"), config_map("b", "1")]).await.expect("an upgrade");
    let changes = stage.cluster.changes();
    let wanted = ["patch ConfigMap ns/a", "patch ConfigMap ns/b", "apply ConfigMap ns/a"];
    assert_eq!(changes[1..4], wanted, "the next revision finds none that Helm 3 still owns");
}

#[tokio::test]
async fn leaves_what_asks_to_be_kept() {
    let kept =
        config_map("a", "1").replace("{name: a}", "{name: a, annotations: {helm.sh/resource-policy: keep}}");
    let stage = Stage::with(&[kept, config_map("b", "1")]).await;
    let outcome = stage.upgrade(2, &[config_map("b", "1")]).await.expect("an upgrade");
    assert_eq!(outcome.kept.len(), 1);
    assert!(stage.cluster.find("ConfigMap ns/a").is_some());
}

#[tokio::test]
async fn keeps_ten_revisions() {
    let stage = Stage::with(&[config_map("a", "0")]).await;
    for revision in 2..=12 {
        stage.upgrade(revision, &[config_map("a", &revision.to_string())]).await.expect("an upgrade");
    }
    let versions: Vec<_> = stage.statuses().await.into_iter().map(|(version, _)| version).collect();
    assert_eq!(versions, (3..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn repairs_an_object_without_a_new_revision() {
    let mut stage = Stage::with(&[config_map("a", "1"), config_map("b", "1")]).await;
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    stage.options.force.insert("ConfigMap/b".to_owned());
    stage.cluster.conversation();
    let release = history.latest().expect("a record");
    let repaired =
        action::repair(&stage.cluster, &stage.clock, release, &stage.options).await.expect("a repair");
    assert_eq!(repaired.len(), 1);
    check(&stage.cluster.conversation(), &["force ConfigMap ns/b"]);
}
