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
}
