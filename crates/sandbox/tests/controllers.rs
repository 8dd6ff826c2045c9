//! The controllers over a real store, with a node agent played by the test.

use std::sync::Arc;
use std::time::Duration;

use sandbox::controllers::{Settings, eviction, spawn};
use sandbox::store::{DeleteOptions, Key, Kind, Propagation, Store, kinds};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(60);

/// A cluster whose controllers run; the test makes nodes and plays their agents.
struct Cluster {
    store: Store,
    shutdown: CancellationToken,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Cluster {
    fn start(nodes: &[&str]) -> Self {
        let store = Store::new(Arc::new(jiff::Timestamp::now));
        let shutdown = CancellationToken::new();
        let settings = Settings { cluster_ca_pem: "PEM".to_owned(), toleration_divisor: 1 };
        spawn(store.clone(), &settings, shutdown.clone()).expect("the controllers start");
        let cluster = Self { store, shutdown };
        for name in nodes {
            cluster.create(&kinds::NODE, node(name));
        }
        cluster.create(&kinds::NAMESPACE, json!({"metadata": {"name": "web"}}));
        cluster
    }

    fn create(&self, kind: &'static Kind, object: Value) {
        self.store.create(kind, object).expect("it is created");
    }

    fn get(&self, kind: &'static Kind, name: &str) -> Option<Arc<Value>> {
        self.store.get(&key(kind, name))
    }

    fn names(&self, kind: &'static Kind) -> Vec<String> {
        let (objects, _) = self.store.list(kind, Some("web"));
        objects.iter().map(|object| text(object, "/metadata/name")).collect()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.store.changes();
        let wait = async {
            while !holds(self) {
                changes.changed().await.expect("the store lives");
            }
        };
        if tokio::time::timeout(DEADLINE, wait).await.is_err() {
            let (pods, _) = self.store.list(&kinds::POD, Some("web"));
            let pods: Vec<String> =
                pods.iter().map(|pod| format!("{} {}", pod["metadata"]["name"], pod["status"])).collect();
            panic!("{what} did not come within {DEADLINE:?}; pods: {pods:#?}");
        }
    }

    /// The pod is on a node; its agent says that it runs and is ready.
    async fn becomes_ready(&self, pod: &str) {
        self.until(&format!("{pod} on a node"), |cluster| {
            cluster.get(&kinds::POD, pod).is_some_and(|pod| !text(&pod, "/spec/nodeName").is_empty())
        })
        .await;
        let now = self.store.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let status = json!({"phase": "Running", "podIP": "10.244.0.9", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": now}]});
        self.store.update_status(&key(&kinds::POD, pod), |pod| pod["status"] = status).expect("a status");
    }

    /// The agent reports that a pod which is going has gone.
    async fn goes(&self, pod: &str) {
        self.until(&format!("{pod} told to go"), |cluster| {
            cluster
                .get(&kinds::POD, pod)
                .is_some_and(|pod| pod["metadata"].get("deletionTimestamp").is_some())
        })
        .await;
        let at_once = DeleteOptions { grace_period_seconds: Some(0), ..Default::default() };
        self.store.delete(&key(&kinds::POD, pod), &at_once).expect("it was there");
    }

    async fn with_ready_set(nodes: &[&str]) -> Self {
        let cluster = Self::start(nodes);
        cluster.create(&kinds::STATEFUL_SET, stateful_set("1"));
        for pod in ["cache-0", "cache-1", "cache-2"] {
            cluster.becomes_ready(pod).await;
        }
        cluster.until("a ready set", |cluster| set_status(cluster, "readyReplicas") == json!(3)).await;
        cluster
    }
}

fn key(kind: &'static Kind, name: &str) -> Key {
    if kind.namespaced { Key::namespaced(kind, "web", name) } else { Key::cluster(kind, name) }
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn set_status(cluster: &Cluster, field: &str) -> Value {
    cluster.get(&kinds::STATEFUL_SET, "cache").map_or(Value::Null, |set| set["status"][field].clone())
}

fn node(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name,
            "topology.kubernetes.io/zone": "asia-east1-a"}},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}})
}

fn stateful_set(checksum: &str) -> Value {
    json!({"metadata": {"name": "cache", "namespace": "web"},
        "spec": {"replicas": 3, "serviceName": "cache", "selector": {"matchLabels": {"app": "cache"}},
            "template": {
                "metadata": {"labels": {"app": "cache"}, "annotations": {"checksum": checksum}},
                "spec": {"containers": [{"name": "redis", "image": "redis"}],
                    "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                        {"labelSelector": {"matchLabels": {"app": "cache"}},
                            "topologyKey": "kubernetes.io/hostname"}]}}}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}})
}

fn budget() -> Value {
    json!({"metadata": {"name": "pdb", "namespace": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "cache"}}}})
}

#[tokio::test]
async fn a_set_comes_up_in_order_with_bound_claims_on_different_nodes() {
    let cluster = Cluster::with_ready_set(&["a", "b", "c"]).await;
    let (pods, _) = cluster.store.list(&kinds::POD, Some("web"));
    let mut nodes: Vec<String> = pods.iter().map(|pod| text(pod, "/spec/nodeName")).collect();
    nodes.sort();
    assert_eq!(nodes, ["a", "b", "c"]);
    let (claims, _) = cluster.store.list(&kinds::PERSISTENT_VOLUME_CLAIM, Some("web"));
    assert_eq!(claims.len(), 3);
    for claim in &claims {
        assert_eq!(text(claim, "/status/phase"), "Bound");
        assert_eq!(text(claim, "/spec/storageClassName"), "standard-rwo");
    }
}

#[tokio::test]
async fn too_few_nodes_leave_the_last_pod_pending_with_the_reason() {
    let cluster = Cluster::start(&["a", "b"]);
    cluster.create(&kinds::STATEFUL_SET, stateful_set("1"));
    cluster.becomes_ready("cache-0").await;
    cluster.becomes_ready("cache-1").await;
    let wanted = "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. \
                  preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";
    cluster
        .until("the condition", |cluster| {
            cluster
                .get(&kinds::POD, "cache-2")
                .is_some_and(|pod| text(&pod, "/status/conditions/0/message") == wanted)
        })
        .await;
    cluster
        .until("the event", |cluster| {
            let (events, _) = cluster.store.list(&kinds::EVENT, Some("web"));
            events.iter().any(|event| event["reason"] == "FailedScheduling" && event["message"] == wanted)
        })
        .await;
    cluster.create(&kinds::NODE, node("c"));
    cluster.becomes_ready("cache-2").await;
}

#[tokio::test]
async fn a_new_template_rolls_from_the_top_one_by_one() {
    let cluster = Cluster::with_ready_set(&["a", "b", "c"]).await;
    let old = set_status(&cluster, "currentRevision");
    let template = stateful_set("2")["spec"]["template"].clone();
    let set = key(&kinds::STATEFUL_SET, "cache");
    cluster.store.update(&set, |set| set["spec"]["template"] = template).expect("an update");
    for pod in ["cache-2", "cache-1", "cache-0"] {
        cluster.goes(pod).await;
        cluster.becomes_ready(pod).await;
    }
    cluster
        .until("the end of the update", |cluster| {
            let current = set_status(cluster, "currentRevision");
            current != old && current == set_status(cluster, "updateRevision")
        })
        .await;
}

#[tokio::test]
async fn the_budget_grants_one_eviction_and_refuses_the_next() {
    let cluster = Cluster::with_ready_set(&["a", "b", "c"]).await;
    cluster.create(&kinds::POD_DISRUPTION_BUDGET, budget());
    cluster
        .until("the budget's status", |cluster| {
            cluster
                .get(&kinds::POD_DISRUPTION_BUDGET, "pdb")
                .is_some_and(|pdb| pdb["status"]["disruptionsAllowed"] == 1)
        })
        .await;
    eviction::evict(&cluster.store, "web", "cache-2", &DeleteOptions::default())
        .expect("the first is granted");
    let refused = eviction::evict(&cluster.store, "web", "cache-1", &DeleteOptions::default())
        .expect_err("the next is not");
    assert!(refused.to_string().contains("The disruption budget pdb needs 2 healthy pods"), "{refused}");
    let pod = cluster.get(&kinds::POD, "cache-2").expect("it is going");
    let conditions = pod["status"]["conditions"].as_array().expect("conditions");
    assert!(conditions.iter().any(|one| one["reason"] == "EvictionByEvictionAPI"));
}

#[tokio::test]
async fn a_foreground_deletion_takes_the_pods_first_and_leaves_the_claims() {
    let cluster = Cluster::with_ready_set(&["a", "b", "c"]).await;
    let set = key(&kinds::STATEFUL_SET, "cache");
    let foreground = DeleteOptions { propagation: Propagation::Foreground, ..Default::default() };
    cluster.store.delete(&set, &foreground).expect("a delete");
    for pod in ["cache-0", "cache-1", "cache-2"] {
        assert!(cluster.store.get(&set).is_some(), "the set waits for {pod}");
        cluster.goes(pod).await;
    }
    cluster.until("the end of the set", |cluster| cluster.store.get(&set).is_none()).await;
    assert_eq!(
        cluster.names(&kinds::PERSISTENT_VOLUME_CLAIM),
        ["data-cache-0", "data-cache-1", "data-cache-2"]
    );
}

#[tokio::test]
async fn a_namespace_goes_with_all_that_it_holds() {
    let cluster = Cluster::with_ready_set(&["a", "b", "c"]).await;
    cluster.create(
        &kinds::SERVICE,
        json!({"metadata": {"name": "cache", "namespace": "web"}, "spec": {"clusterIP": "None",
            "selector": {"app": "cache"}, "ports": [{"port": 6379}]}}),
    );
    cluster.until("endpoints", |cluster| cluster.names(&kinds::ENDPOINT_SLICE).len() == 1).await;
    let namespace = key(&kinds::NAMESPACE, "web");
    cluster.store.delete(&namespace, &DeleteOptions::default()).expect("a delete");
    for pod in ["cache-0", "cache-1", "cache-2"] {
        cluster.goes(pod).await;
    }
    cluster.until("the end of the namespace", |cluster| cluster.store.get(&namespace).is_none()).await;
    cluster
        .until("the end of the volumes", |cluster| {
            cluster.store.list(&kinds::PERSISTENT_VOLUME, None).0.is_empty()
        })
        .await;
}

#[tokio::test]
async fn pods_of_a_node_that_vanished_are_made_again_elsewhere() {
    let cluster = Cluster::with_ready_set(&["a", "b", "c", "d"]).await;
    let pod = cluster.get(&kinds::POD, "cache-1").expect("a pod");
    let (node, uid) = (text(&pod, "/spec/nodeName"), text(&pod, "/metadata/uid"));
    cluster.store.delete(&key(&kinds::NODE, &node), &DeleteOptions::default()).expect("a delete");
    cluster
        .until("a new pod", |cluster| {
            cluster.get(&kinds::POD, "cache-1").is_some_and(|pod| text(&pod, "/metadata/uid") != uid)
        })
        .await;
    cluster.becomes_ready("cache-1").await;
}
