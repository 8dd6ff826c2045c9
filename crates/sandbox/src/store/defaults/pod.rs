//! Defaults of pods and of the pod templates of workloads.

use serde_json::{Map, Value, json};

use super::object::{self, child, set_default};
use crate::store::metadata::random_suffix;

pub(super) fn pod(object: &mut Value) {
    let spec = child(object, "spec");
    pod_spec(spec);
    set_default(spec, "enableServiceLinks", true);
}

/// What admission adds to a pod: its account, its priority, and time to outlive a node's absence.
pub(super) fn admit(object: &mut Value) {
    let spec = child(object, "spec");
    set_default(spec, "serviceAccountName", "default");
    let account = spec.get("serviceAccountName").cloned().unwrap_or_default();
    set_default(spec, "serviceAccount", account);
    set_default(spec, "preemptionPolicy", "PreemptLowerPriority");
    set_default(spec, "priority", 0);
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        tolerate(tolerations, key);
    }
}

const TOKEN_PLACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Gives every container the account's token, the API's certificate and the namespace, as the ServiceAccount admission
/// does.
pub(in crate::store) fn mount_token(object: &mut Value) {
    let name = format!("kube-api-access-{}", random_suffix());
    let spec = child(object, "spec");
    let mut is_mounted = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if object::items(container, "/volumeMounts").iter().any(|one| one["mountPath"] == TOKEN_PLACE) {
                continue;
            }
            let Some(container) = container.as_object_mut() else { continue };
            let mounts = container.entry("volumeMounts").or_insert_with(|| json!([]));
            if let Some(mounts) = mounts.as_array_mut() {
                mounts.push(json!({"name": name, "readOnly": true, "mountPath": TOKEN_PLACE}));
                is_mounted = true;
            }
        }
    }
    if !is_mounted {
        return;
    }
    let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
    if let Some(volumes) = volumes.as_array_mut() {
        let namespace =
            json!({"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}});
        volumes.push(json!({"name": name, "projected": {"sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [namespace]}}], "defaultMode": 420}}));
    }
}

/// Pods outlive a short absence of their node.
fn tolerate(tolerations: &mut Value, key: &str) {
    let Some(list) = tolerations.as_array_mut() else { return };
    let covers = |toleration: &Value| {
        let effect = object::text(toleration, "/effect");
        let named = object::text(toleration, "/key");
        (named == key || named.is_empty()) && (effect.is_empty() || effect == "NoExecute")
    };
    if !list.iter().any(covers) {
        list.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
    }
}

pub(super) fn initial_status(object: &Value) -> Value {
    json!({"phase": "Pending", "qosClass": quality_of_service(object)})
}

/// Guaranteed when every container's limits equal its requests, BestEffort when none has any, else Burstable.
fn quality_of_service(object: &Value) -> &'static str {
    let mut any = false;
    let mut guaranteed = true;
    let lists = ["/spec/initContainers", "/spec/containers"];
    for container in lists.iter().flat_map(|list| object::items(object, list)) {
        for resource in ["cpu", "memory"] {
            let limit = container.pointer(&format!("/resources/limits/{resource}"));
            let request = container.pointer(&format!("/resources/requests/{resource}"));
            any |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// What holds in pods and templates alike.
pub(super) fn pod_spec(spec: &mut Map<String, Value>) {
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "schedulerName", "default-scheduler");
    set_default(spec, "terminationGracePeriodSeconds", 30);
    set_default(spec, "securityContext", json!({}));
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        spec.insert("serviceAccount".to_owned(), account);
    } else if let Some(account) = spec.get("serviceAccount").cloned() {
        spec.insert("serviceAccountName".to_owned(), account);
    }
    for list in ["initContainers", "containers"] {
        for item in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(item) = item.as_object_mut() {
                container(item);
            }
        }
    }
    for item in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(item) = item.as_object_mut() {
            volume(item);
        }
    }
}

fn container(container: &mut Map<String, Value>) {
    set_default(container, "resources", json!({}));
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    set_default(container, "imagePullPolicy", policy);
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            set_default(port, "protocol", "TCP");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name).and_then(Value::as_object_mut) {
            set_default(probe, "timeoutSeconds", 1);
            set_default(probe, "periodSeconds", 10);
            set_default(probe, "successThreshold", 1);
            set_default(probe, "failureThreshold", 3);
            http_get(probe);
        }
    }
    for name in ["preStop", "postStart"] {
        if let Some(hook) = container.get_mut("lifecycle").and_then(|all| all.get_mut(name))
            && let Some(hook) = hook.as_object_mut()
        {
            http_get(hook);
        }
    }
    for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef").and_then(Value::as_object_mut) {
            set_default(field, "apiVersion", "v1");
        }
    }
    limits_are_requests(container);
}

/// A limit without a request asks for as much as it limits.
fn limits_are_requests(container: &mut Map<String, Value>) {
    let limits =
        container.get("resources").and_then(|all| all.get("limits")).and_then(Value::as_object).cloned();
    let Some(limits) = limits.filter(|limits| !limits.is_empty()) else { return };
    let Some(resources) = container.get_mut("resources") else { return };
    let requests = child(resources, "requests");
    for (name, amount) in limits {
        set_default(requests, &name, amount);
    }
}

fn http_get(holder: &mut Map<String, Value>) {
    if let Some(get) = holder.get_mut("httpGet").and_then(Value::as_object_mut) {
        set_default(get, "path", "/");
        set_default(get, "scheme", "HTTP");
    }
}

fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn volume(volume: &mut Map<String, Value>) {
    if volume.len() == 1 && volume.contains_key("name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in ["configMap", "secret", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(source).and_then(Value::as_object_mut) {
            set_default(source, "defaultMode", 420);
        }
    }
    if let Some(path) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
        set_default(path, "type", "");
    }
}
