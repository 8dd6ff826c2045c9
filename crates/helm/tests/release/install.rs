use helm::cluster::ClusterErrorKind;
use helm::release::{History, Status};
use serde_json::json;

use crate::{Stage, check, config_map, service};

#[tokio::test]
async fn looks_before_it_writes_and_writes_the_record_first() {
    let stage = Stage::new();
    let outcome = stage.install(&[service("b"), service("a")]).await.expect("an install");
    check(
        &stage.cluster.conversation(),
        &[
            "list Secret name=rel,owner=helm",
            "get Service ns/b",
            "get Service ns/a",
            "create Secret ns/sh.helm.release.v1.rel.v1",
            "apply Service ns/b",
            "apply Service ns/a",
            "update Secret ns/sh.helm.release.v1.rel.v1 deployed",
        ],
    );
    assert_eq!(outcome.release.info.status, Status::Deployed);
    assert_eq!(outcome.applied.len(), 2);
}

#[tokio::test]
async fn creates_what_does_nothing_by_itself_unseen() {
    let stage = Stage::new();
    let outcome = stage.install(&[config_map("a", "1"), service("b")]).await.expect("an install");
    check(
        &stage.cluster.conversation(),
        &[
            "list Secret name=rel,owner=helm",
            "get Service ns/b",
            "create Secret ns/sh.helm.release.v1.rel.v1",
            "apply ConfigMap ns/a",
            "apply Service ns/b",
            "update Secret ns/sh.helm.release.v1.rel.v1 deployed",
        ],
    );
    assert_eq!(outcome.applied.len(), 2);
}

#[tokio::test]
async fn looks_at_everything_where_hooks_come_first() {
    let stage = Stage::new();
    let hook =
        "kind: Pod\napiVersion: v1\nmetadata:\n  name: h\n  annotations: {helm.sh/hook: pre-install}\n---\n";
    stage.cluster.let_pods_say(json!({ "phase": "Succeeded" }));
    stage.cluster.put(
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "ns" } }),
    );
    let error = stage.install(&[hook.to_owned(), config_map("a", "1")]).await.expect_err("not ours");
    assert!(error.to_string().contains("ConfigMap ns/a exists"), "{error}");
    check(&stage.cluster.changes(), &[]);
}

#[tokio::test]
async fn marks_objects_as_helm_does() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    let object = stage.cluster.find("ConfigMap ns/a").expect("the object");
    assert_eq!(object["metadata"]["labels"], json!({ "app.kubernetes.io/managed-by": "Helm" }));
    let annotations = json!({ "meta.helm.sh/release-name": "rel", "meta.helm.sh/release-namespace": "ns" });
    assert_eq!(object["metadata"]["annotations"], annotations);
}

#[tokio::test]
async fn the_record_tells_what_was_installed() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    let release = history.deployed().expect("a deployed revision");
    assert_eq!(
        (release.chart_name(), release.chart_version(), release.app_version()),
        ("tiny", "1.2.3", "7.2")
    );
    assert_eq!(json!(release.config), json!({ "replicas": 3 }));
    assert_eq!(release.info.notes, "Thank you.");
    assert_eq!(release.info.description, "Install complete");
    assert!(release.manifest.starts_with("---\n# Source: tiny/templates/all.yaml\nkind: ConfigMap"));
    assert!(release.is_server_side_applied());
}

#[tokio::test]
async fn adopts_what_bears_its_marks_and_takes_over_from_an_older_helm() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    let mut left_behind = stage.cluster.find("ConfigMap ns/a").expect("the object");
    left_behind["metadata"]["managedFields"] = json!([
        { "manager": "helm", "operation": "Update", "fieldsV1": { "f:data": {} } }
    ]);
    let stage = Stage::new();
    stage.cluster.put(&left_behind);
    stage.install(&[config_map("a", "2")]).await.expect("an install");
    check(
        &stage.cluster.changes(),
        &[
            "create Secret ns/sh.helm.release.v1.rel.v1",
            "apply ConfigMap ns/a",
            "patch ConfigMap ns/a",
            "apply ConfigMap ns/a",
            "update Secret ns/sh.helm.release.v1.rel.v1 deployed",
        ],
    );
}

#[tokio::test]
async fn leaves_the_objects_of_others_alone() {
    for (kind, document) in [("ConfigMap", config_map("a", "1")), ("Service", service("a"))] {
        let stage = Stage::new();
        let theirs =
            json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": "a", "namespace": "ns" } });
        stage.cluster.put(&theirs);
        let before = stage.cluster.find(&format!("{kind} ns/a"));
        let error = stage.install(&[config_map("first", "1"), document]).await.expect_err("not ours");
        assert_eq!(
            error.to_string(),
            format!(
                "{kind} ns/a exists and is no part of release rel: it has no label \
                 app.kubernetes.io/managed-by=Helm, it has no annotation meta.helm.sh/release-name=rel, it has no \
                 annotation meta.helm.sh/release-namespace=ns; give it these marks to make it a part of the \
                 release, or delete it, or choose another name"
            )
        );
        assert_eq!(stage.cluster.keys(), [format!("{kind} ns/a")]);
        assert_eq!(stage.cluster.find(&format!("{kind} ns/a")), before);
    }
}

#[tokio::test]
async fn what_cannot_be_taken_back_stays_recorded() {
    let stage = Stage::new();
    stage.cluster.put(
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "b", "namespace": "ns" } }),
    );
    stage.cluster.refuse("delete ConfigMap ns/a", ClusterErrorKind::Unavailable);
    let error = stage.install(&[config_map("a", "1"), config_map("b", "1")]).await.expect_err("not ours");
    let reason = "release rel failed, and it could not be undone (cannot delete ConfigMap ns/a: delete ConfigMap \
                  ns/a is refused)";
    assert_eq!(error.to_string(), reason);
    assert_eq!(stage.statuses().await, [(1, Status::Failed)]);
    assert!(stage.cluster.find("ConfigMap ns/b").is_some_and(|theirs| theirs["data"].is_null()));
}

#[tokio::test]
async fn a_name_is_used_once() {
    let stage = Stage::with(&[config_map("a", "1")]).await;
    let error = stage.install(&[config_map("a", "1")]).await.expect_err("in use");
    assert!(error.to_string().contains("deployed"), "{error}");
    check(&stage.cluster.changes(), &[]);
}

#[tokio::test]
async fn a_failure_is_recorded_with_its_reason() {
    let stage = Stage::new();
    stage.cluster.refuse("apply ConfigMap ns/a", ClusterErrorKind::Forbidden);
    let error = stage.install(&[config_map("a", "1")]).await.expect_err("forbidden");
    assert!(error.to_string().contains("ConfigMap ns/a"), "{error}");
    let history = History::read(&stage.cluster, "ns", "rel").await.expect("records");
    let release = history.latest().expect("a record");
    assert_eq!(release.info.status, Status::Failed);
    let reason = "Release \"rel\" failed: cannot apply ConfigMap ns/a: apply ConfigMap ns/a is refused";
    assert_eq!(release.info.description, reason);
}

#[tokio::test]
async fn looks_for_many_objects_of_a_kind_by_one_list_where_it_may() {
    let documents = ["a", "b", "c"].map(service);
    for (refused, looks) in [
        (false, vec!["list Service "]),
        (true, vec!["list Service ", "get Service ns/a", "get Service ns/b", "get Service ns/c"]),
    ] {
        let stage = Stage::new();
        if refused {
            stage.cluster.refuse("list Service ", ClusterErrorKind::Forbidden);
        }
        stage.install(&documents).await.expect("an install");
        let conversation = stage.cluster.conversation();
        check(&conversation[1..=looks.len()], &looks);
    }
    let stage = Stage::new();
    let theirs =
        json!({ "kind": "Service", "apiVersion": "v1", "metadata": { "name": "b", "namespace": "ns" } });
    stage.cluster.put(&theirs);
    let error = stage.install(&documents).await.expect_err("b is another's");
    assert!(error.to_string().contains("Service ns/b exists"), "{error}");
    check(&stage.cluster.changes(), &[]);
}

#[tokio::test]
async fn a_record_too_large_stops_everything_before_it_begins() {
    let stage = Stage::new();
    let mut state = 7_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:08x}", state >> 32)
    };
    let value: String = (0..400_000).map(|_| noise()).collect();
    let error = stage.install(&[config_map("a", &value)]).await.expect_err("too large");
    assert!(error.to_string().contains("it may have 1044480"), "{error}");
    check(&stage.cluster.changes(), &[]);
}

#[tokio::test]
async fn asks_for_the_scope_of_custom_resources_only() {
    let stage = Stage::new();
    let custom = "kind: Widget\napiVersion: example.com/v1\nmetadata: {name: w}\n---\n".to_owned();
    let global =
        "kind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {name: r}\n---\n".to_owned();
    stage.install(&[custom, global]).await.expect("an install");
    let conversation = stage.cluster.conversation();
    let asked: Vec<_> = conversation.iter().filter(|line| line.starts_with("scope ")).collect();
    assert_eq!(asked, ["scope Widget"]);
    assert!(conversation.contains(&"apply ClusterRole r".to_owned()));
    assert!(conversation.contains(&"apply Widget ns/w".to_owned()));
}
