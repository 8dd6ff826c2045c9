//! The certificate authority, the server's certificate, the token, and the kubeconfig that names them.

use std::sync::Arc;

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Making a certificate failed.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("making the API server's certificate failed: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("the TLS configuration of the API server was refused: {0}")]
    Configuration(#[from] rustls::Error),
}

/// What a server needs to serve TLS and a client to trust it.
pub struct Identity {
    /// The authority's certificate, for clients.
    pub ca_pem: String,
    /// HTTP/1.1 and HTTP/2 by ALPN.
    pub server: Arc<rustls::ServerConfig>,
}

impl Identity {
    /// A fresh authority and a server certificate for localhost, 127.0.0.1 and the in-cluster names.
    pub fn generate() -> Result<Self, TlsError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "sandbox-ca");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let names = [
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "127.0.0.1",
            "10.96.0.1",
        ];
        let mut params = CertificateParams::new(names.map(str::to_owned).to_vec())?;
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { ca_pem: authority.pem(), server: Arc::new(server) })
    }
}

/// A bearer token that never shows in logs.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    pub fn generate() -> Self {
        let bits: [u8; 32] = rand::random();
        Self(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bits))
    }

    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The secret itself, to be written to a kubeconfig or compared.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// The text of a kubeconfig with one cluster, one user and one context.
pub fn render_kubeconfig(name: &str, server: &str, ca_pem: &str, token: &Token) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(ca_pem);
    let token = token.reveal();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {name}\n\
         clusters:\n- name: {name}\n  cluster:\n    server: {server}\n    certificate-authority-data: {ca}\n\
         users:\n- name: {name}\n  user:\n    token: {token}\n\
         contexts:\n- name: {name}\n  context:\n    cluster: {name}\n    user: {name}\n    namespace: default\n"
    )
}
