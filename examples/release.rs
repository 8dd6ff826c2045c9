//! Installs, upgrades or uninstalls a release by our own means: `release install|upgrade|uninstall NAME
//! CHART [-f FILE]…`, in the namespace default of the cluster that `KUBECONFIG` names. `make bench` counts
//! its requests.

use std::path::Path;

use anyhow::{Context as _, bail};
use helm::action::{self, Options};
use helm::chart::Chart;
use helm::cluster::{Clock, Cluster as _};
use helm::release::History;
use helm::render::{Request, offline_capabilities, render_on};
use helm::template::World;
use helm::value::Map;
use helm::values;
use provider_redis::kubernetes::{Kubernetes, KubernetesSettings};
use rand::Rng as _;

const NAMESPACE: &str = "default";

/// Time and randomness as they are.
struct Here;

impl World for Here {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

impl Clock for Here {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let lookup = |name: &str| std::env::var(name).ok();
    let config_path = lookup("KUBECONFIG").context("KUBECONFIG names no cluster")?;
    let settings = KubernetesSettings { config_path: Some(config_path), ..KubernetesSettings::default() };
    let cluster = Kubernetes::from_settings(settings, &lookup);
    match words.as_slice() {
        ["uninstall", name] => {
            action::uninstall(&cluster, &Here, NAMESPACE, name, &Options::default()).await?;
        }
        ["install", name, chart, files @ ..] => change(&cluster, name, chart, files, false).await?,
        ["upgrade", name, chart, files @ ..] => change(&cluster, name, chart, files, true).await?,
        _ => bail!("usage: release install|upgrade NAME CHART [-f FILE]… | release uninstall NAME"),
    }
    Ok(())
}

async fn change(
    cluster: &Kubernetes,
    name: &str,
    chart: &str,
    files: &[&str],
    is_upgrade: bool,
) -> anyhow::Result<()> {
    let chart = Chart::load(Path::new(chart))?;
    let mut given = Map::new();
    for file in files.iter().filter(|word| **word != "-f") {
        given = values::merge(&given, &values::parse(&std::fs::read_to_string(file)?)?);
    }
    let reads = chart.reads_capabilities() || format!("{given:?}").contains("Capabilities");
    let capabilities = if reads { cluster.capabilities().await? } else { offline_capabilities() };
    let revision = match is_upgrade {
        true => History::read(cluster, NAMESPACE, name).await?.next_revision(),
        false => 1,
    };
    let request = Request {
        name,
        namespace: NAMESPACE,
        revision,
        is_upgrade,
        values: &given,
        capabilities: &capabilities,
    };
    let rendered = render_on(cluster, &chart, &request, &Here).await?;
    let options = Options::default();
    match is_upgrade {
        true => Box::pin(action::upgrade(cluster, &Here, &rendered, &options)).await?,
        false => Box::pin(action::install(cluster, &Here, &rendered, &options)).await?,
    };
    Ok(())
}
