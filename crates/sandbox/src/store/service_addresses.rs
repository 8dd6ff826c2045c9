//! Cluster addresses (10.96.0.0/16) and node ports (30000 to 32767) that Services hold.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The last two octets are ours to give; 10.96.0.0 and 10.96.255.255 are not given.
const NETWORK: [u8; 2] = [10, 96];
/// Addresses below are for those who ask for one by name (DNS, the API itself).
const FIRST_DYNAMIC: u16 = 256;
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

#[derive(Clone, Default)]
pub(super) struct ServiceAddresses {
    addresses: BTreeMap<u16, ()>,
    node_ports: BTreeMap<u16, ()>,
    next_address: u16,
}

impl ServiceAddresses {
    /// Takes the next free address, round robin, so that a freed one is not reused at once.
    pub(super) fn take_any(&mut self) -> Option<Ipv4Addr> {
        for _ in 0..u16::MAX {
            self.next_address = self.next_address.wrapping_add(1).clamp(FIRST_DYNAMIC, u16::MAX - 1);
            let candidate = self.next_address;
            if candidate == u16::MAX - 1 {
                self.next_address = FIRST_DYNAMIC;
            }
            if self.addresses.insert(candidate, ()).is_none() {
                return Some(join(candidate));
            }
        }
        None
    }

    /// Takes an address that was asked for; says why not otherwise.
    pub(super) fn take(&mut self, address: &str) -> Result<(), String> {
        let Ok(parsed) = address.parse::<Ipv4Addr>() else {
            return Err("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned());
        };
        let Some(offset) = split(parsed) else {
            return Err(format!(
                "failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
            ));
        };
        if self.addresses.insert(offset, ()).is_some() {
            return Err(format!("failed to allocate IP {address}: provided IP is already allocated"));
        }
        Ok(())
    }

    pub(super) fn release(&mut self, address: &str) {
        if let Some(offset) = address.parse().ok().and_then(split) {
            self.addresses.remove(&offset);
        }
    }

    pub(super) fn take_node_port(&mut self, asked: Option<u16>) -> Result<u16, String> {
        if let Some(port) = asked {
            if !NODE_PORTS.contains(&port) {
                return Err(
                    "provided port is not in the valid range. The range of valid ports is 30000-32767"
                        .to_owned(),
                );
            }
            return match self.node_ports.insert(port, ()) {
                None => Ok(port),
                Some(()) => Err("provided port is already allocated".to_owned()),
            };
        }
        let free = NODE_PORTS.clone().find(|port| !self.node_ports.contains_key(port));
        let port = free.ok_or_else(|| "range is full".to_owned())?;
        self.node_ports.insert(port, ());
        Ok(port)
    }

    pub(super) fn release_node_port(&mut self, port: u16) {
        self.node_ports.remove(&port);
    }
}

fn join(offset: u16) -> Ipv4Addr {
    let [high, low] = offset.to_be_bytes();
    Ipv4Addr::new(NETWORK[0], NETWORK[1], high, low)
}

fn split(address: Ipv4Addr) -> Option<u16> {
    let [a, b, high, low] = address.octets();
    let offset = u16::from_be_bytes([high, low]);
    ([a, b] == NETWORK && offset != 0 && offset != u16::MAX).then_some(offset)
}
