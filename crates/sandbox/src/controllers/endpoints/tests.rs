use serde_json::{Value, json};

use super::RECONCILER;
use crate::controllers::testing::{deleted, ready, summary, world};
use crate::controllers::world::{Plan, Write};

fn service(publishes_not_ready: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "cache", "namespace": "web", "uid": "svc"},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": publishes_not_ready,
            "selector": {"app": "cache"},
            "ports": [{"name": "server", "port": 6379, "targetPort": "redis"},
                {"name": "sentinel", "port": 26379, "targetPort": 26379}]}})
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "cache-0", "namespace": "web", "uid": "p", "labels": {"app": "cache"}},
        "spec": {"nodeName": "n", "hostname": "cache-0", "subdomain": "cache",
            "containers": [{"name": "redis", "ports": [{"name": "redis", "containerPort": 6380}]}]},
        "status": {"phase": "Running", "podIP": "10.244.0.5"}})
}

fn reconcile(objects: impl IntoIterator<Item = Value>) -> Plan {
    (RECONCILER.reconcile)(&world(objects))
}

fn created<'a>(plan: &'a Plan, kind: &str) -> &'a Value {
    plan.writes
        .iter()
        .find_map(|write| match write {
            Write::Create(object) if object["kind"] == kind => Some(object),
            _ => None,
        })
        .expect("it is created")
}

/// Where the pod stands in Endpoints, and its conditions in the EndpointSlice.
fn check(publishes: bool, pod: Value, side: Option<&str>, conditions: [bool; 3]) {
    let plan = reconcile([service(publishes), pod]);
    let subset = created(&plan, "Endpoints").pointer("/subsets/0");
    let found = ["addresses", "notReadyAddresses"]
        .into_iter()
        .find(|side| subset.is_some_and(|subset| subset.get(side).is_some()));
    assert_eq!(found, side);
    let endpoint = &created(&plan, "EndpointSlice")["endpoints"][0];
    let [ready, serving, terminating] = conditions;
    assert_eq!(
        endpoint["conditions"],
        json!({"ready": ready, "serving": serving, "terminating": terminating})
    );
}

#[test]
fn readiness_decides_unless_the_service_publishes_all() {
    check(false, ready(pod()), Some("addresses"), [true, true, false]);
    check(false, pod(), Some("notReadyAddresses"), [false, false, false]);
    check(true, pod(), Some("addresses"), [true, false, false]);
    check(false, deleted(ready(pod())), None, [false, true, true]);
}

#[test]
fn named_ports_are_looked_up_in_the_pod() {
    let plan = reconcile([service(false), ready(pod())]);
    assert_eq!(
        created(&plan, "Endpoints")["subsets"][0]["ports"],
        json!([{"name": "server", "port": 6380, "protocol": "TCP"},
            {"name": "sentinel", "port": 26379, "protocol": "TCP"}])
    );
}

#[test]
fn a_pod_of_the_headless_service_has_its_own_name_there() {
    let plan = reconcile([service(false), ready(pod())]);
    assert_eq!(created(&plan, "EndpointSlice")["endpoints"][0]["hostname"], "cache-0");
}

#[test]
fn what_is_right_already_is_not_written_again() {
    let objects = [service(false), ready(pod())];
    let first = reconcile(objects.clone());
    let made = first.writes.iter().filter_map(|write| match write {
        Write::Create(object) => Some(object.clone()),
        _ => None,
    });
    let again = reconcile(objects.into_iter().chain(made));
    assert_eq!(summary(&again), Vec::<String>::new());
}
