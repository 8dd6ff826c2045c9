//! The store's rules, as a controller that writes through it meets them.

use std::sync::Arc;

use sandbox::store::{DeleteOptions, Deleted, Key, Propagation, Status, Store, kinds, object};
use serde_json::{Value, json};

fn store() -> Store {
    Store::new(Arc::new(|| jiff::Timestamp::from_second(1_700_000_000).expect("a time")))
}

fn pod(node: &str) -> Value {
    let mut pod = json!({"metadata": {"name": "p", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "redis:7"}]}});
    if !node.is_empty() {
        pod["spec"]["nodeName"] = json!(node);
    }
    pod
}

fn pod_key() -> Key {
    Key::namespaced(&kinds::POD, "default", "p")
}

fn stateful_set() -> Value {
    json!({"metadata": {"name": "s", "namespace": "default"}, "spec": {
        "serviceName": "s", "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "redis"}]}}}})
}

/// A refusal must have this code and say this.
#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, Status>, code: u16, says: &str) {
    let status = result.expect_err("it should be refused");
    assert_eq!(status.code, code, "{status}");
    assert!(status.message.contains(says), "{status} does not say {says:?}");
}

#[test]
fn a_pod_without_a_node_goes_at_once() {
    let store = store();
    store.create(&kinds::POD, pod("")).expect("created");
    let deleted = store.delete(&pod_key(), &DeleteOptions::default()).expect("deleted");
    assert!(matches!(deleted, Deleted::Gone(_)));
    assert!(store.get(&pod_key()).is_none());
}

#[test]
fn a_pod_on_a_node_keeps_its_grace_until_the_kubelet_is_done() {
    let store = store();
    store.create(&kinds::POD, pod("n0")).expect("created");
    let deleted = store.delete(&pod_key(), &DeleteOptions::default()).expect("marked");
    let marked = deleted.object();
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(marked["metadata"]["deletionTimestamp"], "2023-11-14T22:13:50Z");
    let revision = store.revision();
    store.delete(&pod_key(), &DeleteOptions::default()).expect("again");
    assert_eq!(store.revision(), revision, "a second delete of the same grace changes nothing");
    let now = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
    assert!(matches!(store.delete(&pod_key(), &now), Ok(Deleted::Gone(_))));
}

#[test]
fn the_last_finalizer_takes_the_object_with_it() {
    let store = store();
    let key = Key::namespaced(&kinds::STATEFUL_SET, "default", "s");
    store.create(&kinds::STATEFUL_SET, stateful_set()).expect("created");
    let foreground = DeleteOptions { propagation: Propagation::Foreground, ..DeleteOptions::default() };
    let marked = store.delete(&key, &foreground).expect("marked");
    assert_eq!(marked.object()["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    store.update(&key, |set| set["metadata"]["finalizers"] = json!([])).expect("released");
    assert!(store.get(&key).is_none());
}

#[test]
fn a_terminating_namespace_takes_nothing_new_and_goes_when_it_is_finalized() {
    let store = store();
    let key = Key::cluster(&kinds::NAMESPACE, "default");
    store.delete(&key, &DeleteOptions::default()).expect("marked");
    assert_eq!(store.get(&key).expect("still there")["status"]["phase"], "Terminating");
    check(store.create(&kinds::POD, pod("")), 403, "because it is being terminated");
    store.update(&key, |namespace| namespace["spec"]["finalizers"] = json!([])).expect("finalized");
    assert!(store.get(&key).is_none());
}

#[test]
fn generation_counts_changes_of_the_spec_and_status_is_written_apart() {
    let store = store();
    let key = Key::namespaced(&kinds::STATEFUL_SET, "default", "s");
    store.create(&kinds::STATEFUL_SET, stateful_set()).expect("created");
    let updated = store
        .update(&key, |set| {
            set["spec"]["replicas"] = json!(3);
            set["status"]["replicas"] = json!(9);
        })
        .expect("updated");
    assert_eq!((object::generation(&updated), &updated["status"]["replicas"]), (2, &json!(0)));
    let updated = store
        .update_status(&key, |set| {
            set["spec"]["replicas"] = json!(5);
            set["status"]["replicas"] = json!(3);
        })
        .expect("updated");
    assert_eq!((object::generation(&updated), &updated["status"]["replicas"]), (2, &json!(3)));
    assert_eq!(updated["spec"]["replicas"], 3);
}

#[test]
fn an_update_on_an_old_revision_is_a_conflict_and_one_that_changes_nothing_is_none() {
    let store = store();
    let created = store.create(&kinds::POD, pod("")).expect("created");
    let revision = store.revision();
    store.update(&pod_key(), |_| {}).expect("unchanged");
    assert_eq!(store.revision(), revision);
    store.update(&pod_key(), |pod| pod["metadata"]["labels"] = json!({"a": "b"})).expect("updated");
    let stale = Value::clone(&created);
    check(store.update(&pod_key(), |pod| *pod = stale), 409, "the object has been modified");
}

#[test]
fn the_scheduler_binds_a_pod_once() {
    let store = store().acting_as("kube-scheduler");
    store.create(&kinds::POD, pod("")).expect("created");
    store.update(&pod_key(), |pod| pod["spec"]["nodeName"] = json!("n0")).expect("bound");
    check(
        store.update(&pod_key(), |pod| pod["spec"]["nodeName"] = json!("n1")),
        422,
        "pod updates may not change fields",
    );
}

#[test]
fn a_service_keeps_its_address_and_gives_it_back() {
    let store = store();
    let service = |name: &str, address: &str| {
        let mut service =
            json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"ports": [{"port": 80}]}});
        if !address.is_empty() {
            service["spec"]["clusterIP"] = json!(address);
        }
        service
    };
    let created = store.create(&kinds::SERVICE, service("a", "")).expect("created");
    let address = object::text(&created, "/spec/clusterIP").to_owned();
    let key = Key::of(&kinds::SERVICE, &created);
    let updated =
        store.update(&key, |object| object["spec"] = json!({"ports": [{"port": 81}]})).expect("updated");
    assert_eq!(object::text(&updated, "/spec/clusterIP"), address);
    check(store.create(&kinds::SERVICE, service("b", &address)), 422, "provided IP is already allocated");
    store.delete(&key, &DeleteOptions::default()).expect("deleted");
    store.create(&kinds::SERVICE, service("b", &address)).expect("the address is free again");
}

#[test]
fn a_claim_grows_only_where_its_class_allows_it() {
    let store = store();
    for (class, may_grow, says) in [("fixed", false, "must support resize"), ("elastic", true, "")] {
        let provisioner = "pd.csi.storage.gke.io";
        store
            .create(
                &kinds::STORAGE_CLASS,
                json!({"metadata": {"name": class}, "provisioner": provisioner, "allowVolumeExpansion": may_grow}),
            )
            .expect("created");
        let claim = json!({"metadata": {"name": class, "namespace": "default"}, "spec": {"storageClassName": class,
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
        let key = Key::of(
            &kinds::PERSISTENT_VOLUME_CLAIM,
            &store.create(&kinds::PERSISTENT_VOLUME_CLAIM, claim).expect("created"),
        );
        store.update_status(&key, |claim| claim["status"] = json!({"phase": "Bound"})).expect("bound");
        let grown =
            store.update(&key, |claim| claim["spec"]["resources"]["requests"]["storage"] = json!("2Gi"));
        match may_grow {
            true => drop(grown.expect("grown")),
            false => check(grown, 403, says),
        }
    }
}

#[tokio::test]
async fn a_watcher_sees_changes_in_order_from_where_it_listed() {
    let store = store();
    let (_, revision) = store.list(&kinds::POD, None);
    let mut watch = store.watch(&kinds::POD, Some("default"), revision).expect("recent");
    store.create(&kinds::POD, pod("")).expect("created");
    store.delete(&pod_key(), &DeleteOptions::default()).expect("deleted");
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(watch.next().await.expect("an event").event_type);
    }
    use sandbox::store::EventType::{Added, Deleted};
    assert_eq!(seen, [Added, Deleted]);
}
