//! Real servers under TLS, whose certificates are held to a CA.

use std::fs;
use std::process::Child;
use std::time::Duration;

use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::group::{Loopback, TIMEOUT, free_port, start};
use crate::sentinel::tls::Held;
use crate::sentinel::{ByteStream, DialError, Dialer, ServerClient, Tls, Trust};

const STARTED_WITHIN: Duration = Duration::from_secs(60);

struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key in PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(parameters, key).expect("a CA"))
    }

    /// For a name that nobody dials.
    fn sign(&self) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(["elsewhere.example".to_owned()]).expect("parameters");
        parameters.distinguished_name.push(DnType::CommonName, "elsewhere.example");
        let certificate = parameters.signed_by(&key, &self.0).expect("a certificate");
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    fn itself(&self) -> Pair {
        Pair { certificate: self.0.pem(), key: self.0.key().serialize_pem() }
    }
}

struct Server {
    process: Child,
    port: u16,
    _directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that speaks TLS alone.
async fn serve(authority: &Authority, own: &Pair, asks_for_certificate: bool) -> Server {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name);
    for (name, pem) in [("ca.crt", &authority.0.pem()), ("own.crt", &own.certificate), ("own.key", &own.key)]
    {
        fs::write(path(name), pem).expect("a writable directory");
    }
    let port = free_port();
    let config = format!(
        "port 0\ntls-port {port}\nbind 127.0.0.1\ndir {0}\ntls-ca-cert-file {0}/ca.crt\n\
         tls-cert-file {0}/own.crt\ntls-key-file {0}/own.key\ntls-auth-clients {1}\n",
        directory.path().display(),
        if asks_for_certificate { "yes" } else { "no" },
    );
    let process = start("redis-server", directory.path(), "server", &config);
    let started = Instant::now();
    while Loopback.dial("", port).await.is_err() {
        assert!(started.elapsed() < STARTED_WITHIN, "no server at {port}");
        sleep(Duration::from_millis(50)).await;
    }
    Server { process, port, _directory: directory }
}

struct Under(Tls);

#[async_trait]
impl Dialer for Under {
    async fn dial(&self, pod: &str, port: u16) -> Result<Box<dyn ByteStream>, DialError> {
        self.0.over(Loopback.dial(pod, port).await?).await
    }
}

async fn ping(server: &Server, trust: Trust<'_>) -> Result<(), String> {
    let tls = Tls::new(trust).map_err(|error| error.to_string())?;
    let client = ServerClient::open(&Under(tls), "pod", server.port, None, TIMEOUT).await;
    let client = client.map_err(|error| error.to_string())?;
    client.ping().await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_chain_that_ends_at_the_ca_is_taken_whatever_its_name_and_no_other() {
    let (authority, other) = (Authority::new(), Authority::new());
    let own = authority.sign();
    let server = serve(&authority, &own, false).await;
    let (ca, other_ca) = (authority.0.pem(), other.0.pem());
    let by_ca = Trust { ca: Some(&ca), ..Trust::default() };
    assert_eq!(ping(&server, by_ca).await, Ok(()));
    let refused = ping(&server, Trust { ca: Some(&other_ca), ..Trust::default() }).await;
    assert!(refused.as_ref().is_err_and(|reason| reason.contains("invalid peer certificate")), "{refused:?}");
    // A CA that is known is asked even where the certificate itself is.
    let refused =
        ping(&server, Trust { ca: Some(&other_ca), servers: Some(&own.certificate), key: None }).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn without_a_ca_only_the_certificate_that_the_servers_were_given_is_taken() {
    let authority = Authority::new();
    let (own, another) = (authority.sign(), authority.sign());
    let server = serve(&authority, &own, false).await;
    let held_to = |pair: &Pair| pair.certificate.clone();
    for (certificate, is_taken) in [(held_to(&own), true), (held_to(&another), false)] {
        let trust = Trust { servers: Some(&certificate), ..Trust::default() };
        assert_eq!(ping(&server, trust).await.is_ok(), is_taken);
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_its_own() {
    let authority = Authority::new();
    let own = authority.sign();
    let server = serve(&authority, &own, true).await;
    let ca = authority.0.pem();
    let silent = Trust { ca: Some(&ca), servers: Some(&own.certificate), key: None };
    assert!(ping(&server, silent).await.is_err());
    assert_eq!(ping(&server, Trust { key: Some(&own.key), ..silent }).await, Ok(()));
}

#[tokio::test]
async fn a_ca_that_serves_by_itself_is_taken_where_the_servers_were_given_it() {
    let authority = Authority::new();
    let own = authority.itself();
    let server = serve(&authority, &own, false).await;
    let certificate = Some(own.certificate.as_str());
    assert_eq!(ping(&server, Trust { ca: certificate, servers: certificate, key: None }).await, Ok(()));
}

/// What `openssl x509 -req` makes: a certificate of version 1, of which webpki says nothing.
const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBGTCBwAIUdyxZPaYkqYC4CMtHIaVywg5KrRswCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCY2EwIBcNMjYxMTI3MDM0MDA2WhgPMjEyNjExMDMwMzQwMDZaMBAxDjAM
BgNVBAMMBXJlZGlzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEw77e29fldmWn
VQmlSCUuzfmT0J77dApmIEVdU3avKj9GttK5x2+Ngy9seiILT1EiEurWAR6OZ2FA
3Fs5UjYmTjAKBggqhkjOPQQDAgNIADBFAiATmzlie2f+kMlX9uQupT1ktC2jxfGm
pt8brg+/ENpP3AIhALCAt5WFDJ5GfNIzJbvCKU9JjN7yraubcxu0M37pQFv6
-----END CERTIFICATE-----
";

#[test]
fn a_certificate_of_version_1_is_taken_in_its_time_where_the_servers_were_given_it() {
    let shown = CertificateDer::from_pem_slice(VERSION_1.as_bytes()).expect("PEM");
    let ca = Authority::new().0.pem();
    let at = |year: u64| UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600));
    let held = |servers| Held::new(Trust { ca: Some(&ca), servers, key: None }).expect("PEM");
    assert!(held(Some(VERSION_1)).hold(&shown, &[], at(2100)).is_ok());
    assert!(held(Some(VERSION_1)).hold(&shown, &[], at(2130)).is_err());
    assert!(held(None).hold(&shown, &[], at(2100)).is_err());
    let key = KeyPair::generate().expect("a key").serialize_pem();
    assert!(Tls::new(Trust { ca: Some(&ca), servers: Some(VERSION_1), key: Some(&key) }).is_ok());
}

#[test]
fn what_is_no_pem_is_told_without_its_content() {
    let trust = Trust { ca: Some("no such thing"), ..Trust::default() };
    let told = Tls::new(trust).err().expect("an error").to_string();
    assert_eq!(told, "TLS: what should be the certificate of the CA is none in PEM");
    let told = Tls::new(Trust::default()).err().expect("an error").to_string();
    assert!(told.contains("no certificate is known"), "{told}");
}
