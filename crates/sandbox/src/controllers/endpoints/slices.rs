//! The newer form: an EndpointSlice for each set of ports, with the state of every endpoint.

use serde_json::{Map, Value, json};

use super::{Backend, is_headless, last_change, ports};
use crate::controllers::digest::letters_of;
use crate::controllers::object::{
    controller_reference, is_controlled_by, is_pod_ready, is_terminating, label, name, namespace, text, uid,
};
use crate::controllers::world::{Plan, World, Write};

const LAST_CHANGE: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const MANAGER: &str = "endpointslice-controller.k8s.io";

pub(super) fn write(world: &World, service: &Value, backends: &[Backend<'_>], plan: &mut Plan) {
    let wanted = render_groups(world, service, backends);
    let existing: Vec<&Value> = world
        .within("EndpointSlice", namespace(service))
        .filter(|slice| label(slice, "endpointslice.kubernetes.io/managed-by") == Some(MANAGER))
        .filter(|slice| is_controlled_by(slice, uid(service)))
        .collect();
    let mut kept: Vec<&str> = Vec::new();
    for (index, (ports, endpoints)) in wanted.into_iter().enumerate() {
        let slice_name = slice_name(service, index);
        match existing.iter().find(|slice| name(slice) == slice_name) {
            None => plan.push(Write::Create(render(service, &slice_name, ports, endpoints, backends))),
            Some(slice) => {
                kept.push(name(slice));
                let mut changed = (*slice).clone();
                changed["metadata"]["labels"] = Value::Object(labels(service));
                changed["endpoints"] = Value::Array(endpoints);
                changed["ports"] = Value::Array(ports);
                if changed != **slice {
                    changed["metadata"]["annotations"][LAST_CHANGE] = json!(last_change(service, backends));
                }
                plan.update(slice, changed);
            }
        }
    }
    for slice in existing.iter().filter(|slice| !kept.contains(&name(slice))) {
        plan.push(Write::delete(slice));
    }
}

/// The endpoints grouped by their ports; a Service without pods keeps one empty slice.
fn render_groups(world: &World, service: &Value, backends: &[Backend<'_>]) -> Vec<(Vec<Value>, Vec<Value>)> {
    let mut groups: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
    for backend in backends {
        let mut ports = ports::resolve(service, backend.pod);
        ports.sort_by(|a, b| text(a, "/name").cmp(text(b, "/name")));
        let endpoint = endpoint(world, service, backend);
        match groups.iter_mut().find(|group| group.0 == ports) {
            Some(group) => group.1.push(endpoint),
            None => groups.push((ports, vec![endpoint])),
        }
    }
    if groups.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    groups
}

fn render(
    service: &Value,
    slice_name: &str,
    ports: Vec<Value>,
    endpoints: Vec<Value>,
    backends: &[Backend<'_>],
) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice_name,
            "generateName": format!("{}-", name(service)),
            "namespace": namespace(service),
            "labels": labels(service),
            "annotations": {LAST_CHANGE: last_change(service, backends)},
            "ownerReferences": [controller_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    })
}

/// A name that looks generated but is the same in every round.
fn slice_name(service: &Value, index: usize) -> String {
    let suffix = letters_of(&format!("{}/{index}", uid(service)), 5);
    format!("{}-{suffix}", name(service))
}

fn labels(service: &Value) -> Map<String, Value> {
    let mut labels =
        service.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut put = |key: &str, value: &str| labels.insert(key.to_owned(), json!(value));
    put("endpointslice.kubernetes.io/managed-by", MANAGER);
    put("kubernetes.io/service-name", name(service));
    if is_headless(service) {
        put("service.kubernetes.io/headless", "");
    }
    labels
}

fn endpoint(world: &World, service: &Value, backend: &Backend<'_>) -> Value {
    let pod = backend.pod;
    let mut endpoint = json!({
        "addresses": [backend.address()],
        "conditions": {
            "ready": backend.is_ready,
            "serving": is_pod_ready(pod),
            "terminating": is_terminating(pod),
        },
    });
    if let Some(hostname) = backend.hostname(service) {
        endpoint["hostname"] = json!(hostname);
    }
    endpoint["targetRef"] = json!({
        "kind": "Pod",
        "namespace": namespace(pod),
        "name": name(pod),
        "uid": uid(pod),
    });
    let node_name = text(pod, "/spec/nodeName");
    endpoint["nodeName"] = json!(node_name);
    let zone = world.get("Node", "", node_name).and_then(|node| label(node, "topology.kubernetes.io/zone"));
    if let Some(zone) = zone {
        endpoint["zone"] = json!(zone);
    }
    endpoint
}
