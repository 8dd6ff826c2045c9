//! Streams to a pod's port: through the API server, or straight to the pod's address.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Kubernetes;
use super::error::{KubernetesError, Source};
use super::sort::innermost;

/// How pods are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Through the API server: works from anywhere that the API server is reached from.
    #[default]
    PortForward,
    /// At the pod's own address: for whoever runs in the cluster's network.
    Direct,
}

impl Mode {
    fn describe(self) -> &'static str {
        match self {
            Self::PortForward => "through the Kubernetes API",
            Self::Direct => "at its own address",
        }
    }
}

/// A stream of bytes to a pod's port.
pub enum PodStream {
    Forwarded(ForwardedStream),
    Direct(TcpStream),
}

type ErrorText = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// A forwarded port. Where the pod refused the connection, the stream's end becomes the error
/// that the kubelet sent beside it.
pub struct ForwardedStream {
    stream: DuplexStream,
    error: Option<ErrorText>,
}

impl Kubernetes {
    /// Opens a stream to a port of a pod, within the given time.
    pub async fn open_stream(
        &self,
        mode: Mode,
        (namespace, pod): (&str, &str),
        port: u16,
        limit: Duration,
    ) -> Result<PodStream, KubernetesError> {
        let opened = async {
            match mode {
                Mode::PortForward => {
                    let [stream] = self.forward(namespace, pod, [port]).await?;
                    stream.map(PodStream::Forwarded)
                }
                Mode::Direct => self.dial(namespace, pod, port).await.map(PodStream::Direct),
            }
        };
        let opened = timeout(limit, opened).await;
        opened
            .unwrap_or_else(|_| Err(late(limit)))
            .map_err(|source| failed(mode, (namespace, pod), port, source))
    }

    /// Opens a stream to each of two ports of a pod: through the API server, both by one request.
    pub async fn open_streams(
        &self,
        mode: Mode,
        (namespace, pod): (&str, &str),
        ports: [u16; 2],
        limit: Duration,
    ) -> [Result<PodStream, KubernetesError>; 2] {
        let fail = |port, source| failed(mode, (namespace, pod), port, source);
        match mode {
            Mode::PortForward => {
                let forwarded = timeout(limit, self.forward(namespace, pod, ports)).await;
                match forwarded.unwrap_or_else(|_| Err(late(limit))) {
                    Ok([one, other]) => [(ports[0], one), (ports[1], other)].map(|(port, stream)| {
                        stream.map(PodStream::Forwarded).map_err(|source| fail(port, source))
                    }),
                    Err(error) => {
                        let shared: Arc<dyn std::error::Error + Send + Sync> = Arc::from(error);
                        ports.map(|port| Err(fail(port, Box::new(Arc::clone(&shared)))))
                    }
                }
            }
            Mode::Direct => {
                let dial = |port| self.open_stream(mode, (namespace, pod), port, limit);
                let (one, other) = tokio::join!(dial(ports[0]), dial(ports[1]));
                [one, other]
            }
        }
    }

    async fn forward<const N: usize>(
        &self,
        namespace: &str,
        pod: &str,
        ports: [u16; N],
    ) -> Result<[Result<ForwardedStream, Source>; N], Source> {
        let api: Api<Pod> = Api::namespaced(self.raw().await?, namespace);
        let mut forwarder = api.portforward(pod, &ports).await?;
        Ok(ports.map(|port| {
            let stream = forwarder.take_stream(port).ok_or("the port was not forwarded")?;
            let error = forwarder.take_error(port).map(|error| Box::pin(error) as ErrorText);
            Ok(ForwardedStream { stream, error })
        }))
    }

    async fn dial(&self, namespace: &str, pod: &str, port: u16) -> Result<TcpStream, Source> {
        let api: Api<Pod> = Api::namespaced(self.raw().await?, namespace);
        let address = api.get_status(pod).await?.status.and_then(|status| status.pod_ip);
        let address = address.ok_or("the pod has no address yet")?;
        let stream = TcpStream::connect((address.as_str(), port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn late(limit: Duration) -> Source {
    format!("no answer within {} s", limit.as_secs_f32()).into()
}

fn failed(mode: Mode, (namespace, pod): (&str, &str), port: u16, source: Source) -> KubernetesError {
    KubernetesError::Stream {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        port,
        how: mode.describe(),
        reason: innermost(source.as_ref()),
        source: Some(source),
    }
}

impl AsyncRead for ForwardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let ended = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if !ended || buffer.remaining() == 0 {
            return read;
        }
        let Some(error) = self.error.as_mut() else { return read };
        match error.as_mut().poll(context) {
            Poll::Ready(Some(message)) => {
                self.error = None;
                Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionRefused, message.trim().to_owned())))
            }
            // Without an error, or before it is known, the end is just an end.
            _ => read,
        }
    }
}

impl AsyncWrite for ForwardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for PodStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Forwarded(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Direct(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for PodStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Forwarded(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Direct(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Forwarded(stream) => Pin::new(stream).poll_flush(context),
            Self::Direct(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Forwarded(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Direct(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
