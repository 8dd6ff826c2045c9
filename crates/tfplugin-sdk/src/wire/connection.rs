//! One accepted connection, plain or under TLS, that is counted while it lives.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// How many connections there are and were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) open: usize,
    pub(crate) ever: usize,
}

/// Counts connections.
#[derive(Clone, Debug)]
pub(crate) struct Gauge(Arc<watch::Sender<Count>>);

impl Gauge {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Count::default())))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Count> {
        self.0.subscribe()
    }
}

/// A connection that gRPC can run on.
pub(crate) struct Connection {
    stream: Stream,
    gauge: Gauge,
}

enum Stream {
    Plain(UnixStream),
    Tls(Box<TlsStream<UnixStream>>),
}

impl Connection {
    pub(crate) fn plain(stream: UnixStream, gauge: &Gauge) -> Self {
        Self::counted(Stream::Plain(stream), gauge)
    }

    pub(crate) fn tls(stream: TlsStream<UnixStream>, gauge: &Gauge) -> Self {
        Self::counted(Stream::Tls(Box::new(stream)), gauge)
    }

    fn counted(stream: Stream, gauge: &Gauge) -> Self {
        gauge.0.send_modify(|count| *count = Count { open: count.open + 1, ever: count.ever + 1 });
        Self { stream, gauge: gauge.clone() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.gauge.0.send_modify(|count| count.open -= 1);
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(task, into),
            Stream::Tls(stream) => Pin::new(stream).poll_read(task, into),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(task, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(task, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(task),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(task),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(task),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(task),
        }
    }
}
