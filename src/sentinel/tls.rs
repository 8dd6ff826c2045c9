//! TLS to servers and sentinels. A pod is reached through a forwarded port, under no name that its
//! certificate could have, and clients of Redis hold certificates to the CA alone: so do we.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};
use tokio_rustls::TlsConnector;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::{ASN1Time, FromDer, X509Version};

use super::dialer::{ByteStream, DialError};
use super::error::Error;

/// What a server's certificate is held to, and what it is shown of ours. All in PEM.
#[derive(Clone, Copy, Default)]
pub struct Trust<'a> {
    /// Certificates that every chain has to end at. Without one, only `servers` itself is taken.
    pub ca: Option<&'a str>,
    /// The certificate that the servers were given.
    pub servers: Option<&'a str>,
    /// Its private key: the servers ask for a certificate, and are shown their own.
    pub key: Option<&'a str>,
}

/// A way to open a stream under TLS.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl Tls {
    /// Errors name the part that is missing or no PEM, and no content.
    pub fn new(trust: Trust<'_>) -> Result<Self, Error> {
        let held = Held::new(trust)?;
        let provider = held.provider.clone();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable("the protocol"))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(held));
        let config = match trust.servers.zip(trust.key) {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain, "servers")?;
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
                let key = key.map_err(|_| no_pem("private key", "private key"))?;
                let key = provider.key_provider.load_private_key(key).map_err(unusable("the private key"))?;
                // Its own checks refuse a certificate of version 1, which servers take.
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                    chain, key,
                ))))
            }
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Shakes hands over an open stream.
    pub async fn over(&self, stream: Box<dyn ByteStream>) -> Result<Box<dyn ByteStream>, DialError> {
        // An address as the name: none is sent, and none is looked at.
        let nobody = ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
        let shaken = self.0.connect(nobody, stream).await;
        let shaken = shaken.map_err(|source| Error::Tls { reason: format!("no handshake: {source}") })?;
        Ok(Box::new(shaken))
    }
}

fn certificates(pem: &str, whose: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| no_pem("certificate", whose))
}

fn no_pem(wanted: &str, whose: &str) -> Error {
    Error::Tls { reason: format!("what should be the {wanted} of the {whose} is none in PEM") }
}

fn unusable(what: &str) -> impl FnOnce(TlsError) -> Error {
    let what = what.to_owned();
    move |error| Error::Tls { reason: format!("{what} cannot be used: {error}") }
}

/// Holds a chain to the roots, whatever name it is for.
#[derive(Debug)]
pub(super) struct Held {
    roots: RootCertStore,
    own: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Held {
    pub(super) fn new(trust: Trust<'_>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in trust.ca.map(|ca| certificates(ca, "CA")).transpose()?.unwrap_or_default() {
            roots.add(certificate).map_err(unusable("the CA"))?;
        }
        let servers = trust.servers.map(|servers| certificates(servers, "servers")).transpose()?;
        let own = servers.and_then(|chain| chain.into_iter().next());
        if roots.is_empty() && own.is_none() {
            return Err(Error::Tls { reason: "no certificate is known that theirs could be held to".into() });
        }
        Ok(Self { roots, own, provider: Arc::new(aws_lc_rs::default_provider()) })
    }

    pub(super) fn hold(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), TlsError> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = parse(shown)?;
        // webpki takes neither as the end of a chain; OpenSSL, by which servers trust each other, does.
        let is_odd = parsed.version() != X509Version::V3 || parsed.is_ca();
        if self.own.as_ref() == Some(shown) && (self.roots.is_empty() || is_odd) {
            let time = i64::try_from(now.as_secs()).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
            let is_valid = time.is_some_and(|time| parsed.validity().is_valid_at(time));
            return if is_valid { Ok(()) } else { Err(CertificateError::Expired.into()) };
        }
        let shown = ParsedCertificate::try_from(shown)?;
        verify_server_cert_signed_by_trust_anchor(&shown, &self.roots, between, now, algorithms)
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, TlsError> {
    let parsed = X509Certificate::from_der(certificate);
    parsed.map(|(_, parsed)| parsed).map_err(|_| CertificateError::BadEncoding.into())
}

impl ServerCertVerifier for Held {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        self.hold(shown, between, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let parsed = parse(certificate)?;
        let key = SubjectPublicKeyInfoDer::from(parsed.public_key().raw);
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
