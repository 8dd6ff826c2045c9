//! Cluster DNS on the bridge's address. Enters: queries over UDP and TCP, and the store's Services and Endpoints.
//! Leaves: A answers at once, NXDOMAIN for what does not exist; AAAA of an existing name is empty.
//! Deliberately absent: recursion (nothing outside the cluster resolves), caching (TTL 0 of what changes), DNSSEC.

mod message;
mod zone;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::NodeError;
use super::cuts::Cuts;
use crate::store::Store;

const PORT: u16 = 53;
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Serves until the task is dropped.
pub(super) async fn start(store: Store, cuts: Cuts, address: Ipv4Addr) -> Result<(), NodeError> {
    let address = SocketAddr::from((address, PORT));
    let failed = |source| NodeError::Serve { what: "DNS", address: address.to_string(), source };
    let udp = UdpSocket::bind(address).await.map_err(failed)?;
    let tcp = TcpListener::bind(address).await.map_err(failed)?;
    let store = Arc::new(store);
    tokio::spawn(serve_udp(Arc::clone(&store), cuts.clone(), udp));
    tokio::spawn(serve_tcp(store, cuts, tcp));
    Ok(())
}

async fn serve_udp(store: Arc<Store>, cuts: Cuts, socket: UdpSocket) {
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    loop {
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        if is_cut_off(&cuts, client) {
            continue;
        }
        if let Some(answer) = answer(&store, &buffer[..length], message::DATAGRAM_ANSWERS_MAX) {
            // A client that went away asks again if it still cares.
            let _ = socket.send_to(&answer, client).await;
        }
    }
}

async fn serve_tcp(store: Arc<Store>, cuts: Cuts, listener: TcpListener) {
    loop {
        let Ok((stream, client)) = listener.accept().await else { continue };
        if is_cut_off(&cuts, client) {
            continue;
        }
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let _ = converse(&store, stream).await;
        });
    }
}

/// Over TCP each message follows its length in two bytes.
async fn converse(store: &Store, mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await?;
        let Some(answer) = answer(store, &query, usize::MAX) else { return Ok(()) };
        stream.write_u16(u16::try_from(answer.len()).unwrap_or(u16::MAX)).await?;
        stream.write_all(&answer).await?;
    }
}

fn is_cut_off(cuts: &Cuts, client: SocketAddr) -> bool {
    matches!(client, SocketAddr::V4(client) if cuts.isolates(*client.ip()))
}

fn answer(store: &Store, query: &[u8], answers_max: usize) -> Option<Vec<u8>> {
    let query = message::Query::parse(query)?;
    let found = zone::resolve(store, &query.name);
    Some(query.render_answer(found.as_deref(), answers_max))
}
