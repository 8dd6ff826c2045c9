//! Port-forwards over SPDY: each connection of a client is a pair of streams, one for data and one for an error, which
//! carry the same `requestID`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use crate::api::NodeAgent;
use crate::api::exec::goodbye;
use crate::api::spdy::{Codec, Frame, write_frames};
use crate::store::Key;

/// Streams that one client has open; more are refused.
const STREAMS_MAX: usize = 1024;
const CHUNK_BYTES: usize = 32 * 1024;
/// Frames in flight in one direction before their source has to wait.
const QUEUE_FRAMES: usize = 64;

/// What a tunnel leads to: the ports of one pod.
#[derive(Clone)]
pub(super) struct Tunnel {
    agent: Arc<dyn NodeAgent>,
    namespace: String,
    pod: String,
}

/// A request for a connection, of which one stream or both are known.
#[derive(Default)]
struct Pair {
    error: Option<u32>,
    data: Option<(u32, Inbox)>,
}

/// What a client says on a data stream.
struct Input {
    /// None once it has said all; dropping it is how its connection hears of that.
    bytes: Option<mpsc::Sender<Bytes>>,
    reset: CancellationToken,
}

/// Where a connection hears it.
struct Inbox {
    bytes: mpsc::Receiver<Bytes>,
    reset: CancellationToken,
}

/// One client's streams.
struct Session {
    tunnel: Tunnel,
    out: mpsc::Sender<Frame>,
    pairs: HashMap<String, Pair>,
    /// By the data stream.
    inputs: HashMap<u32, Input>,
    /// Each ends with its data stream.
    connections: JoinSet<u32>,
}

impl Tunnel {
    pub(super) fn new(agent: Arc<dyn NodeAgent>, pod: &Key) -> Self {
        Self { agent, namespace: pod.namespace.clone().unwrap_or_default(), pod: pod.name.clone() }
    }

    /// Serves a client whose frames come in the messages of a WebSocket.
    pub(super) async fn run_in_socket(self, socket: WebSocket) {
        let (near, far) = tokio::io::duplex(CHUNK_BYTES * 2);
        let (mut reader, mut writer) = tokio::io::split(far);
        let (mut sink, mut source) = socket.split();
        let reads = async {
            while let Some(Ok(message)) = source.next().await {
                if let Message::Binary(bytes) = message
                    && writer.write_all(&bytes).await.is_err()
                {
                    break;
                }
            }
            // The end of the client's frames ends the session.
            let _ = writer.shutdown().await;
        };
        let writes = async {
            let mut buffer = vec![0; CHUNK_BYTES];
            while let Ok(read @ 1..) = reader.read(&mut buffer).await {
                let message = Message::Binary(Bytes::copy_from_slice(&buffer[..read]));
                if sink.send(message).await.is_err() {
                    return;
                }
            }
            let _ = sink.send(goodbye()).await;
        };
        tokio::join!(reads, writes, self.run(near));
    }

    /// Serves a client until it closes the connection.
    pub(super) async fn run(self, connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let (reader, writer) = tokio::io::split(connection);
        let (out, queue) = mpsc::channel(QUEUE_FRAMES);
        let mut session = Session {
            tunnel: self,
            out,
            pairs: HashMap::new(),
            inputs: HashMap::new(),
            connections: JoinSet::new(),
        };
        let writes = write_frames(writer, queue);
        let reads = async move {
            let mut frames = FramedRead::new(reader, Codec::default());
            while let Some(frame) = frames.next().await {
                match frame {
                    Ok(Frame::GoAway) => break,
                    Ok(frame) => session.take(frame).await,
                    Err(error) => {
                        tracing::debug!(%error, "a port-forward's client sent what is no SPDY");
                        break;
                    }
                }
                session.forget_ended();
            }
        };
        // Without a reader there is nobody to write to: the session and its connections end with it.
        tokio::select! {
            () = writes => {}
            () = reads => {}
        }
    }
}

impl Session {
    async fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Open { stream, headers, is_last } => self.open(stream, &headers, is_last).await,
            Frame::Data { stream, bytes, is_last } => {
                let Some(input) = self.inputs.get_mut(&stream) else { return };
                if let Some(inbox) = input.bytes.as_ref().filter(|_| !bytes.is_empty()) {
                    // A pod that closed takes no more; its task says so on the stream.
                    let _ = inbox.send(bytes).await;
                }
                if is_last {
                    input.bytes = None;
                }
            }
            Frame::Reset { stream } => {
                if let Some(input) = self.inputs.remove(&stream) {
                    input.reset.cancel();
                }
            }
            Frame::Ping { id } => self.send(Frame::Ping { id }).await,
            Frame::Accepted { .. } | Frame::GoAway | Frame::Other => {}
        }
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.connections.try_join_next() {
            if let Ok(data) = ended {
                self.inputs.remove(&data);
            }
        }
    }

    async fn send(&self, frame: Frame) {
        // A client that is gone ends the session at its next read.
        let _ = self.out.send(frame).await;
    }

    async fn open(&mut self, stream: u32, headers: &[(String, String)], is_last: bool) {
        let header =
            |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let (kind, port) = (header("streamtype"), header("port").and_then(|port| port.parse().ok()));
        // Clients before the request's number opened a pair at a time, the error stream first.
        let request = header("requestid").unwrap_or_default();
        let (Some(kind @ ("error" | "data")), Some(port)) = (kind, port) else {
            return self.send(Frame::Reset { stream }).await;
        };
        if self.inputs.len() + self.pairs.len() >= STREAMS_MAX {
            return self.send(Frame::Reset { stream }).await;
        }
        self.send(Frame::Accepted { stream }).await;
        let pair = self.pairs.entry(request.to_owned()).or_default();
        if kind == "error" {
            pair.error = Some(stream);
        } else {
            let (sender, receiver) = mpsc::channel(QUEUE_FRAMES);
            let reset = CancellationToken::new();
            pair.data = Some((stream, Inbox { bytes: receiver, reset: reset.clone() }));
            self.inputs.insert(stream, Input { bytes: (!is_last).then_some(sender), reset });
        }
        if let Pair { error: Some(error), data: Some(_) } = *pair
            && let Some(Pair { data: Some((data, inbox)), .. }) = self.pairs.remove(request)
        {
            let (tunnel, out) = (self.tunnel.clone(), self.out.clone());
            self.connections.spawn(async move {
                tunnel.connect(port, (error, data), inbox, out).await;
                data
            });
        }
    }
}

impl Tunnel {
    /// One connection from its first byte to both ends, then the end of its two streams.
    async fn connect(&self, port: u16, (error, data): (u32, u32), inbox: Inbox, out: mpsc::Sender<Frame>) {
        let why = match self.agent.dial(&self.namespace, &self.pod, port).await {
            Ok(stream) => {
                let (reader, writer) = tokio::io::split(stream);
                let feed = async {
                    feed(inbox.bytes, writer).await;
                    // The client has said all; the pod may still answer.
                    std::future::pending().await
                };
                tokio::select! {
                    () = pump(reader, data, &out) => {}
                    () = feed => {}
                    () = inbox.reset.cancelled() => {}
                }
                Bytes::new()
            }
            Err(source) => Bytes::from(format!("error forwarding port {port} to pod {}: {source}", self.pod)),
        };
        // A client that is gone needs no reason.
        let _ = out.send(Frame::Data { stream: error, bytes: why, is_last: true }).await;
        let _ = out.send(Frame::Data { stream: data, bytes: Bytes::new(), is_last: true }).await;
    }
}

/// Passes bytes on as the frames of a stream until they end.
pub(in crate::api) async fn pump(mut reader: impl AsyncRead + Unpin, stream: u32, out: &mpsc::Sender<Frame>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        let bytes = Bytes::copy_from_slice(&buffer[..read]);
        if out.send(Frame::Data { stream, bytes, is_last: false }).await.is_err() {
            return;
        }
    }
}

async fn feed(mut inbox: mpsc::Receiver<Bytes>, mut writer: impl AsyncWrite + Unpin) {
    while let Some(mut bytes) = inbox.recv().await {
        if writer.write_all_buf(&mut bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    // A pod that closed first needs no end.
    let _ = writer.shutdown().await;
}
