//! A client's connection that a fault may reset.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The handle of an accepted connection; clones are the same connection.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// A second descriptor of the socket, given up before the first is closed: the last close sends the reset.
    socket: Arc<Mutex<Option<OwnedFd>>>,
    end: CancellationToken,
}

impl Connection {
    pub(crate) fn of(stream: &TcpStream) -> std::io::Result<Self> {
        let socket = stream.as_fd().try_clone_to_owned()?;
        Ok(Self { socket: Arc::new(Mutex::new(Some(socket))), end: CancellationToken::new() })
    }

    /// Serves the connection until it ends or is reset.
    pub(crate) async fn serve<T>(&self, serving: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            served = serving => Some(served),
            () = self.end.cancelled() => None,
        }
    }

    /// Drops what is being served and has the kernel send RST instead of an orderly end.
    pub(crate) fn reset(&self) {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(socket) = socket {
            // A socket that is gone already needs no reset.
            let _ = rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
        }
        self.end.cancel();
    }
}
