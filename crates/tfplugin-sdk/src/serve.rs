//! The process around a provider: handshake, TLS, socket, signals, logs.
//!
//! Enters: environment, arguments, connections. Leaves: one handshake line on stdout, log lines on
//! stderr, an exit code. This is the only room that touches the environment or the process.

mod handshake;
mod listen;
mod reattach;
#[cfg(test)]
mod tests;
mod tls;

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use handshake::{Handshake, Refusal};
use listen::Listener;
use tokio_util::sync::CancellationToken;

use crate::log;
use crate::provider::Provider;
use crate::server::Server;
use crate::wire;

/// How long calls in flight may go on after Terraform asked the process to end.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// What a program tells of itself.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// The provider's address: `registry.terraform.io/NAMESPACE/TYPE`.
    pub address: &'static str,
    pub version: &'static str,
    /// Crates that log at the level of TF_LOG. All others only warn: their traces show payloads.
    pub log_targets: &'static [&'static str],
}

/// Why a program could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen on a unix socket in {directory}")]
    Listen { directory: String, source: io::Error },
    #[error("cannot set up TLS")]
    Tls(#[from] tls::TlsError),
    #[error("cannot write the handshake line to stdout")]
    Announce(#[source] io::Error),
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
    #[error("the gRPC server failed")]
    Wire(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The stack of each worker, in bytes: what a main thread has. The generated models of an API alone may
/// take the two megabytes of tokio's default; what is not used costs nothing.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Serves a provider to the Terraform that started this process, or under `-debug` to any that is
/// told where it is. Returns when Terraform is done.
pub fn serve<P: Provider>(provider: P, options: ServeOptions) -> ExitCode {
    match try_serve(provider, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("{}: {error}", options.address);
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            // Nobody is left to tell when stderr is closed too.
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn try_serve<P: Provider>(provider: P, options: ServeOptions) -> Result<(), ServeError> {
    let debug = env::args().skip(1).any(|argument| matches!(argument.as_str(), "-debug" | "--debug"));
    let handshake = if debug { None } else { Some(Handshake::of(|name| env::var(name).ok(), &options)?) };
    log::start(&options, |name| env::var(name).ok());
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().thread_stack_size(STACK_BYTES).build().map_err(ServeError::Runtime)?;
    let server = Arc::new(Server::new(provider));
    let served = runtime.block_on(async {
        match handshake {
            Some(handshake) => serve_terraform(server, &handshake).await,
            None => serve_debug(server, &options).await,
        }
    });
    // Work that was cut off must not hold the process.
    runtime.shutdown_background();
    served
}

async fn serve_terraform<P: Provider>(
    server: Arc<Server<P>>,
    handshake: &Handshake,
) -> Result<(), ServeError> {
    let shutdown = CancellationToken::new();
    ignore_interrupts()?;
    let identity = handshake.client_certificate.as_ref().map(tls::Identity::for_client).transpose()?;
    let listener = Listener::bind(handshake.socket_directory.clone())?;
    let certificate = identity.as_ref().map(|identity| identity.certificate.as_slice());
    announce(&handshake::line(listener.path(), certificate))?;
    let abandoned = listener.abandoned();
    let incoming = listener.incoming(identity.map(|identity| identity.config));
    let closing = shutdown.clone();
    tokio::select! {
        served = wire::serve(server, incoming, shutdown.clone()) => {
            served.map_err(|error| ServeError::Wire(Box::new(error)))
        }
        () = async { closing.cancelled().await; tokio::time::sleep(SHUTDOWN_GRACE).await } => Ok(()),
        () = abandoned => {
            tracing::warn!("Terraform went away without a goodbye: the provider ends");
            Ok(())
        }
    }
}

async fn serve_debug<P: Provider>(server: Arc<Server<P>>, options: &ServeOptions) -> Result<(), ServeError> {
    let shutdown = CancellationToken::new();
    let stop = reattach::stop_signal().map_err(ServeError::Signals)?;
    let listener = Listener::bind(None)?;
    announce(&reattach::announcement(options.address, std::process::id(), listener.path()))?;
    let incoming = listener.incoming(None);
    tokio::select! {
        served = wire::serve(server, incoming, shutdown) => {
            served.map_err(|error| ServeError::Wire(Box::new(error)))
        }
        () = stop => Ok(()),
    }
}

/// In one write: whoever reads may close the pipe once it has the line it waited for.
fn announce(text: &str) -> Result<(), ServeError> {
    let mut stdout = io::stdout().lock();
    let line = format!("{text}\n");
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).map_err(ServeError::Announce)
}

/// Ctrl-C reaches the whole process group. Terraform answers it with StopProvider; dying of it
/// would lose the state of what is in flight.
fn ignore_interrupts() -> Result<(), ServeError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupts = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    tokio::spawn(async move {
        while interrupts.recv().await.is_some() {
            tracing::debug!("an interrupt is left to Terraform");
        }
    });
    Ok(())
}
