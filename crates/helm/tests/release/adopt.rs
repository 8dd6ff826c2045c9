use helm::action;
use helm::manifest;
use helm::release::{Release, ReleaseError, Status};
use serde_json::{Value, json};

use crate::{Stage, check, config_map};

/// What somebody applied with kubectl.
fn applied(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": name, "namespace": "ns",
            "managedFields": [
                { "manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": { "f:data": {} } },
                { "manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {} },
            ],
        },
        "data": { "x": "1" },
    })
}

fn release(documents: &[String]) -> Release {
    let sorted = manifest::sort([("tiny/templates/all.yaml", documents.concat().as_str())]);
    let manifests = sorted.expect("good documents").manifests;
    Release {
        name: "rel".into(),
        namespace: "ns".into(),
        chart: json!({ "metadata": { "name": "tiny", "version": "1.2.3" } }),
        manifest: manifest::join(&manifests),
        ..Release::default()
    }
}

#[tokio::test]
async fn objects_without_a_record_become_the_first_revision_and_the_second_is_an_upgrade() {
    let stage = Stage::new();
    for name in ["a", "b"] {
        stage.cluster.put(&applied(name));
    }
    let mut adopted = release(&[config_map("a", "1"), config_map("b", "1")]);
    action::adopt(&stage.cluster, &stage.clock, &mut adopted, &stage.options).await.expect("an adoption");
    assert_eq!(stage.statuses().await, [(1, Status::Deployed)]);
    let live = stage.cluster.find("ConfigMap ns/a").expect("the object");
    assert_eq!(live["metadata"]["annotations"]["meta.helm.sh/release-name"], "rel");
    let managers = live["metadata"]["managedFields"].as_array().expect("managers");
    assert_eq!(managers.len(), 2);
    assert_eq!((&managers[0]["manager"], &managers[0]["operation"]), (&json!("helm"), &json!("Apply")));
    let outcome = stage.upgrade(2, &[config_map("a", "2")]).await.expect("an upgrade");
    assert_eq!((outcome.applied.len(), outcome.deleted.len()), (1, 1));
}

#[tokio::test]
async fn what_belongs_to_another_release_is_left_as_it_is() {
    let stage = Stage::new();
    let mut others = applied("b");
    others["metadata"]["annotations"] = json!({ "meta.helm.sh/release-name": "other" });
    stage.cluster.put(&applied("a"));
    stage.cluster.put(&others);
    stage.cluster.conversation();
    let mut adopted = release(&[config_map("a", "1"), config_map("b", "1")]);
    let refused = action::adopt(&stage.cluster, &stage.clock, &mut adopted, &stage.options).await;
    assert!(matches!(refused, Err(ReleaseError::NotOurs { .. })), "{refused:?}");
    assert_eq!(stage.cluster.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn what_stands_without_marks_or_with_anothers_is_taken_over_where_the_options_say_so() {
    let mut stage = Stage::with(&[config_map("a", "1")]).await;
    let mut others = applied("b");
    others["metadata"]["annotations"] = json!({ "meta.helm.sh/release-name": "other" });
    stage.cluster.put(&others);
    let documents = [config_map("a", "1"), config_map("b", "2")];
    stage.upgrade(2, &documents).await.expect_err("b is another's");
    check(&stage.cluster.changes(), &[]);
    stage.options.take_ownership = true;
    stage.upgrade(2, &documents).await.expect("b is taken over");
    check(
        &stage.cluster.changes(),
        &[
            "create Secret ns/sh.helm.release.v1.rel.v2",
            "patch ConfigMap ns/b",
            "apply ConfigMap ns/b",
            "update Secret ns/sh.helm.release.v1.rel.v2 deployed",
            "update Secret ns/sh.helm.release.v1.rel.v1 superseded",
        ],
    );
    let fresh = Stage { options: stage.options.clone(), ..Stage::new() };
    fresh.cluster.put(&applied("a"));
    fresh.install(&[config_map("a", "2")]).await.expect("a is taken over");
    let taken = fresh.cluster.find("ConfigMap ns/a").expect("the object");
    assert_eq!(taken["metadata"]["annotations"]["meta.helm.sh/release-name"], "rel");
}
