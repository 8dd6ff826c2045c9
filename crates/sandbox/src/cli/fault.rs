//! `fault add|list|clear`: asks the running sandbox, and prints its answer as JSON.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args, Subcommand};
use http::Method;
use serde_json::Value;

use crate::faults::{
    ApiFault, CONTROL_PATH, ContainerFault, Effect, Fault, NodeFault, PartitionFault, PodName, Service, Verb,
};
use crate::launch::Control;

#[derive(Debug, Args)]
pub(super) struct FaultArguments {
    /// The sandbox's directory
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a fault; prints it with its number
    Add {
        #[command(subcommand)]
        fault: AddArguments,
    },
    /// Print the faults and how often each struck
    List,
    /// Take faults back and heal what they did; prints them
    Clear {
        /// Their numbers; all faults if none is given
        ids: Vec<u64>,
    },
}

#[derive(Debug, Subcommand)]
enum AddArguments {
    /// Requests to an API are refused, late, unanswered, reset or torn
    ///
    /// The oldest fault that meets a request strikes it. A fault whose count is spent stays in the list.
    Api(ApiArguments),
    /// A container is stopped until the fault is cleared, or killed once
    Pod(PodArguments),
    /// A pod is cut off: packets are lost both ways, also through Services
    ///
    /// The cut is by name: a pod that takes the name later is cut off too. The node still reaches its pods, so that
    /// probes, exec and port-forward work.
    Partition {
        /// NAMESPACE/POD
        pod: PodName,
        /// NAMESPACE/POD that it is cut off from; may be given again. Without it: all pods, Services and DNS
        #[arg(long)]
        from: Vec<PodName>,
    },
    /// A node is lost: unreachable with its pods, soon NotReady; its pods are evicted when they tolerate it no longer
    Node { node: String },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("effect").required(true))]
struct ApiArguments {
    /// Which API
    #[arg(long, value_enum, default_value_t = Service::Kubernetes)]
    service: Service,
    /// What the request does; may be given again, or as a list with commas
    #[arg(long = "verb", value_enum, value_delimiter = ',', default_values_t = [Verb::Any])]
    verbs: Vec<Verb>,
    /// A pattern for the path; `*` stands for any characters, slashes too
    #[arg(long, value_name = "GLOB", default_value = "*")]
    path: String,
    /// How many requests are struck; all if it is left out
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Refuse with this HTTP status, in the API's own form
    #[arg(long, group = "effect", value_parser = clap::value_parser!(u16).range(400..600))]
    status: Option<u16>,
    /// A Retry-After header for --status, in seconds
    #[arg(long, value_name = "SECONDS", requires = "status")]
    retry_after: Option<u64>,
    /// Answer so much later, such as 2s or 500ms
    #[arg(long, group = "effect", value_parser = parse_delay)]
    delay: Option<u64>,
    /// Never answer
    #[arg(long, group = "effect")]
    hang: bool,
    /// Reset the connection
    #[arg(long, group = "effect")]
    reset: bool,
    /// Tear a watch in the middle of an event
    #[arg(long, group = "effect")]
    half_watch: bool,
    /// Events that a torn watch gives before
    #[arg(long, value_name = "EVENTS", requires = "half_watch", default_value_t = 0)]
    after: u64,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("signal").required(true))]
struct PodArguments {
    /// NAMESPACE/POD
    pod: PodName,
    /// The container's name
    #[arg(long)]
    container: String,
    /// SIGSTOP to all its processes; clearing the fault sends SIGCONT
    #[arg(long, group = "signal")]
    stop: bool,
    /// SIGKILL to its first process, once
    #[arg(long, group = "signal")]
    kill: bool,
}

pub(super) fn run(arguments: FaultArguments) -> anyhow::Result<ExitCode> {
    let Some(dir) = arguments.dir else {
        bail!("which sandbox? give its directory with --dir DIR");
    };
    let control = Control::open(&dir)?;
    let answer = match arguments.action {
        Action::Add { fault } => {
            let fault = serde_json::to_value(Fault::from(fault)).context("write the fault as JSON")?;
            control.call(&Method::POST, CONTROL_PATH, Some(&fault))?
        }
        Action::List => control.call(&Method::GET, CONTROL_PATH, None)?,
        Action::Clear { ids } if ids.is_empty() => control.call(&Method::DELETE, CONTROL_PATH, None)?,
        Action::Clear { ids } => clear(&control, &ids)?,
    };
    let text = serde_json::to_string_pretty(&answer).context("render the answer")?;
    writeln!(std::io::stdout(), "{text}").context("write to stdout")?;
    Ok(ExitCode::SUCCESS)
}

fn clear(control: &Control, ids: &[u64]) -> anyhow::Result<Value> {
    let mut cleared = Vec::new();
    for id in ids {
        let answer = control.call(&Method::DELETE, &format!("{CONTROL_PATH}/{id}"), None)?;
        cleared.extend(answer.as_array().cloned().unwrap_or_default());
    }
    Ok(Value::Array(cleared))
}

impl From<AddArguments> for Fault {
    fn from(arguments: AddArguments) -> Self {
        match arguments {
            AddArguments::Api(api) => Self::Api(api.into()),
            AddArguments::Pod(PodArguments { pod, container, stop, .. }) => {
                let target = ContainerFault { pod, container };
                if stop { Self::Stop(target) } else { Self::Kill(target) }
            }
            AddArguments::Partition { pod, from } => Self::Partition(PartitionFault { pod, from }),
            AddArguments::Node { node } => Self::Node(NodeFault { node }),
        }
    }
}

impl From<ApiArguments> for ApiFault {
    fn from(arguments: ApiArguments) -> Self {
        let effect = if let Some(status) = arguments.status {
            Effect::Status { status, retry_after_seconds: arguments.retry_after }
        } else if let Some(delay_milliseconds) = arguments.delay {
            Effect::Delay { delay_milliseconds }
        } else if arguments.half_watch {
            Effect::HalfWatch { after_events: arguments.after }
        } else if arguments.reset {
            Effect::Reset
        } else {
            Effect::Hang
        };
        let ApiArguments { service, verbs, path, count, .. } = arguments;
        Self { service, verbs, path, count, effect }
    }
}

/// A duration as `2s`, `500ms` or `1m30s`, in milliseconds.
fn parse_delay(text: &str) -> Result<u64, String> {
    let duration: jiff::SignedDuration =
        text.parse().map_err(|_| format!("{text:?} is no duration; write 2s or 500ms"))?;
    u64::try_from(duration.as_millis()).map_err(|_| "a delay cannot be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        fault: FaultArguments,
    }

    /// The fault of a command line, as JSON; or the first line of what is wrong with it.
    fn check(line: &str, expected: &str) {
        let words = ["fault", "add"].into_iter().chain(line.split(' '));
        let said = match Cli::try_parse_from(words) {
            Ok(Cli { fault: FaultArguments { action: Action::Add { fault }, .. } }) => {
                serde_json::to_string(&Fault::from(fault)).expect("JSON")
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        assert_eq!(said, expected, "{line}");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_kind_of_fault_has_its_command_line() {
        check(
            "api --verb get,list --path */secrets* --status 403 --count 2",
            r#"{"fault":"api","service":"kubernetes","verbs":["get","list"],"path":"*/secrets*","count":2,"effect":"status","status":403,"retry_after_seconds":null}"#,
        );
        check(
            "api --service gke --verb * --delay 1m30s",
            r#"{"fault":"api","service":"gke","verbs":["*"],"path":"*","count":null,"effect":"delay","delay_milliseconds":90000}"#,
        );
        check(
            "api --half-watch --after 3",
            r#"{"fault":"api","service":"kubernetes","verbs":["*"],"path":"*","count":null,"effect":"half-watch","after_events":3}"#,
        );
        check(
            "pod default/redis-0 --container redis --stop",
            r#"{"fault":"stop","pod":"default/redis-0","container":"redis"}"#,
        );
        check(
            "partition default/a --from default/b --from default/c",
            r#"{"fault":"partition","pod":"default/a","from":["default/b","default/c"]}"#,
        );
        check("node n1", r#"{"fault":"node","node":"n1"}"#);
    }

    #[test]
    fn a_fault_without_or_with_two_effects_is_refused() {
        check("api --verb get", "error: the following required arguments were not provided:");
        check("api --hang --reset", "error: the argument '--hang' cannot be used with '--reset'");
        check(
            "api --status 200",
            "error: invalid value '200' for '--status <STATUS>': 200 is not in 400..600",
        );
        check(
            "api --delay soon",
            "error: invalid value 'soon' for '--delay <DELAY>': \"soon\" is no duration; write 2s or 500ms",
        );
        check(
            "partition a",
            "error: invalid value 'a' for '<POD>': \"a\" names no pod; write NAMESPACE/POD, such as default/redis-0",
        );
    }
}
