//! Endpoints and EndpointSlices: which pods stand behind a Service.
//!
//! Enters: Services with a selector, pods, nodes. Leaves: one Endpoints and one or more EndpointSlices
//! for each Service. Absent: Services without a selector (their owner writes the endpoints), topology
//! hints, slices split by size.

mod ports;
mod slices;
mod subsets;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::object::{is_pod_finished, is_pod_ready, is_terminating, name, namespace, text};
use super::selector::contains;
use super::world::{Plan, Reconciler, World};

pub(crate) const RECONCILER: Reconciler = Reconciler {
    name: "endpoint-controller",
    reads: &["Service", "Pod", "Node", "Endpoints", "EndpointSlice"],
    reconcile,
};

/// A pod behind a Service.
struct Backend<'a> {
    pod: &'a Value,
    is_ready: bool,
}

impl Backend<'_> {
    fn address(&self) -> &str {
        text(self.pod, "/status/podIP")
    }

    /// The pod's own DNS name under a headless Service.
    fn hostname(&self, service: &Value) -> Option<&str> {
        let hostname = text(self.pod, "/spec/hostname");
        (!hostname.is_empty() && text(self.pod, "/spec/subdomain") == name(service)).then_some(hostname)
    }
}

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for service in world.all("Service") {
        let Some(selector) = service
            .pointer("/spec/selector")
            .filter(|selector| selector.as_object().is_some_and(|selector| !selector.is_empty()))
        else {
            continue;
        };
        if is_terminating(service) || text(service, "/spec/type") == "ExternalName" {
            continue;
        }
        let backends = backends_of(world, service, selector);
        subsets::write(world, service, &backends, &mut plan);
        slices::write(world, service, &backends, &mut plan);
    }
    plan
}

fn backends_of<'a>(world: &'a World, service: &Value, selector: &Value) -> Vec<Backend<'a>> {
    let publishes_all = publishes_not_ready(service);
    let mut backends: Vec<Backend<'a>> = world
        .all("Pod")
        .filter(|pod| namespace(pod) == namespace(service))
        .filter(|pod| contains(pod.pointer("/metadata/labels"), selector))
        .filter(|pod| !text(pod, "/status/podIP").is_empty() && !is_pod_finished(pod))
        .map(|pod| Backend { pod, is_ready: publishes_all || is_pod_ready(pod) && !is_terminating(pod) })
        .collect();
    backends.sort_by(|a, b| name(a.pod).cmp(name(b.pod)));
    backends
}

fn publishes_not_ready(service: &Value) -> bool {
    service.pointer("/spec/publishNotReadyAddresses") == Some(&Value::Bool(true))
}

fn is_headless(service: &Value) -> bool {
    text(service, "/spec/clusterIP") == "None"
}

/// When the newest of the changes behind these endpoints happened.
fn last_change<'a>(service: &'a Value, backends: &'a [Backend<'a>]) -> &'a str {
    backends
        .iter()
        .filter_map(|backend| super::object::condition(backend.pod, "Ready"))
        .map(|ready| text(ready, "/lastTransitionTime"))
        .chain([text(service, "/metadata/creationTimestamp")])
        .max()
        .unwrap_or_default()
}
