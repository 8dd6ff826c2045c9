//! A command's streams as those of SPDY: the client opens `error`, `stdin`, `stdout`, `stderr` and `resize`, as far as it
//! wants them.

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_util::codec::FramedRead;

use super::{LINGER, final_status, parse_size};
use crate::api::node_agent::{ExecSession, TerminalSize};
use crate::api::port_forward::pump;
use crate::api::request::Query;
use crate::api::spdy::{Codec, Frame, write_frames};

/// Frames in flight to a client before a command has to wait.
const QUEUE_FRAMES: usize = 64;

/// Which streams a client asks for, and so opens besides `error`.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    resize: bool,
}

impl Wanted {
    /// Under a terminal everything comes on stdout.
    pub(super) fn of(query: &Query) -> Self {
        let tty = query.flag("tty");
        Self {
            stdin: query.flag("stdin"),
            stdout: query.flag("stdout"),
            stderr: query.flag("stderr") && !tty,
            resize: tty,
        }
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

impl Numbers {
    /// Whether all that the client asked for is open.
    fn are_whole(&self, wanted: Wanted) -> bool {
        self.error.is_some()
            && (self.stdin.is_some() || !wanted.stdin)
            && (self.stdout.is_some() || !wanted.stdout)
            && (self.stderr.is_some() || !wanted.stderr)
            && (self.resize.is_some() || !wanted.resize)
    }
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
    wanted: Wanted,
) {
    let (reader, writer) = tokio::io::split(connection);
    let (out, queue) = mpsc::channel(QUEUE_FRAMES);
    let (numbers, mut opened) = watch::channel(Numbers::default());
    let ExecSession { stdin, stdout, stderr, resize, exit } = session;
    let mut ear = Ear { out: out.clone(), numbers, stdin, resize };
    let speaks = async move {
        // A client that still opens streams takes an end for a failure.
        let Ok(numbers) = opened.wait_for(|numbers| numbers.are_whole(wanted)).await.map(|numbers| *numbers)
        else {
            return;
        };
        tokio::join!(speak(stdout, numbers.stdout, &out), speak(stderr, numbers.stderr, &out));
        let status = final_status(exit).await.to_string();
        if let Some(stream) = numbers.error {
            // A client that is gone needs no status.
            let _ = out.send(Frame::Data { stream, bytes: status.into(), is_last: true }).await;
        }
    };
    let mut frames = FramedRead::new(reader, Codec::default());
    let hears = async {
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
    drop(ear);
    // Both ends of the queue were dropped, so that this ends when all is written.
    writes.await;
    // A connection that is closed over unread input is reset, and a client may lose what was written last.
    let _ = tokio::time::timeout(LINGER, async { while let Some(Ok(_)) = frames.next().await {} }).await;
}

/// Passes an output on as a stream.
async fn speak(
    mut reader: Box<dyn AsyncRead + Send + Unpin>,
    stream: Option<u32>,
    out: &mpsc::Sender<Frame>,
) {
    if let Some(stream) = stream {
        pump(reader, stream, out).await;
        let _ = out.send(Frame::Data { stream, bytes: Bytes::new(), is_last: true }).await;
    } else {
        // Unread output would hold the command up.
        let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
    }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;

    /// As a client opens a stream: the frame, whose headers are one stored block of the compressed text.
    fn opening(stream: u32, kind: &str) -> Vec<u8> {
        let mut text = 1_u32.to_be_bytes().to_vec();
        for word in ["streamtype", kind] {
            text.extend((word.len() as u32).to_be_bytes());
            text.extend(word.bytes());
        }
        let mut payload = [stream.to_be_bytes(), [0; 4]].concat();
        payload.extend([0; 2]);
        payload.extend(if stream == 1 { &[0x78, 0x01][..] } else { &[] });
        payload.push(0);
        payload.extend((text.len() as u16).to_le_bytes());
        payload.extend((!text.len() as u16).to_le_bytes());
        payload.extend(text);
        let mut frame = vec![0x80, 3, 0, 1];
        frame.extend((payload.len() as u32).to_be_bytes());
        frame.extend(payload);
        frame
    }

    #[tokio::test]
    async fn a_command_that_ended_early_is_told_once_all_streams_are_open() {
        let (near, mut far) = tokio::io::duplex(4096);
        let (exited, exit) = oneshot::channel();
        exited.send(Ok(0)).expect("a session");
        let session = ExecSession {
            stdin: None,
            stdout: Box::new(&b"out"[..]),
            stderr: Box::new(&b""[..]),
            resize: None,
            exit,
        };
        let wanted = Wanted { stdin: true, stdout: true, stderr: false, resize: true };
        let served = tokio::spawn(run(near, session, wanted));
        for (stream, kind) in [(1, "error"), (3, "stdin"), (5, "stdout")] {
            far.write_all(&opening(stream, kind)).await.expect("heard");
        }
        // Everything runs on this thread, so that the session does all it can while this waits its turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!served.is_finished());
        let mut early = [0; 4096];
        let read = far.read(&mut early).await.expect("the replies");
        assert!(!String::from_utf8_lossy(&early[..read]).contains("out"));

        far.write_all(&opening(7, "resize")).await.expect("still heard");
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.expect("the session's end");
        let rest = String::from_utf8_lossy(&rest);
        assert!(rest.contains("out") && rest.contains("Success"), "{rest}");
        drop(far);
        served.await.expect("served");
    }
}
