//! Prints what `helm template` prints:
//! `cargo run -p helm --example template -- NAME CHART [-n NS] [-f FILE]… [--set k=v]… [--kube-version V]`

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use helm::chart::Chart;
use helm::release::{self, ReleaseError};
use helm::render::{self, Request};
use helm::template::World;
use helm::value::Map;
use helm::values;
use jiff::Timestamp;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "Error: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error of a file, with the file's name.
fn of<E: std::error::Error>(path: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{path}: {}", chain(&error))
}

fn run() -> Result<(), Failure> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    if !release::is_valid_name(&arguments.name) {
        return Err(ReleaseError::Name { name: arguments.name }.into());
    }
    let chart = Chart::load(Path::new(&arguments.chart)).map_err(of(&arguments.chart))?;
    let mut capabilities = render::offline_capabilities();
    if let Some(version) = arguments.kube_version {
        capabilities.kube_version = version;
    }
    let request = Request {
        name: &arguments.name,
        namespace: &arguments.namespace,
        revision: 1,
        is_upgrade: false,
        values: &arguments.values,
        capabilities: &capabilities,
    };
    let rendered = render::render(&chart, &request, &System)?;
    for warning in &rendered.warnings {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    std::io::stdout().write_all(render::template_output(&rendered).as_bytes())?;
    Ok(())
}

struct Arguments {
    name: String,
    chart: String,
    namespace: String,
    values: Map,
    kube_version: Option<String>,
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut names = Vec::new();
        let mut namespace = "default".to_owned();
        let mut kube_version = None;
        let mut user_values = Map::new();
        let mut sets = Vec::new();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "-n" | "--namespace" => namespace = value()?,
                "-f" | "--values" => {
                    let path = value()?;
                    let text = std::fs::read_to_string(&path).map_err(of(&path))?;
                    let document = values::parse(&text).map_err(of(&path))?;
                    user_values = values::merge(&user_values, &document);
                }
                "--set" => sets.push(value()?),
                "--kube-version" => kube_version = Some(value()?),
                flag if flag.starts_with('-') => return Err(format!("unknown flag {flag}").into()),
                _ => names.push(argument),
            }
        }
        // As in Helm, what is set on the command line wins over files, wherever it stands.
        for argument in sets {
            values::parse_set_into(&argument, &user_values)?;
        }
        let [name, chart] = names
            .try_into()
            .map_err(|_| "usage: template NAME CHART [-n NS] [-f FILE]… [--set k=v]… [--kube-version V]")?;
        Ok(Self { name, chart, namespace, values: user_values, kube_version })
    }
}

/// This machine's clock and randomness; there is no cluster to look up in.
struct System;

impl World for System {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        let mut source = std::fs::File::open("/dev/urandom").expect("a source of randomness");
        source.read_exact(bytes).expect("an endless source of randomness");
    }
}
