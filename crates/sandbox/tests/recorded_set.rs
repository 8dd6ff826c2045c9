//! A StatefulSet as a real control plane made it, made again by ours.

use std::sync::Arc;
use std::time::Duration;

use sandbox::controllers::{Settings, spawn};
use sandbox::store::{Key, Kind, Store, kinds};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(60);

fn recorded(case: &str) -> Value {
    let all: Value =
        serde_json::from_str(include_str!("recorded/stateful-set.json")).expect("the record is JSON");
    all[case].clone()
}

/// What differs from one run to the next, and what this recorder's cluster had that GKE 1.33 has not.
fn comparable(value: &Value) -> Value {
    const VARIES: [&str; 13] = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "lastTransitionTime",
        "endpoints.kubernetes.io/last-change-trigger-time",
        "generation",
        "topology.kubernetes.io/zone",
        // The token volume has a random name, and one source of the recorder's own cluster.
        "volumes",
        "volumeMounts",
        // The class is filled in where a default class exists.
        "storageClassName",
        "apiVersion",
        "kind",
    ];
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| !VARIES.contains(&key.as_str()) && !value.is_null());
            let mut sorted: Vec<(String, Value)> =
                kept.map(|(key, value)| (key.clone(), comparable(value))).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(comparable).collect()),
        other => other.clone(),
    }
}

fn check(found: &Value, wanted: &Value, what: &str) {
    let (found, wanted) = (comparable(found), comparable(wanted));
    assert!(
        found == wanted,
        "{what}\nfound:  {}\nwanted: {}",
        serde_json::to_string_pretty(&found).expect("JSON"),
        serde_json::to_string_pretty(&wanted).expect("JSON")
    );
}

struct Replay {
    store: Store,
    shutdown: CancellationToken,
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn key(kind: &'static Kind, name: &str) -> Key {
    Key::namespaced(kind, "web", name)
}

impl Replay {
    /// The recorded requests, in their order, up to the first pod that no node can take.
    async fn up_to_first_pod() -> Self {
        let store = Store::new(Arc::new(jiff::Timestamp::now));
        let shutdown = CancellationToken::new();
        let settings = Settings { cluster_ca_pem: "PEM".to_owned(), toleration_divisor: 1 };
        spawn(store.clone(), &settings, shutdown.clone()).expect("the controllers start");
        let replay = Self { store, shutdown };
        replay.create(&kinds::NAMESPACE, json!({"metadata": {"name": "web"}}));
        replay.create(&kinds::SERVICE_ACCOUNT, json!({"metadata": {"name": "cache", "namespace": "web"}}));
        let ports = json!([{"name": "tcp-server", "port": 6379, "targetPort": "redis"},
            {"name": "tcp-sentinel", "port": 26379, "targetPort": "sentinel"}]);
        replay.create(
            &kinds::SERVICE,
            json!({"metadata": {"name": "cache", "labels": {"app": "cache"}, "namespace": "web"},
                "spec": {"clusterIP": "None", "selector": {"app": "cache"}, "ports": ports}}),
        );
        replay.create(
            &kinds::SERVICE,
            json!({"metadata": {"name": "cache-announce-0", "namespace": "web"},
                "spec": {"publishNotReadyAddresses": true, "ports": [ports[0]],
                    "selector": {"statefulset.kubernetes.io/pod-name": "cache-server-0"}}}),
        );
        replay.create(&kinds::STATEFUL_SET, recorded("request: apply a StatefulSet"));
        let mut budget = recorded("request: pdb");
        budget["metadata"]["namespace"] = json!("web");
        replay.create(&kinds::POD_DISRUPTION_BUDGET, budget);
        replay
            .until("a pod that no node takes", |replay| replay.message_of("cache-server-0").is_some())
            .await;
        replay
    }

    fn create(&self, kind: &'static Kind, object: Value) {
        self.store.create(kind, object).expect("it is created");
    }

    fn get(&self, kind: &'static Kind, name: &str) -> Arc<Value> {
        self.store.get(&key(kind, name)).unwrap_or_else(|| panic!("no {} {name}", kind.kind))
    }

    fn message_of(&self, pod: &str) -> Option<String> {
        let pod = self.store.get(&key(&kinds::POD, pod))?;
        Some(pod.pointer("/status/conditions/0/message")?.as_str()?.to_owned())
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.store.changes();
        let wait = async {
            while !holds(self) {
                changes.changed().await.expect("the store lives");
            }
        };
        assert!(tokio::time::timeout(DEADLINE, wait).await.is_ok(), "{what} did not come");
    }

    /// The nodes of the recording, one for each pod, and pods set to ready one after the other.
    async fn make_ready(&self) {
        for index in 0..3 {
            let (node, pod) = (format!("n{index}"), format!("cache-server-{index}"));
            self.create(
                &kinds::NODE,
                json!({"metadata": {"name": node, "labels": {"kubernetes.io/hostname": node,
                    "topology.kubernetes.io/zone": "asia-east1-a"}},
                    "status": {"allocatable": {"cpu": "4", "memory": "15Gi", "pods": "110"}}}),
            );
            self.until(&format!("{pod} on {node}"), |replay| {
                replay.store.get(&key(&kinds::POD, &pod)).is_some_and(|pod| pod["spec"]["nodeName"] == node)
            })
            .await;
            let status = json!({"phase": "Running", "podIP": format!("10.244.{index}.5"),
                "conditions": [{"type": "Ready", "status": "True",
                    "lastTransitionTime": "2026-11-23T18:45:45Z"}]});
            self.store
                .update_status(&key(&kinds::POD, &pod), |pod| pod["status"] = status)
                .expect("a status");
        }
        self.until("a ready set", |replay| {
            let set = replay.get(&kinds::STATEFUL_SET, "cache-server");
            let budget = replay.get(&kinds::POD_DISRUPTION_BUDGET, "pdb");
            let slices = replay.store.list(&kinds::ENDPOINT_SLICE, Some("web")).0;
            let addressed = slices.iter().filter_map(|slice| slice["endpoints"].as_array());
            set["status"]["readyReplicas"] == 3
                && budget["status"]["currentHealthy"] == 3
                && addressed.flatten().filter(|one| one["conditions"]["ready"] == true).count() == 4
        })
        .await;
    }
}

#[tokio::test]
async fn the_first_pod_its_claim_and_its_revision_are_the_recorded_ones() {
    let replay = Replay::up_to_first_pod().await;
    let pod = replay.get(&kinds::POD, "cache-server-0");
    let wanted = recorded("its first pod, unscheduled");
    for part in ["/metadata/labels", "/metadata/annotations", "/metadata/generateName"] {
        let (found, wanted) = (pod.pointer(part), wanted.pointer(part));
        check(found.expect(part), wanted.expect(part), part);
    }
    check(&pod["metadata"]["ownerReferences"], &wanted["metadata"]["ownerReferences"], "owners");
    check(&pod["spec"], &wanted["spec"], "the pod's spec");
    assert_eq!(
        replay.message_of("cache-server-0").as_deref(),
        wanted["status"]["conditions"][0]["message"].as_str()
    );
    let claim = replay.get(&kinds::PERSISTENT_VOLUME_CLAIM, "data-cache-server-0");
    check(&claim, &recorded("its claim"), "the claim");
    let wanted = &recorded("its controller revisions")["items"][0];
    let revision = wanted["metadata"]["name"].as_str().expect("a name");
    check(&replay.get(&kinds::CONTROLLER_REVISION, revision), wanted, "the revision");
    replay
        .until("the set's status", |replay| {
            let set = replay.get(&kinds::STATEFUL_SET, "cache-server");
            comparable(&set["status"]) == comparable(&recorded("statefulset right after")["status"])
        })
        .await;
}

#[tokio::test]
async fn a_ready_set_has_the_recorded_status_endpoints_and_budget() {
    let replay = Replay::up_to_first_pod().await;
    replay.make_ready().await;
    let set = replay.get(&kinds::STATEFUL_SET, "cache-server");
    check(&set["status"], &recorded("statefulset all ready")["status"], "the set's status");
    let budget = replay.get(&kinds::POD_DISRUPTION_BUDGET, "pdb");
    check(&budget["status"], &recorded("pdb status")["status"], "the budget's status");
    let (slices, _) = replay.store.list(&kinds::ENDPOINT_SLICE, Some("web"));
    let slice =
        slices.iter().find(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == "cache");
    let wanted = &recorded("endpointslices")["items"][0];
    let mut slice = Value::clone(slice.expect("a slice"));
    for (index, endpoint) in slice["endpoints"].as_array_mut().expect("endpoints").iter_mut().enumerate() {
        endpoint["addresses"] = wanted["endpoints"][index]["addresses"].clone();
    }
    slice["metadata"]["name"] = wanted["metadata"]["name"].clone();
    check(&slice, wanted, "the slice");
    let endpoints = replay.get(&kinds::ENDPOINTS, "cache-announce-0");
    let mut endpoints = Value::clone(&endpoints);
    endpoints["subsets"][0]["addresses"][0]["ip"] = json!("10.244.0.5");
    check(&endpoints, &recorded("endpoints of an announce service"), "the endpoints");
}
