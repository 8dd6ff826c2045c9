//! Commands in containers, and attaching to them: over WebSocket channels (`v5.channel.k8s.io` and
//! `v4.channel.k8s.io`), and over SPDY/3.1 as kubectl did before 1.31.

mod channels;
mod streams;

pub(super) use channels::{frame, goodbye};

use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use http::Request;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Api;
use super::logs::{container_of, node_status};
use super::node_agent::{ContainerRef, ExecRequest, ExecSession, NodeError, TerminalSize};
use super::request::{Query, Target};
use super::respond::Answer;
use super::spdy::{after_upgrade, wants_spdy};
use crate::store::{Key, Status, object};

const CHANNELS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// What clients speak over SPDY; the fifth version is that of WebSockets.
const STREAMS: &str = "v4.channel.k8s.io";
/// How long a client may take to close its side after the end, as it does when it has read the Status.
const LINGER: Duration = Duration::from_secs(5);

impl Api {
    pub(super) async fn exec(&self, target: Target, request: Request<Body>) -> Answer {
        let key = target.key();
        let query = Query::parse(request.uri().query());
        let pod = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        let container = container_of(&pod, &query)?;
        if object::text(&pod, "/spec/nodeName").is_empty() {
            return Err(Status::bad_request(format!("pod {} does not have a host assigned", key.name)));
        }
        if target.subresource.as_deref() == Some("attach") {
            return self.attach(&key, container, request).await;
        }
        let command: Vec<String> = query.all("command").map(str::to_owned).collect();
        if command.is_empty() {
            return Err(Status::bad_request("you must specify at least 1 command for the container"));
        }
        let tty = query.flag("tty");
        let wanted = ExecRequest { target: container, command, tty, stdin: query.flag("stdin") };
        let stream = Stream::accept(request).await?;
        let session = self.agent.exec(wanted).await.map_err(|source| node_status(&key, &source))?;
        Ok(stream.run(session))
    }

    /// What a container says from its start on, and its standard input if it has one.
    async fn attach(&self, key: &Key, container: ContainerRef, request: Request<Body>) -> Answer {
        let with_stdin = Query::parse(request.uri().query()).flag("stdin");
        let stream = Stream::accept(request).await?;
        let session = self.agent.attach(container, with_stdin).await;
        Ok(stream.run(session.map_err(|source| node_status(key, &source))?))
    }
}

/// How a client wants the streams of a session.
enum Stream {
    Socket(WebSocketUpgrade),
    Spdy(Request<Body>),
}

impl Stream {
    async fn accept(request: Request<Body>) -> Result<Self, Status> {
        if wants_spdy(request.headers()) {
            return Ok(Self::Spdy(request));
        }
        upgrade(request, &CHANNELS).await.map(Self::Socket)
    }

    fn run(self, session: ExecSession) -> Response {
        match self {
            Self::Socket(upgrade) => upgrade.on_upgrade(move |socket| channels::run(socket, session)),
            Self::Spdy(request) => {
                let wanted = streams::Wanted::of(&Query::parse(request.uri().query()));
                after_upgrade(request, STREAMS, move |connection| streams::run(connection, session, wanted))
            }
        }
    }
}

/// Takes the request over as a WebSocket that speaks one of the protocols; anything else is refused with what to do.
pub(super) async fn upgrade(
    request: Request<Body>,
    protocols: &[&'static str],
) -> Result<WebSocketUpgrade, Status> {
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|source| {
        Status::bad_request(format!(
            "the sandbox streams over WebSocket only ({}): {source}",
            protocols.join(", ")
        ))
    })?;
    let upgrade = upgrade.protocols(protocols.iter().copied());
    if upgrade.selected_protocol().is_none() {
        return Err(Status::bad_request(format!(
            "the client offers none of the stream protocols that the sandbox speaks: {}",
            protocols.join(", ")
        )));
    }
    Ok(upgrade)
}

fn parse_size(message: &[u8]) -> Option<TerminalSize> {
    let size: Value = serde_json::from_slice(message).ok()?;
    let part = |name: &str| u16::try_from(size.get(name)?.as_u64()?).ok();
    Some((part("Width")?, part("Height")?))
}

/// The Status that ends a session, once its command has ended.
async fn final_status(exit: oneshot::Receiver<Result<i32, NodeError>>) -> Value {
    match exit.await {
        Ok(result) => exit_status(result),
        Err(_) => exit_status(Err(NodeError::Failed("the command's exit code was lost".to_owned()))),
    }
}

/// The Status that ends a session, as clients read an exit code from it.
fn exit_status(result: Result<i32, NodeError>) -> Value {
    match result {
        Ok(0) => json!({"metadata": {}, "status": "Success"}),
        Ok(code) => json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}}),
        Err(why) => json!({"metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
            "message": why.to_string()}),
    }
}
