use serde_json::{Value, json};

use super::RECONCILER;
use crate::controllers::object::name;
use crate::controllers::testing::{deleted, messages, owned_by, ready, status_of, summary, world};
use crate::controllers::world::{Plan, Write};

fn set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "cache", "namespace": "web", "uid": "s", "generation": 1},
        "spec": {"replicas": 3, "serviceName": "cache",
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate"},
            "selector": {"matchLabels": {"app": "cache"}},
            "template": template("1"),
            "volumeClaimTemplates": [{"metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"]}}]}})
}

fn template(checksum: &str) -> Value {
    json!({"metadata": {"labels": {"app": "cache"}, "annotations": {"checksum": checksum}},
        "spec": {"containers": [{"name": "redis"}]}})
}

fn with(mut set: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    set.pointer_mut(parent).expect("a parent")[key] = value;
    set
}

/// The revision that a set would make of its template.
fn revision_of(set: &Value) -> Value {
    let plan = (RECONCILER.reconcile)(&world([set.clone()]));
    plan.writes
        .into_iter()
        .find_map(|write| match write {
            Write::Create(object) if object["kind"] == "ControllerRevision" => Some(object),
            _ => None,
        })
        .expect("a revision")
}

fn pod(set: &Value, ordinal: usize, revision: &Value) -> Value {
    let pod_name = format!("cache-{ordinal}");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": pod_name, "namespace": "web", "uid": pod_name,
        "labels": {"app": "cache", "controller-revision-hash": name(revision),
            "statefulset.kubernetes.io/pod-name": pod_name,
            "apps.kubernetes.io/pod-index": ordinal.to_string()}},
        "spec": {}, "status": {"phase": "Pending"}});
    owned_by(pod, set)
}

fn claim(ordinal: usize) -> Value {
    let name = format!("data-cache-{ordinal}");
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "web", "uid": name}})
}

fn reconcile(set: &Value, objects: impl IntoIterator<Item = Value>) -> Plan {
    let all = objects.into_iter().chain([set.clone()]);
    (RECONCILER.reconcile)(&world(all))
}

/// The writes other than status, for a set with its revision and claims in place.
fn check(set: &Value, pods: Vec<Value>, expected: &[&str]) {
    let revision = revision_of(set);
    let rest = (0..5).map(claim).chain([revision]);
    let plan = reconcile(set, pods.into_iter().chain(rest));
    let mut lines = summary(&plan);
    lines.retain(|line| !line.starts_with("status"));
    assert_eq!(lines, expected);
}

#[test]
fn a_new_set_makes_its_revision_its_first_claim_and_its_first_pod_only() {
    let set = set();
    let plan = reconcile(&set, []);
    let revision = revision_of(&set);
    assert_eq!(
        summary(&plan),
        [
            &format!("create ControllerRevision {}", name(&revision)),
            "create PersistentVolumeClaim data-cache-0",
            "create Pod cache-0",
            "status StatefulSet cache",
        ]
    );
    assert_eq!(
        messages(&plan),
        [
            "Create Claim data-cache-0 Pod cache-0 in StatefulSet cache success",
            "Create Pod cache-0 in StatefulSet cache successful",
        ]
    );
    let status = status_of(&plan, "cache").expect("a status");
    assert_eq!(status["replicas"], 1);
    assert_eq!(status["currentRevision"], status["updateRevision"]);
}

#[test]
fn ordered_pods_wait_for_the_one_before() {
    let set = set();
    let revision = revision_of(&set);
    let first = pod(&set, 0, &revision);
    check(&set, vec![first.clone()], &[]);
    check(&set, vec![ready(first)], &["create Pod cache-1"]);
}

#[test]
fn parallel_pods_are_made_together() {
    let set = with(set(), "/spec/podManagementPolicy", json!("Parallel"));
    check(&set, vec![], &["create Pod cache-0", "create Pod cache-1", "create Pod cache-2"]);
}

#[test]
fn a_set_scales_down_from_the_highest_ordinal_one_by_one() {
    let set = with(set(), "/spec/replicas", json!(1));
    let revision = revision_of(&set);
    let pods: Vec<Value> = (0..3).map(|i| ready(pod(&set, i, &revision))).collect();
    check(&set, pods.clone(), &["delete Pod cache-2"]);
    let waiting = vec![pods[0].clone(), pods[1].clone(), deleted(pods[2].clone())];
    check(&set, waiting, &[]);
}

#[test]
fn a_failed_pod_is_made_again() {
    let set = set();
    let revision = revision_of(&set);
    let failed = with(pod(&set, 0, &revision), "/status/phase", json!("Failed"));
    check(&set, vec![failed], &["delete Pod cache-0"]);
}

#[test]
fn a_rolling_update_starts_at_the_top_and_waits_for_health() {
    let old = revision_of(&set());
    let set = with(set(), "/spec/template", template("2"));
    let set = with(set, "/status", json!({"currentRevision": name(&old), "currentReplicas": 3}));
    let new = revision_of(&set);
    let at = |ordinal: usize, revision: &Value| ready(pod(&set, ordinal, revision));
    let rolled = |pods: Vec<Value>| {
        let rest = (0..3).map(claim).chain([old.clone(), with(new.clone(), "/revision", json!(2))]);
        let plan = reconcile(&set, pods.into_iter().chain(rest));
        let status = status_of(&plan, "cache").cloned();
        let mut lines = summary(&plan);
        lines.retain(|line| !line.starts_with("status"));
        (lines, status)
    };
    let (lines, status) = rolled(vec![at(0, &old), at(1, &old), at(2, &old)]);
    assert_eq!(lines, ["delete Pod cache-2"]);
    assert_eq!(status.expect("a status")["currentReplicas"], 2);
    let unready = pod(&set, 2, &new);
    let (lines, _) = rolled(vec![at(0, &old), at(1, &old), unready]);
    assert_eq!(lines, Vec::<String>::new(), "an unready new pod blocks");
    let (lines, _) = rolled(vec![at(0, &old), at(1, &old), at(2, &new)]);
    assert_eq!(lines, ["delete Pod cache-1"]);
    let (lines, status) = rolled(vec![at(0, &new), at(1, &new), at(2, &new)]);
    assert_eq!(lines, Vec::<String>::new());
    let status = status.expect("a status");
    assert_eq!(status["currentRevision"], name(&new), "the update is complete");
    assert_eq!(status["currentReplicas"], 3);
}

#[test]
fn pods_below_the_partition_keep_the_old_revision_even_when_made_again() {
    let old = revision_of(&set());
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    let set = with(set(), "/spec/updateStrategy", strategy);
    let set = with(set, "/spec/template", template("2"));
    let set = with(set, "/status", json!({"currentRevision": name(&old)}));
    let pods = vec![ready(pod(&set, 0, &old)), old.clone()];
    let plan = reconcile(&set, pods);
    let made = plan.writes.iter().find_map(|write| match write {
        Write::Create(object) if object["kind"] == "Pod" => Some(object),
        _ => None,
    });
    let made = made.expect("pod 1 is made");
    assert_eq!(made["metadata"]["labels"]["controller-revision-hash"], name(&old));
    assert_eq!(made["metadata"]["annotations"]["checksum"], "1");
}

#[test]
fn a_template_that_comes_back_uses_its_old_revision() {
    let first = revision_of(&set());
    let other = revision_of(&with(set(), "/spec/template", template("2")));
    let history = [first.clone(), with(other, "/revision", json!(2))];
    let plan = reconcile(&set(), history);
    let moved = plan.writes.iter().find_map(|write| match write {
        Write::Update(object) => Some((name(object), &object["revision"])),
        _ => None,
    });
    assert_eq!(moved, Some((name(&first), &json!(3))));
}

#[test]
fn on_delete_leaves_old_pods_alone() {
    let old = revision_of(&set());
    let set = with(set(), "/spec/updateStrategy", json!({"type": "OnDelete"}));
    let set = with(set, "/spec/template", template("2"));
    let pods = (0..3).map(|i| ready(pod(&set, i, &old))).collect();
    check(&set, pods, &[]);
}

#[test]
fn claims_are_owned_as_the_retention_policy_says() {
    let policy = json!({"whenDeleted": "Delete", "whenScaled": "Retain"});
    let set = with(set(), "/spec/persistentVolumeClaimRetentionPolicy", policy);
    let revision = revision_of(&set);
    check(&set, vec![pod(&set, 0, &revision)], &["update PersistentVolumeClaim data-cache-0"]);
}

/// A revision as a real API server recorded it: its name is the hash of its data.
#[test]
fn revisions_have_the_hashes_of_kubernetes() {
    let recorded = include_str!("../testdata/controller-revision.json");
    let revision: Value = serde_json::from_str(recorded).expect("the record is JSON");
    let hash = crate::controllers::revisions::revision_hash(&revision["data"], 0);
    assert_eq!(format!("cache-server-{hash}"), name(&revision));
}

#[test]
fn a_set_made_anew_takes_its_pods_and_revisions_before_it_makes_any() {
    let set = set();
    let free = |mut object: Value| {
        object["metadata"]["ownerReferences"] = json!([]);
        object
    };
    let revision = revision_of(&set);
    let pods = (0..3).map(|ordinal| free(pod(&set, ordinal, &revision)));
    let others = ["cache-x", "web-0"].map(|name| {
        let mut other = free(pod(&set, 0, &revision));
        other["metadata"]["name"] = json!(name);
        other
    });
    let plan = reconcile(&set, pods.chain(others).chain([free(revision.clone())]));
    let mut lines = summary(&plan);
    lines.sort();
    let revision = format!("update ControllerRevision {}", name(&revision));
    assert_eq!(lines, [revision.as_str(), "update Pod cache-0", "update Pod cache-1", "update Pod cache-2"]);
}
