//! A connection of a client and a server that a partition can hold up: nothing passes while the two are cut off.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::cuts::Cuts;

const CHUNK_BYTES: usize = 16 * 1024;

/// The addresses at the two ends of a way.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) client: Ipv4Addr,
    pub(super) server: Ipv4Addr,
    pub(super) cuts: Cuts,
}

impl Link {
    pub(super) async fn until_joined(&self) {
        self.cuts.until_joined(self.client, self.server).await;
    }

    /// Copies both ways until both sides have ended or one fails.
    pub(super) async fn copy(&self, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(self.pump(from_client, to_server), self.pump(from_server, to_client))?;
        Ok(())
    }

    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = from.read(&mut chunk).await?;
            self.until_joined().await;
            if length == 0 {
                return to.shutdown().await;
            }
            to.write_all(&chunk[..length]).await?;
        }
    }
}
