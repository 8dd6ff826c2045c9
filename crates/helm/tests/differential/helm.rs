//! The real helm and ours, on the same chart and values.

use std::path::{Path, PathBuf};
use std::process::Command;

use helm::chart::Chart;
use helm::render::{self, Request};
use helm::template::World;
use helm::value::Map;
use helm::values;

/// The directories of the two helms: 3.17.2 and 4.1.4.
pub(crate) const VERSIONS: [&str; 2] = ["helm3", "helm4"];

pub(crate) fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn binary(version: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let path = tools.join(version).join("helm");
    assert!(path.exists(), "{} is missing: run make tools", path.display());
    path
}

/// What `helm template rel CHART` prints, or its error.
pub(crate) fn real(version: &str, chart: &Path, arguments: &[&str]) -> Result<String, String> {
    // Neither a user's configuration nor a cluster may come in.
    let output = Command::new(binary(version))
        .args(["template", "rel"])
        .arg(chart)
        .args(arguments)
        .env_clear()
        .env("HOME", chart)
        .output()
        .expect("helm runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The clock and the randomness of these tests. Nothing compared here may depend on them.
pub(crate) struct Still;

impl World for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// What we print for the chart, in the form of `helm template`.
pub(crate) fn ours(chart: &Path, user: &Map, kube_version: &str) -> Result<String, String> {
    let loaded = Chart::load(chart).map_err(|error| chain(&error))?;
    let mut capabilities = render::offline_capabilities();
    kube_version.clone_into(&mut capabilities.kube_version);
    let request = Request {
        name: "rel",
        namespace: "default",
        revision: 1,
        is_upgrade: false,
        values: user,
        capabilities: &capabilities,
    };
    let rendered = render::render(&loaded, &request, &Still).map_err(|error| chain(&error))?;
    Ok(render::template_output(&rendered))
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

const CHART_YAML: &str = "apiVersion: v2\nname: cases\nversion: 0.1.0\nappVersion: '1.0'\n\
    description: text\nkeywords: [a, b]\nmaintainers: [{name: m, email: e}]\nannotations: {x: y}\n";

/// Writes a chart of these files, and `Chart.yaml`.
pub(crate) fn write_chart(directory: &Path, files: &[(String, String)]) {
    let own = ("Chart.yaml".to_owned(), CHART_YAML.to_owned());
    for (path, text) in files.iter().chain([&own]) {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("written");
    }
}

/// The values of a document.
pub(crate) fn parse(text: &str) -> Map {
    values::parse(text).expect("good values")
}

/// Shows the first lines that differ.
pub(crate) fn difference(real: &str, ours: &str) -> Option<String> {
    if real == ours {
        return None;
    }
    let (mut real, mut ours) = (real.lines(), ours.lines());
    let mut line = 1;
    loop {
        match (real.next(), ours.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            (a, b) => return Some(format!("line {line}: helm has {a:?}, we have {b:?}")),
        }
    }
}
