//! The launcher: outside the namespaces, alive as long as the sandbox.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::directory::{Directory, RunningState};
use super::handover::Listeners;
use super::process::{ProcessIdentity, child_of};
use super::{LaunchError, environment, preflight};
use crate::node::ImageTable;

/// From the start of the processes to the first answer; most of it is a busy machine's slack.
const START_LIMIT: Duration = Duration::from_secs(60);
/// For an orderly end, before the kernel is asked to end the namespace.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A sandbox to run.
#[derive(Debug)]
pub struct Launch {
    pub directory: Directory,
    /// The arguments with which this binary becomes process 1 of the namespaces.
    pub init_arguments: Vec<OsString>,
    /// 0 takes a free one.
    pub kubernetes_port: u16,
    /// Images beside the built-in ones.
    pub images: ImageTable,
}

/// What a start says as it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    Step(&'a str),
    /// The APIs answer, at these addresses.
    Ready(&'a str),
}

/// The processes, and the end of the socket whose closing ends them.
struct Tree {
    unshare: Child,
    lifeline: tokio::net::UnixStream,
}

impl Launch {
    /// Runs the sandbox until a signal ends it, or somebody removes its directory: nobody could end it then.
    pub async fn run(self, report: impl Fn(Progress<'_>)) -> Result<(), LaunchError> {
        let mut ends = Ends::listen()?;
        let _lock = self.directory.lock()?;
        self.directory.clear()?;
        self.directory.write_images(&self.images)?;
        report(Progress::Step("checking that this machine can run a sandbox"));
        preflight::check()?;
        report(Progress::Step("starting the network, the APIs and the nodes"));
        let listeners = Listeners::bind(self.kubernetes_port)?;
        let ports = environment::Ports::of(&listeners)?;
        environment::write(&self.directory, ports)?;
        let mut tree = self.start(&listeners)?;
        drop(listeners);
        let outcome = tokio::select! {
            outcome = self.supervise(&mut tree, ports, &report) => outcome,
            () = ends.next() => Ok(()),
            () = self.directory.until_removed() => Ok(()),
        };
        let stopped = self.stop(tree).await;
        self.directory.remove_state()?;
        outcome.and(stopped)
    }

    /// Started from this thread, which lives as long as the launcher: the death signal follows the thread.
    fn start(&self, listeners: &Listeners) -> Result<Tree, LaunchError> {
        let (ours, theirs) =
            UnixStream::pair().map_err(|source| LaunchError::Handover { operation: "open", source })?;
        let log = self.directory.sandbox_log();
        let log = File::create(&log).map_err(LaunchError::file("create", &log))?;
        let own = std::env::current_exe()
            .map_err(|source| LaunchError::Start { program: "this binary", source })?;
        let unshare = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "unshare",
                "--user",
                "--map-root-user",
                "--net",
                "--mount",
                "--pid",
            ])
            .args(["--fork", "--mount-proc", "--kill-child=KILL"])
            .env("PATH", preflight::search_path())
            .arg(own)
            .args(&self.init_arguments)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|source| LaunchError::Start { program: "setpriv", source })?;
        listeners.send(&ours)?;
        let lifeline = ours
            .set_nonblocking(true)
            .and_then(|()| tokio::net::UnixStream::from_std(ours))
            .map_err(|source| LaunchError::Handover { operation: "open", source })?;
        Ok(Tree { unshare, lifeline })
    }

    /// Waits for readiness, then for an end that nobody asked for.
    async fn supervise(
        &self,
        tree: &mut Tree,
        ports: environment::Ports,
        report: &impl Fn(Progress<'_>),
    ) -> Result<(), LaunchError> {
        let log = self.directory.sandbox_log();
        let mut word = [0; 1];
        match tokio::time::timeout(START_LIMIT, tree.lifeline.read_exact(&mut word)).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => {
                let status = end_of(&mut tree.unshare).await;
                return Err(LaunchError::EndedEarly { status, log, tail: self.directory.log_tail() });
            }
            Err(_) => {
                let seconds = START_LIMIT.as_secs();
                return Err(LaunchError::StartTimeout { seconds, log, tail: self.directory.log_tail() });
            }
        }
        let state = self.observe_state(tree, ports)?;
        self.directory.write_state(&state)?;
        let addresses = format!("{}\n{}", state.addresses(), self.directory.how_to_use());
        report(Progress::Ready(&addresses));
        // Nothing more is sent: the read ends with the sandbox.
        let _ = tree.lifeline.read(&mut word).await;
        let status = end_of(&mut tree.unshare).await;
        Err(LaunchError::EndedByItself { status, log, tail: self.directory.log_tail() })
    }

    fn observe_state(&self, tree: &Tree, ports: environment::Ports) -> Result<RunningState, LaunchError> {
        let gone = |what: &'static str| LaunchError::Start {
            program: what,
            source: std::io::ErrorKind::NotFound.into(),
        };
        let own = i32::try_from(std::process::id()).expect("a process number");
        let unshare = tree.unshare.id().and_then(|id| i32::try_from(id).ok());
        let init = unshare.and_then(child_of).and_then(ProcessIdentity::observe);
        Ok(RunningState {
            launcher: ProcessIdentity::observe(own).ok_or_else(|| gone("the launcher"))?,
            init: init.ok_or_else(|| gone("the first process of the namespaces"))?,
            kubernetes_port: ports.kubernetes,
            google_port: ports.google,
        })
    }

    /// Lets go of the lifeline and waits: first for an orderly end, then for the kernel.
    async fn stop(&self, tree: Tree) -> Result<(), LaunchError> {
        let Tree { mut unshare, lifeline } = tree;
        let init = unshare.id().and_then(|id| i32::try_from(id).ok()).and_then(child_of);
        let init = init.and_then(ProcessIdentity::observe);
        drop(lifeline);
        if tokio::time::timeout(STOP_LIMIT, unshare.wait()).await.is_ok() {
            return Ok(());
        }
        if let Some(init) = init {
            init.signal(Signal::KILL)?;
        }
        match tokio::time::timeout(STOP_LIMIT, unshare.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(LaunchError::StopTimeout {
                pid: init.map_or(0, |init| init.pid),
                path: self.directory.root().to_path_buf(),
                seconds: STOP_LIMIT.as_secs(),
            }),
        }
    }
}

async fn end_of(child: &mut Child) -> String {
    match tokio::time::timeout(STOP_LIMIT, child.wait()).await {
        Ok(status) => status.as_ref().map_or_else(ToString::to_string, ExitStatus::to_string),
        Err(_) => "its first process is still there".to_owned(),
    }
}

/// The signals that ask for an end.
struct Ends {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Ends {
    fn listen() -> Result<Self, LaunchError> {
        let on = |kind| {
            signal(kind).map_err(|source| LaunchError::Start { program: "the signal handlers", source })
        };
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
