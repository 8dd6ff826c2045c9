//! The pod network: one bridge inside the sandbox's network namespace, and a namespace with a veth for each pod.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use super::{NodeError, Spawner};

/// The bridge's own address: every pod's gateway and name server.
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);
const PREFIX_LENGTH: u8 = 16;
const BRIDGE: &str = "pods";
/// A bridge without an address of its own takes the lowest of its ports', and another one when that pod ends: what
/// the other pods then send is lost until they ask again who the gateway is.
const BRIDGE_HARDWARE_ADDRESS: &str = "02:00:0a:f4:00:01";
/// The first address of a pod; below are the gateway and room for what may come.
const FIRST_HOST: u32 = 10;
const HOSTS: u32 = 1 << (32 - PREFIX_LENGTH as u32);

/// The network, once it is up.
#[derive(Debug)]
pub struct Network {
    spawner: Spawner,
    addresses: Mutex<Addresses>,
}

/// A pod's network namespace and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodNetwork {
    pub(super) namespace: String,
    pub(super) address: Ipv4Addr,
}

impl PodNetwork {
    /// Where `ip netns` keeps the namespace.
    pub(super) fn path(&self) -> String {
        format!("/run/netns/{}", self.namespace)
    }
}

#[derive(Debug, Default)]
struct Addresses {
    taken: BTreeSet<u32>,
    last: u32,
}

impl Addresses {
    /// The next free address after the last one given: a dead pod's address is not given to the next pod.
    fn take(&mut self) -> Option<Ipv4Addr> {
        let start = self.last.max(FIRST_HOST - 1);
        let candidates = (start + 1..HOSTS - 1).chain(FIRST_HOST..=start);
        let free = candidates
            .filter(|host| !matches!(host & 0xff, 0 | 0xff))
            .find(|host| !self.taken.contains(host))?;
        self.taken.insert(free);
        self.last = free;
        Some(Ipv4Addr::from_bits((GATEWAY.to_bits() & !(HOSTS - 1)) + free))
    }

    fn release(&mut self, address: Ipv4Addr) {
        self.taken.remove(&(address.to_bits() & (HOSTS - 1)));
    }
}

impl Network {
    /// Brings up loopback and the bridge in the namespace that this process is in.
    pub async fn start(spawner: Spawner) -> Result<Self, NodeError> {
        let batch = format!(
            "link set lo up\nlink add {BRIDGE} address {BRIDGE_HARDWARE_ADDRESS} type bridge\n\
             addr add {GATEWAY}/{PREFIX_LENGTH} dev {BRIDGE}\nlink set {BRIDGE} up\n"
        );
        spawner.run("ip", &["-batch", "-"], &batch).await?;
        Ok(Self { spawner, addresses: Mutex::default() })
    }

    /// Makes a pod's namespace with an address and the way out through the bridge.
    pub(super) async fn add_pod(&self, pod_uid: &str) -> Result<PodNetwork, NodeError> {
        let address = self.lock().take().ok_or_else(|| {
            NodeError::Configuration("all addresses of the pod network 10.244.0.0/16 are taken".to_owned())
        })?;
        let network = PodNetwork { namespace: format!("pod-{pod_uid}"), address };
        let namespace = &network.namespace;
        // Interface names hold 15 characters; the address is unique among living pods and short.
        let host_end = format!("veth{:x}", address.to_bits() & (HOSTS - 1));
        let outside = format!(
            "netns add {namespace}\nlink add {host_end} type veth peer name eth0 netns {namespace}\n\
             link set {host_end} master {BRIDGE} up\n"
        );
        let inside = format!(
            "link set lo up\naddr add {address}/{PREFIX_LENGTH} dev eth0\nlink set eth0 up\n\
             route add default via {GATEWAY}\n"
        );
        let made = async {
            self.spawner.run("ip", &["-batch", "-"], &outside).await?;
            self.spawner.run("ip", &["-netns", namespace, "-batch", "-"], &inside).await
        };
        match made.await {
            Ok(_) => Ok(network),
            Err(error) => {
                self.remove_pod(&network).await;
                Err(error)
            }
        }
    }

    /// Removes the namespace; its veth goes with it.
    pub(super) async fn remove_pod(&self, network: &PodNetwork) {
        if let Err(error) = self.spawner.run("ip", &["netns", "delete", &network.namespace], "").await {
            tracing::warn!(
                namespace = network.namespace,
                error = error.in_one_line(),
                "cannot remove a pod's network"
            );
        }
        self.lock().release(network.address);
    }

    /// Makes a Service's address local, so that its proxy can listen on it.
    pub(super) async fn add_service_address(&self, address: Ipv4Addr) -> Result<(), NodeError> {
        self.spawner
            .run("ip", &["address", "replace", &format!("{address}/32"), "dev", "lo"], "")
            .await
            .map(drop)
    }

    pub(super) async fn remove_service_address(&self, address: Ipv4Addr) {
        let outcome =
            self.spawner.run("ip", &["address", "del", &format!("{address}/32"), "dev", "lo"], "").await;
        if let Err(error) = outcome {
            tracing::warn!(%address, error = error.in_one_line(), "cannot remove a Service's address");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_given_again_at_once() {
        let mut addresses = Addresses::default();
        let first = addresses.take().expect("an address");
        assert_eq!(first, Ipv4Addr::new(10, 244, 0, 10));
        addresses.release(first);
        assert_eq!(addresses.take(), Some(Ipv4Addr::new(10, 244, 0, 11)));
    }

    #[test]
    fn skips_the_first_and_last_of_each_256_and_wraps_around() {
        let mut addresses = Addresses { taken: BTreeSet::new(), last: 254 };
        assert_eq!(addresses.take(), Some(Ipv4Addr::new(10, 244, 1, 1)));
        addresses.last = HOSTS - 2;
        assert_eq!(addresses.take(), Some(Ipv4Addr::new(10, 244, 0, 10)));
    }

    #[test]
    fn a_full_network_gives_no_address() {
        let mut addresses = Addresses { taken: (0..HOSTS).collect(), last: 10 };
        assert_eq!(addresses.take(), None);
    }
}
