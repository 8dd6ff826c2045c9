//! Services.

use serde_json::{Value, json};

use super::{Cause, at, object};

pub(super) fn check(service: &Value, causes: &mut Vec<Cause>) {
    let ports = object::items(service, "/spec/ports");
    let kind = object::text(service, "/spec/type");
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !types.contains(&kind) {
        causes.push(Cause::unsupported("spec.type", &json!(kind), &types));
    }
    let is_headless = object::text(service, "/spec/clusterIP") == "None";
    if ports.is_empty() && !is_headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let name = object::text(port, "/name");
        if name.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(format!("{path}.name"), ""));
        } else if !name.is_empty() && ports[..index].iter().any(|other| object::text(other, "/name") == name)
        {
            causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
        }
        let number = port.get("port").unwrap_or(&Value::Null);
        if !number.as_i64().is_some_and(|number| (1..=65_535).contains(&number)) {
            causes.push(Cause::invalid(
                format!("{path}.port"),
                number,
                "must be between 1 and 65535, inclusive",
            ));
        }
        let protocol = object::text(port, "/protocol");
        if !["SCTP", "TCP", "UDP"].contains(&protocol) {
            causes.push(Cause::unsupported(
                format!("{path}.protocol"),
                &json!(protocol),
                &["SCTP", "TCP", "UDP"],
            ));
        }
    }
}

pub(super) fn check_change(stored: &Value, service: &Value, causes: &mut Vec<Cause>) {
    let stays = |service: &Value| object::text(service, "/spec/type") != "ExternalName";
    let (before, after) = (at(stored, "spec.clusterIPs"), at(service, "spec.clusterIPs"));
    if stays(stored) && stays(service) && before.is_some() && before != after {
        let value = after.cloned().unwrap_or(Value::Null);
        causes.push(Cause::invalid("spec.clusterIPs[0]", &value, "may not change once set"));
    }
}
