//! What the API server asks of the node: exec, logs, and connections to pods.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};

use super::container::{Entered, TerminalReader, enter, feed, follow_size};
use super::kubelet::Running;
use super::logs::{self, LogDirectory};
use super::pod::{Context, Pod};
use super::status::State;
use crate::api::node_agent::{
    ContainerRef, Duplex, ExecRequest, ExecSession, LogOptions, NodeAgent, NodeError as Refusal,
};

const STDIN_CHUNKS: usize = 16;
/// Output of a container on its way to a client.
const OUTPUT_BYTES: usize = 64 * 1024;
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

    async fn attach(&self, target: ContainerRef, with_stdin: bool) -> Result<ExecSession, Refusal> {
        let pod = self.reach(&target.namespace, &target.pod).await?;
        let (ended, exit) = oneshot::channel();
        // Attaching is well when its streams end; the receiver is here still.
        let _ = ended.send(Ok(0));
        let attached = pod.instance(&target.container).and_then(|instance| {
            let console = instance.console.clone()?;
            Some((instance, console))
        });
        let Some((instance, console)) = attached else {
            let options = LogOptions { follow: true, ..LogOptions::default() };
            let stdout = self.logs(target, options).await?;
            let stderr = Box::new(tokio::io::empty());
            return Ok(ExecSession { stdin: None, stdout, stderr, resize: None, exit });
        };
        let (stdin, resize) = (with_stdin.then(|| console.open_input()).flatten(), console.size());
        let (stdout, to_stdout) = tokio::io::duplex(OUTPUT_BYTES);
        let (stderr, to_stderr) = tokio::io::duplex(OUTPUT_BYTES);
        tokio::spawn(async move { console.tell(to_stdout, to_stderr, instance.ended()).await });
        Ok(ExecSession { stdin, stdout: Box::new(stdout), stderr: Box::new(stderr), resize, exit })
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
