//! What clients attach to: the input of a container that reads one, and all that it said so far and says from now on.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::ChildStdin;
use tokio::sync::{broadcast, mpsc, watch};

use super::terminal::{TerminalReader, feed, follow_size};
use crate::api::node_agent::TerminalSize;

const CHUNK_BYTES: usize = 16 * 1024;
/// What a client that comes late still sees.
const HISTORY_BYTES_MAX: usize = 64 * 1024;
/// Chunks that a slow client may be behind before it misses some.
const CHUNKS_BEHIND_MAX: usize = 256;
const INPUT_CHUNKS: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Stdout,
    Stderr,
}

type Chunk = (Output, Bytes);

#[derive(Debug)]
pub(in crate::node) struct Console {
    input: Mutex<Option<mpsc::Sender<Bytes>>>,
    /// The first client's end is the end of the input.
    is_for_one_client: bool,
    history: Mutex<VecDeque<Chunk>>,
    said: broadcast::Sender<Chunk>,
    /// Only of a terminal.
    size: Option<watch::Sender<TerminalSize>>,
}

/// What a container reads from and writes to, besides its log.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::node) struct Input {
    pub(in crate::node) is_open: bool,
    pub(in crate::node) is_for_one_client: bool,
    pub(in crate::node) is_terminal: bool,
}

impl Input {
    /// Whether clients attach to more than the log.
    pub(super) fn has_console(self) -> bool {
        self.is_open || self.is_terminal
    }
}

impl Console {
    pub(super) fn of_pipes(input: Input, stdin: Option<ChildStdin>) -> Arc<Self> {
        Arc::new(Self::new(input, stdin.map(start_feed), None))
    }

    /// Also gives the terminal's output.
    pub(super) fn of_terminal(input: Input, terminal: File) -> std::io::Result<(Arc<Self>, TerminalReader)> {
        let size = follow_size(&terminal)?;
        let reader = TerminalReader(tokio::fs::File::from_std(terminal.try_clone()?));
        let sender = input.is_open.then(|| start_feed(tokio::fs::File::from_std(terminal)));
        Ok((Arc::new(Self::new(input, sender, Some(size))), reader))
    }

    fn new(
        input: Input,
        sender: Option<mpsc::Sender<Bytes>>,
        size: Option<watch::Sender<TerminalSize>>,
    ) -> Self {
        Self {
            input: Mutex::new(sender),
            is_for_one_client: input.is_for_one_client,
            history: Mutex::default(),
            said: broadcast::Sender::new(CHUNKS_BEHIND_MAX),
            size,
        }
    }

    /// Keeps what a stream says for clients, and gives it on for the log.
    pub(super) fn hear(
        self: &Arc<Self>,
        output: Output,
        mut stream: impl AsyncRead + Send + Unpin + 'static,
    ) -> tokio::io::DuplexStream {
        let (mut to_log, from_here) = tokio::io::duplex(CHUNK_BYTES);
        let console = Arc::clone(self);
        tokio::spawn(async move {
            let mut buffer = vec![0; CHUNK_BYTES];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                console.note((output, Bytes::copy_from_slice(&buffer[..read])));
                if to_log.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        });
        from_here
    }

    fn note(&self, chunk: Chunk) {
        let mut history = self.history();
        history.push_back(chunk.clone());
        while history.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > HISTORY_BYTES_MAX {
            history.pop_front();
        }
        // Nobody may be attached.
        let _ = self.said.send(chunk);
    }

    fn history(&self) -> MutexGuard<'_, VecDeque<Chunk>> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::node) fn size(&self) -> Option<watch::Sender<TerminalSize>> {
        self.size.clone()
    }

    /// Where a client's input goes; none where the container reads none, or its only client has gone.
    pub(in crate::node) fn open_input(self: &Arc<Self>) -> Option<mpsc::Sender<Bytes>> {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        if !self.is_for_one_client {
            return Some(input);
        }
        let (sender, mut inbox) = mpsc::channel(INPUT_CHUNKS);
        let console = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(bytes) = inbox.recv().await {
                if input.send(bytes).await.is_err() {
                    break;
                }
            }
            *console.input.lock().unwrap_or_else(PoisonError::into_inner) = None;
        });
        Some(sender)
    }

    /// Copies all that the container said and says to a client, until `ended` and all is said.
    pub(in crate::node) async fn tell(
        &self,
        mut stdout: impl AsyncWrite + Unpin,
        mut stderr: impl AsyncWrite + Unpin,
        ended: impl Future<Output = i32>,
    ) {
        let (history, mut news) = {
            let history = self.history();
            (history.clone(), self.said.subscribe())
        };
        tokio::pin!(ended);
        let mut ready = history;
        let mut has_ended = false;
        loop {
            while let Some((output, bytes)) = ready.pop_front() {
                let written = match output {
                    Output::Stdout => stdout.write_all(&bytes).await,
                    Output::Stderr => stderr.write_all(&bytes).await,
                };
                if written.is_err() {
                    return;
                }
            }
            if has_ended {
                match news.try_recv() {
                    Ok(chunk) => ready.push_back(chunk),
                    Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                    Err(_) => return,
                }
                continue;
            }
            tokio::select! {
                chunk = news.recv() => ready.extend(chunk.ok()),
                _ = &mut ended => has_ended = true,
            }
        }
    }
}

fn start_feed(stdin: impl AsyncWrite + Send + Unpin + 'static) -> mpsc::Sender<Bytes> {
    let (sender, inbox) = mpsc::channel(INPUT_CHUNKS);
    tokio::spawn(feed(inbox, stdin));
    sender
}
