//! The seam to the kubelet: what the API server asks of the node that runs a pod.

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// A byte stream in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Names one container of one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRef {
    pub namespace: String,
    pub pod: String,
    pub container: String,
}

/// What to run in a container.
#[derive(Clone, Debug)]
pub struct ExecRequest {
    pub target: ContainerRef,
    pub command: Vec<String>,
    pub tty: bool,
    /// Whether the client will send standard input.
    pub stdin: bool,
}

/// Columns and rows of a terminal.
pub type TerminalSize = (u16, u16);

/// A running command. Dropping it kills the command.
pub struct ExecSession {
    /// Bytes for standard input; dropping the sender closes it. None when stdin was not asked for.
    pub stdin: Option<mpsc::Sender<bytes::Bytes>>,
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// Under a tty, everything comes on stdout.
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// Where the client's terminal says that its size changed. None without a tty.
    pub resize: Option<watch::Sender<TerminalSize>>,
    /// The exit code, once; an error says why there is none.
    pub exit: tokio::sync::oneshot::Receiver<Result<i32, NodeError>>,
}

/// Which part of a container's log to read.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    pub follow: bool,
    /// The log of the container's previous run.
    pub previous: bool,
    pub tail_lines: Option<u64>,
    pub limit_bytes: Option<u64>,
    /// Prefix each line with its time.
    pub timestamps: bool,
    pub since: Option<jiff::Timestamp>,
}

/// Why a node could not do what was asked; the text reaches the client.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NodeError {
    /// 404: no such pod or container on the node.
    #[error("{0}")]
    NotFound(String),
    /// 400: it is there, but not in a state to do this.
    #[error("{0}")]
    NotReady(String),
    #[error("{0}")]
    Failed(String),
}

/// The node's side. One agent serves all nodes of the sandbox.
#[async_trait]
pub trait NodeAgent: Send + Sync + 'static {
    async fn exec(&self, request: ExecRequest) -> Result<ExecSession, NodeError>;

    /// What a container has said and says until it ends, and, where it reads one and the client wants it, its
    /// standard input.
    async fn attach(&self, target: ContainerRef, with_stdin: bool) -> Result<ExecSession, NodeError>;

    /// The log's bytes; with `follow` the reader ends when the container does.
    async fn logs(
        &self,
        target: ContainerRef,
        options: LogOptions,
    ) -> Result<Box<dyn AsyncRead + Send + Unpin>, NodeError>;

    /// Connects to a port that something in the pod listens on, at the pod's loopback or address.
    async fn dial(&self, namespace: &str, pod: &str, port: u16) -> Result<Box<dyn Duplex>, NodeError>;
}
