//! The one thread that spawns processes.
//!
//! A parent death signal follows the spawning thread, not its process: `bwrap --die-with-parent` started from a
//! worker that tokio retires would die in the middle of its life.

use std::process::Stdio;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::NodeError;

struct Job {
    command: Command,
    reply: oneshot::Sender<std::io::Result<Child>>,
}

/// A handle on the thread; it ends with the last handle.
#[derive(Debug, Clone)]
pub struct Spawner {
    jobs: mpsc::Sender<Job>,
}

impl Spawner {
    /// Starts the thread. Children are reaped by the runtime that this is called in.
    pub fn start() -> Result<Self, NodeError> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                let _inside = runtime.enter();
                for mut job in inbox {
                    // A caller that gave up drops the child, and with kill_on_drop ends it.
                    let _ = job.reply.send(job.command.spawn());
                }
            })
            .map_err(|source| NodeError::Spawn { program: "the spawning thread".to_owned(), source })?;
        Ok(Self { jobs })
    }

    pub(super) async fn spawn(&self, command: Command) -> Result<Child, NodeError> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { command, reply }).map_err(|_| NodeError::SpawnerGone)?;
        let spawned = answer.await.map_err(|_| NodeError::SpawnerGone)?;
        spawned.map_err(|source| NodeError::Spawn { program, source })
    }

    /// Runs a command to its end, with text as its input; fails unless it succeeds.
    pub(crate) async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, NodeError> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn(command).await?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that ends early says why on its own.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await;
        }
        let output = child
            .wait_with_output()
            .await
            .map_err(|source| NodeError::Spawn { program: program.to_owned(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(NodeError::Command {
            command: std::iter::once(program).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" "),
            status: output.status.to_string(),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}
