//! Google's own client against the sandbox's Container API.

use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::credentials::{CacheableResource, Credentials, CredentialsProvider, EntityTag};
use google_cloud_container_v1::client::ClusterManager;
use google_cloud_container_v1::model::{
    self, NodeConfig, NodePool, Operation, linux_node_config, operation, workload_metadata_config,
};
use google_cloud_gax::error::rpc::Code;
use http::{Extensions, HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use sandbox::controllers::eviction::{Refusal, evict};
use sandbox::faults::{ApiFault, Effect, Fault, Faults, Service, Verb};
use sandbox::gke::{Gke, Settings, router};
use sandbox::store::{DeleteOptions, EventType, Key, Store, kinds};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const CLUSTER: &str = "projects/sandbox/locations/asia-east1/clusters/sandbox";
const TOKEN: &str = "the-only-token";
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct StaticToken(&'static str);

impl CredentialsProvider for StaticToken {
    async fn headers(
        &self,
        _extensions: Extensions,
    ) -> Result<CacheableResource<HeaderMap>, google_cloud_auth::errors::CredentialsError> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(&format!("Bearer {}", self.0)).expect("a header");
        headers.insert(http::header::AUTHORIZATION, value);
        Ok(CacheableResource::New { entity_tag: EntityTag::new(), data: headers })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

/// The sandbox's Google project on a port of its own.
struct Project {
    store: Store,
    faults: Faults,
    url: String,
    shutdown: CancellationToken,
}

impl Drop for Project {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Project {
    async fn start() -> Self {
        let store = Store::new(Arc::new(jiff::Timestamp::now));
        let shutdown = CancellationToken::new();
        let mut settings =
            Settings::sandbox("127.0.0.1:6443".to_owned(), "PEM".to_owned(), TOKEN.to_owned(), 1);
        settings.operation_time = Duration::from_millis(200);
        let controllers =
            sandbox::controllers::Settings { cluster_ca_pem: "PEM".to_owned(), toleration_divisor: 1 };
        sandbox::controllers::spawn(store.clone(), &controllers, shutdown.clone()).expect("controllers");
        let faults = Faults::default();
        let gke = Gke::new(store.clone(), settings, faults.clone(), shutdown.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let served = sandbox::faults::serve(listener, router(gke));
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(served));
        Self { store, faults, url, shutdown }
    }

    async fn client(&self, token: &'static str) -> ClusterManager {
        ClusterManager::builder()
            .with_endpoint(&self.url)
            .with_credentials(Credentials::from(StaticToken(token)))
            .build()
            .await
            .expect("a client")
    }

    fn nodes(&self) -> Vec<Arc<Value>> {
        self.store.list(&kinds::NODE, None).0
    }

    fn nodes_of(&self, pool: &str) -> Vec<Arc<Value>> {
        let mut nodes = self.nodes();
        nodes.retain(|node| node["metadata"]["labels"]["cloud.google.com/gke-nodepool"] == pool);
        nodes
    }

    /// Waits for something about the store; says what it waited for.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.store.changes();
        let wait = async {
            while !holds(self) {
                changes.changed().await.expect("the store lives");
            }
        };
        if tokio::time::timeout(DEADLINE, wait).await.is_err() {
            panic!("{what} did not come within {DEADLINE:?}");
        }
    }
}

async fn finished(client: &ClusterManager, operation: Operation) -> Operation {
    let name = format!("projects/sandbox/locations/asia-east1/operations/{}", operation.name);
    let deadline = Instant::now() + DEADLINE;
    loop {
        let operation = client.get_operation().set_name(&name).send().await.expect("the operation");
        if operation.status == operation::Status::Done {
            return operation;
        }
        assert!(Instant::now() < deadline, "still {:?}", operation.status);
        sleep(Duration::from_millis(20)).await;
    }
}

fn pool(nodes: i32) -> NodePool {
    let config = NodeConfig::new()
        .set_machine_type("e2-highmem-4")
        .set_labels([("app", "redis")])
        .set_taints([model::NodeTaint::new()
            .set_key("dedicated")
            .set_value("redis")
            .set_effect(model::node_taint::Effect::NoSchedule)]);
    NodePool::new().set_name("redis").set_initial_node_count(nodes).set_config(config)
}

#[tokio::test]
async fn a_pool_is_made_and_read_with_googles_defaults() {
    let project = Project::start().await;
    let client = project.client(TOKEN).await;
    let name = format!("{CLUSTER}/nodePools/redis");
    let made = client.create_node_pool().set_parent(CLUSTER).set_node_pool(pool(2)).send().await;
    let made = made.expect("an operation");
    assert_eq!(made.operation_type, operation::Type::CreateNodePool);
    assert_ne!(made.status, operation::Status::Done);
    let pending = client.get_node_pool().set_name(&name).send().await.expect("the pool");
    assert_eq!(pending.status, model::node_pool::Status::Provisioning);
    finished(&client, made).await;

    let live = client.get_node_pool().set_name(&name).send().await.expect("the pool");
    assert_eq!(live.status, model::node_pool::Status::Running);
    let config = live.config.expect("a config");
    assert_eq!((config.disk_size_gb, config.disk_type.as_str()), (100, "pd-balanced"));
    assert_eq!(config.taints[0].effect, model::node_taint::Effect::NoSchedule);
    assert_eq!(live.instance_group_urls.len(), 1);
    let nodes = project.nodes_of("redis");
    assert_eq!(nodes.len(), 2);
    assert_eq!(nodes[0]["spec"]["taints"][0]["key"], "dedicated");
    assert_eq!(nodes[0]["metadata"]["labels"]["app"], "redis");
    assert_eq!(nodes[0]["status"]["capacity"]["cpu"], "4");
    let cluster = client.get_cluster().set_name(CLUSTER).send().await.expect("the cluster");
    assert_eq!(cluster.status, model::cluster::Status::Running);
    assert_eq!(cluster.node_pools.len(), 2);
}

#[tokio::test]
async fn a_pool_is_resized_changed_and_deleted() {
    let project = Project::start().await;
    let client = project.client(TOKEN).await;
    let name = format!("{CLUSTER}/nodePools/redis");
    let made = client.create_node_pool().set_parent(CLUSTER).set_node_pool(pool(2)).send().await;
    finished(&client, made.expect("an operation")).await;

    let sized = client.set_node_pool_size().set_name(&name).set_node_count(1).send().await;
    finished(&client, sized.expect("an operation")).await;
    assert_eq!(project.nodes_of("redis").len(), 1);

    let before = project.nodes_of("redis")[0]["metadata"]["name"].clone();
    let labels = model::NodeLabels::new().set_labels([("app", "other")]);
    let labelled = client.update_node_pool().set_name(&name).set_labels(labels).send().await;
    finished(&client, labelled.expect("an operation")).await;
    let node = &project.nodes_of("redis")[0];
    assert_eq!(node["metadata"]["labels"]["app"], "other");
    assert_eq!(node["metadata"]["name"], before, "labels change in place");

    let typed = client.update_node_pool().set_name(&name).set_machine_type("e2-standard-2").send().await;
    finished(&client, typed.expect("an operation")).await;
    let node = &project.nodes_of("redis")[0];
    assert_eq!(node["status"]["capacity"]["cpu"], "2");
    assert_ne!(node["metadata"]["name"], before, "a machine type makes new nodes");

    let gone = client.delete_node_pool().set_name(&name).send().await.expect("an operation");
    finished(&client, gone).await;
    let error = client.get_node_pool().set_name(&name).send().await.expect_err("gone");
    assert_eq!(error.status().expect("a status").code, Code::NotFound);
    assert_eq!(project.nodes().len(), 1, "the default pool stays");
}

#[tokio::test]
async fn one_operation_runs_at_a_time() {
    let project = Project::start().await;
    let client = project.client(TOKEN).await;
    let first = client.create_node_pool().set_parent(CLUSTER).set_node_pool(pool(1)).send().await;
    let first = first.expect("an operation");
    let size = client.set_node_pool_size().set_name(format!("{CLUSTER}/nodePools/default-pool"));
    let refused = size.set_node_count(2).send().await.expect_err("busy");
    let status = refused.status().expect("a status");
    assert_eq!(status.code, Code::FailedPrecondition);
    assert!(status.message.contains(&format!("incompatible operation {}", first.name)), "{}", status.message);
    finished(&client, first).await;
    let again = client.create_node_pool().set_parent(CLUSTER).set_node_pool(pool(1)).send().await;
    let status = again.expect_err("it exists").status().expect("a status").clone();
    assert_eq!(status.code, Code::AlreadyExists);
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let project = Project::start().await;
    let client = project.client("another").await;
    let error = client.list_node_pools().set_parent(CLUSTER).send().await.expect_err("refused");
    assert_eq!(error.status().expect("a status").code, Code::Unauthenticated);
}

#[tokio::test]
async fn a_fault_strikes_once() {
    let project = Project::start().await;
    let client = project.client(TOKEN).await;
    project.faults.add(Fault::Api(ApiFault {
        service: Service::Gke,
        verbs: vec![Verb::List],
        path: "*/nodePools".to_owned(),
        count: Some(1),
        effect: Effect::Status { status: 403, retry_after_seconds: None },
    }));
    let error = client.list_node_pools().set_parent(CLUSTER).send().await.expect_err("refused");
    assert_eq!(error.status().expect("a status").code, Code::PermissionDenied);
    client.list_node_pools().set_parent(CLUSTER).send().await.expect("the fault is over");
}

/// A ready pod under a budget that lets none go, on the only node of the default pool.
async fn guarded_pod(project: &Project) -> (Key, Key, Key) {
    let store = &project.store;
    let node = project.nodes_of("default-pool")[0]["metadata"]["name"].clone();
    let budget = json!({"metadata": {"name": "pdb", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "cache"}}}});
    store.create(&kinds::POD_DISRUPTION_BUDGET, budget).expect("a budget");
    let pod = json!({"metadata": {"name": "p", "namespace": "default", "labels": {"app": "cache"}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "redis"}]}});
    store.create(&kinds::POD, pod).expect("a pod");
    let pod = Key::namespaced(&kinds::POD, "default", "p");
    let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    store.update_status(&pod, |pod| pod["status"] = status).expect("it runs");
    let budget = Key::namespaced(&kinds::POD_DISRUPTION_BUDGET, "default", "pdb");
    project
        .until("a healthy budget", |project| {
            project.store.get(&budget).is_some_and(|pdb| pdb["status"]["currentHealthy"] == 1)
        })
        .await;
    (pod, budget, Key::cluster(&kinds::NODE, node.as_str().expect("a name")))
}

fn is_ending(project: &Project, pod: &Key) -> bool {
    project.store.get(pod).is_none_or(|pod| pod["metadata"].get("deletionTimestamp").is_some())
}

/// One request to the API with names of enumerations, as gcloud makes them.
async fn call(project: &Project, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let host = project.url.trim_start_matches("http://").to_owned();
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", &host)
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Full::new(bytes::Bytes::from(body.to_string())))
        .expect("a request");
    let stream = tokio::net::TcpStream::connect(&host).await.expect("connected");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.expect("a whole answer").to_bytes();
    (status, serde_json::from_slice(&bytes).expect("JSON"))
}

/// As [`call`], for what starts an operation; returns when that is over.
async fn carry_out(project: &Project, method: &str, path: &str, body: &Value) -> Value {
    let (status, started) = call(project, method, path, body).await;
    assert_eq!(status, 200, "{started}");
    let path = format!("/v1/projects/sandbox/locations/asia-east1/operations/{}", text(&started["name"]));
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (_, operation) = call(project, "GET", &path, &json!({})).await;
        if operation["status"] == "DONE" {
            return operation;
        }
        assert!(Instant::now() < deadline, "still {operation}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// Every field of what was asked for comes back as it was; what GKE adds beside is its own.
fn check_kept(asked: &Value, live: &Value, at: &str) {
    match (asked, live) {
        (Value::Object(asked), Value::Object(_)) => {
            for (field, value) in asked {
                check_kept(value, &live[field], &format!("{at}/{field}"));
            }
        }
        _ => assert_eq!(asked, live, "{at}"),
    }
}

#[tokio::test]
async fn every_field_of_a_pool_is_kept_and_read_in_both_encodings() {
    let project = Project::start().await;
    let asked: Value = serde_json::from_str(include_str!("node_pool.json")).expect("a pool");
    let pools = format!("/v1/{CLUSTER}/nodePools");
    carry_out(&project, "POST", &pools, &json!({"nodePool": asked})).await;
    let (_, live) = call(&project, "GET", &format!("{pools}/wide"), &json!({})).await;
    check_kept(&asked, &live, "");

    let client = project.client(TOKEN).await;
    let live = client.get_node_pool().set_name(format!("{CLUSTER}/nodePools/wide")).send().await;
    let live = live.expect("a pool that Google's client can read");
    let config = live.config.expect("a config");
    assert_eq!(
        config.workload_metadata_config.expect("set").mode,
        workload_metadata_config::Mode::GceMetadata
    );
    let linux = config.linux_node_config.expect("set");
    assert_eq!(linux.cgroup_mode, linux_node_config::CgroupMode::V2);
    assert_eq!(
        config.reservation_affinity.expect("set").consume_reservation_type,
        model::reservation_affinity::Type::SpecificReservation
    );
    let variant = config.logging_config.and_then(|logging| logging.variant_config).expect("set").variant;
    assert_eq!(variant, model::logging_variant_config::Variant::MaxThroughput);
    assert!(!config.spot);
    let upgrade = live.upgrade_settings.expect("set");
    assert_eq!((upgrade.max_surge, upgrade.max_unavailable), (2, 1));
    assert_eq!(live.max_pods_constraint.expect("set").max_pods_per_node, 32);
    let nodes = project.nodes_of("wide");
    assert_eq!(nodes[0]["status"]["capacity"]["pods"], "32");
}

#[tokio::test]
async fn limits_bring_the_size_inside_and_come_by_the_cluster_too() {
    let project = Project::start().await;
    let pool = format!("/v1/{CLUSTER}/nodePools/default-pool");
    let limits = json!({"enabled": true, "minNodeCount": 2, "maxNodeCount": 4});
    carry_out(&project, "POST", &format!("{pool}:setAutoscaling"), &json!({"autoscaling": limits})).await;
    assert_eq!(project.nodes_of("default-pool").len(), 2);
    let (_, live) = call(&project, "GET", &pool, &json!({})).await;
    assert_eq!(live["autoscaling"]["maxNodeCount"], 4);
    let off = json!({"update": {"desiredNodePoolId": "default-pool", "desiredNodePoolAutoscaling": {"enabled": false}}});
    carry_out(&project, "PUT", &format!("/v1/{CLUSTER}"), &off).await;
    let (_, live) = call(&project, "GET", &pool, &json!({})).await;
    assert_eq!(live["autoscaling"]["enabled"], false);
    let (status, refused) = call(
        &project,
        "PUT",
        &format!("/v1/{CLUSTER}"),
        &json!({"update": {"desiredMasterVersion": "1.99"}}),
    )
    .await;
    assert_eq!((status, &refused["error"]["status"]), (501, &json!("UNIMPLEMENTED")));
}

#[tokio::test]
async fn a_size_changed_behind_the_pools_back_shows_in_the_group_only() {
    let project = Project::start().await;
    let pool = format!("/v1/{CLUSTER}/nodePools/default-pool");
    let (_, live) = call(&project, "GET", &pool, &json!({})).await;
    let url = text(&live["instanceGroupUrls"][0]);
    let group = url.trim_start_matches("https://www.googleapis.com");
    let (status, _) = call(&project, "POST", &format!("{group}/resize?size=3"), &json!({})).await;
    assert_eq!(status, 200);
    let (_, managers) = call(&project, "GET", group, &json!({})).await;
    assert_eq!(managers["targetSize"], 3);
    let (_, live) = call(&project, "GET", &pool, &json!({})).await;
    assert_eq!(live["initialNodeCount"], 1, "the pool says what it was made with");
    assert_eq!(project.nodes_of("default-pool").len(), 3);
}

#[tokio::test]
async fn instances_deleted_from_a_group_make_it_smaller() {
    let project = Project::start().await;
    let pool = format!("/v1/{CLUSTER}/nodePools/default-pool");
    let (_, live) = call(&project, "GET", &pool, &json!({})).await;
    let group =
        text(&live["instanceGroupUrls"][0]).trim_start_matches("https://www.googleapis.com").to_owned();
    call(&project, "POST", &format!("{group}/resize?size=3"), &json!({})).await;
    let nodes = project.nodes_of("default-pool");
    let gone = text(&nodes[1]["metadata"]["name"]);
    let delete = async |instance: &str| {
        let asked = json!({"instances": [format!("zones/asia-east1-a/instances/{instance}")]});
        call(&project, "POST", &format!("{group}/deleteInstances"), &asked).await
    };
    let (status, operation) = delete(gone).await;
    assert_eq!((status, text(&operation["status"])), (200, "DONE"));
    let left: Vec<_> =
        project.nodes_of("default-pool").iter().map(|node| node["metadata"]["name"].clone()).collect();
    assert!(left.len() == 2 && !left.contains(&json!(gone)), "{left:?}");
    let (_, managers) = call(&project, "GET", &group, &json!({})).await;
    assert_eq!(managers["targetSize"], 2);
    let (status, refused) = delete(gone).await;
    assert_eq!(status, 400);
    assert!(text(&refused["error"]["message"]).contains("is not a member"), "{refused}");
}

/// The most and the fewest nodes that there were while an upgrade replaced three.
async fn check_surge(settings: Value, expected: (usize, usize)) {
    let project = Project::start().await;
    let pool = format!("/v1/{CLUSTER}/nodePools/default-pool");
    carry_out(&project, "POST", &format!("{pool}:setSize"), &json!({"nodeCount": 3})).await;
    carry_out(&project, "PUT", &pool, &json!({"upgradeSettings": settings})).await;
    let before = project.nodes();
    let mut watch = project.store.watch(&kinds::NODE, None, project.store.revision()).expect("a watch");
    let done = carry_out(&project, "PUT", &pool, &json!({"machineType": "e2-standard-8"})).await;
    assert_eq!(text(&done["progress"]["metrics"][0]["intValue"]), "3");
    let (mut count, mut most, mut fewest, mut changes) = (before.len(), 0, usize::MAX, 0);
    while changes < 2 * before.len() {
        match watch.next().await.expect("an event").event_type {
            EventType::Added => count += 1,
            EventType::Deleted => count -= 1,
            EventType::Modified => continue,
        }
        changes += 1;
        (most, fewest) = (most.max(count), fewest.min(count));
    }
    assert_eq!((most, fewest), expected);
    let kept = project
        .nodes()
        .iter()
        .filter(|node| before.iter().any(|old| old["metadata"]["uid"] == node["metadata"]["uid"]))
        .count();
    assert_eq!((project.nodes().len(), kept), (3, 0));
}

#[tokio::test]
async fn an_upgrade_replaces_as_many_nodes_at_once_as_its_settings_allow() {
    check_surge(json!({"maxSurge": 1, "maxUnavailable": 0}), (4, 3)).await;
    check_surge(json!({"maxSurge": 2, "maxUnavailable": 1}), (5, 2)).await;
    check_surge(json!({"maxSurge": 0, "maxUnavailable": 2}), (3, 1)).await;
}

#[tokio::test]
async fn a_pool_grows_within_its_limits_for_pods_that_no_node_takes() {
    let project = Project::start().await;
    let pool = format!("/v1/{CLUSTER}/nodePools/default-pool");
    let create = |name: &str, cpu: &str| {
        let pod = json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [
            {"name": "c", "image": "redis", "resources": {"requests": {"cpu": cpu}}}]}});
        project.store.create(&kinds::POD, pod).expect("a pod");
    };
    let is_placed = |project: &Project, name: &str| {
        let pod = project.store.get(&Key::namespaced(&kinds::POD, "default", name)).expect("a pod");
        pod["spec"]["nodeName"].is_string()
    };
    let has_event = |project: &Project, name: &str, reason: &str| {
        let events = project.store.list(&kinds::EVENT, None).0;
        events.iter().any(|event| event["reason"] == reason && event["involvedObject"]["name"] == name)
    };
    let limits = json!({"enabled": true, "minNodeCount": 1, "maxNodeCount": 3});
    carry_out(&project, "POST", &format!("{pool}:setAutoscaling"), &json!({"autoscaling": limits})).await;
    // Sixteen cores a node: one of these fits the node that is there, and two of the others share a new one.
    for name in ["a", "b"] {
        create(name, "10");
    }
    for name in ["c", "d"] {
        create(name, "7");
    }
    create("huge", "100");
    project.until("places", |project| ["a", "b", "c", "d"].iter().all(|name| is_placed(project, name))).await;
    project.until("a refusal", |project| has_event(project, "huge", "NotTriggerScaleUp")).await;
    assert_eq!(project.nodes_of("default-pool").len(), 3);
    for name in ["e", "f"] {
        create(name, "10");
    }
    project.until("a refusal", |project| has_event(project, "f", "NotTriggerScaleUp")).await;
    assert_eq!(project.nodes_of("default-pool").len(), 3, "no more than the limit");
    assert!(["huge", "e", "f"].iter().all(|name| !is_placed(&project, name)));
}

#[tokio::test]
async fn an_upgrade_tells_its_progress_and_can_be_cancelled() {
    let project = Project::start().await;
    let (pod, _, node) = guarded_pod(&project).await;
    let pool = format!("/v1/{CLUSTER}/nodePools/default-pool");
    let change = json!({"machineType": "e2-standard-8"});
    let (_, started) = call(&project, "PUT", &pool, &change).await;
    project.until("a second node", |project| project.nodes_of("default-pool").len() == 2).await;
    let path = format!("/v1/projects/sandbox/locations/asia-east1/operations/{}", text(&started["name"]));
    let (_, running) = call(&project, "GET", &path, &json!({})).await;
    assert_eq!(running["progress"]["metrics"][0], json!({"name": "NODES_TOTAL", "intValue": "1"}));
    assert!(text(&running["detail"]).starts_with("Done with 0 out of 1 nodes (0.0%): 1 being"), "{running}");

    let (status, _) = call(&project, "POST", &format!("{path}:cancel"), &json!({})).await;
    assert_eq!(status, 200);
    project.until("the end of the surge", |project| project.nodes_of("default-pool").len() == 1).await;
    project
        .until("a node that takes pods", |project| {
            project.store.get(&node).is_some_and(|node| node["spec"].get("unschedulable").is_none())
        })
        .await;
    assert!(!is_ending(&project, &pod), "the budget held to the end");
}

#[tokio::test]
async fn a_blue_green_upgrade_makes_all_new_nodes_first() {
    let project = Project::start().await;
    let (pod, budget, _) = guarded_pod(&project).await;
    let pool = format!("/v1/{CLUSTER}/nodePools/default-pool");
    let settings = json!({"upgradeSettings": {"strategy": "BLUE_GREEN"}});
    carry_out(&project, "PUT", &pool, &settings).await;
    let before = project.nodes_of("default-pool")[0]["metadata"]["name"].clone();
    let (_, started) = call(&project, "PUT", &pool, &json!({"machineType": "e2-standard-8"})).await;
    project.until("a green node", |project| project.nodes_of("default-pool").len() == 2).await;
    project.store.update(&budget, |pdb| pdb["spec"]["minAvailable"] = json!(0)).expect("a looser budget");
    project.until("an eviction", |project| is_ending(project, &pod)).await;
    let ended = DeleteOptions { grace_period_seconds: Some(0), ..Default::default() };
    project.store.delete(&pod, &ended).expect("the node agent ends the pod");
    project
        .until("the green node alone", |project| {
            let nodes = project.nodes_of("default-pool");
            nodes.len() == 1 && nodes[0]["metadata"]["name"] != before
        })
        .await;
    assert_eq!(text(&started["operationType"]), "UPDATE_CLUSTER");
}

#[tokio::test]
async fn a_drain_waits_for_the_disruption_budget() {
    let project = Project::start().await;
    let client = project.client(TOKEN).await;
    let (pod, budget, node) = guarded_pod(&project).await;
    let size = client.set_node_pool_size().set_name(format!("{CLUSTER}/nodePools/default-pool"));
    let sized = size.set_node_count(0).send().await.expect("an operation");
    project
        .until("a cordon", |project| {
            project.store.get(&node).is_some_and(|node| node["spec"]["unschedulable"] == true)
        })
        .await;
    let refused =
        evict(&project.store, "default", "p", &DeleteOptions::default()).expect_err("the budget holds");
    let sentence = "The disruption budget pdb needs 1 healthy pods and has 1 currently";
    assert!(matches!(&refused, Refusal::Budget(reason) if reason == sentence), "{refused}");
    assert!(!is_ending(&project, &pod));

    project.store.update(&budget, |pdb| pdb["spec"]["minAvailable"] = json!(0)).expect("a looser budget");
    project.until("an eviction", |project| is_ending(project, &pod)).await;
    let ended = DeleteOptions { grace_period_seconds: Some(0), ..Default::default() };
    project.store.delete(&pod, &ended).expect("the node agent ends the pod");
    finished(&client, sized).await;
    assert!(project.store.get(&node).is_none());
}
