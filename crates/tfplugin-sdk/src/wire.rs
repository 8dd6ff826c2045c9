//! The only room that names gRPC: Terraform's services over any stream of connections.
//!
//! Enters: accepted connections. Leaves: calls of [`Server`] and their answers as messages.
//! Deliberately absent: every decision. A message is turned into the server's own types and back.

mod connection;
mod control;
mod convert;
mod provider;
mod schema;

use std::io;
use std::sync::Arc;

pub(crate) use connection::{Connection, Gauge};
use control::{Controller, Stdio};
use provider::ProviderService;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;

use crate::provider::Provider;
use crate::server::Server;

/// The messages and services of the wire contract: public for tests that speak as Terraform does.
pub mod pb {
    #![expect(
        unused_qualifications,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code has a style of its own"
    )]
    pub mod tfplugin6 {
        tonic::include_proto!("tfplugin6");
    }
    pub mod plugin {
        tonic::include_proto!("plugin");
    }
}

/// Terraform raises gRPC's own limit of 4 MiB to this, both ways.
const MESSAGE_BYTES_MAX: usize = 256 << 20;

/// The service name under which go-plugin asks for health.
const HEALTH_NAME: &str = "plugin";

/// The server failed as a whole; single calls fail by themselves.
#[derive(Debug, thiserror::Error)]
#[error("the gRPC server failed")]
pub(crate) struct WireError(#[from] tonic::transport::Error);

/// Serves until `shutdown` is cancelled, by us or by Terraform's own request.
pub(crate) async fn serve<P: Provider>(
    server: Arc<Server<P>>,
    incoming: impl Stream<Item = io::Result<Connection>>,
    shutdown: CancellationToken,
) -> Result<(), WireError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status(HEALTH_NAME, tonic_health::ServingStatus::Serving).await;
    let provider = pb::tfplugin6::provider_server::ProviderServer::new(ProviderService(server))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let controller =
        pb::plugin::grpc_controller_server::GrpcControllerServer::new(Controller(shutdown.clone()));
    let stdio = pb::plugin::grpc_stdio_server::GrpcStdioServer::new(Stdio(shutdown.clone()));
    tonic::transport::Server::builder()
        .add_service(health_service)
        .add_service(controller)
        .add_service(stdio)
        .add_service(provider)
        .serve_with_incoming_shutdown(incoming, shutdown.cancelled_owned())
        .await?;
    Ok(())
}
