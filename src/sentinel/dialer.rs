//! How a pod's port is reached: the one door between this room and the network.

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// Any stream of bytes in both directions: a socket, a forwarded port, a pipe of a test.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// Why a stream could not be opened, in the words of whoever tried.
pub type DialError = Box<dyn std::error::Error + Send + Sync>;

/// Opens streams to pods. It need not bound the time it takes: the caller does.
#[async_trait]
pub trait Dialer: Send + Sync {
    async fn dial(&self, pod: &str, port: u16) -> Result<Box<dyn ByteStream>, DialError>;

    /// Opens a stream to each of two ports of one pod, at the price of one where that can be had.
    async fn dial_both(&self, pod: &str, ports: [u16; 2]) -> [Result<Box<dyn ByteStream>, DialError>; 2] {
        let (one, other) = tokio::join!(self.dial(pod, ports[0]), self.dial(pod, ports[1]));
        [one, other]
    }
}
