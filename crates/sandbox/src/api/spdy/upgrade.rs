//! From a request to a connection that speaks SPDY, and its writing side.

use axum::body::Body;
use axum::response::Response;
use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::codec::Encoder as _;

use super::{Codec, Frame};
use crate::api::respond;

const SPDY: HeaderValue = HeaderValue::from_static("SPDY/3.1");
const STREAMS: &str = "x-stream-protocol-version";

pub(in crate::api) fn wants_spdy(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|wanted| wanted.as_bytes().eq_ignore_ascii_case(SPDY.as_bytes()))
}

/// Accepts the upgrade to streams of a protocol; `serve` has the connection once the answer is sent.
pub(in crate::api) fn after_upgrade<F: Future<Output = ()> + Send>(
    mut request: Request<Body>,
    streams: &'static str,
    serve: impl FnOnce(TokioIo<Upgraded>) -> F + Send + 'static,
) -> Response {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgraded.await {
            Ok(connection) => serve(TokioIo::new(connection)).await,
            Err(error) => tracing::debug!(%error, streams, "a connection was not upgraded"),
        }
    });
    let mut response = respond::plain(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, SPDY);
    headers.insert(STREAMS, HeaderValue::from_static(streams));
    response
}

/// Writes frames until there are no more, or nobody reads them.
pub(in crate::api) async fn write_frames(
    mut writer: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Frame>,
) {
    let mut codec = Codec::default();
    while let Some(frame) = queue.recv().await {
        let mut bytes = BytesMut::new();
        if codec.encode(frame, &mut bytes).is_err() || writer.write_all_buf(&mut bytes).await.is_err() {
            return;
        }
    }
    // A client that is gone needs no end.
    let _ = writer.shutdown().await;
}
