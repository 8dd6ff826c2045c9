//! Whether an object does what it is there for. Pure: an object in, a judgement out.
//!
//! Enters: a live object as JSON. Leaves: ready or not, and why not, in words for a user.
//! Deliberately absent: waiting, and what stands behind an object (a Service's pods, an Ingress's
//! backends).

use serde_json::Value as Json;

/// Whether an object does what it is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// What is missing, such as `2 of 3 replicas are ready`.
    NotReady(String),
}

impl Readiness {
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// What is missing, if anything.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::NotReady(reason) => Some(reason),
        }
    }
}

/// How far an object that runs to an end has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Completion {
    Succeeded,
    Running(String),
    Failed(String),
}

fn number(object: &Json, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Json::as_i64).unwrap_or_default()
}

fn text<'a>(object: &'a Json, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

fn condition<'a>(object: &'a Json, kind: &str) -> Option<&'a Json> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

fn is_true(object: &Json, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

fn when(ready: bool, reason: impl FnOnce() -> String) -> Readiness {
    if ready { Readiness::Ready } else { Readiness::NotReady(reason()) }
}

/// Judges an object by its kind; one whose kind has no notion of being ready is ready.
pub fn readiness(object: &Json) -> Readiness {
    match text(object, "/kind") {
        "Pod" => when(is_true(object, "Ready"), || not_ready_pod(object)),
        "Deployment" => workload(object, "/status/updatedReplicas", "/status/availableReplicas"),
        "StatefulSet" => workload(object, "/status/updatedReplicas", "/status/readyReplicas"),
        "ReplicaSet" | "ReplicationController" => {
            workload(object, "/status/replicas", "/status/readyReplicas")
        }
        "DaemonSet" => daemon_set(object),
        "Job" => match completion(object) {
            Completion::Succeeded => Readiness::Ready,
            Completion::Running(reason) | Completion::Failed(reason) => Readiness::NotReady(reason),
        },
        "PersistentVolumeClaim" => {
            let phase = text(object, "/status/phase");
            when(phase == "Bound", || {
                format!("the claim is {}", if phase.is_empty() { "new" } else { phase })
            })
        }
        "Service" if text(object, "/spec/type") == "LoadBalancer" => {
            let ingress = object.pointer("/status/loadBalancer/ingress").and_then(Json::as_array);
            let has_address = ingress.is_some_and(|ingress| !ingress.is_empty());
            when(has_address, || "the load balancer has no address yet".to_owned())
        }
        "Namespace" => {
            let phase = text(object, "/status/phase");
            when(phase == "Active", || format!("the namespace is {phase}"))
        }
        "CustomResourceDefinition" => {
            when(is_true(object, "Established"), || "the definition is not established yet".to_owned())
        }
        _ => Readiness::Ready,
    }
}

fn not_ready_pod(object: &Json) -> String {
    let containers = object.pointer("/status/containerStatuses").and_then(Json::as_array);
    let waiting = containers.into_iter().flatten().find_map(|container| {
        let reason = container.pointer("/state/waiting/reason")?.as_str()?;
        Some(format!("container {} waits: {reason}", text(container, "/name")))
    });
    let message = condition(object, "Ready").or_else(|| condition(object, "PodScheduled"));
    let message = message.map(|condition| text(condition, "/message")).filter(|text| !text.is_empty());
    waiting
        .or_else(|| message.map(str::to_owned))
        .unwrap_or_else(|| format!("the pod is {}", text(object, "/status/phase")))
}

fn workload(object: &Json, updated: &str, ready: &str) -> Readiness {
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Readiness::NotReady("its controller has not seen the change yet".to_owned());
    }
    let wanted = object.pointer("/spec/replicas").and_then(Json::as_i64).unwrap_or(1);
    let (updated, ready) = (number(object, updated), number(object, ready));
    // A StatefulSet with a partition leaves the pods below it alone.
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    if updated < wanted - partition {
        return Readiness::NotReady(format!("{updated} of {wanted} replicas are updated"));
    }
    when(ready >= wanted, || format!("{ready} of {wanted} replicas are ready"))
}

fn daemon_set(object: &Json) -> Readiness {
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Readiness::NotReady("its controller has not seen the change yet".to_owned());
    }
    let wanted = number(object, "/status/desiredNumberScheduled");
    let updated = number(object, "/status/updatedNumberScheduled");
    let ready = number(object, "/status/numberReady").min(updated);
    when(ready >= wanted, || format!("{ready} of {wanted} pods are ready"))
}

/// Whether a Job or Pod has come to its end; anything else is at its end at once.
pub(crate) fn completion(object: &Json) -> Completion {
    match text(object, "/kind") {
        "Job" => match condition(object, "Failed").filter(|failed| failed["status"] == "True") {
            Some(failed) => {
                let (reason, message) = (text(failed, "/reason"), text(failed, "/message"));
                Completion::Failed(format!("the job failed: {reason} {message}").trim().to_owned())
            }
            None if is_true(object, "Complete") => Completion::Succeeded,
            None => Completion::Running(format!(
                "the job has {} active, {} succeeded and {} failed pods",
                number(object, "/status/active"),
                number(object, "/status/succeeded"),
                number(object, "/status/failed"),
            )),
        },
        "Pod" => match text(object, "/status/phase") {
            "Succeeded" => Completion::Succeeded,
            "Failed" => Completion::Failed(format!("the pod failed: {}", text(object, "/status/message"))),
            _ => Completion::Running(not_ready_pod(object)),
        },
        _ => Completion::Succeeded,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::readiness;

    fn check(object: &Json, expected: Option<&str>) {
        assert_eq!(readiness(object).reason(), expected, "{object}");
    }

    #[test]
    fn a_stateful_set_is_ready_when_all_its_pods_are_new_and_ready() {
        let set = |observed: i64, updated: i64, ready: i64| {
            json!({
                "kind": "StatefulSet", "metadata": { "generation": 2 }, "spec": { "replicas": 3 },
                "status": { "observedGeneration": observed, "updatedReplicas": updated, "readyReplicas": ready }
            })
        };
        check(&set(1, 3, 3), Some("its controller has not seen the change yet"));
        check(&set(2, 2, 3), Some("2 of 3 replicas are updated"));
        check(&set(2, 3, 2), Some("2 of 3 replicas are ready"));
        check(&set(2, 3, 3), None);
    }

    #[test]
    fn a_pod_says_which_container_waits_and_why() {
        let pod = json!({
            "kind": "Pod",
            "status": {
                "phase": "Pending",
                "conditions": [{ "type": "Ready", "status": "False", "message": "containers not ready" }],
                "containerStatuses": [{ "name": "redis", "state": { "waiting": { "reason": "ErrImagePull" } } }]
            }
        });
        check(&pod, Some("container redis waits: ErrImagePull"));
        let ready = json!({
            "kind": "Pod", "status": { "conditions": [{ "type": "Ready", "status": "True" }] }
        });
        check(&ready, None);
    }

    #[test]
    fn other_kinds_have_their_own_measure() {
        check(&json!({ "kind": "ConfigMap" }), None);
        check(&json!({ "kind": "Service", "spec": { "type": "ClusterIP" } }), None);
        let balancer = json!({ "kind": "Service", "spec": { "type": "LoadBalancer" } });
        check(&balancer, Some("the load balancer has no address yet"));
        let claim = json!({ "kind": "PersistentVolumeClaim", "status": { "phase": "Pending" } });
        check(&claim, Some("the claim is Pending"));
    }
}
