//! What a kube-apiserver fills in: defaults of absent fields, the initial status, and what Go's encoder prints for
//! empty structs.

pub(super) mod pod;
mod workloads;

use base64::Engine as _;
use serde_json::{Value, json};

use super::{Kind, kinds, object, structural};
use object::{child, set_default};

/// The object of a kind with nothing set, as Go's encoder prints it: managed fields are computed against it.
pub fn empty(kind: &Kind) -> Value {
    let mut value = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {}});
    let body = match (kind.group, kind.kind) {
        ("", "Pod") => json!({"spec": {"containers": null}, "status": {}}),
        ("", "Service") => json!({"spec": {}, "status": {"loadBalancer": {}}}),
        ("", "Namespace") => json!({"spec": {}, "status": {}}),
        ("", "Node") => json!({"spec": {}, "status": {
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
            "nodeInfo": {"machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "",
                "containerRuntimeVersion": "", "kubeletVersion": "", "kubeProxyVersion": "",
                "operatingSystem": "", "architecture": ""}}}),
        ("", "PersistentVolumeClaim") => json!({"spec": {"resources": {}}, "status": {}}),
        ("", "PersistentVolume") => json!({"spec": {}, "status": {}}),
        ("", "Event") => {
            json!({"involvedObject": {}, "source": {}, "firstTimestamp": null, "lastTimestamp": null,
            "eventTime": null, "reportingComponent": "", "reportingInstance": ""})
        }
        ("apps", "StatefulSet") => json!({"spec": {"selector": null, "template": empty_template(),
            "updateStrategy": {}}, "status": {"replicas": 0, "availableReplicas": 0}}),
        ("apps", "Deployment") => {
            json!({"spec": {"selector": null, "template": empty_template(), "strategy": {}}, "status": {}})
        }
        ("apps", "ReplicaSet") => {
            json!({"spec": {"selector": null, "template": empty_template()}, "status": {"replicas": 0}})
        }
        ("apps", "DaemonSet") => {
            json!({"spec": {"selector": null, "template": empty_template(), "updateStrategy": {}},
            "status": {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0}})
        }
        ("apps", "ControllerRevision") => json!({"revision": 0}),
        ("batch", "Job") => json!({"spec": {"template": empty_template()}, "status": {}}),
        ("policy", "PodDisruptionBudget") => {
            json!({"spec": {}, "status": {"disruptionsAllowed": 0, "currentHealthy": 0,
            "desiredHealthy": 0, "expectedPods": 0}})
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => json!({"rules": null}),
        ("coordination.k8s.io", "Lease") => json!({"spec": {}}),
        ("discovery.k8s.io", "EndpointSlice") => json!({"addressType": "", "endpoints": null, "ports": null}),
        ("networking.k8s.io", "NetworkPolicy" | "IngressClass") => json!({"spec": {}}),
        ("networking.k8s.io", "Ingress") => json!({"spec": {}, "status": {"loadBalancer": {}}}),
        _ => json!({}),
    };
    if let (Some(value), Value::Object(body)) = (value.as_object_mut(), body) {
        value.extend(body);
    }
    value
}

fn empty_template() -> Value {
    json!({"metadata": {}, "spec": {"containers": null}})
}

/// The status of a new object; a kubelet may register a Node with one.
pub(super) fn reset_status(kind: &Kind, object: &mut Value) {
    if *kind == kinds::NODE || !kind.has_subresource("status") {
        return;
    }
    if kind.is_custom {
        if let Some(body) = object.as_object_mut() {
            body.shift_remove("status");
        }
        return;
    }
    let initial = match kind.kind {
        "Pod" => pod::initial_status(object),
        "Namespace" => json!({"phase": "Active"}),
        "PersistentVolumeClaim" | "PersistentVolume" => json!({"phase": "Pending"}),
        _ => empty(kind).get("status").cloned().unwrap_or_else(|| json!({})),
    };
    if let Some(body) = object.as_object_mut() {
        body.shift_remove("status");
        body.insert("status".to_owned(), initial);
    }
}

/// Fills in absent fields, before validation.
pub(super) fn apply(kind: &Kind, object: &mut Value) {
    drop_nulls(object);
    if let Some(structure) = kind.structure {
        structural::fill_defaults(structure, object);
    }
    match (kind.group, kind.kind) {
        ("", "Pod") => pod::pod(object),
        ("", "Service") => service(object),
        ("", "Secret") => secret(object),
        ("", "Namespace") => namespace(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "PersistentVolume") => volume(object),
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("apps", "Deployment") => workloads::deployment(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => workloads::replica_set(object),
        ("apps", "DaemonSet") => workloads::daemon_set(object),
        ("batch", "Job") => workloads::job(object),
        ("batch", "CronJob") => workloads::cron_job(object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => binding(object),
        ("storage.k8s.io", "StorageClass") => storage_class(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            set_default(child(object, "spec"), "conversion", json!({"strategy": "None"}));
        }
        ("networking.k8s.io", "NetworkPolicy") => {
            set_default(child(object, "spec"), "policyTypes", json!(["Ingress"]));
        }
        _ => {}
    }
}

/// Adds what admission and a kind's strategy decide, which managedFields does not record.
pub(super) fn admit(kind: &Kind, object: &mut Value) {
    match kind.kind {
        "Pod" => pod::admit(object),
        "Job" => workloads::admit_job(object),
        "Service" if object::text(object, "/spec/type") != "ExternalName" => {
            let spec = child(object, "spec");
            set_default(spec, "ipFamilies", json!(["IPv4"]));
            set_default(spec, "ipFamilyPolicy", "SingleStack");
        }
        "Namespace" if !object::is_deleting(object) => {
            set_default(child(object, "spec"), "finalizers", json!(["kubernetes"]));
        }
        _ => {}
    }
}

/// Claims and volumes are born protected: the volume controller lifts it when nothing uses them.
pub(super) fn protect(kind: &Kind, object: &mut Value) {
    let finalizer = match kind.kind {
        "PersistentVolumeClaim" => "kubernetes.io/pvc-protection",
        "PersistentVolume" => "kubernetes.io/pv-protection",
        _ => return,
    };
    let metadata = child(object, "metadata");
    let list = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut()
        && !list.iter().any(|known| known == finalizer)
    {
        list.push(json!(finalizer));
    }
}

/// Adds what the encoder prints for empty structs, after validation.
pub(super) fn complete(kind: &Kind, object: &mut Value) {
    fill(object, &empty(kind));
}

fn fill(value: &mut Value, template: &Value) {
    let (Value::Object(value), Value::Object(template)) = (value, template) else { return };
    for (field, wanted) in template {
        let is_event_time = matches!(field.as_str(), "firstTimestamp" | "lastTimestamp" | "eventTime");
        if wanted.is_null() && !is_event_time {
            continue;
        }
        match value.get_mut(field) {
            Some(found) => fill(found, wanted),
            None => {
                value.insert(field.clone(), wanted.clone());
            }
        }
    }
}

/// A null is an absent field.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, child| !child.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn namespace(object: &mut Value) {
    let name = object::name(object).to_owned();
    let metadata = child(object, "metadata");
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".to_owned(), json!(name));
    }
}

fn secret(object: &mut Value) {
    let Some(body) = object.as_object_mut() else { return };
    if let Some(Value::Object(plain)) = body.shift_remove("stringData") {
        let data = child(object, "data");
        for (key, value) in plain {
            let text = value.as_str().unwrap_or_default();
            data.insert(key, json!(base64::engine::general_purpose::STANDARD.encode(text)));
        }
    }
    if let Some(body) = object.as_object_mut() {
        set_default(body, "type", "Opaque");
    }
}

fn binding(object: &mut Value) {
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        let is_account = object::text(subject, "/kind") == "ServiceAccount";
        if let (false, Some(subject)) = (is_account, subject.as_object_mut()) {
            set_default(subject, "apiGroup", "rbac.authorization.k8s.io");
        }
    }
    set_default(child(object, "roleRef"), "apiGroup", "rbac.authorization.k8s.io");
}

fn storage_class(object: &mut Value) {
    if let Some(body) = object.as_object_mut() {
        set_default(body, "reclaimPolicy", "Delete");
        set_default(body, "volumeBindingMode", "Immediate");
    }
}

fn claim(object: &mut Value) {
    set_default(child(object, "spec"), "volumeMode", "Filesystem");
}

fn volume(object: &mut Value) {
    let spec = child(object, "spec");
    set_default(spec, "volumeMode", "Filesystem");
    set_default(spec, "persistentVolumeReclaimPolicy", "Retain");
    if spec.get("storageClassName").is_some_and(|class| class == "") {
        spec.shift_remove("storageClassName");
    }
    if let Some(path) = spec.get_mut("hostPath").and_then(Value::as_object_mut) {
        set_default(path, "type", "");
    }
}

fn service(object: &mut Value) {
    let spec = child(object, "spec");
    set_default(spec, "type", "ClusterIP");
    set_default(spec, "sessionAffinity", "None");
    let service_type = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if service_type != "ExternalName" {
        set_default(spec, "internalTrafficPolicy", "Cluster");
    }
    if matches!(service_type.as_str(), "NodePort" | "LoadBalancer") {
        set_default(spec, "externalTrafficPolicy", "Cluster");
    }
    if service_type == "LoadBalancer" {
        set_default(spec, "allocateLoadBalancerNodePorts", true);
    }
    let is_headless = spec.get("clusterIP").is_some_and(|address| address == "None");
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(port) = port.as_object_mut() else { continue };
        set_default(port, "protocol", "TCP");
        let unset = port.get("targetPort").is_none_or(|target| *target == json!(0) || *target == json!(""));
        if let (true, Some(number)) = (unset, port.get("port").cloned()) {
            port.insert("targetPort".to_owned(), number);
        }
        if is_headless {
            port.shift_remove("nodePort");
        }
    }
}
