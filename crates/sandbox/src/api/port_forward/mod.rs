//! Port-forwards: over WebSocket channels as kube-rs speaks them, and over SPDY/3.1 as kubectl does, in a WebSocket
//! or after a plain upgrade.

mod channels;
mod tunnel;

pub(super) use tunnel::pump;

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use http::Request;

use super::Api;
use super::exec::upgrade;
use super::request::{Query, Target};
use super::respond::Answer;
use super::spdy::{after_upgrade, wants_spdy};
use crate::store::{Key, Status, object};
use tunnel::Tunnel;

const CHANNELS: &str = "v4.channel.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const STREAMS: &str = "portforward.k8s.io";

impl Api {
    pub(super) async fn port_forward(&self, target: Target, request: Request<Body>) -> Answer {
        let key = target.key();
        let pod = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        if object::text(&pod, "/spec/nodeName").is_empty() {
            return Err(Status::bad_request(format!("pod {} does not have a host assigned", key.name)));
        }
        let tunnel = Tunnel::new(self.agent.clone(), &key);
        if wants_spdy(request.headers()) {
            return Ok(after_upgrade(request, STREAMS, |connection| tunnel.run(connection)));
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
