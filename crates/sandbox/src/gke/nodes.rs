//! The Node object that an instance registers as.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Settings;
use super::defaults::max_pods;
use super::machine::parse_machine;
use super::pool::Instance;
use crate::controllers::object::{entry, integer, list, map, metadata_entry, text, time_text};

/// Which labels the pool gave to a node, so that those it takes back can be told from others.
const POOL_LABELS: &str = "node.gke.io/last-applied-node-labels";
const POOL_TAINTS: &str = "node.gke.io/last-applied-node-taints";

pub(super) fn render_node(
    settings: &Settings,
    pool: &Value,
    zone: &str,
    instance: &Instance,
    now: Timestamp,
) -> Value {
    let mut node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": instance.name,
            "labels": system_labels(settings, pool, zone, &instance.name),
            "annotations": {
                "container.googleapis.com/instance_id": instance.number.to_string(),
                "node.alpha.kubernetes.io/ttl": "0",
            },
        },
        "spec": {
            "podCIDR": format!("10.244.{}.0/24", instance.number % 256),
            "podCIDRs": [format!("10.244.{}.0/24", instance.number % 256)],
            "providerID": format!("gce://{}/{zone}/{}", settings.project, instance.name),
        },
        "status": {
            "capacity": resources(pool, false),
            "allocatable": resources(pool, true),
            "conditions": conditions(now),
            "addresses": addresses(settings, zone, instance),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": node_info(pool, &instance.name),
        },
    });
    apply_pool_labels(&mut node, pool);
    node
}

fn system_labels(settings: &Settings, pool: &Value, zone: &str, hostname: &str) -> Value {
    let config = &pool["config"];
    let machine = text(config, "/machineType");
    let family = machine.split('-').next().unwrap_or_default();
    let max_pods = text(pool, "/maxPodsConstraint/maxPodsPerNode");
    let disk = text(config, "/diskType");
    let mut labels = json!({
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": machine,
        "beta.kubernetes.io/os": "linux",
        "cloud.google.com/gke-boot-disk": disk,
        "cloud.google.com/gke-container-runtime": "containerd",
        "cloud.google.com/gke-max-pods-per-node": max_pods,
        "cloud.google.com/gke-nodepool": text(pool, "/name"),
        "cloud.google.com/gke-os-distribution": "cos",
        "cloud.google.com/machine-family": family,
        "failure-domain.beta.kubernetes.io/region": settings.region(),
        "failure-domain.beta.kubernetes.io/zone": zone,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": hostname,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": machine,
        "topology.gke.io/zone": zone,
        "topology.kubernetes.io/region": settings.region(),
        "topology.kubernetes.io/zone": zone,
    });
    labels["cloud.google.com/gke-provisioning"] = json!("standard");
    for (field, label) in
        [("spot", "cloud.google.com/gke-spot"), ("preemptible", "cloud.google.com/gke-preemptible")]
    {
        if config.get(field) == Some(&Value::Bool(true)) {
            labels[label] = json!("true");
            labels["cloud.google.com/gke-provisioning"] = json!(field);
        }
    }
    labels
}

/// Puts the labels and taints of the pool on a node, and takes away those it had from the pool before.
pub(super) fn apply_pool_labels(node: &mut Value, pool: &Value) {
    let config = &pool["config"];
    let before: Vec<String> = last_applied(node, POOL_LABELS);
    let labels = metadata_entry(node, "labels");
    for stale in &before {
        labels.shift_remove(stale);
    }
    let wanted: Vec<(&str, &str)> = map(config, "/labels").collect();
    for (key, value) in &wanted {
        labels.insert((*key).to_owned(), json!(value));
    }
    let keys: Vec<&str> = wanted.iter().map(|(key, _)| *key).collect();
    let taints: Vec<Value> = list(config, "/taints").iter().map(kubernetes_taint).collect();
    let taint_keys: Vec<&str> = taints.iter().map(|taint| text(taint, "/key")).collect();
    let old_taints = last_applied(node, POOL_TAINTS);
    let mut all: Vec<Value> = list(node, "/spec/taints")
        .iter()
        .filter(|taint| !old_taints.iter().any(|old| old == text(taint, "/key")))
        .cloned()
        .collect();
    let annotations = metadata_entry(node, "annotations");
    annotations.insert(POOL_LABELS.to_owned(), json!(keys.join(",")));
    annotations.insert(POOL_TAINTS.to_owned(), json!(taint_keys.join(",")));
    all.extend(taints);
    let spec = entry(node, "spec");
    if all.is_empty() {
        spec.shift_remove("taints");
    } else {
        spec.insert("taints".to_owned(), Value::Array(all));
    }
}

fn last_applied(node: &Value, annotation: &str) -> Vec<String> {
    crate::controllers::object::annotation(node, annotation)
        .unwrap_or_default()
        .split(',')
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect()
}

fn kubernetes_taint(taint: &Value) -> Value {
    let effect = match text(taint, "/effect") {
        "PREFER_NO_SCHEDULE" => "PreferNoSchedule",
        "NO_EXECUTE" => "NoExecute",
        _ => "NoSchedule",
    };
    let mut rendered = Map::new();
    rendered.insert("key".to_owned(), json!(text(taint, "/key")));
    if !text(taint, "/value").is_empty() {
        rendered.insert("value".to_owned(), json!(text(taint, "/value")));
    }
    rendered.insert("effect".to_owned(), json!(effect));
    Value::Object(rendered)
}

fn resources(pool: &Value, is_allocatable: bool) -> Value {
    let config = &pool["config"];
    let pods = max_pods(pool).to_string();
    let machine = parse_machine(text(config, "/machineType")).expect("a pool's machine type was checked");
    let disk_bytes = integer(config, "/diskSizeGb").unwrap_or(100) * 1_000_000_000;
    let kibibytes = |bytes: u64| format!("{}Ki", bytes / 1024);
    if is_allocatable {
        return json!({
            "cpu": format!("{}m", machine.allocatable_cpu_milli()),
            "ephemeral-storage": (disk_bytes / 2).to_string(),
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "memory": kibibytes(machine.allocatable_memory_bytes()),
            "pods": pods,
        });
    }
    json!({
        "cpu": machine.cpu.to_string(),
        "ephemeral-storage": format!("{}Ki", disk_bytes / 1024),
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": kibibytes(machine.memory_bytes),
        "pods": pods,
    })
}

fn conditions(now: Timestamp) -> Value {
    let at = time_text(now);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "lastHeartbeatTime": at, "lastTransitionTime": at,
            "reason": reason, "message": message})
    };
    json!([
        condition("NetworkUnavailable", "False", "RouteCreated", "NodeController create implicit route"),
        condition(
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available"
        ),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ])
}

fn addresses(settings: &Settings, zone: &str, instance: &Instance) -> Value {
    let number = instance.number + 2;
    json!([
        {"type": "InternalIP", "address": format!("10.140.{}.{}", number / 256, number % 256)},
        {"type": "Hostname", "address": instance.name},
        {"type": "InternalDNS",
            "address": format!("{}.{zone}.c.{}.internal", instance.name, settings.project)},
    ])
}

fn node_info(pool: &Value, name: &str) -> Value {
    use sha2::{Digest, Sha256};
    let id: String = Sha256::digest(name).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    json!({
        "machineID": id,
        "systemUUID": id,
        "bootID": id,
        "kernelVersion": "6.6.93+",
        "osImage": "Container-Optimized OS from Google",
        "containerRuntimeVersion": "containerd://2.0.6",
        "kubeletVersion": format!("v{}", text(pool, "/version")),
        "kubeProxyVersion": format!("v{}", text(pool, "/version")),
        "operatingSystem": "linux",
        "architecture": "amd64",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_taints_follow_the_pool_and_leave_foreign_ones_alone() {
        let pool = |labels: Value, taints: Value| json!({"config": {"labels": labels, "taints": taints}});
        let mut node = json!({"metadata": {"labels": {"mine": "1"}},
            "spec": {"taints": [{"key": "foreign", "effect": "NoSchedule"}]}});
        let taint = json!([{"key": "dedicated", "value": "redis", "effect": "NO_EXECUTE"}]);
        apply_pool_labels(&mut node, &pool(json!({"a": "b"}), taint));
        assert_eq!(node["metadata"]["labels"], json!({"mine": "1", "a": "b"}));
        assert_eq!(node["spec"]["taints"][1]["effect"], "NoExecute");
        apply_pool_labels(&mut node, &pool(json!({"c": "d"}), json!([])));
        assert_eq!(node["metadata"]["labels"], json!({"mine": "1", "c": "d"}));
        assert_eq!(node["spec"]["taints"], json!([{"key": "foreign", "effect": "NoSchedule"}]));
    }
}
