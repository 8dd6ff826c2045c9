//! What stands in the columns of each kind.

use serde_json::{Value, json};

use super::{age, pods, storage, workloads};
use crate::store::kinds::Column;
use crate::store::{Kind, object};

/// The cells of an object, one for each column.
pub(super) fn cells(kind: &Kind, object: &Value, now: jiff::Timestamp) -> Vec<Value> {
    let text = |path: &str| json!(object::text(object, path));
    let number = |path: &str| json!(object.pointer(path).and_then(Value::as_i64).unwrap_or(0));
    let count = |path: &str| object.pointer(path).and_then(Value::as_object).map_or(0, serde_json::Map::len);
    let name = text("/metadata/name");
    let age = json!(age(object::text(object, "/metadata/creationTimestamp"), now));
    match kind.kind {
        "Pod" => pods::cells(object, now),
        "Service" => service(object, name, age),
        "StatefulSet"
        | "Deployment"
        | "ReplicaSet"
        | "ReplicationController"
        | "DaemonSet"
        | "Job"
        | "CronJob" => workloads::cells(kind, object, now),
        "ControllerRevision" => {
            let owner = object::items(object, "/metadata/ownerReferences").first();
            vec![name, json!(owner.map(owner_name).unwrap_or_default()), number("/revision"), age]
        }
        "HorizontalPodAutoscaler" => vec![
            name,
            json!(reference(object, "/spec/scaleTargetRef")),
            json!("<unknown>"),
            or_text(object, "/spec/minReplicas", "1"),
            or_text(object, "/spec/maxReplicas", "<unset>"),
            number("/status/currentReplicas"),
            age,
        ],
        "Lease" => vec![name, text("/spec/holderIdentity"), age],
        "NetworkPolicy" | "Ingress" | "IngressClass" => network(kind, object, name, age),
        "PriorityClass" => vec![
            name,
            or_text(object, "/value", "0"),
            or_text(object, "/globalDefault", "false"),
            age,
            text("/preemptionPolicy"),
        ],
        "ServiceAccount" => vec![name, json!(object::items(object, "/secrets").len()), age],
        "Node" => node(object, name, age),
        "Secret" => vec![name, text("/type"), json!(count("/data")), age],
        "ConfigMap" => vec![name, json!(count("/data") + count("/binaryData")), age],
        "Namespace" => vec![name, text("/status/phase"), age],
        "PersistentVolumeClaim" | "PersistentVolume" | "StorageClass" => storage::cells(kind, object, age),
        "PodDisruptionBudget" => vec![
            name,
            or_text(object, "/spec/minAvailable", "N/A"),
            or_text(object, "/spec/maxUnavailable", "N/A"),
            number("/status/disruptionsAllowed"),
            age,
        ],
        "Event" => event(object, now),
        "Endpoints" => vec![name, json!(endpoints(object)), age],
        "EndpointSlice" => slice(object, name, age),
        "Role" | "ClusterRole" | "LimitRange" => vec![name, text("/metadata/creationTimestamp")],
        "RoleBinding" | "ClusterRoleBinding" => {
            let subjects = |kind: &str| json!(subjects(object, kind));
            let role = json!(reference(object, "/roleRef"));
            vec![name, role, age, subjects("User"), subjects("Group"), subjects("ServiceAccount")]
        }
        "CustomResourceDefinition" => vec![name, text("/metadata/creationTimestamp")],
        _ if !kind.columns.is_empty() => {
            let own = kind.columns.iter().map(|column| custom(column, object, now));
            std::iter::once(name).chain(own).collect()
        }
        _ => vec![name, age],
    }
}

pub(super) fn or_text(object: &Value, path: &str, absent: &str) -> Value {
    match object.pointer(path) {
        Some(Value::String(text)) => json!(text),
        Some(Value::Number(number)) => json!(number.to_string()),
        Some(Value::Bool(flag)) => json!(flag.to_string()),
        _ => json!(absent),
    }
}

/// The value that a simple JSON path leads to; a date is shown as its age.
/// The rows of what is about the network and stands for no addresses.
fn network(kind: &Kind, object: &Value, name: Value, age: Value) -> Vec<Value> {
    let or = |path: &str, absent: &str| match object::text(object, path) {
        "" => json!(absent),
        found => json!(found),
    };
    match kind.kind {
        "Ingress" => {
            let ports = if object::items(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
            let address = or("/status/loadBalancer/ingress/0/ip", "");
            let class = or("/spec/ingressClassName", "<none>");
            vec![name, class, json!(hosts(object)), address, json!(ports), age]
        }
        "IngressClass" => {
            vec![name, or("/spec/controller", ""), or("/spec/parameters/name", "<none>"), age]
        }
        _ => vec![name, json!(pairs(object, "/spec/podSelector/matchLabels")), age],
    }
}

/// The hosts of an Ingress, `*` where it takes any.
fn hosts(ingress: &Value) -> String {
    let rules = object::items(ingress, "/spec/rules").iter().map(|rule| object::text(rule, "/host"));
    let named: Vec<&str> = rules.filter(|host| !host.is_empty()).collect();
    if named.is_empty() { "*".to_owned() } else { named.join(",") }
}

fn custom(column: &Column, object: &Value, now: jiff::Timestamp) -> Value {
    let found = object.pointer(&column.path.replace(['.', '['], "/").replace(']', "")).cloned();
    match found {
        Some(Value::String(time)) if column.column_type == "date" => json!(age(&time, now)),
        Some(found @ (Value::Object(_) | Value::Array(_))) => json!(found.to_string()),
        found => found.unwrap_or_default(),
    }
}

/// A reference as kubectl names it: `Deployment/web`.
fn reference(object: &Value, path: &str) -> String {
    let part = |field: &str| object::text(object, &format!("{path}/{field}"));
    format!("{}/{}", part("kind"), part("name"))
}

fn owner_name(owner: &Value) -> String {
    let kind = object::text(owner, "/kind").to_lowercase();
    let group = object::text(owner, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
    let dot = if group.is_empty() { "" } else { "." };
    format!("{kind}{dot}{group}/{}", object::text(owner, "/name"))
}

fn subjects(binding: &Value, kind: &str) -> String {
    let ours = object::items(binding, "/subjects").iter().filter(|one| object::text(one, "/kind") == kind);
    let names = ours.map(|one| match object::text(one, "/namespace") {
        "" => object::text(one, "/name").to_owned(),
        namespace => format!("{namespace}/{}", object::text(one, "/name")),
    });
    names.collect::<Vec<_>>().join(", ")
}

pub(super) fn pairs(object: &Value, path: &str) -> String {
    let map = object.pointer(path).and_then(Value::as_object);
    let mut all: Vec<_> = map
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    all.sort();
    if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
}

fn service(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let port = |port: &Value| {
        let number = |field: &str| port.get(field).and_then(Value::as_i64);
        let protocol = object::text(port, "/protocol");
        match (number("port"), number("nodePort")) {
            (Some(own), Some(node)) => format!("{own}:{node}/{protocol}"),
            (own, _) => format!("{}/{protocol}", own.unwrap_or(0)),
        }
    };
    let ports: Vec<_> = object::items(object, "/spec/ports").iter().map(port).collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    let external = match object::text(object, "/status/loadBalancer/ingress/0/ip") {
        "" if object::text(object, "/spec/type") == "LoadBalancer" => "<pending>",
        "" => "<none>",
        address => address,
    };
    vec![
        name,
        json!(object::text(object, "/spec/type")),
        json!(object::text(object, "/spec/clusterIP")),
        json!(external),
        json!(ports),
        age,
        json!(pairs(object, "/spec/selector")),
    ]
}

fn node(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let conditions = object::items(object, "/status/conditions");
    let ready = conditions.iter().find(|condition| object::text(condition, "/type") == "Ready");
    let mut status = match ready.map(|condition| object::text(condition, "/status")) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if object.pointer("/spec/unschedulable") == Some(&json!(true)) {
        status.push_str(",SchedulingDisabled");
    }
    let address = |wanted: &str| {
        let all = object::items(object, "/status/addresses");
        let found = all.iter().find(|address| object::text(address, "/type") == wanted);
        json!(found.map_or("<none>", |address| object::text(address, "/address")))
    };
    let info = |field: &str| json!(object::text(object, &format!("/status/nodeInfo/{field}")));
    vec![
        name,
        json!(status),
        json!("<none>"),
        age,
        info("kubeletVersion"),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn event(object: &Value, now: jiff::Timestamp) -> Vec<Value> {
    let text = |path: &str| object::text(object, path);
    let first = |paths: &[&'static str]| {
        paths.iter().map(|path| text(path)).find(|text| !text.is_empty()).unwrap_or("")
    };
    let seen =
        age(first(&["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp"]), now);
    let began = age(first(&["/firstTimestamp", "/eventTime"]), now);
    let about = format!("{}/{}", text("/involvedObject/kind").to_lowercase(), text("/involvedObject/name"));
    let source = first(&["/source/component", "/reportingComponent"]);
    let counted =
        object.pointer("/series/count").or_else(|| object.get("count")).and_then(Value::as_i64).unwrap_or(1);
    vec![
        json!(seen),
        json!(text("/type")),
        json!(text("/reason")),
        json!(about),
        json!(text("/involvedObject/fieldPath")),
        json!(source),
        json!(text("/message").trim()),
        json!(began),
        json!(counted),
        json!(text("/metadata/name")),
    ]
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in object::items(object, "/subsets") {
        for port in object::items(subset, "/ports") {
            for address in object::items(subset, "/addresses") {
                let number = port.get("port").and_then(Value::as_i64).unwrap_or(0);
                all.push(format!("{}:{number}", object::text(address, "/ip")));
            }
        }
    }
    shorten(&all, "<none>")
}

fn slice(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let ports = object::items(object, "/ports").iter();
    let ports: Vec<_> =
        ports.filter_map(|port| port.get("port")?.as_i64()).map(|port| port.to_string()).collect();
    let endpoints = object::items(object, "/endpoints").iter();
    let addresses: Vec<_> = endpoints
        .flat_map(|endpoint| object::items(endpoint, "/addresses"))
        .filter_map(|address| address.as_str().map(str::to_owned))
        .collect();
    vec![
        name,
        json!(object::text(object, "/addressType")),
        json!(shorten(&ports, "<unset>")),
        json!(shorten(&addresses, "<unset>")),
        age,
    ]
}

/// Three at most, and how many more there are.
fn shorten(all: &[String], empty: &str) -> String {
    match all {
        [] => empty.to_owned(),
        [_, _, _, rest @ ..] if !rest.is_empty() => {
            format!("{} + {} more...", all[..3].join(","), rest.len())
        }
        _ => all.join(","),
    }
}
