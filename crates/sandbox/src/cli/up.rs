//! `up`: in the foreground until a signal, or detached until `down`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::{UpArguments, inside_arguments};
use crate::launch::{Directory, Launch, Progress};
use crate::node::ImageTable;

/// What the process that stays says on its stdout when the APIs answer.
const READY: &str = "ready";
/// What it says before a step of its start.
const STEP: &str = "step: ";

pub(super) fn run(arguments: &UpArguments) -> anyhow::Result<ExitCode> {
    let images = arguments.images.as_deref().map(ImageTable::read).transpose()?;
    let is_new = !arguments.dir.exists();
    let directory = Directory::create(&arguments.dir)?;
    let outcome = start(arguments, images, &directory);
    if is_new && outcome.is_err() {
        directory.remove_unused();
    }
    outcome
}

fn start(
    arguments: &UpArguments,
    images: Option<ImageTable>,
    directory: &Directory,
) -> anyhow::Result<ExitCode> {
    if arguments.detach {
        return detach(arguments, directory);
    }
    if arguments.supervised {
        rustix::process::setsid().context("leave the session of the shell")?;
    }
    let launch = Launch {
        init_arguments: inside_arguments("init", directory.root(), arguments.size),
        kubernetes_port: arguments.port,
        images: images.unwrap_or_default(),
        directory: directory.clone(),
    };
    let supervised = arguments.supervised;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime of the launcher")?;
    runtime.block_on(launch.run(|progress| report(progress, supervised)))?;
    Ok(ExitCode::SUCCESS)
}

fn report(progress: Progress<'_>, supervised: bool) {
    match (progress, supervised) {
        // The other end may be gone already; then nobody waits for the word.
        (Progress::Step(step), true) => drop(writeln!(std::io::stdout(), "{STEP}{step}")),
        (Progress::Ready(_), true) => drop(writeln!(std::io::stdout(), "{READY}")),
        (Progress::Step(step), false) => show_step(step),
        (Progress::Ready(addresses), false) => eprintln!("{addresses}\nPress Ctrl-C to stop it."),
    }
}

fn show_step(step: &str) {
    eprintln!("... {step}");
}

/// Starts the same command as a process that stays, and waits until it says that the APIs answer.
fn detach(arguments: &UpArguments, directory: &Directory) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let log = directory.launcher_log();
    let stderr = std::fs::File::create(&log).with_context(|| format!("create {}", log.display()))?;
    let mut own = inside_arguments("up", directory.root(), arguments.size);
    own.extend(["--supervised".into(), "--port".into(), arguments.port.to_string().into()]);
    if let Some(images) = &arguments.images {
        own.extend(["--images".into(), images.into()]);
    }
    let mut child = Command::new(std::env::current_exe().context("find this binary")?)
        .args(own)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .context("start the process that stays")?;
    let stdout = child.stdout.take().expect("stdout was piped");
    // The launcher bounds its own start, so that the word or the end of the stream comes in time.
    for line in BufReader::new(stdout).lines() {
        let line = line.context("wait for the sandbox to start")?;
        if line == READY {
            eprintln!("The sandbox runs ({} ms).", started.elapsed().as_millis());
            eprintln!("{}", directory.how_to_use());
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(step) = line.strip_prefix(STEP) {
            show_step(step);
        }
    }
    let status = child.wait().context("wait for the launcher")?;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let said = said.trim().trim_start_matches("error: ");
    if said.is_empty() {
        bail!("the sandbox did not start ({status}); see {}", directory.root().join("logs").display());
    }
    bail!("{said}")
}
