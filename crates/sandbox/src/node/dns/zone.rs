//! What the names of `cluster.local` mean, read from the store at each query (Kubernetes DNS specification 1.1).

use std::net::Ipv4Addr;

use serde_json::Value;

use crate::store::object::{items, text};
use crate::store::{Key, Store, kinds};

const DOMAIN: &str = "cluster.local";

/// The addresses of a name, none if the name does not exist.
pub(super) fn resolve(store: &Store, name: &str) -> Option<Vec<Ipv4Addr>> {
    let relative = name.strip_suffix(DOMAIN)?;
    let labels: Vec<_> = relative.split('.').filter(|label| !label.is_empty()).rev().collect();
    match labels.as_slice() {
        [] | ["svc" | "pod"] => Some(Vec::new()),
        ["svc" | "pod", namespace] => {
            store.get(&Key::cluster(&kinds::NAMESPACE, *namespace)).map(|_| Vec::new())
        }
        ["svc", namespace, service] => resolve_service(store, namespace, service),
        ["svc", namespace, service, hostname] => resolve_hostname(store, namespace, service, hostname),
        ["pod", _, dashed] => dashed.replace('-', ".").parse().ok().map(|address| vec![address]),
        _ => None,
    }
}

fn resolve_service(store: &Store, namespace: &str, name: &str) -> Option<Vec<Ipv4Addr>> {
    let service = store.get(&Key::namespaced(&kinds::SERVICE, namespace, name))?;
    match text(&service, "/spec/clusterIP") {
        "None" => Some(endpoint_addresses(store, namespace, name, |_| true)),
        address => Some(address.parse().into_iter().collect()),
    }
}

/// A pod's own name below its headless Service. A name without a ready pod does not exist.
fn resolve_hostname(store: &Store, namespace: &str, service: &str, hostname: &str) -> Option<Vec<Ipv4Addr>> {
    let found =
        endpoint_addresses(store, namespace, service, |address| text(address, "/hostname") == hostname);
    (!found.is_empty()).then_some(found)
}

/// Addresses that are ready, or published although they are not: the endpoints controller tells them apart.
fn endpoint_addresses(
    store: &Store,
    namespace: &str,
    name: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Vec<Ipv4Addr> {
    let Some(endpoints) = store.get(&Key::namespaced(&kinds::ENDPOINTS, namespace, name)) else {
        return Vec::new();
    };
    let addresses = items(&endpoints, "/subsets").iter().flat_map(|subset| items(subset, "/addresses"));
    let mut found: Vec<Ipv4Addr> = addresses
        .filter(|address| wanted(address))
        .filter_map(|address| text(address, "/ip").parse().ok())
        .collect();
    found.sort_unstable();
    found.dedup();
    // Round robin, as clients that take the first answer expect.
    let turn = usize::from(rand::random::<u8>());
    if !found.is_empty() {
        let turn = turn % found.len();
        found.rotate_left(turn);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn store() -> Store {
        let store = Store::new(Arc::new(jiff::Timestamp::now));
        let ports = json!([{"port": 6379}]);
        for (name, address) in [("cache", "None"), ("announce", "10.96.7.7")] {
            let service = json!({"metadata": {"name": name, "namespace": "default"},
                "spec": {"clusterIP": address, "ports": ports, "selector": {"app": "redis"}}});
            store.create(&kinds::SERVICE, service).expect("a Service");
        }
        let endpoints = json!({"metadata": {"name": "cache", "namespace": "default"}, "subsets": [{
            "addresses": [{"ip": "10.244.0.10", "hostname": "server-0"}],
            "notReadyAddresses": [{"ip": "10.244.0.11", "hostname": "server-1"}], "ports": ports}]});
        store.create(&kinds::ENDPOINTS, endpoints).expect("Endpoints");
        store
    }

    fn check(name: &str, expected: Option<&[&str]>) {
        let expected: Option<Vec<Ipv4Addr>> =
            expected.map(|all| all.iter().map(|text| text.parse().expect("an address")).collect());
        assert_eq!(resolve(&store(), name), expected, "{name}");
    }

    #[test]
    fn a_service_has_its_cluster_address() {
        check("announce.default.svc.cluster.local", Some(&["10.96.7.7"]));
    }

    #[test]
    fn a_headless_service_has_its_ready_pods() {
        check("cache.default.svc.cluster.local", Some(&["10.244.0.10"]));
    }

    #[test]
    fn a_ready_pod_has_a_name_and_an_unready_one_has_none() {
        check("server-0.cache.default.svc.cluster.local", Some(&["10.244.0.10"]));
        check("server-1.cache.default.svc.cluster.local", None);
    }

    #[test]
    fn a_pod_address_is_a_name() {
        check("10-244-0-10.default.pod.cluster.local", Some(&["10.244.0.10"]));
    }

    #[test]
    fn what_is_not_there_does_not_exist() {
        for name in [
            "nothing.default.svc.cluster.local",
            "announce.other.svc.cluster.local",
            "example.com",
            "announce",
        ] {
            check(name, None);
        }
    }

    #[test]
    fn names_between_existing_ones_exist_empty() {
        check("default.svc.cluster.local", Some(&[]));
        check("svc.cluster.local", Some(&[]));
    }
}
