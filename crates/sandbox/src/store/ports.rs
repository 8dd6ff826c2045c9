//! Gives Services their cluster addresses and node ports, and takes them back.

use serde_json::{Value, json};

use super::{Cause, ServiceAddresses, Status, kinds, object};
use object::child;

/// An update that leaves the addresses out means those that are there.
pub(super) fn carry_over(stored: &Value, object: &mut Value) {
    let is_external = object::text(object, "/spec/type") == "ExternalName";
    if is_external {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(value) = stored.pointer(&format!("/spec/{field}")) {
            object::set_default(child(object, "spec"), field, value.clone());
        }
    }
    // Whoever changes clusterIP alone means the list too.
    let (single, before) =
        (object::text(object, "/spec/clusterIP").to_owned(), object::text(stored, "/spec/clusterIP"));
    if single != before && object.pointer("/spec/clusterIPs") == stored.pointer("/spec/clusterIPs") {
        child(object, "spec").insert("clusterIPs".to_owned(), json!([single]));
    }
    if has_node_ports(object) {
        let old: Vec<Value> = object::items(stored, "/spec/ports").to_vec();
        let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter(|port| port.get("nodePort").is_none()) {
            let same = |other: &&Value| {
                let field = |port: &Value, name: &str| port.get(name).cloned();
                field(other, "port") == field(port, "port")
                    && field(other, "protocol").unwrap_or(json!("TCP"))
                        == field(port, "protocol").unwrap_or(json!("TCP"))
            };
            if let Some(number) = old.iter().find(same).and_then(|other| other.get("nodePort"))
                && let Some(port) = port.as_object_mut()
            {
                port.insert("nodePort".to_owned(), number.clone());
            }
        }
    }
}

/// Fills clusterIP, clusterIPs and nodePorts of a new or changed Service.
pub(super) fn allocate(
    addresses: &mut ServiceAddresses,
    object: &mut Value,
    stored: Option<&Value>,
) -> Result<(), Status> {
    if let Some(stored) = stored {
        release(addresses, stored);
    }
    if object::text(object, "/spec/type") != "ExternalName" {
        allocate_address(addresses, object)?;
    }
    let wants_ports = has_node_ports(object);
    let name = object::name(object).to_owned();
    let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
    for (index, port) in ports.into_iter().flatten().enumerate() {
        let Some(port) = port.as_object_mut() else { continue };
        if !wants_ports {
            port.shift_remove("nodePort");
            continue;
        }
        let asked = port.get("nodePort").and_then(Value::as_u64).and_then(|asked| u16::try_from(asked).ok());
        let asked = asked.filter(|asked| *asked != 0);
        let given = addresses.take_node_port(asked).map_err(|why| {
            let cause = Cause::invalid(format!("spec.ports[{index}].nodePort"), &json!(asked), why);
            Status::invalid(&kinds::SERVICE, &name, &[cause])
        })?;
        port.insert("nodePort".to_owned(), json!(given));
    }
    Ok(())
}

fn allocate_address(addresses: &mut ServiceAddresses, object: &mut Value) -> Result<(), Status> {
    let name = object::name(object).to_owned();
    let asked = object::text(object, "/spec/clusterIP").to_owned();
    let refuse = |why: String| {
        let cause = Cause::invalid("spec.clusterIPs", &json!([asked]), why);
        Status::invalid(&kinds::SERVICE, &name, &[cause])
    };
    let address = match asked.as_str() {
        "None" => asked.clone(),
        "" => addresses.take_any().ok_or_else(|| refuse("range is full".to_owned()))?.to_string(),
        given => {
            addresses.take(given).map_err(refuse)?;
            asked.clone()
        }
    };
    let spec = child(object, "spec");
    spec.insert("clusterIP".to_owned(), json!(address));
    spec.insert("clusterIPs".to_owned(), json!([address]));
    Ok(())
}

pub(super) fn release(addresses: &mut ServiceAddresses, object: &Value) {
    addresses.release(object::text(object, "/spec/clusterIP"));
    for port in object::items(object, "/spec/ports") {
        if let Some(number) =
            port.get("nodePort").and_then(Value::as_u64).and_then(|number| u16::try_from(number).ok())
        {
            addresses.release_node_port(number);
        }
    }
}

fn has_node_ports(object: &Value) -> bool {
    matches!(object::text(object, "/spec/type"), "NodePort" | "LoadBalancer")
}
