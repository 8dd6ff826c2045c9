use helm::cluster::ClusterErrorKind;
use helm::release::Status;
use serde_json::json;

use crate::{Stage, check, config_map};

const SERVICE: &str = "kind: Service\napiVersion: v1\nmetadata: {name: s}\n---\n";

#[tokio::test]
async fn deletes_dependents_first_and_the_record_last() {
    let stage = Stage::with(&[config_map("a", "1"), SERVICE.to_owned()]).await;
    let done = stage.uninstall().await.expect("an uninstall");
    check(
        &stage.cluster.changes(),
        &[
            "update Secret ns/sh.helm.release.v1.rel.v1 uninstalling",
            "delete Service ns/s",
            "delete ConfigMap ns/a",
            "delete Secret ns/sh.helm.release.v1.rel.v1",
        ],
    );
    assert_eq!(done.deleted.len(), 2);
    assert!(stage.cluster.keys().is_empty());
}

#[tokio::test]
async fn nothing_to_do_is_a_success() {
    let stage = Stage::new();
    assert!(!stage.uninstall().await.expect("no release").existed);
    check(&stage.cluster.changes(), &[]);
}

#[tokio::test]
async fn leaves_what_is_kept_and_what_is_not_ours() {
    let kept =
        config_map("a", "1").replace("{name: a}", "{name: a, annotations: {helm.sh/resource-policy: keep}}");
    let stage = Stage::with(&[kept, config_map("b", "1"), config_map("c", "1")]).await;
    let mut taken = stage.cluster.find("ConfigMap ns/b").expect("the object");
    taken["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!("other");
    stage.cluster.put(&taken);
    let done = stage.uninstall().await.expect("an uninstall");
    assert_eq!((done.deleted.len(), done.kept.len()), (1, 2));
    assert_eq!(stage.cluster.keys(), ["ConfigMap ns/a", "ConfigMap ns/b"]);
}

#[tokio::test]
async fn what_failed_revisions_left_goes_too() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    stage.cluster.refuse("apply ConfigMap ns/c", ClusterErrorKind::Invalid);
    let second = [config_map("a", "1"), config_map("b", "1"), config_map("c", "1")];
    stage.upgrade(2, &second).await.expect_err("invalid");
    assert!(stage.cluster.find("ConfigMap ns/b").is_some());
    stage.uninstall().await.expect("an uninstall");
    assert!(stage.cluster.keys().is_empty());
}

#[tokio::test]
async fn an_object_that_is_stuck_does_not_keep_the_others_and_the_record_stays() {
    let stage = Stage::with(&[config_map("a", "1"), SERVICE.to_owned()]).await;
    stage.cluster.refuse("delete Service ns/s", ClusterErrorKind::Forbidden);
    let error = stage.uninstall().await.expect_err("forbidden");
    assert!(error.to_string().contains("Service ns/s"), "{error}");
    assert!(stage.cluster.find("ConfigMap ns/a").is_none());
    assert_eq!(stage.statuses().await, [(1, Status::Uninstalling)]);
    stage.cluster.accept_all();
    stage.uninstall().await.expect("the second attempt goes on");
    assert!(stage.cluster.keys().is_empty());
}

#[tokio::test]
async fn records_that_are_kept_bring_the_release_back() {
    let mut stage = Stage::with(&[config_map("a", "1")]).await;
    stage.cluster.refuse("apply ConfigMap ns/b", ClusterErrorKind::Invalid);
    stage.upgrade(2, &[config_map("a", "1"), config_map("b", "1")]).await.expect_err("invalid");
    stage.options.keep_history = true;
    stage.uninstall().await.expect("an uninstall");
    assert_eq!(stage.statuses().await, [(1, Status::Superseded), (2, Status::Uninstalled)]);
    assert!(stage.cluster.find("ConfigMap ns/a").is_none());
    stage.cluster.conversation();
    assert!(stage.uninstall().await.expect("nothing is left to do").deleted.is_empty());
    check(&stage.cluster.changes(), &[]);
    stage.install(&[config_map("a", "1")]).await.expect_err("the name is in use");
    stage.rollback(Some(1)).await.expect("a rollback");
    assert!(stage.cluster.find("ConfigMap ns/a").is_some());
    stage.uninstall().await.expect("an uninstall");
    stage.upgrade(4, &[config_map("a", "2")]).await.expect("an upgrade");
    assert!(stage.cluster.find("ConfigMap ns/a").is_some());
    stage.options.keep_history = false;
    stage.uninstall().await.expect("an uninstall");
    assert!(stage.cluster.keys().is_empty());
}

#[tokio::test]
async fn what_is_undone_leaves_no_record() {
    let mut stage = Stage::new();
    (stage.options.atomic, stage.options.keep_history) = (true, true);
    stage.cluster.refuse("apply ConfigMap ns/a", ClusterErrorKind::Forbidden);
    stage.install(&[config_map("a", "1")]).await.expect_err("forbidden");
    assert!(stage.cluster.keys().is_empty());
}
