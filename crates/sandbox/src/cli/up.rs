//! `up`: in the foreground until a signal, or detached until `down`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::{UpArguments, inside_arguments};
use crate::launch::{Directory, Launch};

/// What the process that stays says on its stdout when the APIs answer.
const READY: &str = "ready";

pub(super) fn run(arguments: &UpArguments) -> anyhow::Result<ExitCode> {
    let directory = Directory::create(&arguments.dir)?;
    if arguments.detach {
        return detach(arguments, &directory);
    }
    if arguments.supervised {
        rustix::process::setsid().context("leave the session of the shell")?;
    }
    let launch = Launch {
        init_arguments: inside_arguments("init", directory.root(), arguments.size),
        kubernetes_port: arguments.port,
        directory,
    };
    let supervised = arguments.supervised;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime of the launcher")?;
    runtime.block_on(launch.run(|address| announce(address, supervised)))?;
    Ok(ExitCode::SUCCESS)
}

fn announce(address: &str, supervised: bool) {
    if supervised {
        // The other end may be gone already; then nobody waits for the word.
        let _ = writeln!(std::io::stdout(), "{READY}");
    } else {
        eprintln!("{address}\nPress Ctrl-C to stop it.");
    }
}

/// Starts the same command as a process that stays, and waits until it says that the APIs answer.
fn detach(arguments: &UpArguments, directory: &Directory) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let log = directory.launcher_log();
    let stderr = std::fs::File::create(&log).with_context(|| format!("create {}", log.display()))?;
    let mut own = inside_arguments("up", directory.root(), arguments.size);
    own.extend(["--supervised".into(), "--port".into(), arguments.port.to_string().into()]);
    let mut child = Command::new(std::env::current_exe().context("find this binary")?)
        .args(own)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .context("start the process that stays")?;
    let stdout = child.stdout.take().expect("stdout was piped");
    // The launcher bounds its own start, so that this line or the end of the stream comes in time.
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).context("wait for the sandbox to start")?;
    if line.trim() == READY {
        eprintln!("The sandbox runs ({} ms).", started.elapsed().as_millis());
        eprintln!("{}", directory.how_to_use());
        return Ok(ExitCode::SUCCESS);
    }
    let status = child.wait().context("wait for the launcher")?;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let said = said.trim().trim_start_matches("error: ");
    if said.is_empty() {
        bail!("the sandbox did not start ({status}); see {}", directory.root().join("logs").display());
    }
    bail!("{said}")
}
