//! A command's streams as the channels of a WebSocket.
//!
//! The first byte of a message names its channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal size;
//! in v5, 255 closes a channel.

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::{mpsc, watch};

use super::{LINGER, final_status, parse_size};
use crate::api::node_agent::{ExecSession, TerminalSize};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;
const CHUNK_BYTES: usize = 32 * 1024;
/// Messages in flight to a client before a command has to wait.
const QUEUE_MESSAGES: usize = 64;

pub(super) async fn run(socket: WebSocket, session: ExecSession) {
    let (mut sink, mut source) = socket.split();
    let (out, mut queue) = mpsc::channel::<Message>(QUEUE_MESSAGES);
    let ExecSession { mut stdin, stdout, stderr, resize, exit } = session;
    let pumps = async {
        tokio::join!(pump(stdout, STDOUT, out.clone()), pump(stderr, STDERR, out.clone()));
        let status = final_status(exit).await;
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
        () = reads => return,
    }
    // A connection that is closed over unread input is reset, and a client may lose what was written last.
    let _ = tokio::time::timeout(LINGER, async { while let Some(Ok(_)) = source.next().await {} }).await;
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

async fn pump(mut reader: Box<dyn AsyncRead + Send + Unpin>, channel: u8, out: mpsc::Sender<Message>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        if out.send(frame(channel, &buffer[..read])).await.is_err() {
            return;
        }
    }
}

pub(in crate::api) fn frame(channel: u8, data: &[u8]) -> Message {
    let mut bytes = BytesMut::with_capacity(data.len() + 1);
    bytes.put_u8(channel);
    bytes.put_slice(data);
    Message::Binary(bytes.freeze())
}

/// The end of a stream that went well: without a code, kubectl reports a broken connection.
pub(in crate::api) fn goodbye() -> Message {
    Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "".into() }))
}
