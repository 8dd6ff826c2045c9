//! Port-forwards: over WebSocket channels as kube-rs speaks them, and over SPDY/3.1 as kubectl does, in a WebSocket
//! or after a plain upgrade.

mod channels;
mod tunnel;

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper_util::rt::TokioIo;

use super::Api;
use super::exec::upgrade;
use super::request::{Query, Target};
use super::respond::{self, Answer};
use crate::store::{Key, Status, object};
use tunnel::Tunnel;

const CHANNELS: &str = "v4.channel.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const SPDY: HeaderValue = HeaderValue::from_static("SPDY/3.1");
const STREAMS: HeaderValue = HeaderValue::from_static("portforward.k8s.io");

impl Api {
    pub(super) async fn port_forward(&self, target: Target, request: Request<Body>) -> Answer {
        let key = target.key();
        let pod = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        if object::text(&pod, "/spec/nodeName").is_empty() {
            return Err(Status::bad_request(format!("pod {} does not have a host assigned", key.name)));
        }
        let tunnel = Tunnel::new(self.agent.clone(), &key);
        if wants_spdy(request.headers()) {
            return Ok(after_upgrade(request, tunnel));
        }
        let query = Query::parse(request.uri().query());
        let upgrade = upgrade(request, &[TUNNEL, CHANNELS]).await?;
        if upgrade.selected_protocol().is_some_and(|protocol| protocol == TUNNEL) {
            return Ok(upgrade.on_upgrade(move |socket| tunnel.run_in_socket(socket)));
        }
        self.channels(&key, &query, upgrade).await
    }

    async fn channels(&self, key: &Key, query: &Query, upgrade: WebSocketUpgrade) -> Answer {
        let namespace = key.namespace.clone().unwrap_or_default();
        let mut streams = Vec::new();
        for port in channels::parse_ports(query)? {
            // A port that nobody listens on is told on its error channel, as a kubelet tells it.
            let stream =
                self.agent.dial(&namespace, &key.name, port).await.map_err(|source| source.to_string());
            streams.push((port, stream));
        }
        Ok(upgrade.on_upgrade(move |socket| channels::run(socket, streams)))
    }
}

fn wants_spdy(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|wanted| wanted.as_bytes().eq_ignore_ascii_case(SPDY.as_bytes()))
}

/// Accepts the upgrade; the connection is the tunnel's once the answer is sent.
fn after_upgrade(mut request: Request<Body>, tunnel: Tunnel) -> Response {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgraded.await {
            Ok(connection) => tunnel.run(TokioIo::new(connection)).await,
            Err(error) => tracing::debug!(%error, "a port-forward's connection was not upgraded"),
        }
    });
    let mut response = respond::plain(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, SPDY);
    headers.insert("x-stream-protocol-version", STREAMS);
    response
}
