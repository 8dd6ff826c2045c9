use serde_json::{Value, json};

use super::RECONCILER;
use crate::controllers::testing::{summary, world};
use crate::controllers::world::Write;

fn node(name: &str) -> Value {
    json!({"kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name,
            "cloud.google.com/gke-nodepool": "pool",
            "topology.kubernetes.io/zone": "z"}},
        "spec": {},
        "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"}}})
}

fn pod(name: &str, spec: Value) -> Value {
    json!({"kind": "Pod",
        "metadata": {"name": name, "namespace": "web", "uid": name, "labels": {"app": "cache"}},
        "spec": spec})
}

fn running(name: &str, node: &str) -> Value {
    pod(name, json!({"nodeName": node}))
}

fn spread() -> Value {
    json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"labelSelector": {"matchLabels": {"app": "cache"}},
            "topologyKey": "kubernetes.io/hostname"}]}}})
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    object.pointer_mut(parent).expect("a parent")[key] = value;
    object
}

/// The node of the pod `p`, or why it has none.
fn check(objects: Vec<Value>, expected: Result<&str, &str>) {
    let plan = (RECONCILER.reconcile)(&world(objects));
    let placed = plan.writes.iter().find_map(|write| match write {
        Write::Update(pod) if pod["metadata"]["name"] == "p" => {
            Some(Ok(pod["spec"]["nodeName"].as_str().unwrap_or("").to_owned()))
        }
        Write::UpdateStatus(pod) => {
            Some(Err(pod["status"]["conditions"][0]["message"].as_str().unwrap_or("").to_owned()))
        }
        _ => None,
    });
    let placed = placed.expect("a decision");
    assert_eq!(placed.as_deref().map_err(String::as_str), expected);
}

#[test]
fn a_pod_goes_to_the_emptier_node() {
    check(vec![node("a"), node("b"), running("q", "a"), pod("p", json!({}))], Ok("b"));
}

#[test]
fn without_nodes_the_message_is_the_recorded_one() {
    check(vec![pod("p", json!({}))], Err("no nodes available to schedule pods"));
}

#[test]
fn each_rule_names_its_reason() {
    let taint = json!([{"key": "dedicated", "value": "redis", "effect": "NoSchedule"}]);
    let tainted = with(node("a"), "/spec/taints", taint.clone());
    let cordoned = with(node("b"), "/spec/unschedulable", json!(true));
    check(
        vec![tainted.clone(), cordoned, pod("p", json!({}))],
        Err("0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: redis}, \
             1 node(s) were unschedulable. preemption: 0/2 nodes are available: \
             2 Preemption is not helpful for scheduling."),
    );
    let tolerating = json!({"tolerations": [{"key": "dedicated", "operator": "Equal",
        "value": "redis", "effect": "NoSchedule"}]});
    check(vec![tainted, pod("p", tolerating)], Ok("a"));
    check(
        vec![node("a"), pod("p", json!({"nodeSelector": {"disk": "ssd"}}))],
        Err("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. \
             preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
    );
    let greedy = json!({"containers": [{"resources": {"requests": {"cpu": "3"}}}]});
    check(
        vec![node("a"), node("b"), pod("p", greedy)],
        Err("0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: \
             2 No preemption victims found for incoming pod."),
    );
}

#[test]
fn required_anti_affinity_keeps_pods_apart() {
    let others = |extra: Vec<Value>| {
        [vec![node("a"), node("b"), running("q", "a"), pod("p", spread())], extra].concat()
    };
    check(others(vec![]), Ok("b"));
    check(
        others(vec![running("r", "b")]),
        Err("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. \
             preemption: 0/2 nodes are available: \
             2 No preemption victims found for incoming pod."),
    );
}

#[test]
fn pods_that_run_keep_newcomers_away_too() {
    let guard = with(pod("q", spread()), "/spec/nodeName", json!("a"));
    check(
        vec![node("a"), guard, pod("p", json!({}))],
        Err("0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. \
             preemption: 0/1 nodes are available: \
             1 No preemption victims found for incoming pod."),
    );
}

#[test]
fn preferred_anti_affinity_beats_free_room() {
    let preferred = json!({"affinity": {"podAntiAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": {
            "labelSelector": {"matchLabels": {"app": "cache"}},
            "topologyKey": "kubernetes.io/hostname"}}]}}});
    let heavy = json!({"nodeName": "b", "containers": [
        {"resources": {"requests": {"cpu": "1900m", "memory": "3Gi"}}}]});
    let heavy = with(pod("h", heavy), "/metadata/labels", json!({"app": "other"}));
    check(vec![node("a"), node("b"), running("q", "a"), heavy, pod("p", preferred)], Ok("b"));
}

#[test]
fn a_claim_that_waits_gets_its_node_before_the_pod_does() {
    let class = json!({"kind": "StorageClass", "metadata": {"name": "standard-rwo"},
        "volumeBindingMode": "WaitForFirstConsumer"});
    let claim = json!({"kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "web"},
        "spec": {"storageClassName": "standard-rwo"}, "status": {"phase": "Pending"}});
    let volumes = json!({"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]});
    let waiting = world([node("a"), class.clone(), claim.clone(), pod("p", volumes.clone())]);
    let plan = (RECONCILER.reconcile)(&waiting);
    assert_eq!(summary(&plan), ["update PersistentVolumeClaim data"]);
    let bound = with(claim, "/status", json!({"phase": "Bound"}));
    let bound = with(bound, "/spec/volumeName", json!("v"));
    let elsewhere = json!({"kind": "PersistentVolume", "metadata": {"name": "v"},
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["other"]}]}]}}}});
    check(
        vec![node("a"), class, bound, elsewhere, pod("p", volumes)],
        Err("0/1 nodes are available: 1 node(s) had volume node affinity conflict. \
             preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
    );
}

#[test]
fn a_missing_claim_is_named() {
    let volumes = json!({"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]});
    check(
        vec![node("a"), pod("p", volumes)],
        Err("0/1 nodes are available: persistentvolumeclaim \"data\" not found. \
             preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
    );
}

#[test]
fn sidecars_ask_beside_the_containers_and_init_containers_beside_the_sidecars_before_them() {
    let asks =
        |cpu: &str, policy: &str| json!({"restartPolicy": policy, "resources": {"requests": {"cpu": cpu}}});
    let placed = |inits: Value| {
        vec![node("a"), pod("p", json!({"initContainers": inits, "containers": [asks("1", "")]}))]
    };
    let full = Err("0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: \
        1 No preemption victims found for incoming pod.");
    check(placed(json!([asks("1", "Always"), asks("1", "")])), Ok("a"));
    check(placed(json!([asks("1100m", "Always")])), full);
    check(placed(json!([asks("500m", "Always"), asks("1600m", "")])), full);
    check(placed(json!([asks("1600m", ""), asks("500m", "Always")])), Ok("a"));
}
