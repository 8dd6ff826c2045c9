//! Service addresses: each is one of the inner loopback with a TCP listener a port, which dials a ready endpoint. They
//! are the cluster address, the load balancer's, and those of all nodes for node ports.
//!
//! A port without endpoints has no listener, so that the kernel refuses the connection as kube-proxy would.
//! Connections outlive their Service, as tracked connections do: the address stays until the last of them ended.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::cuts::Cuts;
use super::link::Link;
use super::{Network, NodeError};
use crate::store::object::{items, name, namespace, text};
use crate::store::{Key, Store, kinds};

const DIAL_LIMIT: Duration = Duration::from_secs(10);

type Backends = Vec<SocketAddrV4>;

/// Addresses of the loopback, each with a token that its open connections share.
type Addresses = BTreeMap<Ipv4Addr, Arc<()>>;

/// What ought to listen: by address and port, the endpoints behind it.
type Table = BTreeMap<SocketAddr, Backends>;

struct Listener {
    backends: watch::Sender<Arc<Backends>>,
    task: JoinHandle<()>,
}

/// Follows the store until dropped.
pub(super) async fn run(store: Store, network: Arc<Network>, cuts: Cuts) {
    let mut changes = store.changes();
    let mut listeners: BTreeMap<SocketAddr, Listener> = BTreeMap::new();
    let mut addresses = Addresses::new();
    loop {
        changes.mark_unchanged();
        let table = observe_table(&store);
        let wanted = observe_addresses(&store);
        for address in &wanted {
            if addresses.contains_key(address) {
                continue;
            }
            if let Err(error) = network.add_service_address(*address).await {
                tracing::error!(%address, error = error.in_one_line(), "cannot add a Service's address");
            }
            addresses.insert(*address, Arc::default());
        }
        reconcile(&mut listeners, table, &addresses, &cuts).await;
        for address in without_use(&addresses, &wanted) {
            network.remove_service_address(address).await;
            addresses.remove(&address);
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Addresses that no Service has any more and on which nothing is open.
fn without_use(addresses: &Addresses, wanted: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    let unused = addresses
        .iter()
        .filter(|(address, connections)| !wanted.contains(address) && Arc::strong_count(connections) == 1);
    unused.map(|(address, _)| *address).collect()
}

async fn reconcile(
    listeners: &mut BTreeMap<SocketAddr, Listener>,
    table: Table,
    addresses: &Addresses,
    cuts: &Cuts,
) {
    listeners.retain(|address, listener| {
        let stays = table.contains_key(address);
        if !stays {
            listener.task.abort();
        }
        stays
    });
    for (address, backends) in table {
        if let Some(listener) = listeners.get(&address) {
            listener.backends.send_if_modified(|known| {
                let changed = **known != backends;
                if changed {
                    *known = Arc::new(backends);
                }
                changed
            });
            continue;
        }
        let SocketAddr::V4(socket) = address else { continue };
        let connections = addresses.get(socket.ip()).cloned().unwrap_or_default();
        match listen(address, backends, connections, cuts.clone()).await {
            Ok(listener) => {
                listeners.insert(address, listener);
            }
            // The next change of the store tries again.
            Err(error) => tracing::error!(error = error.in_one_line(), "cannot listen for a Service"),
        }
    }
}

async fn listen(
    address: SocketAddr,
    backends: Backends,
    connections: Arc<()>,
    cuts: Cuts,
) -> Result<Listener, NodeError> {
    let socket = TcpListener::bind(address).await.map_err(|source| NodeError::Serve {
        what: "a Service",
        address: address.to_string(),
        source,
    })?;
    let (sender, receiver) = watch::channel(Arc::new(backends));
    let task = tokio::spawn(accept(socket, receiver, connections, cuts));
    Ok(Listener { backends: sender, task })
}

async fn accept(
    socket: TcpListener,
    backends: watch::Receiver<Arc<Backends>>,
    connections: Arc<()>,
    cuts: Cuts,
) {
    let turn = AtomicUsize::new(0);
    loop {
        let Ok((client, SocketAddr::V4(peer))) = socket.accept().await else { continue };
        let backends = Arc::clone(&backends.borrow());
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let (open, cuts) = (Arc::clone(&connections), cuts.clone());
        tokio::spawn(async move {
            forward(client, *peer.ip(), &backends, turn, cuts).await;
            drop(open);
        });
    }
}

/// Dials the endpoints in turn until one answers, then copies both ways until either side ends.
async fn forward(client: TcpStream, peer: Ipv4Addr, backends: &Backends, turn: usize, cuts: Cuts) {
    let _ = client.set_nodelay(true);
    let mut link = Link { client: peer, server: peer, cuts };
    for offset in 0..backends.len() {
        let backend = backends[(turn + offset) % backends.len()];
        link.server = *backend.ip();
        let dial = async {
            link.until_joined().await;
            TcpStream::connect(backend).await
        };
        let Ok(Ok(server)) = tokio::time::timeout(DIAL_LIMIT, dial).await else { continue };
        let _ = server.set_nodelay(true);
        let _ = link.copy(client, server).await;
        return;
    }
    // Nobody answered. Dropping the client's socket with its unread request resets it.
}

/// The addresses that lead to a Service on its own ports.
fn own_addresses(service: &Value) -> impl Iterator<Item = Ipv4Addr> + use<'_> {
    let balanced = items(service, "/status/loadBalancer/ingress").iter().map(|one| text(one, "/ip"));
    std::iter::once(text(service, "/spec/clusterIP")).chain(balanced).filter_map(|text| text.parse().ok())
}

fn node_addresses(store: &Store) -> Vec<Ipv4Addr> {
    let (nodes, _) = store.list(&kinds::NODE, None);
    let addresses = nodes.iter().flat_map(|node| items(node, "/status/addresses"));
    addresses
        .filter(|address| text(address, "/type") == "InternalIP")
        .filter_map(|address| text(address, "/address").parse().ok())
        .collect()
}

fn observe_addresses(store: &Store) -> Vec<Ipv4Addr> {
    let (services, _) = store.list(&kinds::SERVICE, None);
    let own = services.iter().flat_map(|service| own_addresses(service));
    own.chain(node_addresses(store)).collect()
}

fn observe_table(store: &Store) -> Table {
    let (services, _) = store.list(&kinds::SERVICE, None);
    let nodes = node_addresses(store);
    let mut table = Table::new();
    for service in &services {
        let key = Key::namespaced(&kinds::ENDPOINTS, namespace(service), name(service));
        let Some(endpoints) = store.get(&key) else { continue };
        for port in items(service, "/spec/ports").iter().filter(|port| is_tcp(port)) {
            let backends = backends_of(&endpoints, text(port, "/name"));
            if backends.is_empty() {
                continue;
            }
            let own = port_number(port, "/port").into_iter();
            let own = own.flat_map(|number| own_addresses(service).map(move |address| (address, number)));
            let on_nodes = port_number(port, "/nodePort").into_iter();
            let on_nodes = on_nodes.flat_map(|number| nodes.iter().map(move |address| (*address, number)));
            table.extend(own.chain(on_nodes).map(|place| (SocketAddr::from(place), backends.clone())));
        }
    }
    table
}

fn is_tcp(port: &Value) -> bool {
    matches!(text(port, "/protocol"), "" | "TCP")
}

fn port_number(port: &Value, pointer: &str) -> Option<u16> {
    port.pointer(pointer).and_then(Value::as_u64).and_then(|number| u16::try_from(number).ok())
}

/// Endpoints carry target ports already resolved to numbers, under the Service port's name.
fn backends_of(endpoints: &Value, port_name: &str) -> Backends {
    let mut backends = Backends::new();
    for subset in items(endpoints, "/subsets") {
        let port = items(subset, "/ports").iter().find(|port| text(port, "/name") == port_name);
        let Some(port) = port.and_then(|port| port_number(port, "/port")) else { continue };
        let addresses =
            items(subset, "/addresses").iter().filter_map(|address| text(address, "/ip").parse().ok());
        backends.extend(addresses.map(|address: Ipv4Addr| SocketAddrV4::new(address, port)));
    }
    backends
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn backends_are_the_ready_addresses_on_the_named_port() {
        let endpoints = json!({"subsets": [{
            "addresses": [{"ip": "10.244.0.10"}],
            "notReadyAddresses": [{"ip": "10.244.0.11"}],
            "ports": [{"name": "redis", "port": 6379}, {"name": "sentinel", "port": 26379}],
        }]});
        assert_eq!(backends_of(&endpoints, "sentinel"), ["10.244.0.10:26379".parse().expect("an address")]);
        assert_eq!(backends_of(&endpoints, "other"), []);
    }

    #[test]
    fn an_address_without_a_service_goes_with_its_last_connection() {
        let address = Ipv4Addr::new(10, 96, 1, 1);
        let addresses = Addresses::from([(address, Arc::default())]);
        let open = Arc::clone(&addresses[&address]);
        assert!(without_use(&addresses, &[]).is_empty());
        drop(open);
        assert!(without_use(&addresses, &[address]).is_empty());
        assert_eq!(without_use(&addresses, &[]), [address]);
    }

    #[tokio::test]
    async fn a_dead_backend_is_passed_over() {
        let alive = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let dead = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let backends = [&dead, &alive].map(|listener| match listener.local_addr().expect("an address") {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(address) => panic!("bound to IPv4, not to {address}"),
        });
        drop(dead);
        tokio::spawn(async move {
            let (mut stream, _) = alive.accept().await.expect("a connection");
            stream.write_all(b"hello").await.expect("written");
        });
        let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = front.local_addr().expect("an address");
        let (_sender, receiver) = watch::channel(Arc::new(backends.to_vec()));
        tokio::spawn(accept(front, receiver, Arc::default(), Cuts::new()));
        let mut client = TcpStream::connect(address).await.expect("connected");
        let mut said = Vec::new();
        client.read_to_end(&mut said).await.expect("read");
        assert_eq!(said, b"hello");
    }
}
