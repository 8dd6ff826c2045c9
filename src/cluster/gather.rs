//! What a rendering needs beside the configuration: the chart's bytes, and what the cluster can do.

use std::path::Path;

use helm::chart::Chart;
use helm::cluster::{Capabilities, Clock};
use helm::template::World;
use rand::Rng;
use tfplugin_sdk::{Diagnostic, Diagnostics, Private, path};

use super::chart_source::{ChartSource, refusal};
use super::clients::Clients;
use super::diagnostics::failed;
use super::error::Error;
use super::model::Model;
use super::observe::recorded_release;
use super::read::site;
use super::resolve::{Gathered, chain};
use super::typed::list;
use super::unrecorded::is_adopted;
use crate::chart::bundled;
use crate::gke::ClusterId;

const CAPABILITIES: &str = "capabilities";
/// What is assumed of a cluster that cannot be asked yet; the bundled chart asks for nothing newer.
const KUBE_VERSION: &str = "v1.31.0";

/// Time and randomness, for templates and records.
pub struct Here;

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

/// The chart at a path.
fn load(name: &str) -> Result<Chart, Diagnostics> {
    let refuse = |seen: String| {
        let detail = format!(
            "`{name}`: {seen}. Wanted the path of a redis-ha chart, a directory with a Chart.yaml or a .tgz; its \
             name in a chart.repository; or `bundled` for the one that comes with the provider, or `recorded` for \
             the one that the release has."
        );
        Diagnostic::error("No chart at chart.name", detail).at(path!["chart", "name"])
    };
    Chart::load(Path::new(name)).map_err(|error| refuse(chain(&error)).into())
}

fn no_chart() -> Diagnostic {
    let detail = "There is no release yet whose record could hold a chart. Leave chart out for the one that comes \
                  with the provider, or name another.";
    Diagnostic::error("No chart is recorded", detail).at(path!["chart", "name"])
}

/// The chart in the record of the release that stands.
async fn recorded(clients: &Clients, config: &Model, prior: Option<&Model>) -> Result<Chart, Diagnostics> {
    let at = || path!["chart", "name"];
    let Some(prior) = prior else { return Err(no_chart().into()) };
    let gke = config.gke.clone().or(prior.gke.clone());
    let release = match site(clients, &Model { gke, ..prior.clone() }).await {
        Ok(site) => recorded_release(&site).await,
        Err(error) => Err(error),
    };
    let release = match release {
        Ok(release) if is_adopted(&release.chart) => return Err(no_chart().into()),
        Err(Error::NotFound { .. }) => return Err(no_chart().into()),
        other => other.map_err(|error| failed("read the chart of the release", &error))?,
    };
    let chart = release.recorded_chart();
    let chart = chart.and_then(|chart| chart.check_dependencies().map(|()| chart));
    chart.map_err(|error| {
        let detail = format!("{}. Name the chart by chart.name.", chain(&error));
        Diagnostic::error("The release record holds no whole chart", detail).at(at()).into()
    })
}

/// The chart and the capabilities. Those that an earlier verb froze in private data are used again,
/// so that plan and apply render the same.
pub async fn gather(
    clients: &Clients,
    config: &Model,
    prior: Option<&Model>,
    private: &mut Private,
) -> Result<Gathered, Diagnostics> {
    let source = ChartSource::of(config, prior)?;
    let chart = match &source {
        ChartSource::Bundled => bundled(),
        ChartSource::Recorded => recorded(clients, config, prior).await?,
        ChartSource::Named(name) => load(name)?,
        ChartSource::Remote { repository, source, .. } => {
            clients.charts.fetch(source, |error| refusal(error, repository.is_some())).await?
        }
    };
    check_version(&chart, config)?;
    let capabilities = match frozen(private) {
        Some(capabilities) => capabilities,
        None if !reads_capabilities(&chart, &list(&config.values).unwrap_or_default().concat()) => assumed(),
        None => {
            let asked = ask(clients, config).await.ok();
            if let Some(capabilities) = &asked {
                freeze(private, capabilities);
            }
            asked.unwrap_or_else(assumed)
        }
    };
    let (project, location) = (clients.project.clone(), clients.location.clone());
    Ok(Gathered { chart, source, capabilities, project, location })
}

/// Whether a rendering could ask what the cluster can do: where it cannot, the cluster is not asked.
/// `values` is the text of what the chart is given.
pub fn reads_capabilities(chart: &Chart, values: &str) -> bool {
    chart.reads_capabilities() || values.contains("Capabilities")
}

/// A version that is set is that of the chart; a repository or registry has found it by that.
fn check_version(chart: &Chart, config: &Model) -> Result<(), Diagnostic> {
    let wanted = config.chart.known().and_then(|chart| chart.version.as_str());
    let Some(wanted) = wanted.filter(|wanted| *wanted != chart.metadata.version) else { return Ok(()) };
    let detail = format!(
        "It is `{wanted}`, and the chart has the version {}. Set that one, or leave version out; a chart of another \
         version comes from a chart.repository.",
        chart.metadata.version
    );
    Err(Diagnostic::error("Wrong value of chart.version", detail).at(path!["chart", "version"]))
}

/// The chart with assumed capabilities: for checks that contact nothing. None where the chart is
/// known only to the cluster, or to a repository.
pub fn offline(config: &Model) -> Result<Option<Gathered>, Diagnostics> {
    let source = ChartSource::of(config, None)?;
    let chart = match &source {
        ChartSource::Bundled => bundled(),
        ChartSource::Recorded | ChartSource::Remote { .. } => return Ok(None),
        ChartSource::Named(name) => load(name)?,
    };
    Ok(Some(Gathered { chart, source, capabilities: assumed(), project: None, location: None }))
}

pub fn assumed() -> Capabilities {
    Capabilities {
        kube_version: KUBE_VERSION.into(),
        api_versions: vec!["v1".into(), "apps/v1".into(), "policy/v1".into()],
    }
}

async fn ask(clients: &Clients, config: &Model) -> Result<Capabilities, Error> {
    let kubernetes = clients.kubernetes(cluster_id(config, clients).as_ref()).await?;
    Ok(kubernetes.server_capabilities().await?)
}

/// The GKE cluster of a configuration or a state, where one is named in full.
pub fn cluster_id(model: &Model, clients: &Clients) -> Option<ClusterId> {
    let gke = model.gke.known()?;
    Some(ClusterId {
        project: gke.project.as_str().map(str::to_owned).or_else(|| clients.project.clone())?,
        location: gke.location.as_str().map(str::to_owned).or_else(|| clients.location.clone())?,
        cluster: gke.cluster.as_str()?.to_owned(),
    })
}

fn frozen(private: &Private) -> Option<Capabilities> {
    let (kube_version, api_versions) = private.get(CAPABILITIES)?;
    Some(Capabilities { kube_version, api_versions })
}

/// Forgets the capabilities: the release's chart does not read them, and a later chart asks anew.
pub fn thaw(private: &mut Private) {
    private.remove(CAPABILITIES);
}

/// Keeps the capabilities for the verbs to come.
pub fn freeze(private: &mut Private, capabilities: &Capabilities) {
    private.set(CAPABILITIES, &(&capabilities.kube_version, &capabilities.api_versions));
}
