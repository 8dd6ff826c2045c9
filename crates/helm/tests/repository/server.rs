//! HTTP servers on this machine: with or without TLS, each on a port of its own.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::serve::Listener;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) const USER: &str = "reader";
pub(crate) const PASSWORD: &str = "hunter2-of-the-repository";

pub(crate) fn encoded() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

pub(crate) fn is_authorized(headers: &HeaderMap) -> bool {
    let seen = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    seen == Some(format!("Basic {}", encoded()).as_str())
}

/// A server; its address and how many requests it has had.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// In the clear.
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        Self::serve(listener, address, router)
    }

    pub(crate) async fn start_tls(router: Router, acceptor: TlsAcceptor) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = tcp.local_addr().expect("an address");
        Self::serve(Tls { tcp, acceptor }, address, router)
    }

    fn serve<L>(listener: L, address: SocketAddr, router: Router) -> Self
    where
        L: Listener<Addr = SocketAddr>,
    {
        let requests = Arc::new(AtomicUsize::default());
        let counter = Arc::clone(&requests);
        let counted = router.layer(middleware::from_fn(move |request: Request, next: Next| {
            counter.fetch_add(1, Ordering::Relaxed);
            next.run(request)
        }));
        tokio::spawn(async move { axum::serve(listener, counted).await });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// The files of a directory.
pub(crate) fn files(directory: &Path) -> Router {
    let directory = directory.to_path_buf();
    Router::new().fallback(move |request: Request| {
        let path = directory.join(request.uri().path().trim_start_matches('/'));
        async move {
            match std::fs::read(path) {
                Ok(data) => data.into_response(),
                Err(_) => StatusCode::NOT_FOUND.into_response(),
            }
        }
    })
}

/// Asks for the user and the password first.
pub(crate) fn guarded(router: Router) -> Router {
    router.layer(middleware::from_fn(|request: Request, next: Next| async move {
        if is_authorized(request.headers()) {
            next.run(request).await
        } else {
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"charts\"")]).into_response()
        }
    }))
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.expect("an open port");
            // A client that does not trust us is no reason to stop.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// An authority with a server's certificate and a client's, the public parts on disk.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).expect("a file");
        let authority = Self { issuer, directory };
        let (certificate, key) = authority.sign("client");
        std::fs::write(authority.file("client.pem"), certificate.pem()).expect("a file");
        std::fs::write(authority.file("client.key"), key.serialize_pem()).expect("a file");
        authority
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }

    /// Serves as 127.0.0.1; where `wants_client`, only those whom the authority knows.
    pub(crate) fn acceptor(&self, wants_client: bool) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().expect("the usual versions");
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        let (certificate, key) = self.sign("127.0.0.1");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = builder.with_single_cert(vec![certificate.der().clone()], key);
        TlsAcceptor::from(Arc::new(config.expect("a certificate and its key")))
    }
}
