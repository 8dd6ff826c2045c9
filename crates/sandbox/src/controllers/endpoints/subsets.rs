//! The older form: one Endpoints object, ready and unready addresses grouped by their ports.

use serde_json::{Map, Value, json};

use super::{Backend, is_headless, last_change, ports, publishes_not_ready};
use crate::controllers::object::{is_terminating, name, namespace, text, uid};
use crate::controllers::world::{Plan, World, Write};

const LAST_CHANGE: &str = "endpoints.kubernetes.io/last-change-trigger-time";

pub(super) fn write(world: &World, service: &Value, backends: &[Backend<'_>], plan: &mut Plan) {
    let subsets = render_subsets(service, backends);
    let existing = world.get("Endpoints", namespace(service), name(service));
    match existing {
        None => {
            let mut endpoints = json!({
                "apiVersion": "v1",
                "kind": "Endpoints",
                "metadata": {
                    "name": name(service),
                    "namespace": namespace(service),
                    "labels": labels(service),
                    "annotations": {LAST_CHANGE: last_change(service, backends)},
                },
            });
            if !subsets.is_empty() {
                endpoints["subsets"] = Value::Array(subsets);
            }
            plan.push(Write::Create(endpoints));
        }
        Some(existing) => {
            let mut changed = existing.clone();
            changed["metadata"]["labels"] = Value::Object(labels(service));
            match subsets.is_empty() {
                true => {
                    changed.as_object_mut().map(|map| map.shift_remove("subsets"));
                }
                false => changed["subsets"] = Value::Array(subsets),
            }
            if changed != *existing {
                changed["metadata"]["annotations"][LAST_CHANGE] = json!(last_change(service, backends));
            }
            plan.update(existing, changed);
        }
    }
}

fn labels(service: &Value) -> Map<String, Value> {
    let mut labels =
        service.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default();
    labels.insert("endpoints.kubernetes.io/managed-by".to_owned(), json!("endpoint-controller"));
    if is_headless(service) {
        labels.insert("service.kubernetes.io/headless".to_owned(), json!(""));
    }
    labels
}

fn render_subsets(service: &Value, backends: &[Backend<'_>]) -> Vec<Value> {
    let mut groups: Vec<(Vec<Value>, Vec<Value>, Vec<Value>)> = Vec::new();
    for backend in backends {
        if is_terminating(backend.pod) && !publishes_not_ready(service) {
            continue;
        }
        let ports = ports::resolve(service, backend.pod);
        let index = groups.iter().position(|group| group.0 == ports).unwrap_or_else(|| {
            groups.push((ports, Vec::new(), Vec::new()));
            groups.len() - 1
        });
        let (_, ready, unready) = &mut groups[index];
        let side = if backend.is_ready { ready } else { unready };
        side.push(address(service, backend));
    }
    groups
        .into_iter()
        .map(|(ports, ready, unready)| {
            let mut subset = json!({});
            for (key, list) in [("addresses", ready), ("notReadyAddresses", unready), ("ports", ports)] {
                if !list.is_empty() {
                    subset[key] = Value::Array(list);
                }
            }
            subset
        })
        .collect()
}

fn address(service: &Value, backend: &Backend<'_>) -> Value {
    let mut address = json!({"ip": backend.address()});
    if let Some(hostname) = backend.hostname(service) {
        address["hostname"] = json!(hostname);
    }
    address["nodeName"] = json!(text(backend.pod, "/spec/nodeName"));
    address["targetRef"] = json!({
        "kind": "Pod",
        "namespace": namespace(backend.pod),
        "name": name(backend.pod),
        "uid": uid(backend.pod),
    });
    address
}
