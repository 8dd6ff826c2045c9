//! The tests of this room against a GKE and Compute API of prepared answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    ClusterId, Field, Gke, GkeError, GkeSettings, NodeCount, NodePoolLive, NodePoolSpec, NodePoolUpdate,
    PoolStatus, Secret, Taint, TaintEffect, Wait, ZoneSize, diff, updates,
};

const CLUSTER: &str = "/v1/projects/p/locations/l/clusters/c";
const POOLS: &str = "/v1/projects/p/locations/l/clusters/c/nodePools";
const POOL: &str = "/v1/projects/p/locations/l/clusters/c/nodePools/redis";
const OPERATIONS: &str = "/v1/projects/p/locations/l/operations";

#[derive(Default)]
struct Script {
    replies: VecDeque<(String, u16, Json)>,
    calls: Vec<(String, Json)>,
}

/// Answers each request with the first prepared reply for its `METHOD path`.
#[derive(Clone, Default)]
struct Server {
    script: Arc<Mutex<Script>>,
}

impl Server {
    fn on(self, call: &str, status: u16, body: Json) -> Self {
        self.script().replies.push_back((call.to_owned(), status, body));
        self
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test panics while it holds the lock")
    }

    fn calls(&self) -> Vec<String> {
        self.script().calls.iter().map(|(call, _)| call.clone()).collect()
    }

    fn body(&self, index: usize) -> Json {
        self.script().calls[index].1.clone()
    }

    /// Serves on a free port of the loopback until the test's runtime ends.
    async fn gke(&self) -> Gke {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}/", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Gke::new(GkeSettings {
            access_token: Some(Secret::new("t0ken")),
            container_endpoint: Some(endpoint.clone()),
            compute_endpoint: Some(endpoint),
            ..GkeSettings::default()
        })
    }
}

async fn answer(State(server): State<Server>, request: Request) -> (StatusCode, String) {
    let call = format!("{} {}", request.method(), request.uri().path());
    let token = request.headers().get("authorization").cloned();
    assert_eq!(token.expect("credentials"), "Bearer t0ken");
    let sent = to_bytes(request.into_body(), usize::MAX).await.expect("a body");
    let mut script = server.script();
    script.calls.push((call.clone(), serde_json::from_slice(&sent).unwrap_or(Json::Null)));
    let found = script.replies.iter().position(|(wanted, _, _)| *wanted == call);
    let (status, body) = match found.and_then(|at| script.replies.remove(at)) {
        Some((_, status, body)) => (status, body),
        None => (418, json!({"error": {"message": "no answer is prepared for this call"}})),
    };
    (StatusCode::from_u16(status).expect("a status"), body.to_string())
}

fn google_error(code: u16, status: &str, message: &str) -> Json {
    json!({"error": {"code": code, "status": status, "message": message}})
}

fn operation(status: &str) -> Json {
    json!({"name": "operation-1", "status": status, "operationType": "CREATE_NODE_POOL",
           "targetLink": format!("https://container.googleapis.com{POOL}")})
}

fn cluster() -> ClusterId {
    ClusterId { project: "p".into(), location: "l".into(), cluster: "c".into() }
}

fn spec() -> NodePoolSpec {
    NodePoolSpec {
        name: "redis".into(),
        machine_type: Some("e2-highmem-4".into()),
        node_count: Some(1),
        disk_size_gb: Some(50),
        disk_type: Some("pd-ssd".into()),
        labels: Some(BTreeMap::from([("role".into(), "redis".into())])),
        taints: Some(vec![taint("dedicated")]),
        node_locations: Some(vec!["z-b".into(), "z-a".into()]),
        owner: Some("default/redis-1".into()),
    }
}

fn taint(key: &str) -> Taint {
    Taint { key: key.into(), value: "redis".into(), effect: TaintEffect::NoSchedule }
}

fn live() -> NodePoolLive {
    NodePoolLive {
        name: "redis".into(),
        machine_type: "e2-highmem-4".into(),
        disk_size_gb: 50,
        disk_type: "pd-ssd".into(),
        labels: BTreeMap::from([("role".into(), "redis".into())]),
        taints: vec![taint("dedicated")],
        node_locations: vec!["z-a".into(), "z-b".into()],
        ..NodePoolLive::default()
    }
}

/// Runs one change with a generous deadline, and tells the operations that it began.
async fn create(server: &Server, limit: Duration) -> (Result<(), GkeError>, Vec<String>) {
    let cancel = CancellationToken::new();
    let wait = Wait { deadline: Instant::now() + limit, cancel: &cancel };
    let mut began = Vec::new();
    let mut on_started = |name: &str| began.push(name.to_owned());
    let ended = server.gke().await.create_node_pool(&cluster(), &spec(), wait, &mut on_started).await;
    (ended, began)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn what_is_not_said_is_no_difference() {
    assert_eq!(diff(&spec(), &live(), Some(1)), []);
    let silent = NodePoolSpec { name: "redis".into(), ..NodePoolSpec::default() };
    assert_eq!(diff(&silent, &live(), Some(7)), []);
    let scaled = NodePoolLive { autoscaling: true, ..live() };
    assert_eq!(diff(&spec(), &scaled, Some(7)), [], "an autoscaler's count is never drift");
    assert_eq!(diff(&spec(), &live(), None), [], "a count that could not be read is no drift");
}

#[test]
fn differences_become_the_calls_that_gke_takes() {
    let wanted = NodePoolSpec {
        machine_type: Some("e2-highmem-8".into()),
        node_count: Some(2),
        labels: Some(BTreeMap::new()),
        taints: Some(vec![taint("dedicated"), taint("other")]),
        node_locations: Some(vec!["z-a".into()]),
        ..spec()
    };
    let changes = diff(&wanted, &live(), Some(1));
    let fields: Vec<_> = changes.iter().map(|change| change.field).collect();
    let all = [Field::MachineType, Field::NodeCount, Field::Labels, Field::Taints, Field::NodeLocations];
    assert_eq!(fields, all);
    assert!(changes.iter().all(|change| change.field.is_changed_in_place()));
    let calls: Vec<_> = updates(&wanted, &changes).iter().map(NodePoolUpdate::describe).collect();
    let order = ["change zones", "resize", "change labels", "change taints", "change machine type and disk"];
    assert_eq!(calls, order);

    let renamed = NodePoolSpec { name: "redis-2".into(), ..spec() };
    let changes = diff(&renamed, &live(), Some(1));
    assert_eq!(changes.iter().map(|change| change.field).collect::<Vec<_>>(), [Field::Name]);
    assert!(!changes[0].field.is_changed_in_place());
    assert_eq!(updates(&renamed, &changes), []);
}

#[test]
fn zones_that_differ_show_the_odd_one() {
    let size = |zone: &str, nodes| ZoneSize { zone: zone.into(), nodes };
    let uneven = NodeCount::Zones(vec![size("a", 1), size("b", 3)]);
    assert_eq!((uneven.per_zone(Some(1)), uneven.per_zone(None)), (Some(3), Some(1)));
    assert_eq!(NodeCount::Zones(Vec::new()).per_zone(Some(1)), None);
}

#[tokio::test]
async fn a_pool_is_created_and_its_operation_followed() {
    let server = Server::default()
        .on(&format!("POST {POOLS}"), 200, operation("PENDING"))
        .on(&format!("GET {OPERATIONS}/operation-1"), 200, operation("RUNNING"))
        .on(&format!("GET {OPERATIONS}/operation-1"), 503, google_error(503, "UNAVAILABLE", "later"))
        .on(&format!("GET {OPERATIONS}/operation-1"), 200, operation("DONE"));
    let (ended, began) = create(&server, LONG).await;
    ended.expect("it is created");
    assert_eq!(began, ["operation-1"]);
    let pool = &server.body(0)["nodePool"];
    assert_eq!((&pool["name"], &pool["initialNodeCount"]), (&json!("redis"), &json!(1)));
    assert_eq!(pool["locations"], json!(["z-b", "z-a"]));
    let config = &pool["config"];
    assert_eq!((&config["machineType"], &config["diskSizeGb"]), (&json!("e2-highmem-4"), &json!(50)));
    assert_eq!(config["labels"], json!({"role": "redis"}));
    assert_eq!(config["taints"][0]["key"], "dedicated");
    assert_eq!(config["resourceLabels"]["terraform-provider-redis"], "default_redis-1");
}

#[tokio::test]
async fn a_change_queues_behind_a_running_operation() {
    let busy = "Cluster is running incompatible operation operation-9.";
    let server = Server::default()
        .on(&format!("POST {POOLS}"), 400, google_error(400, "FAILED_PRECONDITION", busy))
        .on(&format!("POST {POOLS}"), 429, google_error(429, "RESOURCE_EXHAUSTED", "quota"))
        .on(&format!("POST {POOLS}"), 200, operation("DONE"))
        .on(&format!("GET {OPERATIONS}/operation-1"), 200, operation("DONE"));
    create(&server, LONG).await.0.expect("it is created in the end");
    assert_eq!(server.calls().len(), 4);

    let server = (0..20).fold(Server::default(), |server, _| {
        server.on(&format!("POST {POOLS}"), 400, google_error(400, "FAILED_PRECONDITION", busy))
    });
    let error = create(&server, Duration::from_millis(400)).await.0.expect_err("it never ends");
    assert!(matches!(error, GkeError::Timeout { .. }), "{error}");
    assert!(error.to_string().contains("operation-9"), "{error}");
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_finds_its_operation() {
    let server = Server::default()
        .on(&format!("POST {POOLS}"), 500, google_error(500, "INTERNAL", "lost"))
        .on(&format!("GET {OPERATIONS}"), 200, json!({"operations": [operation("RUNNING")]}))
        .on(&format!("GET {OPERATIONS}/operation-1"), 200, operation("DONE"));
    let (ended, began) = create(&server, LONG).await;
    ended.expect("it is created");
    assert_eq!(began, ["operation-1"]);
    assert_eq!(server.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let cases = [
        (409, "ALREADY_EXISTS", "Already exists: …", "exists already"),
        (404, "NOT_FOUND", "Not found: …", "does not exist; check project"),
        (403, "PERMISSION_DENIED", "Required \"container.clusters.update\"", "roles/container.admin"),
        (401, "UNAUTHENTICATED", "invalid credentials", "have they expired"),
        (400, "INVALID_ARGUMENT", "Machine type e9 is unknown.", "Machine type e9 is unknown"),
    ];
    for (code, status, message, wanted) in cases {
        let server =
            Server::default().on(&format!("POST {POOLS}"), code, google_error(code, status, message));
        let (ended, began) = create(&server, LONG).await;
        let error = ended.expect_err(status);
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(error.to_string().contains("create the node pool projects/p/"), "{error}");
        assert_eq!((error.is_already_exists(), error.is_not_found()), (code == 409, code == 404));
        assert!(began.is_empty());
        assert_eq!(server.calls().len(), 1, "it is not sent again");
    }
}

#[tokio::test]
async fn an_operation_that_fails_says_why() {
    let mut failed = operation("DONE");
    failed["error"] = json!({"code": 8, "message": "Insufficient quota to satisfy the request: CPUS"});
    let server = Server::default().on(&format!("POST {POOLS}"), 200, operation("RUNNING")).on(
        &format!("GET {OPERATIONS}/operation-1"),
        200,
        failed,
    );
    let error = create(&server, LONG).await.0.expect_err("it failed").to_string();
    assert!(error.contains("Insufficient quota") && error.contains("operation-1"), "{error}");
}

#[tokio::test]
async fn cancelling_leaves_the_operation_to_be_resumed() {
    let cancel = CancellationToken::new();
    let wait = Wait { deadline: Instant::now() + LONG, cancel: &cancel };
    let running =
        |server: Server| server.on(&format!("GET {OPERATIONS}/operation-1"), 200, operation("RUNNING"));
    let server = running(running(Server::default().on(&format!("POST {POOLS}"), 200, operation("RUNNING"))));
    let gke = server.gke().await;
    let stop = cancel.clone();
    let mut on_started = move |_: &str| stop.cancel();
    let ended = gke.create_node_pool(&cluster(), &spec(), wait, &mut on_started).await;
    let error = ended.expect_err("it is cancelled");
    assert!(error.is_cancelled() && error.to_string().contains("operation-1"), "{error}");

    let go_on = CancellationToken::new();
    let wait = Wait { deadline: Instant::now() + LONG, cancel: &go_on };
    let server =
        running(Server::default()).on(&format!("GET {OPERATIONS}/operation-1"), 200, operation("DONE"));
    server.gke().await.resume_operation(&cluster(), "operation-1", wait).await.expect("it ends");
    let forgotten = Server::default().on(
        &format!("GET {OPERATIONS}/operation-0"),
        404,
        google_error(404, "NOT_FOUND", "gone"),
    );
    forgotten.gke().await.resume_operation(&cluster(), "operation-0", wait).await.expect("it ended long ago");
}

#[tokio::test]
async fn each_change_is_one_call_of_its_own() {
    let cases = [
        (NodePoolUpdate::Size(3), format!("POST {POOL}:setSize"), json!({"nodeCount": 3})),
        (
            NodePoolUpdate::Machine {
                machine_type: Some("e2-x".into()),
                disk_size_gb: Some(9),
                disk_type: None,
            },
            format!("PUT {POOL}"),
            json!({"machineType": "e2-x", "diskSizeGb": "9"}),
        ),
        (
            NodePoolUpdate::Labels(BTreeMap::from([("a".into(), "b".into())])),
            format!("PUT {POOL}"),
            json!({"labels": {"labels": {"a": "b"}}}),
        ),
        (
            NodePoolUpdate::Taints(vec![taint("k")]),
            format!("PUT {POOL}"),
            json!({"taints": {"taints": [{"key": "k", "value": "redis", "effect": 1}]}}),
        ),
        (NodePoolUpdate::Taints(Vec::new()), format!("PUT {POOL}"), json!({"taints": {}})),
        (NodePoolUpdate::Locations(vec!["z".into()]), format!("PUT {POOL}"), json!({"locations": ["z"]})),
    ];
    let cancel = CancellationToken::new();
    for (update, call, body) in cases {
        let server = Server::default().on(&call, 200, operation("RUNNING")).on(
            &format!("GET {OPERATIONS}/operation-1"),
            200,
            operation("DONE"),
        );
        let wait = Wait { deadline: Instant::now() + LONG, cancel: &cancel };
        let gke = server.gke().await;
        gke.update_node_pool(&cluster(), "redis", &update, wait, &mut |_| ()).await.expect("it is changed");
        assert_eq!(server.calls()[0], call);
        assert_eq!(server.body(0), body, "{update:?}");
    }
}

#[tokio::test]
async fn deleting_a_pool_that_is_gone_is_a_success() {
    let cancel = CancellationToken::new();
    let wait = Wait { deadline: Instant::now() + LONG, cancel: &cancel };
    let server = Server::default().on(&format!("DELETE {POOL}"), 404, google_error(404, "NOT_FOUND", "gone"));
    server.gke().await.delete_node_pool(&cluster(), "redis", wait, &mut |_| ()).await.expect("it is gone");
}

#[tokio::test]
async fn a_live_pool_is_read_without_what_gke_adds() {
    let pool = json!({
        "name": "redis", "status": "RUNNING", "initialNodeCount": 1, "locations": ["z-b", "z-a"], "etag": "e",
        "config": {
            "machineType": "e2-highmem-4", "diskSizeGb": 50, "diskType": "pd-ssd",
            "labels": {"role": "redis", "cloud.google.com/gke-nodepool": "redis"},
            "taints": [
                {"key": "dedicated", "value": "redis", "effect": "NO_SCHEDULE"},
                {"key": "cloud.google.com/gke-spot", "value": "true", "effect": 1},
            ],
            "resourceLabels": {"terraform-provider-redis": "default_redis-1"},
        },
    });
    let server = Server::default().on(&format!("GET {POOL}"), 200, pool);
    let seen = server.gke().await.node_pool(&cluster(), "redis").await.expect("an answer").expect("a pool");
    assert_eq!(diff(&spec(), &seen, Some(1)), []);
    assert_eq!(seen.status, PoolStatus::Running);
    assert_eq!(seen.owner, Some(super::owner_label("default/redis-1")));

    let server = Server::default().on(&format!("GET {POOL}"), 404, google_error(404, "NOT_FOUND", "gone"));
    assert_eq!(server.gke().await.node_pool(&cluster(), "redis").await.expect("an answer"), None);
}

#[tokio::test]
async fn the_size_is_that_of_the_instance_groups() {
    let group = |zone: &str| format!("/projects/p/zones/{zone}/instanceGroupManagers/g");
    let url = |zone: &str| format!("https://www.googleapis.com/compute/v1{}", group(zone));
    let pool = NodePoolLive { instance_group_urls: vec![url("z-b"), url("z-a")], ..live() };
    let get = |zone: &str| format!("GET /v1{}", group(zone));
    let server = Server::default()
        .on(&get("z-a"), 503, json!({}))
        .on(&get("z-a"), 200, json!({"targetSize": 1}))
        .on(&get("z-b"), 200, json!({"targetSize": 2}));
    let count = server.gke().await.node_count(&pool).await.expect("sizes");
    assert_eq!(count.per_zone(Some(1)), Some(2));

    let denied = google_error(403, "PERMISSION_DENIED", "Required compute.instanceGroupManagers.get.");
    let server =
        Server::default().on(&get("z-a"), 403, denied).on(&get("z-b"), 200, json!({"targetSize": 1}));
    let count = server.gke().await.node_count(&pool).await.expect("a refusal is no failure");
    assert_eq!(count, NodeCount::Forbidden { message: "Required compute.instanceGroupManagers.get".into() });
}

#[tokio::test]
async fn a_cluster_is_reached_by_its_endpoint_and_ca() {
    let found = json!({
        "name": "c", "status": "RUNNING", "endpoint": "10.0.0.1", "currentMasterVersion": "1.33.4-gke.1",
        "masterAuth": {"clusterCaCertificate": "UEVN"}, "locations": ["z-a"],
    });
    let server = Server::default().on(&format!("GET {CLUSTER}"), 200, found.clone());
    let gke = server.gke().await;
    let access = gke.cluster_access(&cluster()).await.expect("a cluster");
    assert_eq!((access.host.as_str(), access.ca_certificate.as_deref()), ("https://10.0.0.1", Some("PEM")));
    assert_eq!(gke.access_token().await.expect("the token"), Secret::new("t0ken"));

    let mut unborn = found;
    unborn["status"] = "PROVISIONING".into();
    let server = Server::default().on(&format!("GET {CLUSTER}"), 200, unborn);
    let error = server.gke().await.cluster_access(&cluster()).await.expect_err("it cannot be used");
    assert!(error.to_string().contains("PROVISIONING"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let gke = Gke::new(GkeSettings {
        access_token: Some(Secret::new("t0ken")),
        container_endpoint: Some(endpoint.clone()),
        ..GkeSettings::default()
    });
    let error = gke.node_pool(&cluster(), "redis").await.expect_err("nobody listens");
    assert!(matches!(error, GkeError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&endpoint), "{error}");
}
