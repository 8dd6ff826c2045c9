//! Port-forwards over WebSocket channels (`v4.channel.k8s.io`): each port has a data and an error channel, and both
//! open with the port's number.

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::api::exec::{frame, goodbye};
use crate::api::node_agent::Duplex;
use crate::api::request::Query;
use crate::store::Status;

/// A channel is one byte, and each port takes two.
const PORTS_MAX: usize = 64;
const CHUNK_BYTES: usize = 32 * 1024;
const QUEUE_MESSAGES: usize = 64;

type Stream = Box<dyn Duplex>;

pub(super) fn parse_ports(query: &Query) -> Result<Vec<u16>, Status> {
    let parts: Vec<_> =
        query.all("ports").flat_map(|list| list.split(',')).filter(|part| !part.is_empty()).collect();
    if parts.len() > PORTS_MAX {
        return Err(Status::bad_request(format!(
            "{} ports are more than the {PORTS_MAX} of one stream",
            parts.len()
        )));
    }
    if parts.is_empty() {
        return Err(Status::bad_request("query parameter \"ports\" is required"));
    }
    let parse = |part: &str| match part.parse() {
        Ok(port @ 1..) => Ok(port),
        _ => Err(Status::bad_request(format!("query parameter \"ports\": {part:?} is no port"))),
    };
    parts.into_iter().map(parse).collect()
}

pub(super) async fn run(socket: WebSocket, streams: Vec<(u16, Result<Stream, String>)>) {
    let (mut sink, mut source) = socket.split();
    let (out, mut queue) = mpsc::channel::<Message>(QUEUE_MESSAGES);
    let mut writers: Vec<Option<WriteHalf<Stream>>> = Vec::new();
    let mut pumps = Vec::new();
    for (index, (port, stream)) in streams.into_iter().enumerate() {
        let data = u8::try_from(index * 2).expect("at most 64 ports");
        for channel in [data, data + 1] {
            if sink.send(frame(channel, &port.to_le_bytes())).await.is_err() {
                return;
            }
        }
        match stream {
            Ok(stream) => {
                let (reader, writer) = tokio::io::split(stream);
                writers.push(Some(writer));
                pumps.push(pump(reader, data, out.clone()));
            }
            Err(why) => {
                writers.push(None);
                // A client that is gone needs no reason.
                let _ = out.send(frame(data + 1, why.as_bytes())).await;
            }
        }
    }
    drop(out);
    let writes = async {
        let pumped = futures::future::join_all(pumps);
        let sent = async {
            while let Some(message) = queue.recv().await {
                if sink.send(message).await.is_err() {
                    break;
                }
            }
            let _ = sink.send(goodbye()).await;
        };
        tokio::join!(pumped, sent);
    };
    let reads = async {
        while let Some(Ok(message)) = source.next().await {
            match message {
                Message::Binary(data) => feed(&data, &mut writers).await,
                Message::Close(_) => break,
                _ => {}
            }
        }
    };
    tokio::select! {
        () = writes => {}
        () = reads => {}
    }
}

async fn feed(data: &Bytes, writers: &mut [Option<WriteHalf<Stream>>]) {
    let Some((&channel, payload)) = data.split_first() else { return };
    // Odd channels are error channels, on which a client has nothing to say.
    let Some(slot) = writers.get_mut(usize::from(channel / 2)).filter(|_| channel % 2 == 0) else { return };
    if let Some(writer) = slot {
        let written = async {
            writer.write_all(payload).await?;
            writer.flush().await
        };
        if written.await.is_err() {
            *slot = None;
        }
    }
}

async fn pump(mut reader: ReadHalf<Stream>, channel: u8, out: mpsc::Sender<Message>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        if out.send(frame(channel, &buffer[..read])).await.is_err() {
            return;
        }
    }
}
