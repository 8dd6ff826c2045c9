//! The unix socket, in a directory of its own that only this user may enter.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::ServeError;
use crate::wire::{Connection, Gauge};

/// A TLS handshake that takes longer is not Terraform's.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Terraform connects within a second; one that never does has died.
const FIRST_CONNECTION_TIMEOUT: Duration = Duration::from_secs(120);
/// Terraform holds one connection for its life; one that is gone this long has been killed.
const LAST_CONNECTION_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 10_000 });

/// A bound socket. Its directory is removed with the last reference to it.
pub(super) struct Listener {
    listener: UnixListener,
    path: PathBuf,
    directory: Arc<TempDir>,
    gauge: Gauge,
}

impl Listener {
    pub(super) fn bind(directory: Option<PathBuf>) -> Result<Self, ServeError> {
        let parent = directory.unwrap_or_else(std::env::temp_dir);
        let failed = |source| ServeError::Listen { directory: parent.display().to_string(), source };
        let directory = tempfile::Builder::new().prefix("plugin").tempdir_in(&parent).map_err(failed)?;
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).map_err(failed)?;
        Ok(Self { listener, path, directory: Arc::new(directory), gauge: Gauge::new() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends when whoever started us is gone: no first connection, or none after the last.
    pub(super) fn abandoned(&self) -> impl Future<Output = ()> + use<> {
        let mut count = self.gauge.watch();
        async move {
            let first =
                tokio::time::timeout(FIRST_CONNECTION_TIMEOUT, count.wait_for(|count| count.ever > 0));
            if first.await.is_err() {
                return;
            }
            loop {
                let ever = count.wait_for(|count| count.open == 0).await.map_or(0, |count| count.ever);
                let back = count.wait_for(|count| count.ever > ever);
                if tokio::time::timeout(LAST_CONNECTION_TIMEOUT, back).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Connections as they come, each past its TLS handshake where there is one.
    pub(super) fn incoming(
        self,
        tls: Option<Arc<ServerConfig>>,
    ) -> impl Stream<Item = io::Result<Connection>> + Send {
        let (ready, incoming) = mpsc::channel(1);
        let tls = tls.map(TlsAcceptor::from);
        tokio::spawn(async move {
            let Self { listener, directory, gauge, .. } = self;
            while !ready.is_closed() {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = ready.closed() => break,
                };
                match stream {
                    Ok((stream, _)) => {
                        tokio::spawn(admit(stream, tls.clone(), gauge.clone(), ready.clone()));
                    }
                    Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
                }
            }
            drop(directory);
        });
        ReceiverStream::new(incoming)
    }
}

async fn admit(
    stream: UnixStream,
    tls: Option<TlsAcceptor>,
    gauge: Gauge,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    let connection = match tls {
        None => Connection::plain(stream, &gauge),
        Some(tls) => match tokio::time::timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => Connection::tls(stream, &gauge),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a connection failed its TLS handshake");
                return;
            }
            Err(_) => {
                tracing::warn!("a connection did not finish its TLS handshake in {TLS_HANDSHAKE_TIMEOUT:?}");
                return;
            }
        },
    };
    // A closed channel means that the server has shut down: the connection is dropped.
    let _ = ready.send(Ok(connection)).await;
}
