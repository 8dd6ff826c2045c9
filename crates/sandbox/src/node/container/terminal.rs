//! Terminals: the pair of files, their size, and the bytes in and out.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::{mpsc, watch};

use crate::api::node_agent::TerminalSize;
use crate::node::NodeError;

/// Opens a terminal by its multiplexer: the end of whoever looks at it, and that of a command.
pub(super) fn open_terminal(multiplexer: &Path) -> Result<(File, OwnedFd), NodeError> {
    let failed = |errno: rustix::io::Errno| NodeError::file("open", multiplexer)(errno.into());
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let ours = rustix::fs::open(multiplexer, flags, Mode::empty()).map_err(failed)?;
    rustix::pty::grantpt(&ours).map_err(failed)?;
    rustix::pty::unlockpt(&ours).map_err(failed)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let theirs = rustix::pty::ioctl_tiocgptpeer(&ours, flags).map_err(failed)?;
    Ok((File::from(ours), theirs))
}

/// Gives the terminal each size that the client's has, until the client is gone.
pub(in crate::node) fn follow_size(terminal: &File) -> std::io::Result<watch::Sender<TerminalSize>> {
    let terminal = terminal.try_clone()?;
    let (sender, mut sizes) = watch::channel((0, 0));
    tokio::spawn(async move {
        while sizes.changed().await.is_ok() {
            let (columns, rows) = *sizes.borrow_and_update();
            let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            // A command that ended has no terminal to resize.
            let _ = rustix::termios::tcsetwinsize(&terminal, size);
        }
    });
    Ok(sender)
}

/// Passes on what a client types, and closes the input after it.
pub(in crate::node) async fn feed(mut inbox: mpsc::Receiver<Bytes>, mut stdin: impl AsyncWrite + Unpin) {
    while let Some(bytes) = inbox.recv().await {
        if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// A terminal whose other end is closed reads as an error; for a client that is the end of the output.
pub(in crate::node) struct TerminalReader(pub(in crate::node) tokio::fs::File);

impl AsyncRead for TerminalReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(context, buffer) {
            Poll::Ready(Err(_)) => Poll::Ready(Ok(())),
            other => other,
        }
    }
}
