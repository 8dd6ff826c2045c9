//! Services of type LoadBalancer get an address, as a cloud's controller gives one. Nothing outside the cluster's own
//! network reaches it.

use serde_json::{Value, json};

use super::events::{Event, EventKind};
use super::object::{is_terminating, list, text};
use super::world::{Plan, Reconciler, World, Write};

/// Stands before the last two parts of a Service's cluster address.
const NETWORK: &str = "10.97";

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: "service-controller", reads: &["Service"], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for service in world.all("Service").filter(|service| !is_terminating(service)) {
        let is_wanted = text(service, "/spec/type") == "LoadBalancer";
        let has_one = !list(service, "/status/loadBalancer/ingress").is_empty();
        match (is_wanted, has_one) {
            (true, false) => give(service, &mut plan),
            (false, true) => set(service, json!({}), &mut plan),
            _ => {}
        }
    }
    plan
}

fn give(service: &Value, plan: &mut Plan) {
    let asked = text(service, "/spec/loadBalancerIP");
    let mut parts = text(service, "/spec/clusterIP").splitn(3, '.').skip(2);
    let address = match (asked, parts.next()) {
        ("", Some(rest)) => format!("{NETWORK}.{rest}"),
        ("", None) => return,
        (asked, _) => asked.to_owned(),
    };
    for (reason, message) in
        [("EnsuringLoadBalancer", "Ensuring load balancer"), ("EnsuredLoadBalancer", "Ensured load balancer")]
    {
        plan.push(Write::Event(Event {
            about: service.clone(),
            kind: EventKind::Normal,
            reason,
            message: message.to_owned(),
            component: "service-controller",
        }));
    }
    set(service, json!({"ingress": [{"ip": address, "ipMode": "VIP"}]}), plan);
}

fn set(service: &Value, load_balancer: Value, plan: &mut Plan) {
    let mut status = service.get("status").cloned().unwrap_or_else(|| json!({}));
    status["loadBalancer"] = load_balancer;
    plan.set_status(service, status);
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{status_of, world};

    use super::*;

    fn check(spec: Value, status: Value, expected: Option<Value>) {
        let service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "front", "namespace": "web", "uid": "s"}, "spec": spec, "status": status});
        let plan = reconcile(&world([service]));
        assert_eq!(status_of(&plan, "front").map(|status| status["loadBalancer"].clone()), expected);
    }

    #[test]
    fn a_load_balancer_gets_the_address_it_asked_for_or_one_of_its_own() {
        let with = |ip: &str| Some(json!({"ingress": [{"ip": ip, "ipMode": "VIP"}]}));
        let spec = json!({"type": "LoadBalancer", "clusterIP": "10.96.1.7"});
        check(spec, json!({"loadBalancer": {}}), with("10.97.1.7"));
        let spec = json!({"type": "LoadBalancer", "clusterIP": "10.96.1.7", "loadBalancerIP": "10.1.2.3"});
        check(spec, json!({}), with("10.1.2.3"));
    }

    #[test]
    fn a_service_that_is_none_any_more_gives_it_back() {
        let status = json!({"loadBalancer": {"ingress": [{"ip": "10.97.1.7"}]}});
        check(json!({"type": "ClusterIP", "clusterIP": "10.96.1.7"}), status.clone(), Some(json!({})));
        check(json!({"type": "LoadBalancer", "clusterIP": "10.96.1.7"}), status, None);
    }
}
