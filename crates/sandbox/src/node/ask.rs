//! The requests of probes and hooks: HTTP with and without TLS, and gRPC's health check.
//!
//! As a kubelet does, they take any certificate: who asks knows the address, and learns only whether it answers well.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

const AGENT: &str = "kube-probe/1.33";
/// Of an answer's first line.
const HEAD_BYTES_MAX: u64 = 1024;

/// A GET, as an `httpGet` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpGet {
    /// Empty for the pod's own address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) is_tls: bool,
}

impl HttpGet {
    /// Asks over a connection to `host`; statuses from 200 to 399 are good.
    pub(super) async fn ask(&self, stream: TcpStream, host: &str) -> Result<(), String> {
        if !self.is_tls {
            return self.exchange(stream, host).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("host {host}: {error}"))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting()?));
        let stream = connector.connect(name, stream).await;
        self.exchange(stream.map_err(|error| format!("TLS handshake with {host}: {error}"))?, host).await
    }

    async fn exchange(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        host: &str,
    ) -> Result<(), String> {
        let (path, port) = (&self.path, self.port);
        let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
        let defaults = [
            ("Host", format!("{host}:{port}")),
            ("User-Agent", AGENT.to_owned()),
            ("Accept", "*/*".to_owned()),
        ];
        let is_given = |name: &str| self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        for (name, value) in defaults.iter().filter(|(name, _)| !is_given(name)) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        for (name, value) in &self.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut head = Vec::new();
        let mut bounded = stream.take(HEAD_BYTES_MAX);
        while !head.contains(&b'\n') {
            if bounded.read_buf(&mut head).await.map_err(|error| error.to_string())? == 0 {
                break;
            }
        }
        let status = String::from_utf8_lossy(&head);
        let code: Option<u16> = status.split_ascii_whitespace().nth(1).and_then(|code| code.parse().ok());
        match code {
            Some(200..400) => Ok(()),
            Some(code) => Err(format!("HTTP probe failed with statuscode: {code}")),
            None => Err("HTTP probe failed: the answer is not HTTP".to_owned()),
        }
    }
}

/// Calls `grpc.health.v1.Health/Check` for a service; only SERVING is good.
pub(super) async fn check_health(stream: TcpStream, address: &str, service: &str) -> Result<(), String> {
    let failed = |error: hyper::Error| format!("error: health rpc probe failed: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(failed)?;
    // It ends with its sender.
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://{address}/grpc.health.v1.Health/Check"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", AGENT)
        .body(Full::new(health_request(service)))
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(failed)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(failed)?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let said = |name: &str| {
        let value = trailers.get(name).or_else(|| head.headers.get(name))?;
        value.to_str().ok().map(str::to_owned)
    };
    let message = said("grpc-message").unwrap_or_default();
    match said("grpc-status").as_deref() {
        Some("0") => read_health(&body.to_bytes()),
        Some("12") => Err(format!(
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {message}"
        )),
        Some(code) => Err(format!("error: health rpc probe failed: code {code}: {message}")),
        None => {
            Err(format!("error: health rpc probe failed: HTTP status {} without a gRPC status", head.status))
        }
    }
}

/// A message of one field, the service's name, after its five bytes of length.
fn health_request(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        let mut left = service.len();
        while left > 0x7f {
            message.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        message.push(left as u8);
        message.extend(service.bytes());
    }
    let mut framed = vec![0];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend(message);
    framed.into()
}

/// The status is the message's only field; left out it is UNKNOWN.
fn read_health(framed: &[u8]) -> Result<(), String> {
    let status = match framed.get(5..) {
        Some([0x08, status, ..]) => *status,
        Some([]) => 0,
        _ => return Err("error: health rpc probe failed: the answer is no HealthCheckResponse".to_owned()),
    };
    let name = match status {
        1 => return Ok(()),
        2 => "NOT_SERVING",
        3 => "SERVICE_UNKNOWN",
        _ => "UNKNOWN",
    };
    Err(format!("service unhealthy (responded with \"{name}\")"))
}

fn trusting() -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)));
    Ok(config.with_no_client_auth())
}

/// Takes every certificate whose key signed the handshake.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::{get, post};
    use tokio::net::TcpListener;

    use super::*;
    use crate::api::tls::Identity;

    fn http(path: &str, is_tls: bool) -> HttpGet {
        let headers = vec![("X-Probe".to_owned(), "yes".to_owned()), ("host".to_owned(), "front".to_owned())];
        HttpGet { host: String::new(), port: 80, path: path.to_owned(), headers, is_tls }
    }

    /// What a server with a page that wants the probe's headers answers.
    async fn check(path: &str, is_tls: bool, expected: Result<(), &str>) {
        let page = async |headers: HeaderMap| {
            let has = |name: &str, value: &str| headers.get_all(name).iter().eq([value]);
            if has("x-probe", "yes") && has("host", "front") {
                StatusCode::FOUND
            } else {
                StatusCode::CONFLICT
            }
        };
        let router = Router::new().route("/page", get(page));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = Identity::generate().expect("a certificate").server;
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            let service = hyper_util::service::TowerToHyperService::new(router);
            let builder = hyper::server::conn::http1::Builder::new();
            if is_tls {
                let stream = tokio_rustls::TlsAcceptor::from(server).accept(stream).await.expect("TLS");
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            } else {
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        let stream = TcpStream::connect(address).await.expect("connected");
        let found = http(path, is_tls).ask(stream, "127.0.0.1").await;
        assert_eq!(found.as_ref().map_err(String::as_str).copied(), expected, "{path} {is_tls}");
    }

    #[tokio::test]
    async fn a_get_is_good_by_its_status_with_and_without_tls() {
        for is_tls in [false, true] {
            check("/page", is_tls, Ok(())).await;
            check("/none", is_tls, Err("HTTP probe failed with statuscode: 404")).await;
        }
    }

    /// What a server makes of a health check that answers with these bytes and this status.
    async fn check_grpc(service: &str, status: &'static str, expected: Result<(), &str>) {
        let answer = move |body: Bytes| async move {
            // A server whose health is the length of the service's name.
            let health = u8::try_from(body.len().saturating_sub(7)).expect("a short name");
            let message = Bytes::from(vec![0, 0, 0, 0, 2, 8, health]);
            let trailers = async move {
                Some(Ok(HeaderMap::from_iter([(
                    "grpc-status".parse().expect("a name"),
                    status.parse().expect("a value"),
                )])))
            };
            axum::body::Body::new(Full::new(message).with_trailers(trailers))
        };
        let router = Router::new().route("/grpc.health.v1.Health/Check", post(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            let service = hyper_util::service::TowerToHyperService::new(router);
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
        let stream = TcpStream::connect(address).await.expect("connected");
        let found = check_health(stream, &address.to_string(), service).await;
        assert_eq!(found.as_ref().map_err(String::as_str).copied(), expected, "{service} {status}");
    }

    #[tokio::test]
    async fn a_health_check_is_good_when_the_service_serves() {
        check_grpc("a", "0", Ok(())).await;
        check_grpc("ab", "0", Err("service unhealthy (responded with \"NOT_SERVING\")")).await;
        check_grpc("", "0", Err("service unhealthy (responded with \"UNKNOWN\")")).await;
        check_grpc("a", "14", Err("error: health rpc probe failed: code 14: ")).await;
        let missing =
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ";
        check_grpc("a", "12", Err(missing)).await;
    }
}
