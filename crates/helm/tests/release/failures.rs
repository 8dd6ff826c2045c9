use std::time::Duration;

use helm::action;
use helm::cluster::ClusterErrorKind;
use helm::release::Status;

use crate::{Stage, check, config_map};

/// A stage whose process died in the middle of its install.
async fn died_installing() -> Stage {
    let stage = Stage::new();
    let record = "update Secret ns/sh.helm.release.v1.rel.v1 deployed";
    stage.cluster.refuse(record, ClusterErrorKind::Unavailable);
    stage.install(&[config_map("a", "1")]).await.expect_err("the record was not written");
    stage.cluster.accept_all();
    stage.cluster.conversation();
    assert_eq!(stage.statuses().await, [(1, Status::PendingInstall)]);
    stage
}

#[tokio::test]
async fn nobody_interferes_with_work_in_progress() {
    let stage = died_installing().await;
    for error in [
        stage.upgrade(2, &[config_map("a", "1")]).await.expect_err("busy"),
        stage.uninstall().await.expect_err("busy"),
    ] {
        assert!(error.to_string().contains("pending-install since 2026-11-23T20:00:00Z"), "{error}");
    }
    check(&stage.cluster.changes(), &[]);
}

#[tokio::test]
async fn takes_over_from_the_dead_after_a_while() {
    let stage = died_installing().await;
    stage.clock.advance(Duration::from_secs(15 * 60));
    stage.upgrade(2, &[config_map("a", "1")]).await.expect("an upgrade");
    assert_eq!(stage.statuses().await, [(1, Status::Failed), (2, Status::Deployed)]);
}

#[tokio::test]
async fn takes_over_at_once_when_the_caller_knows_it_was_its_own_work() {
    let stage = died_installing().await;
    action::abandon(&stage.cluster, &stage.clock, "ns", "rel", "interrupted").await.expect("a record");
    assert_eq!(stage.statuses().await, [(1, Status::Failed)]);
    stage.upgrade(2, &[config_map("a", "1")]).await.expect("an upgrade");
}

#[tokio::test]
async fn a_revision_that_someone_else_made_first_is_not_overwritten() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    stage.upgrade(2, &[config_map("a", "2")]).await.expect("an upgrade");
    stage.cluster.conversation();
    let error = stage.upgrade(2, &[config_map("a", "3")]).await.expect_err("revision 2 exists");
    assert!(error.to_string().contains("revision 3 is next"), "{error}");
    check(&stage.cluster.changes(), &[]);
}

#[tokio::test]
async fn there_is_no_upgrade_without_a_release() {
    let error = Stage::new().upgrade(1, &[config_map("a", "1")]).await.expect_err("no release");
    assert!(error.to_string().contains("does not exist"), "{error}");
}
