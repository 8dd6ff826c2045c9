//! Serves the API on streams that someone else accepted.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::Api;
use crate::faults::Connection;

/// A connection could not be served to its end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the TLS handshake with a client failed: {0}")]
    Handshake(#[source] std::io::Error),
    #[error("serving a client's connection failed: {0}")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("accepting a client's connection failed: {0}")]
    Accept(#[source] std::io::Error),
}

impl Api {
    /// Accepts connections forever and serves each over TLS.
    pub async fn serve(
        self,
        listener: TcpListener,
        tls: Arc<rustls::ServerConfig>,
    ) -> Result<Infallible, ServeError> {
        let acceptor = TlsAcceptor::from(tls);
        loop {
            let (stream, _) = listener.accept().await.map_err(ServeError::Accept)?;
            let connection = Connection::of(&stream).map_err(ServeError::Accept)?;
            let (api, acceptor) = (self.on(&connection), acceptor.clone());
            tokio::spawn(async move {
                if let Some(Err(error)) = connection.serve(api.serve_tls(stream, &acceptor)).await {
                    tracing::debug!(target: "sandbox::api", %error);
                }
            });
        }
    }

    /// Serves one accepted connection over TLS.
    pub async fn serve_tls<S>(self, stream: S, acceptor: &TlsAcceptor) -> Result<(), ServeError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let stream = acceptor.accept(stream).await.map_err(ServeError::Handshake)?;
        self.serve_plain(stream).await
    }

    /// Serves one connection as it is: HTTP/1.1 or HTTP/2, with upgrades.
    pub async fn serve_plain<S>(self, stream: S) -> Result<(), ServeError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(move |request: Request<Incoming>| {
            let api = self.clone();
            async move { Ok::<_, Infallible>(Box::pin(api.handle(request.map(Body::new))).await) }
        });
        let builder = Builder::new(TokioExecutor::new());
        builder
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .await
            .map_err(ServeError::Connection)
    }
}
