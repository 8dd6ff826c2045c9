//! Serves plain HTTP so that a fault can reset the connection of a request.

use std::convert::Infallible;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use super::Connection;

/// Accepts connections forever; handlers find theirs as an extension of the request.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, router: Router) -> std::io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = Connection::of(&stream)?;
        let service = TowerToHyperService::new(router.clone().layer(Extension(connection.clone())));
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            if let Some(Err(error)) = connection.serve(serving).await {
                tracing::debug!(%error, "serving a client's connection failed");
            }
        });
    }
}
