//! The command line. Enters: arguments. Leaves: an exit code, progress on stderr, answers on stdout.
//! Each command is one file; the two hidden ones are how the binary runs itself inside the namespaces.
//! Deliberately absent: how any of it is done (`launch`, `node`).

mod down;
mod fault;
mod run;
mod status;
mod up;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::launch;

/// GKE and Kubernetes on one machine: pods are local processes, networks are namespaces
///
/// A sandbox lives in a directory. `up` starts it there and writes `env`, which points kubectl, helm, gcloud and
/// terraform at it; `down` ends it and leaves its logs. It needs no root, no images and no internet.
#[derive(Debug, Parser)]
#[command(name = "redis-ha-sandbox", version, after_help = EXAMPLE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "Example:
  redis-ha-sandbox up --dir ~/sandbox --detach
  . ~/sandbox/env
  terraform apply
  redis-ha-sandbox status --dir ~/sandbox
  redis-ha-sandbox down --dir ~/sandbox";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a sandbox; ends with Ctrl-C, or with `down` after --detach
    Up(UpArguments),
    /// Stop a sandbox and wait until nothing of it is left
    Down(DirArgument),
    /// Show the pods of a sandbox and where it answers
    Status(StatusArguments),
    /// Make things fail on purpose, and heal them; answers in JSON
    Fault(fault::FaultArguments),
    /// Run a command inside the network of a sandbox, with its DNS
    Run(RunArguments),
    /// The first process of the namespaces
    #[command(hide = true)]
    Init(InsideArguments),
    /// The servers, the controllers and the node agent
    #[command(hide = true)]
    Inside(InsideArguments),
}

#[derive(Debug, Args)]
struct DirArgument {
    /// The sandbox's directory
    #[arg(long)]
    dir: PathBuf,
}

#[derive(Debug, Args)]
struct StatusArguments {
    /// The sandbox's directory
    #[arg(long)]
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct UpArguments {
    /// Where the sandbox keeps its files: an empty directory, that of an earlier sandbox, or one that is made
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    size: SizeArguments,
    /// Return when the APIs answer, and leave the sandbox running
    #[arg(long)]
    detach: bool,
    /// Port of the Kubernetes API on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A JSON file of more images: {"redis:8*": {"like": "redis", "programs": "/opt/redis-8/bin"}}
    #[arg(long, value_name = "FILE")]
    images: Option<PathBuf>,
    /// Set by --detach on the process that stays
    #[arg(long, hide = true, conflicts_with = "detach")]
    supervised: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SizeArguments {
    /// Nodes of the default pool
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) nodes: u32,
    /// Probe timings: `fast` scales delays and periods down, `real` keeps them as they are
    #[arg(long, value_enum, default_value_t = Probes::Fast)]
    pub(crate) probes: Probes,
    /// What the waits of CrashLoopBackOff and ImagePullBackOff (10 s, doubling to five minutes) are multiplied by,
    /// and the ten minutes of running that end them: 0.01 to 1
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_scale)]
    pub(crate) backoff_scale: f64,
}

fn parse_scale(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| (0.01..=1.0).contains(factor));
    factor.ok_or_else(|| "a number from 0.01 to 1 was wanted".to_owned())
}

/// How literally timings of pods are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Probes {
    /// Delays and periods of probes, sleeps of init containers and Sentinel's polls are scaled down.
    Fast,
    /// Everything as written.
    Real,
}

impl Probes {
    fn as_argument(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Real => "real",
        }
    }
}

#[derive(Debug, Args)]
struct RunArguments {
    /// The sandbox's directory
    #[arg(long)]
    dir: PathBuf,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Args)]
struct InsideArguments {
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    size: SizeArguments,
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Down(arguments) => down::run(&arguments.dir),
        Command::Status(arguments) => status::run(&arguments),
        Command::Fault(arguments) => fault::run(arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Init(arguments) => {
            launch::run_init(&inside_arguments("inside", &arguments.dir, arguments.size))
        }
        Command::Inside(arguments) => launch::run_inside(&arguments.dir, arguments.size),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments with which the binary runs itself inside the namespaces.
fn inside_arguments(command: &str, dir: &std::path::Path, size: SizeArguments) -> Vec<OsString> {
    vec![
        command.into(),
        "--dir".into(),
        dir.into(),
        "--nodes".into(),
        size.nodes.to_string().into(),
        "--probes".into(),
        size.probes.as_argument().into(),
        "--backoff-scale".into(),
        size.backoff_scale.to_string().into(),
    ]
}
