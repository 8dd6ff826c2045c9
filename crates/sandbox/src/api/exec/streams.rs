//! A command's streams as those of SPDY: the client opens `error`, `stdin`, `stdout`, `stderr` and `resize`, as far as it
//! wants them.

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_util::codec::FramedRead;

use super::{final_status, parse_size};
use crate::api::node_agent::{ExecSession, TerminalSize};
use crate::api::port_forward::pump;
use crate::api::request::Query;
use crate::api::spdy::{Codec, Frame, write_frames};

/// Frames in flight to a client before a command has to wait.
const QUEUE_FRAMES: usize = 64;

/// Which outputs a client asks for, and so opens streams for.
#[derive(Clone, Copy)]
pub(super) struct Outputs {
    stdout: bool,
    stderr: bool,
}

impl Outputs {
    /// Under a terminal everything comes on stdout.
    pub(super) fn of(query: &Query) -> Self {
        Self { stdout: query.flag("stdout"), stderr: query.flag("stderr") && !query.flag("tty") }
    }
}

/// The numbers of the streams that are open.
#[derive(Clone, Copy, Default)]
struct Numbers {
    error: Option<u32>,
    stdin: Option<u32>,
    stdout: Option<u32>,
    stderr: Option<u32>,
    resize: Option<u32>,
}

/// What a client says.
struct Ear {
    out: mpsc::Sender<Frame>,
    numbers: watch::Sender<Numbers>,
    stdin: Option<mpsc::Sender<Bytes>>,
    resize: Option<watch::Sender<TerminalSize>>,
}

pub(super) async fn run(
    connection: impl AsyncRead + AsyncWrite + Send + Unpin,
    session: ExecSession,
    outputs: Outputs,
) {
    let (reader, writer) = tokio::io::split(connection);
    let (out, queue) = mpsc::channel(QUEUE_FRAMES);
    let (numbers, opened) = watch::channel(Numbers::default());
    let ExecSession { stdin, stdout, stderr, resize, exit } = session;
    let mut ear = Ear { out: out.clone(), numbers, stdin, resize };
    let speaks = async move {
        tokio::join!(
            speak(stdout, outputs.stdout, |numbers| numbers.stdout, &opened, &out),
            speak(stderr, outputs.stderr, |numbers| numbers.stderr, &opened, &out),
        );
        let status = final_status(exit).await.to_string();
        if let Some(stream) = number(&opened, |numbers| numbers.error).await {
            // A client that is gone needs no status.
            let _ = out.send(Frame::Data { stream, bytes: status.into(), is_last: true }).await;
        }
    };
    let hears = async move {
        let mut frames = FramedRead::new(reader, Codec::default());
        while let Some(Ok(frame)) = frames.next().await {
            ear.hear(frame).await;
        }
    };
    let writes = write_frames(writer, queue);
    tokio::pin!(writes);
    // The command ends by itself, or the client goes and the session is dropped, which kills it.
    tokio::select! {
        () = speaks => {}
        () = hears => {}
        () = &mut writes => return,
    }
    // Both ends of the queue were dropped with the two, so that this ends when all is written.
    writes.await;
}

/// Passes an output on, once the client has opened its stream.
async fn speak(
    reader: Box<dyn AsyncRead + Send + Unpin>,
    is_wanted: bool,
    which: fn(&Numbers) -> Option<u32>,
    opened: &watch::Receiver<Numbers>,
    out: &mpsc::Sender<Frame>,
) {
    if is_wanted && let Some(stream) = number(opened, which).await {
        pump(reader, stream, out).await;
        let _ = out.send(Frame::Data { stream, bytes: Bytes::new(), is_last: true }).await;
    } else {
        let mut reader = reader;
        // Unread output would hold the command up.
        let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
    }
}

/// The number of a stream, once it is open; none if the client went.
async fn number(opened: &watch::Receiver<Numbers>, which: fn(&Numbers) -> Option<u32>) -> Option<u32> {
    let mut opened = opened.clone();
    let numbers = opened.wait_for(|numbers| which(numbers).is_some()).await.ok()?;
    which(&numbers)
}

impl Ear {
    async fn hear(&mut self, frame: Frame) {
        match frame {
            Frame::Open { stream, headers, .. } => self.open(stream, &headers).await,
            Frame::Data { stream, bytes, is_last } => {
                let numbers = *self.numbers.borrow();
                if numbers.resize == Some(stream)
                    && let (Some(resize), Some(size)) = (&self.resize, parse_size(&bytes))
                {
                    resize.send_replace(size);
                }
                if numbers.stdin == Some(stream) {
                    if let Some(stdin) = self.stdin.as_ref().filter(|_| !bytes.is_empty()) {
                        // A command that reads no more says so by its end.
                        let _ = stdin.send(bytes).await;
                    }
                    if is_last {
                        self.stdin = None;
                    }
                }
            }
            Frame::Reset { stream } if self.numbers.borrow().stdin == Some(stream) => self.stdin = None,
            Frame::Ping { id } => drop(self.out.send(Frame::Ping { id }).await),
            _ => {}
        }
    }

    async fn open(&mut self, stream: u32, headers: &[(String, String)]) {
        let kind = headers.iter().find(|(name, _)| name == "streamtype").map(|(_, value)| value.as_str());
        let answer = match kind {
            Some("error" | "stdin" | "stdout" | "stderr" | "resize") => Frame::Accepted { stream },
            _ => Frame::Reset { stream },
        };
        // A client that is gone ends the session at its next read.
        let _ = self.out.send(answer).await;
        self.numbers.send_modify(|numbers| match kind {
            Some("error") => numbers.error = Some(stream),
            Some("stdin") => numbers.stdin = Some(stream),
            Some("stdout") => numbers.stdout = Some(stream),
            Some("stderr") => numbers.stderr = Some(stream),
            Some("resize") => numbers.resize = Some(stream),
            _ => {}
        });
    }
}
