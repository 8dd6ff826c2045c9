//! What the host of a plugin asks of its process: to shut down, and to stream its output.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Request, Response, Status};

use super::pb::plugin::grpc_controller_server::GrpcController;
use super::pb::plugin::grpc_stdio_server::GrpcStdio;
use super::pb::plugin::{Empty, StdioData};

/// Shuts the process down when Terraform is done with it.
pub(super) struct Controller(pub(super) CancellationToken);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Streams nothing: logs go to the process's own stderr, and stdout is the handshake's.
pub(super) struct Stdio(pub(super) CancellationToken);

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Silence;

    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<Silence>, Status> {
        Ok(Response::new(Silence(Box::pin(self.0.clone().cancelled_owned()))))
    }
}

/// A stream without items that ends at shutdown, so that it does not hold the server open.
pub(super) struct Silence(Pin<Box<WaitForCancellationFutureOwned>>);

impl Stream for Silence {
    type Item = Result<StdioData, Status>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll(task).map(|()| None)
    }
}
