//! What is sent, what is sent again, and what is told of what fails.

use helm::cluster::{ApplyOptions, Cluster as _, ClusterErrorKind, DeleteOptions, ObjectRef};
use serde_json::json;

use super::{Reply, Server, list};

const MAP: &str = "/api/v1/namespaces/ns/configmaps";

fn config_map() -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", Some("ns"), "a")
}

fn object() -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "ns"}, "data": {"k": "v"}})
}

#[tokio::test]
async fn what_passes_is_asked_for_again() {
    let passing = [
        Reply::Refuse(429, "TooManyRequests", "slow down"),
        Reply::Refuse(500, "InternalError", "etcd"),
        Reply::Refuse(503, "ServiceUnavailable", "starting"),
        Reply::Refuse(504, "Timeout", "slow"),
        Reply::Reset,
    ];
    for reply in passing {
        let get = format!("GET {MAP}/a");
        let server = Server::default().on(&get, reply).on(&get, Reply::Json(200, object()));
        let found = server.kubernetes().get(&config_map()).await.expect("the second answer");
        assert_eq!(found.expect("an object")["data"]["k"], "v");
        assert_eq!(server.calls().len(), 2);
    }
}

#[tokio::test]
async fn what_does_not_pass_is_asked_for_once() {
    let cases = [
        (403, "Forbidden", ClusterErrorKind::Forbidden),
        (401, "Unauthorized", ClusterErrorKind::Forbidden),
        (409, "Conflict", ClusterErrorKind::Conflict),
        (422, "Invalid", ClusterErrorKind::Invalid),
    ];
    for (status, reason, kind) in cases {
        let server = Server::default().on("PATCH", Reply::Refuse(status, reason, "said the server"));
        let options = ApplyOptions { field_manager: "m".into(), force: false, dry_run: false };
        let cluster = server.kubernetes();
        let error =
            helm::cluster::Cluster::apply(&cluster, &object(), &options).await.expect_err("a refusal");
        assert_eq!(error.kind, kind);
        for words in ["apply ConfigMap ns/a", "said the server", reason] {
            assert!(error.message.contains(words), "{}", error.message);
        }
        assert_eq!(server.calls(), [format!("PATCH {MAP}/a?fieldManager=m")]);
    }
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let server = Server::default().on("GET", Reply::Refuse(403, "Forbidden", "User \"x\" cannot list"));
    let error = server.kubernetes().claims("ns", "app=redis").await.expect_err("a refusal").to_string();
    assert!(error.contains("`list` on `persistentvolumeclaims` in namespace `ns`"), "{error}");
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_given_up_and_told() {
    let server = (0..9)
        .fold(Server::default(), |server, _| server.on("GET", Reply::Refuse(500, "InternalError", "etcd")));
    let error = server.kubernetes().get(&config_map()).await.expect_err("it never answers");
    assert_eq!(server.calls().len(), 3);
    assert!(error.is_unavailable());
    assert!(error.to_string().contains("etcd (500 InternalError); tried 3 times"), "{error}");

    let server = (0..9).fold(Server::default(), |server, _| server.on("GET", Reply::Reset));
    let error = server.kubernetes().get(&config_map()).await.expect_err("it never answers");
    assert!(error.to_string().contains("does not answer"), "{error}");
    assert!(error.to_string().contains("a client of its own"), "it says where the address is from: {error}");
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_recognizes_its_own_object() {
    let post = format!("POST {MAP}");
    let stored = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"},
        "metadata": {"name": "a", "namespace": "ns", "uid": "1", "resourceVersion": "7"},
    });
    let lost = || {
        Server::default()
            .on(&post, Reply::Reset)
            .on(&post, Reply::Refuse(409, "AlreadyExists", "configmaps \"a\" already exists"))
    };
    let server = lost().on(&format!("GET {MAP}/a"), Reply::Json(200, stored.clone()));
    let made = server.kubernetes().create(&object()).await.expect("its own object");
    assert_eq!(made["metadata"]["uid"], "1");

    let mut foreign = stored;
    foreign["data"]["k"] = "other".into();
    let server = lost().on(&format!("GET {MAP}/a"), Reply::Json(200, foreign));
    let error = server.kubernetes().create(&object()).await.expect_err("someone else's object");
    assert!(error.is_already_exists(), "{error}");
}

#[tokio::test]
async fn a_taken_name_is_told_apart_from_a_conflict() {
    let server = Server::default().on("POST", Reply::Refuse(409, "AlreadyExists", "exists"));
    let error = server.kubernetes().create(&object()).await.expect_err("a taken name");
    assert!(error.is_already_exists() && !error.is_conflict());
    assert_eq!(server.calls().len(), 1, "nothing was lost, so nothing is looked up");
}

#[tokio::test]
async fn deleting_what_is_gone_is_a_success() {
    let server = Server::default().on("DELETE", Reply::Refuse(404, "NotFound", "gone"));
    let options = DeleteOptions { uid: Some("u1".into()), ..DeleteOptions::default() };
    server.kubernetes().delete(&config_map(), &options).await.expect("it is gone");
    assert_eq!(server.last_body()["preconditions"]["uid"], "u1");
    assert_eq!(server.last_body()["propagationPolicy"], "Background");
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let page = |name: &str, next: &str| {
        Reply::Json(200, json!({"metadata": {"continue": next}, "items": [{"metadata": {"name": name}}]}))
    };
    let server = Server::default().on("GET", page("one", "tok/en")).on("GET", page("two", ""));
    let found = server.kubernetes().list("v1", "ConfigMap", Some("ns"), "a=b").await.expect("two pages");
    assert_eq!(found.len(), 2);
    assert_eq!(found[1]["kind"], "ConfigMap", "items of a list do not say what they are, so we do");
    let calls = [
        format!("GET {MAP}?labelSelector=a%3Db&limit=500"),
        format!("GET {MAP}?labelSelector=a%3Db&limit=500&continue=tok%2Fen"),
    ];
    assert_eq!(server.calls(), calls);
}

#[tokio::test]
async fn custom_kinds_are_discovered_once() {
    let kinds = json!({"kind": "APIResourceList", "resources": [
        {"name": "servicemonitors", "kind": "ServiceMonitor", "namespaced": true, "verbs": ["get"]},
    ]});
    let monitor = ObjectRef::new("monitoring.coreos.com/v1", "ServiceMonitor", Some("ns"), "m");
    let missing = || Reply::Refuse(404, "NotFound", "gone");
    let server = Server::default()
        .on("GET /apis/monitoring.coreos.com/v1/namespaces/ns/servicemonitors/m", missing())
        .on("GET /apis/monitoring.coreos.com/v1/namespaces/ns/servicemonitors/m", missing())
        .on("GET /apis/monitoring.coreos.com/v1", Reply::Json(200, kinds));
    let kubernetes = server.kubernetes();
    assert_eq!(kubernetes.get(&monitor).await.expect("no such object"), None);
    assert_eq!(kubernetes.get(&monitor).await.expect("no such object"), None);
    assert_eq!(server.calls().len(), 3, "{:?}", server.calls());

    let server = Server::default().on("GET /apis/monitoring.coreos.com/v1", missing());
    let error = server.kubernetes().scope("monitoring.coreos.com/v1", "ServiceMonitor").await;
    let error = error.expect_err("the kind is not served");
    assert_eq!(error.kind, ClusterErrorKind::NotFound);
    assert!(error.message.contains("CustomResourceDefinition"), "{}", error.message);
}

#[tokio::test]
async fn capabilities_are_asked_for_once() {
    let aggregated = |group: &str, resource: &str, kind: &str| {
        json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": group}, "versions": [
            {"version": "v1", "resources": [
                {"resource": resource, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["list"]},
            ]},
        ]}]})
    };
    let server = Server::default()
        .on("GET /version", Reply::Json(200, json!({"gitVersion": "v1.33.4-gke.1"})))
        .on("GET /apis", Reply::Json(200, aggregated("apps", "statefulsets", "StatefulSet")))
        .on("GET /api", Reply::Json(200, aggregated("", "pods", "Pod")));
    let kubernetes = server.kubernetes();
    for _ in 0..2 {
        let seen = kubernetes.capabilities().await.expect("capabilities");
        assert_eq!(seen.kube_version, "v1.33.4-gke.1");
        assert_eq!(seen.api_versions, ["apps/v1", "apps/v1/StatefulSet", "v1", "v1/Pod"]);
    }
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn an_eviction_that_a_budget_forbids_is_an_answer() {
    let server =
        Server::default().on("POST", Reply::Refuse(429, "TooManyRequests", "the budget needs 2 pods"));
    let evicted = server.kubernetes().evict_pod("ns", "p").await.expect("an answer");
    assert_eq!(evicted, crate::kubernetes::Eviction::Blocked { message: "the budget needs 2 pods".into() });
    assert_eq!(server.calls(), ["POST /api/v1/namespaces/ns/pods/p/eviction"]);
}

#[tokio::test]
async fn deleting_claims_needs_a_selector() {
    let server = Server::default();
    let deleted = server.kubernetes().delete_claims("ns", "").await.expect("nothing to do");
    assert!(deleted.is_empty() && server.calls().is_empty());
    let server = Server::default()
        .on("GET", list(&[json!({"metadata": {"name": "data-0"}})]))
        .on("DELETE", Reply::Json(200, json!({"kind": "Status"})));
    let deleted = server.kubernetes().delete_claims("ns", "release=r").await.expect("one claim");
    assert_eq!(deleted, ["data-0"]);
}
