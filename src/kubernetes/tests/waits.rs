//! Waits end when what is waited for is there, go on when a watch breaks, and tell what they saw.

use std::time::Duration;

use helm::cluster::ObjectRef;
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Reply, Server, list};
use crate::kubernetes::{KubernetesError, Password, Wait};

const SETS: &str = "GET /apis/apps/v1/namespaces/ns/statefulsets?";
const SETS_WATCH: &str = "GET /apis/apps/v1/namespaces/ns/statefulsets?&watch=true";

fn set(ready: i64) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "r", "namespace": "ns", "generation": 1, "resourceVersion": "2"},
        "spec": {"replicas": 3, "serviceName": "r", "selector": {"matchLabels": {"app": "r"}},
                 "template": {"metadata": {"labels": {"app": "r"}}}},
        "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": ready, "updatedReplicas": 3,
                   "currentRevision": "a", "updateRevision": "a"},
    })
}

fn event(kind: &str, object: Json) -> Json {
    json!({"type": kind, "object": object})
}

async fn wait_for_set(
    server: &Server,
    limit: Duration,
    cancel: &CancellationToken,
) -> Result<(), KubernetesError> {
    let secrets = [Password::new("hunter2")];
    let wait = Wait { deadline: Instant::now() + limit, cancel, secrets: &secrets };
    server.kubernetes().wait_for_stateful_set("ns", "r", wait).await
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_set_that_is_ready_needs_no_waiting() {
    let server = Server::default().on(SETS, list(&[set(3)]));
    wait_for_set(&server, LONG, &CancellationToken::new()).await.expect("it is ready");
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_set_that_was_made_anew_is_waited_for_until_its_pods_are_replaced() {
    let mut adopted = set(3);
    adopted["status"]["updatedReplicas"] = json!(1);
    let server = Server::default()
        .on(SETS_WATCH, Reply::Watch(vec![event("MODIFIED", set(3))]))
        .on(SETS, list(&[adopted]));
    wait_for_set(&server, LONG, &CancellationToken::new()).await.expect("its pods are replaced");
    assert_eq!(server.calls().len(), 2, "the first look was no end");
}

#[tokio::test]
async fn a_dropped_watch_is_opened_again() {
    let gone = json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
    let server = Server::default()
        .on(SETS_WATCH, Reply::DroppedWatch(vec![event("MODIFIED", set(1))]))
        .on(SETS_WATCH, Reply::Reset)
        .on(SETS_WATCH, Reply::Refuse(500, "InternalError", "etcd"))
        .on(SETS_WATCH, Reply::DroppedWatch(vec![event("ERROR", gone)]))
        .on(SETS_WATCH, Reply::Watch(vec![event("MODIFIED", set(3))]))
        .on(SETS, list(&[set(0)]))
        .on(SETS, list(&[set(2)]));
    wait_for_set(&server, LONG, &CancellationToken::new()).await.expect("it is ready at last");
    assert_eq!(server.calls().len(), 7, "{:?}", server.calls());
}

#[tokio::test]
async fn a_missing_right_ends_the_wait_at_once() {
    let server = Server::default().on(SETS, Reply::Refuse(403, "Forbidden", "cannot list"));
    let error = wait_for_set(&server, LONG, &CancellationToken::new()).await.expect_err("no right");
    assert!(error.is_forbidden());
    assert!(error.to_string().contains("`watch` on `statefulsets.apps` in namespace `ns`"), "{error}");
}

#[tokio::test]
async fn a_cancelled_wait_tells_what_it_saw() {
    let cancel = CancellationToken::new();
    let server = Server::default().on(SETS_WATCH, Reply::Watch(Vec::new())).on(SETS, list(&[set(1)]));
    let watching = async {
        while server.calls().len() < 2 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(wait_for_set(&server, LONG, &cancel), watching);
    let error = ended.expect_err("it is cancelled");
    assert!(error.is_cancelled());
    assert!(error.to_string().contains("1 of 3 pods are ready"), "{error}");
}

/// The explanation of a set whose pods, claims and events are these.
async fn explained(pods: &[Json], claims: &[Json], events: &[Json]) -> String {
    let server = Server::default()
        .on(SETS_WATCH, Reply::Watch(Vec::new()))
        .on(SETS, list(&[set(1)]))
        .on(
            "GET /api/v1/namespaces/ns/pods/r-1/log?",
            Reply::Text("1\n2\n3\n4\nrequirepass hunter2\nbad directive\n"),
        )
        .on("GET /api/v1/namespaces/ns/pods?", list(pods))
        .on("GET /api/v1/namespaces/ns/persistentvolumeclaims?", list(claims))
        .on("GET /api/v1/namespaces/ns/events?", list(events));
    wait_for_set(&server, SHORT, &CancellationToken::new())
        .await
        .expect_err("the deadline passes")
        .to_string()
}

fn pod(name: &str, status: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "status": status})
}

#[tokio::test]
async fn a_crashing_container_is_told_with_its_exit_code_and_log() {
    let crashing = pod(
        "r-1",
        json!({
            "phase": "Running",
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
            "initContainerStatuses": [
                {"name": "config-init", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
                 "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
            ],
            "containerStatuses": [
                {"name": "redis", "image": "i", "imageID": "", "ready": false, "restartCount": 4,
                 "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                 "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}},
            ],
        }),
    );
    let ready = pod("r-0", json!({"conditions": [{"type": "Ready", "status": "True"}]}));
    let warning = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "type": "Warning", "reason": "BackOff",
        "message": "back-off restarting", "count": 7, "involvedObject": {"kind": "Pod", "name": "r-1"},
    });
    let text = explained(&[ready, crashing], &[], &[warning]).await;
    let wanted = [
        "StatefulSet ns/r is not ready after",
        "1 of 3 pods are ready",
        "Pod r-1, container redis: waiting, CrashLoopBackOff: back-off 40s; its last run ended with exit code 1 (Error)",
        "event: BackOff: back-off restarting (7 times)",
        "log: bad directive",
        "log: requirepass (redacted)",
    ];
    for words in wanted {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("log: 1\n") && !text.contains("Pod r-0"), "{text}");
}

#[tokio::test]
async fn an_unschedulable_pod_and_a_pending_claim_are_told() {
    let pending = pod(
        "r-2",
        json!({
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                            "message": "0/1 nodes are available: 1 Insufficient memory."}],
        }),
    );
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-r-2"},
        "spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"},
    });
    let text = explained(&[pending], &[claim], &[]).await;
    for words in [
        "Pod r-2: not scheduled, Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
        "PersistentVolumeClaim data-r-2: Pending, not bound; it wants storage class `fast`",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_and_an_unready_container_are_told() {
    let container = |state: Json| json!({"name": "redis", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
    let cases = [
        (
            json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}),
            "ImagePullBackOff: no such image",
        ),
        (json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}), "runs and its readiness probe fails"),
        (
            json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            "ended with exit code 137 (OOMKilled)",
        ),
    ];
    for (state, words) in cases {
        let failing = pod("r-1", json!({"phase": "Running", "containerStatuses": [container(state)]}));
        let text = explained(&[failing], &[], &[]).await;
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn waiting_for_the_end_tells_the_finalizers() {
    let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some("ns"), "c");
    let path = "GET /api/v1/namespaces/ns/persistentvolumeclaims?";
    let kept = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {
        "name": "c", "deletionTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "3",
        "finalizers": ["kubernetes.io/pvc-protection"],
    }});
    let cancel = CancellationToken::new();
    let wait = |limit| Wait { deadline: Instant::now() + limit, cancel: &cancel, secrets: &[] };
    let server = Server::default()
        .on(&format!("{path}&watch=true"), Reply::Watch(Vec::new()))
        .on(path, list(std::slice::from_ref(&kept)));
    let error = server.kubernetes().wait_gone(&claim, wait(SHORT)).await.expect_err("it stays").to_string();
    assert!(error.contains("kubernetes.io/pvc-protection"), "{error}");

    let server = Server::default()
        .on(&format!("{path}&watch=true"), Reply::Watch(vec![event("DELETED", kept.clone())]))
        .on(path, list(std::slice::from_ref(&kept)));
    server.kubernetes().wait_gone(&claim, wait(LONG)).await.expect("it goes");

    let watch = "GET /api/v1/namespaces/ns/persistentvolumeclaims?&watch=true";
    let server = Server::default()
        .on(watch, Reply::Watch(vec![event("DELETED", kept.clone())]))
        .on(path, list(&[kept]));
    let none = server.kubernetes();
    none.wait_none("v1", "PersistentVolumeClaim", "ns", "app=r", wait(LONG)).await.expect("none is left");
}
