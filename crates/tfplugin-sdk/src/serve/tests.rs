//! A client that speaks as go-plugin does: mutual TLS with a CA of ECDSA P-521 as its leaf, gRPC
//! with large messages, health, streams and shutdown.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime,
};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::listen::Listener;
use super::tls::Identity;
use crate::server::Server;
use crate::wire;
use crate::wire::pb::plugin::Empty;
use crate::wire::pb::plugin::grpc_controller_client::GrpcControllerClient;
use crate::wire::pb::plugin::grpc_stdio_client::GrpcStdioClient;
use crate::wire::pb::tfplugin6::provider_client::ProviderClient;
use crate::wire::pb::tfplugin6::{self as pb, DynamicValue};

#[path = "../../examples/toy/provider.rs"]
mod toy;

/// A certificate as go-plugin makes it, with its key.
struct Shown {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn go_plugin_certificate() -> Shown {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).expect("a P-521 key");
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Shown { certificate: parameters.self_signed(&key).expect("a certificate"), key }
}

/// Accepts exactly one server, as go-plugin's only root is the certificate of the handshake line.
#[derive(Debug)]
struct PinnedServer(Vec<u8>);

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        assert_eq!(name.to_str(), "localhost");
        if shown.as_ref() == self.0 { Ok(ServerCertVerified::assertion()) } else { Err(Error::DecryptError) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = aws_lc_rs::default_provider();
        verify_tls12_signature(message, certificate, signed, &provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let provider = aws_lc_rs::default_provider();
        verify_tls13_signature(message, certificate, signed, &provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A served toy provider and who may talk to it.
struct Served {
    socket: PathBuf,
    certificate: Vec<u8>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn serve_for(client: &Shown) -> Served {
    let identity = Identity::for_client(&client.certificate.pem()).expect("an identity");
    let listener = Listener::bind(None).expect("a socket");
    let socket = listener.path().to_path_buf();
    let shutdown = CancellationToken::new();
    let incoming = listener.incoming(Some(identity.config));
    let server = Arc::new(Server::new(toy::Toy::in_directory(std::env::temp_dir())));
    let served = wire::serve(server, incoming, shutdown.clone());
    let task = tokio::spawn(async move { served.await.expect("served") });
    Served { socket, certificate: identity.certificate, shutdown, task }
}

async fn connect(socket: &Path, server: Vec<u8>, client: &Shown) -> io::Result<TlsStream<UnixStream>> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(client.key.serialize_der()));
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PinnedServer(server)))
        .with_client_auth_cert(vec![client.certificate.der().clone()], key)
        .expect("a client certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = UnixStream::connect(socket).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Hands one open stream to gRPC.
struct Opened(Option<TlsStream<UnixStream>>);

impl tonic::codegen::Service<http::Uri> for Opened {
    type Response = TokioIo<TlsStream<UnixStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let stream = self.0.take().map(TokioIo::new).ok_or_else(|| io::Error::other("one connection only"));
        Box::pin(async move { stream })
    }
}

async fn channel(served: &Served, client: &Shown) -> tonic::transport::Channel {
    let stream = connect(&served.socket, served.certificate.clone(), client).await.expect("TLS");
    let endpoint = tonic::transport::Endpoint::from_static("http://localhost");
    endpoint.connect_with_connector(Opened(Some(stream))).await.expect("a channel")
}

#[tokio::test]
async fn terraform_finds_every_service_behind_mutual_tls() {
    let client = go_plugin_certificate();
    let served = serve_for(&client);
    let channel = channel(&served, &client).await;
    let mut health = HealthClient::new(channel.clone());
    let answer = health.check(HealthCheckRequest { service: "plugin".to_owned() }).await.expect("health");
    assert_eq!(answer.into_inner().status, tonic_health::ServingStatus::Serving as i32);
    let mut provider = ProviderClient::new(channel.clone());
    let schema = provider.get_provider_schema(pb::get_provider_schema::Request {}).await.expect("a schema");
    let boxes = &schema.into_inner().resource_schemas["toy_box"];
    let attributes = &boxes.block.as_ref().expect("a block").attributes;
    let secret = attributes.iter().find(|one| one.name == "secret_wo").expect("secret_wo");
    assert!(secret.write_only && secret.optional && !secret.computed);
    let mut output =
        GrpcStdioClient::new(channel.clone()).stream_stdio(()).await.expect("a stream").into_inner();
    GrpcControllerClient::new(channel).shutdown(Empty {}).await.expect("a goodbye");
    assert!(output.message().await.expect("an end").is_none());
    served.task.await.expect("the server ends by itself");
    assert!(!served.socket.exists(), "the socket is removed");
}

#[tokio::test]
async fn messages_of_many_megabytes_pass_both_ways() {
    let client = go_plugin_certificate();
    let served = serve_for(&client);
    let limit = 256 << 20;
    let mut provider = ProviderClient::new(channel(&served, &client).await)
        .max_decoding_message_size(limit)
        .max_encoding_message_size(limit);
    let note = "x".repeat(6 << 20);
    let json = format!(r#"{{"name":"n","content":{{"note":"{note}","weight":1}}}}"#);
    let request = pb::upgrade_resource_state::Request {
        type_name: "toy_box".to_owned(),
        version: 0,
        raw_state: Some(pb::RawState { json: json.into_bytes(), ..Default::default() }),
    };
    let answer = provider.upgrade_resource_state(request).await.expect("an answer").into_inner();
    assert!(answer.diagnostics.is_empty());
    assert!(answer.upgraded_state.expect("a state").msgpack.len() > note.len());
    served.shutdown.cancel();
}

#[tokio::test]
async fn what_a_provider_does_not_have_is_an_answer_and_no_failure() {
    let client = go_plugin_certificate();
    let served = serve_for(&client);
    let mut provider = ProviderClient::new(channel(&served, &client).await);
    let config = Some(DynamicValue { msgpack: vec![0xc0], json: Vec::new() });
    let type_name = "toy_none".to_owned();
    let request =
        pb::read_data_source::Request { type_name: type_name.clone(), config, ..Default::default() };
    let answer = provider.read_data_source(request).await.expect("an answer").into_inner();
    assert!(answer.diagnostics[0].summary.contains("toy_none"));
    let request = pb::read_resource::Request { type_name, ..Default::default() };
    let answer = provider.read_resource(request).await.expect("an answer").into_inner();
    assert!(answer.diagnostics[0].summary.contains("toy_none"));
    let functions = provider.get_functions(pb::get_functions::Request {}).await.expect("an answer");
    assert!(functions.into_inner().functions.is_empty());
    served.shutdown.cancel();
}

#[tokio::test]
async fn nobody_else_is_let_in() {
    let (client, stranger) = (go_plugin_certificate(), go_plugin_certificate());
    let served = serve_for(&client);
    let refused = match connect(&served.socket, served.certificate.clone(), &stranger).await {
        Err(error) => error,
        // Under TLS 1.3 the client learns of the refusal with its first read.
        Ok(mut stream) => {
            tokio::io::AsyncReadExt::read_u8(&mut stream).await.expect_err("the stranger is let in")
        }
    };
    assert!(refused.to_string().contains("fatal alert"), "{refused}");
    channel(&served, &client).await;
    served.shutdown.cancel();
}

#[tokio::test]
async fn a_provider_whose_terraform_is_killed_ends() {
    let listener = Listener::bind(None).expect("a socket");
    let (abandoned, socket) = (listener.abandoned(), listener.path().to_path_buf());
    let shutdown = CancellationToken::new();
    let server = Arc::new(Server::new(toy::Toy::in_directory(std::env::temp_dir())));
    let task = tokio::spawn(wire::serve(server, listener.incoming(None), shutdown.clone()));
    drop(UnixStream::connect(&socket).await.expect("a connection"));
    abandoned.await;
    shutdown.cancel();
    task.await.expect("no panic").expect("served");
}
