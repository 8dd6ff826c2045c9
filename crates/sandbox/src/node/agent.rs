//! What the API server asks of the node: exec, logs, and connections to pods.

use std::fs::File;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::termios::Winsize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};

use super::container::{Entered, enter};
use super::kubelet::Running;
use super::logs::{self, LogDirectory};
use super::pod::{Context, Pod};
use super::status::State;
use crate::api::node_agent::{
    ContainerRef, Duplex, ExecRequest, ExecSession, LogOptions, NodeAgent, NodeError as Refusal, TerminalSize,
};

const STDIN_CHUNKS: usize = 16;
/// How long an API server tries to reach a node.
const DIAL_LIMIT: Duration = Duration::from_secs(30);

/// The node's side of the API's seam.
pub struct Agent {
    context: Arc<Context>,
    running: Running,
}

impl Agent {
    pub(super) fn new(context: Arc<Context>, running: Running) -> Self {
        Self { context, running }
    }

    fn find(&self, namespace: &str, name: &str) -> Result<Arc<Pod>, Refusal> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = running
            .values()
            .filter(|pod| pod.key.namespace.as_deref() == Some(namespace) && pod.key.name == name);
        let pod = found.next().map(Arc::clone);
        pod.ok_or_else(|| Refusal::NotFound(format!("pod {namespace}/{name} does not run on a node yet")))
    }

    /// The pod, once its node answers; as an API server, this gives up on a node that is lost.
    async fn reach(&self, namespace: &str, name: &str) -> Result<Arc<Pod>, Refusal> {
        let pod = self.find(namespace, name)?;
        let found = self.context.cuts.until_found(pod.node());
        match tokio::time::timeout(DIAL_LIMIT, found).await {
            Ok(()) => Ok(pod),
            Err(_) => {
                let address = pod.record().host_address.clone();
                Err(Refusal::Failed(format!("error dialing backend: dial tcp {address}:10250: i/o timeout")))
            }
        }
    }
}

#[async_trait]
impl NodeAgent for Agent {
    async fn exec(&self, request: ExecRequest) -> Result<ExecSession, Refusal> {
        let ContainerRef { namespace, pod: pod_name, container } = &request.target;
        let pod = self.reach(namespace, pod_name).await?;
        let instance = pod.instance(container).filter(|instance| !instance.has_ended());
        let instance =
            instance.ok_or_else(|| Refusal::NotFound(format!("container not found (\"{container}\")")))?;
        let spawner = &self.context.spawner;
        let entered = enter(spawner, &instance, &request.command, request.tty, request.stdin)
            .await
            .map_err(|error| Refusal::Failed(error.in_one_line()))?;
        session(entered, request.stdin).map_err(|error| Refusal::Failed(format!("exec failed: {error}")))
    }

    async fn logs(
        &self,
        target: ContainerRef,
        options: LogOptions,
    ) -> Result<Box<dyn AsyncRead + Send + Unpin>, Refusal> {
        let ContainerRef { namespace, pod: pod_name, container } = &target;
        let pod = self.reach(namespace, pod_name).await?;
        let (run, never_started) = {
            let mut record = pod.record();
            let found = record.container(container).ok_or_else(|| {
                Refusal::NotFound(format!("container {container} is not valid for pod {pod_name}"))
            })?;
            let waits = match &found.state {
                State::Waiting { reason, .. } if found.last.is_none() => Some(*reason),
                _ => None,
            };
            // During back-off the latest log is that of the run that ended.
            (found.restarts, waits)
        };
        if let Some(reason) = never_started {
            let message =
                format!("container \"{container}\" in pod \"{pod_name}\" is waiting to start: {reason}");
            return Err(Refusal::NotReady(message));
        }
        let run = if options.previous {
            run.checked_sub(1).ok_or_else(|| {
                Refusal::NotReady(format!(
                    "previous terminated container \"{container}\" in pod \"{pod_name}\" not found"
                ))
            })?
        } else {
            run
        };
        let directory =
            LogDirectory::new(&self.context.logs_directory, namespace, pod_name, &pod.uid, container);
        let instance = pod.instance(container);
        let is_previous = options.previous;
        let ended = move || is_previous || instance.as_ref().is_none_or(|instance| instance.has_ended());
        Ok(Box::new(logs::read(directory.file(run), options, ended)))
    }

    async fn dial(&self, namespace: &str, pod: &str, port: u16) -> Result<Box<dyn Duplex>, Refusal> {
        let pod = self.reach(namespace, pod).await?;
        let address = pod.network.address;
        let stream = TcpStream::connect((address, port)).await.map_err(|error| {
            Refusal::Failed(format!("failed to connect to {address}:{port} inside the pod: {error}"))
        })?;
        let _ = stream.set_nodelay(true);
        Ok(Box::new(stream))
    }
}

/// The streams of a command that runs, and a task that waits for its end.
fn session(entered: Entered, with_input: bool) -> std::io::Result<ExecSession> {
    let Entered { mut child, terminal } = entered;
    let resize = terminal.as_ref().map(follow_size).transpose()?;
    let (exit, exited) = oneshot::channel();
    let (input, inbox) = mpsc::channel::<Bytes>(STDIN_CHUNKS);
    let stdin = with_input.then_some(input);
    let (stdout, stderr): (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncRead + Send + Unpin>) =
        match terminal {
            Some(terminal) => {
                let reader = TerminalReader(tokio::fs::File::from_std(terminal.try_clone()?));
                tokio::spawn(feed(inbox, tokio::fs::File::from_std(terminal)));
                (Box::new(reader), Box::new(tokio::io::empty()))
            }
            None => {
                if let Some(child_stdin) = child.stdin.take() {
                    tokio::spawn(feed(inbox, child_stdin));
                }
                let stdout = child.stdout.take().expect("stdout was piped");
                let stderr = child.stderr.take().expect("stderr was piped");
                (Box::new(stdout), Box::new(stderr))
            }
        };
    tokio::spawn(wait(child, exit));
    Ok(ExecSession { stdin, stdout, stderr, resize, exit: exited })
}

/// Gives the terminal each size that the client's has, until the client is gone.
fn follow_size(terminal: &File) -> std::io::Result<watch::Sender<TerminalSize>> {
    let terminal = terminal.try_clone()?;
    let (sender, mut sizes) = watch::channel((0, 0));
    tokio::spawn(async move {
        while sizes.changed().await.is_ok() {
            let (columns, rows) = *sizes.borrow_and_update();
            let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            // A command that ended has no terminal to resize.
            let _ = rustix::termios::tcsetwinsize(&terminal, size);
        }
    });
    Ok(sender)
}

/// Waits for the command, or ends it when nobody waits for its exit code any more.
async fn wait(mut child: Child, mut exit: oneshot::Sender<Result<i32, Refusal>>) {
    tokio::select! {
        status = child.wait() => {
            let code = status
                .map(|status| status.code().unwrap_or(137))
                .map_err(|error| Refusal::Failed(format!("waiting for the command failed: {error}")));
            // The session may have been dropped in this moment.
            let _ = exit.send(code);
        }
        () = exit.closed() => {}
    }
}

async fn feed(mut inbox: mpsc::Receiver<Bytes>, mut stdin: impl AsyncWrite + Unpin) {
    while let Some(bytes) = inbox.recv().await {
        if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// A terminal whose other end is closed reads as an error; for a client that is the end of the output.
struct TerminalReader(tokio::fs::File);

impl AsyncRead for TerminalReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(context, buffer) {
            Poll::Ready(Err(_)) => Poll::Ready(Ok(())),
            other => other,
        }
    }
}
