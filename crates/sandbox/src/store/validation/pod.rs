//! Pod specs, alone and in templates.

use serde_json::{Value, json};

use super::names::{LABEL_RULE, is_dns_label};
use super::{Cause, object};

pub(super) fn check_pod_spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    if object::items(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let volumes: Vec<&str> =
        object::items(spec, "/volumes").iter().map(|volume| object::text(volume, "/name")).collect();
    check_unique(&volumes, &format!("{path}.volumes"), causes);
    for list in ["initContainers", "containers"] {
        let containers = object::items(spec, &format!("/{list}"));
        let names: Vec<&str> = containers.iter().map(|container| object::text(container, "/name")).collect();
        for (index, container) in containers.iter().enumerate() {
            check_container(container, &format!("{path}.{list}[{index}]"), &volumes, causes);
            check_restart_policy(container, list, &format!("{path}.{list}[{index}]"), causes);
        }
        check_unique(&names, &format!("{path}.{list}"), causes);
    }
}

/// Only init containers have a policy of their own, and only with it hooks and probes.
fn check_restart_policy(container: &Value, list: &str, path: &str, causes: &mut Vec<Cause>) {
    let policy = object::text(container, "/restartPolicy");
    let field = format!("{path}.restartPolicy");
    if list == "containers" {
        if !policy.is_empty() {
            causes.push(Cause::forbidden(field, "may not be set for non-init containers"));
        }
        return;
    }
    match policy {
        "Always" => {}
        "" => {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if container.get(field).is_some_and(|value| !value.is_null()) {
                    let why = "may not be set for init containers without restartPolicy=Always";
                    causes.push(Cause::forbidden(format!("{path}.{field}"), why));
                }
            }
        }
        other => causes.push(Cause::unsupported(field, &json!(other), &["Always"])),
    }
}

/// A probe has one handler of those that a kubelet knows.
fn check_probe(probe: &Value, path: &str, causes: &mut Vec<Cause>) {
    let is_set = |field: &&str| probe.get(*field).is_some_and(|value| !value.is_null());
    let handlers: Vec<&str> = ["exec", "httpGet", "tcpSocket", "grpc"].into_iter().filter(is_set).collect();
    if handlers.is_empty() {
        causes.push(Cause::required(path, "must specify a handler type"));
    }
    for handler in handlers.iter().skip(1) {
        let why = "may not specify more than 1 handler type";
        causes.push(Cause::forbidden(format!("{path}.{handler}"), why));
    }
    if handlers.first() == Some(&"exec") && object::items(probe, "/exec/command").is_empty() {
        causes.push(Cause::required(format!("{path}.exec.command"), ""));
    }
    for field in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        if let Some(number) =
            probe.get(field).filter(|number| number.as_i64().is_some_and(|number| number < 0))
        {
            let why = "must be greater than or equal to 0";
            causes.push(Cause::invalid(format!("{path}.{field}"), number, why));
        }
    }
    let successes = probe.get("successThreshold").unwrap_or(&Value::Null);
    if !path.ends_with("readinessProbe") && successes.as_i64().is_some_and(|number| number > 1) {
        causes.push(Cause::invalid(format!("{path}.successThreshold"), successes, "must be 1"));
    }
}

/// Refuses the second of two items of one name.
fn check_unique(names: &[&str], path: &str, causes: &mut Vec<Cause>) {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            causes.push(Cause::duplicate(format!("{path}[{index}].name"), &json!(name)));
        }
    }
}

fn check_container(container: &Value, path: &str, volumes: &[&str], causes: &mut Vec<Cause>) {
    let name = object::text(container, "/name");
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    } else if !is_dns_label(name) {
        causes.push(Cause::invalid(format!("{path}.name"), &json!(name), LABEL_RULE));
    }
    if object::text(container, "/image").is_empty() {
        causes.push(Cause::required(format!("{path}.image"), ""));
    }
    for field in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get(field).filter(|probe| !probe.is_null()) {
            check_probe(probe, &format!("{path}.{field}"), causes);
        }
    }
    for (index, port) in object::items(container, "/ports").iter().enumerate() {
        let number = port.get("containerPort").unwrap_or(&Value::Null);
        if !number.as_i64().is_some_and(|number| (1..=65_535).contains(&number)) {
            let field = format!("{path}.ports[{index}].containerPort");
            causes.push(Cause::invalid(field, number, "must be between 1 and 65535, inclusive"));
        }
    }
    for (index, variable) in object::items(container, "/env").iter().enumerate() {
        if object::text(variable, "/name").is_empty() {
            causes.push(Cause::required(format!("{path}.env[{index}].name"), ""));
        }
    }
    let mut paths: Vec<&str> = Vec::new();
    for (index, mount) in object::items(container, "/volumeMounts").iter().enumerate() {
        let field = format!("{path}.volumeMounts[{index}]");
        let (volume, mount_path) = (object::text(mount, "/name"), object::text(mount, "/mountPath"));
        if volume.is_empty() {
            causes.push(Cause::required(format!("{field}.name"), ""));
        } else if !volumes.contains(&volume) {
            causes.push(Cause::not_found(format!("{field}.name"), &json!(volume)));
        }
        if mount_path.is_empty() {
            causes.push(Cause::required(format!("{field}.mountPath"), ""));
        } else if paths.contains(&mount_path) {
            causes.push(Cause::invalid(format!("{field}.mountPath"), &json!(mount_path), "must be unique"));
        }
        paths.push(mount_path);
    }
}

/// Of a pod's spec only images, deadlines and added tolerations change; the scheduler sets nodeName once.
pub(super) fn check_change(stored: &Value, object: &Value, causes: &mut Vec<Cause>) {
    let fixed = |pod: &Value| {
        let mut spec = pod.get("spec").cloned().unwrap_or_default();
        for list in ["initContainers", "containers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(container) = container.as_object_mut() {
                    container.shift_remove("image");
                }
            }
        }
        if let Some(spec) = spec.as_object_mut() {
            for field in
                ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "schedulingGates"]
            {
                spec.shift_remove(field);
            }
            if object::text(stored, "/spec/nodeName").is_empty() {
                spec.shift_remove("nodeName");
            }
        }
        spec
    };
    if fixed(stored) != fixed(object) {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::forbidden("spec", why));
    }
}
