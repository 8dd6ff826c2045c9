//! Commands in containers, over WebSocket channels (`v5.channel.k8s.io` and `v4.channel.k8s.io`).
//!
//! The first byte of a message names its channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal size;
//! in v5, 255 closes a channel.

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::{mpsc, oneshot, watch};

use super::Api;
use super::logs::{container_of, node_status};
use super::node_agent::{ContainerRef, ExecRequest, ExecSession, LogOptions, NodeError, TerminalSize};
use super::request::{Query, Target};
use super::respond::Answer;
use crate::store::{Key, Status, object};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;
const CHUNK_BYTES: usize = 32 * 1024;
/// Messages in flight to a client before a command has to wait.
const QUEUE_MESSAGES: usize = 64;

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
        let upgrade = upgrade(request, &["v5.channel.k8s.io", "v4.channel.k8s.io"]).await?;
        let tty = query.flag("tty");
        let wanted = ExecRequest { target: container, command, tty, stdin: query.flag("stdin") };
        let session = self.agent.exec(wanted).await.map_err(|source| node_status(&key, &source))?;
        Ok(upgrade.on_upgrade(move |socket| run(socket, session)))
    }

    /// What a container says from its start on. Its standard input is closed, so that there is nothing to attach to.
    async fn attach(&self, key: &Key, container: ContainerRef, request: Request<Body>) -> Answer {
        if Query::parse(request.uri().query()).flag("stdin") {
            return Err(Status::bad_request(
                "attach to standard input is not available in the sandbox: exec into the container",
            ));
        }
        let upgrade = upgrade(request, &["v5.channel.k8s.io", "v4.channel.k8s.io"]).await?;
        let options = LogOptions { follow: true, ..LogOptions::default() };
        let log = self.agent.logs(container, options).await.map_err(|source| node_status(key, &source))?;
        let (ended, exit) = oneshot::channel();
        // The receiver is here still.
        let _ = ended.send(Ok(0));
        let session = ExecSession {
            stdin: None,
            stdout: log,
            stderr: Box::new(tokio::io::empty()),
            resize: None,
            exit,
        };
        Ok(upgrade.on_upgrade(move |socket| run(socket, session)))
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

async fn run(socket: WebSocket, session: ExecSession) {
    let (mut sink, mut source) = socket.split();
    let (out, mut queue) = mpsc::channel::<Message>(QUEUE_MESSAGES);
    let ExecSession { mut stdin, stdout, stderr, resize, exit } = session;
    let pumps = async {
        tokio::join!(pump(stdout, STDOUT, out.clone()), pump(stderr, STDERR, out.clone()));
        let status = match exit.await {
            Ok(result) => exit_status(result),
            Err(_) => exit_status(Err(NodeError::Failed("the command's exit code was lost".to_owned()))),
        };
        // A client that is gone needs no status.
        let _ = out.send(frame(STATUS, status.to_string().as_bytes())).await;
        drop(out);
    };
    let writes = async {
        while let Some(message) = queue.recv().await {
            if sink.send(message).await.is_err() {
                break;
            }
        }
        let _ = sink.send(goodbye()).await;
    };
    let reads = async {
        while let Some(Ok(message)) = source.next().await {
            match message {
                Message::Binary(data) => feed(&data, &mut stdin, resize.as_ref()).await,
                Message::Close(_) => break,
                _ => {}
            }
        }
    };
    // The command ends by itself, or the client goes and the session is dropped, which kills it.
    tokio::select! {
        _ = async { tokio::join!(pumps, writes) } => {}
        () = reads => {}
    }
}

/// Passes one message of the client on to standard input or to the terminal.
async fn feed(
    data: &Bytes,
    stdin: &mut Option<mpsc::Sender<Bytes>>,
    resize: Option<&watch::Sender<TerminalSize>>,
) {
    match data.split_first() {
        Some((&RESIZE, size)) => {
            if let (Some(resize), Some(size)) = (resize, parse_size(size)) {
                resize.send_replace(size);
            }
        }
        Some((&STDIN, rest)) if !rest.is_empty() => {
            if let Some(sender) = stdin.as_ref()
                && sender.send(data.slice(1..)).await.is_err()
            {
                *stdin = None;
            }
        }
        Some((&CLOSE, [STDIN])) => *stdin = None,
        _ => {}
    }
}

fn parse_size(message: &[u8]) -> Option<TerminalSize> {
    let size: Value = serde_json::from_slice(message).ok()?;
    let part = |name: &str| u16::try_from(size.get(name)?.as_u64()?).ok();
    Some((part("Width")?, part("Height")?))
}

async fn pump(mut reader: Box<dyn AsyncRead + Send + Unpin>, channel: u8, out: mpsc::Sender<Message>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        if out.send(frame(channel, &buffer[..read])).await.is_err() {
            return;
        }
    }
}

pub(super) fn frame(channel: u8, data: &[u8]) -> Message {
    let mut bytes = BytesMut::with_capacity(data.len() + 1);
    bytes.put_u8(channel);
    bytes.put_slice(data);
    Message::Binary(bytes.freeze())
}

/// The end of a stream that went well: without a code, kubectl reports a broken connection.
pub(super) fn goodbye() -> Message {
    Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "".into() }))
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
