//! The ports of a Service as one pod has them: named target ports are looked up in its containers.

use serde_json::{Value, json};

use crate::controllers::object::{list, text};

/// The endpoint ports; a port whose name the pod does not know is left out.
pub(super) fn resolve(service: &Value, pod: &Value) -> Vec<Value> {
    list(service, "/spec/ports")
        .iter()
        .filter_map(|port| {
            let number = target_number(port, pod)?;
            let mut endpoint = json!({});
            let name = text(port, "/name");
            if !name.is_empty() {
                endpoint["name"] = json!(name);
            }
            endpoint["port"] = json!(number);
            endpoint["protocol"] = json!(protocol(port));
            if let Some(application) = port.get("appProtocol") {
                endpoint["appProtocol"] = application.clone();
            }
            Some(endpoint)
        })
        .collect()
}

fn protocol(port: &Value) -> &str {
    match text(port, "/protocol") {
        "" => "TCP",
        other => other,
    }
}

fn target_number(port: &Value, pod: &Value) -> Option<i64> {
    match port.get("targetPort") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(wanted)) => list(pod, "/spec/containers")
            .iter()
            .chain(list(pod, "/spec/initContainers"))
            .flat_map(|container| list(container, "/ports"))
            .find(|container_port| {
                text(container_port, "/name") == wanted && protocol(container_port) == protocol(port)
            })
            .and_then(|container_port| container_port["containerPort"].as_i64()),
        _ => port["port"].as_i64(),
    }
}
