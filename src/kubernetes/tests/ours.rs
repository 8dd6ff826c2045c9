//! What is ours is made, kept and deleted by its mark; what is not is left alone.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Reply, Server, list};
use crate::kubernetes::{KubernetesError, Made, NamespaceRemoval, Password, Wait};

const SECRET: &str = "/api/v1/namespaces/ns/secrets";

fn secret(mark: Json) -> Reply {
    let mut metadata = json!({"name": "s", "namespace": "ns", "uid": "u1"});
    metadata.as_object_mut().expect("a map").extend(mark.as_object().expect("a map").clone());
    Reply::Json(
        200,
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"auth": "cGE1NQ=="}}),
    )
}

fn our_mark(release: &str) -> Json {
    json!({
        "labels": {"app.kubernetes.io/managed-by": "terraform-provider-redis"},
        "annotations": {"terraform-provider-redis/release": release},
    })
}

#[tokio::test]
async fn a_key_is_read_and_what_is_missing_is_told() {
    let server = Server::default().on("GET", secret(json!({})));
    let password = server.kubernetes().secret_key("ns", "s", "auth").await.expect("the key");
    assert_eq!(password, Password::new("pa55"));
    assert_eq!(format!("{password:?}"), "Password(redacted)");

    let server = Server::default().on("GET", secret(json!({})));
    let error = server.kubernetes().secret_key("ns", "s", "password").await.expect_err("no such key");
    assert_eq!(error.to_string(), "Secret ns/s has no key `password`; it has auth");

    let server = Server::default().on("GET", Reply::Refuse(404, "NotFound", "gone"));
    let error = server.kubernetes().secret_key("ns", "s", "auth").await.expect_err("no such Secret");
    assert!(matches!(error, KubernetesError::SecretMissing { .. }), "{error}");
}

#[tokio::test]
async fn a_secret_is_made_with_our_mark() {
    let server = Server::default().on("POST", secret(our_mark("ns/r")));
    let made =
        server.kubernetes().create_secret("ns", "s", "ns/r", &[("auth", &Password::new("pa55"))]).await;
    assert_eq!(made.expect("it is made"), Made::Now);
    let sent = server.last_body();
    assert_eq!((&sent["type"], &sent["data"]["auth"]), (&json!("Opaque"), &json!("cGE1NQ==")));
    assert_eq!(sent["metadata"]["labels"]["app.kubernetes.io/managed-by"], "terraform-provider-redis");
    assert_eq!(sent["metadata"]["annotations"]["terraform-provider-redis/release"], "ns/r");
}

#[tokio::test]
async fn a_taken_name_is_ours_or_an_error() {
    let cases = [
        (our_mark("ns/r"), None),
        (our_mark("ns/other"), Some("ns/other")),
        (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}), Some("managed by Helm")),
        (json!({}), Some("does not carry our mark")),
    ];
    for (mark, wanted) in cases {
        let server = Server::default()
            .on("POST", Reply::Refuse(409, "AlreadyExists", "exists"))
            .on("GET", secret(mark));
        let made =
            server.kubernetes().create_secret("ns", "s", "ns/r", &[("auth", &Password::new("pa55"))]).await;
        match (made, wanted) {
            (Ok(made), None) => assert_eq!(made, Made::Before),
            (Err(error), Some(words)) => {
                let error = error.to_string();
                assert!(error.contains(words) && !error.contains("pa55"), "{error}");
            }
            (made, wanted) => panic!("{made:?} where {wanted:?} was wanted"),
        }
    }
}

#[tokio::test]
async fn only_our_secret_is_deleted() {
    let server = Server::default()
        .on("GET", secret(our_mark("ns/r")))
        .on(&format!("DELETE {SECRET}/s"), Reply::Json(200, json!({})));
    assert!(server.kubernetes().delete_secret("ns", "s", "ns/r").await.expect("deleted"));
    assert_eq!(server.last_body()["preconditions"]["uid"], "u1", "only the one that was looked at");

    let server = Server::default().on("GET", secret(json!({})));
    assert!(!server.kubernetes().delete_secret("ns", "s", "ns/r").await.expect("left alone"));
    assert_eq!(server.calls().len(), 1);
}

fn namespace(mark: Json) -> Reply {
    let mut metadata = json!({"name": "ns", "uid": "n1"});
    metadata.as_object_mut().expect("a map").extend(mark.as_object().expect("a map").clone());
    Reply::Json(200, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
}

fn discovery() -> Reply {
    let resource = |name: &str, kind: &str, verbs: &[&str]| json!({"resource": name, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": verbs});
    let all = ["list", "create", "delete"];
    Reply::Json(
        200,
        json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [
            {"version": "v1", "resources": [
                resource("configmaps", "ConfigMap", &all),
                resource("events", "Event", &all),
                resource("bindings", "Binding", &["create"]),
            ]},
        ]}]}),
    )
}

fn emptiness_checked(objects: &[Json]) -> Server {
    let no_groups = json!({"kind": "APIGroupDiscoveryList", "items": []});
    Server::default()
        .on("GET /api/v1/namespaces/ns/configmaps", list(objects))
        .on("GET /api/v1/namespaces/ns", namespace(our_mark("ns/r")))
        .on("GET /apis", Reply::Json(200, no_groups))
        .on("GET /api", discovery())
        .on("DELETE /api/v1/namespaces/ns", Reply::Json(200, json!({})))
}

#[tokio::test]
async fn a_namespace_goes_when_it_is_ours_and_empty() {
    let root_ca = json!({"metadata": {"name": "kube-root-ca.crt"}});
    let server = emptiness_checked(std::slice::from_ref(&root_ca));
    let removal = server.kubernetes().delete_namespace("ns", "ns/r").await.expect("begun");
    assert_eq!(removal, NamespaceRemoval::Begun);
    assert_eq!(server.last_body()["preconditions"]["uid"], "n1");

    let server = emptiness_checked(&[root_ca, json!({"metadata": {"name": "app"}})]);
    let removal = server.kubernetes().delete_namespace("ns", "ns/r").await.expect("kept");
    assert_eq!(removal, NamespaceRemoval::Kept { holds: vec!["ConfigMap/app".into()] });

    let server = Server::default().on("GET", namespace(json!({})));
    let removal = server.kubernetes().delete_namespace("ns", "ns/r").await.expect("left alone");
    assert_eq!((removal, server.calls().len()), (NamespaceRemoval::NotOurs, 1));
}

#[tokio::test]
async fn a_namespace_is_made_unless_it_exists() {
    let cancel = CancellationToken::new();
    let wait = Wait { deadline: Instant::now() + Duration::from_secs(5), cancel: &cancel, secrets: &[] };
    let server = Server::default().on("GET", namespace(json!({})));
    let made = server.kubernetes().ensure_namespace("ns", "ns/r", wait).await.expect("it exists");
    assert_eq!(made, Made::Before);

    let server = Server::default()
        .on("GET", Reply::Refuse(404, "NotFound", "gone"))
        .on("POST /api/v1/namespaces", namespace(our_mark("ns/r")));
    let made = server.kubernetes().ensure_namespace("ns", "ns/r", wait).await.expect("it is made");
    assert_eq!(made, Made::Now);
}
