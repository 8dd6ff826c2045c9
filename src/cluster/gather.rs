//! What a rendering needs beside the configuration: the chart's bytes, and what the cluster can do.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use helm::chart::Chart;
use helm::cluster::{Capabilities, Clock};
use helm::template::World;
use rand::Rng;
use tfplugin_sdk::{Diagnostic, Diagnostics, Private, path};

use super::clients::Clients;
use super::error::Error;
use super::model::Model;
use super::resolve::{Gathered, chain};
use crate::chart::bundled_files;
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

#[async_trait]
impl Clock for Here {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The chart that the configuration names.
pub fn chart(config: &Model) -> Result<(Chart, bool), Diagnostics> {
    let name = config.chart.known().and_then(|chart| chart.name.as_str());
    let Some(name) = name else {
        let chart = Chart::from_files(bundled_files()).expect("the bundled chart loads: a test shows it");
        return Ok((chart, true));
    };
    let refuse = |seen: String| {
        let detail = format!(
            "`{name}`: {seen}. Wanted the path of a redis-ha chart, a directory with a Chart.yaml or a .tgz. Leave \
             chart out for the one that comes with the provider."
        );
        Diagnostic::error("No chart at chart.name", detail).at(path!["chart", "name"])
    };
    let chart = Chart::load(Path::new(name)).map_err(|error| refuse(chain(&error)))?;
    Ok((chart, false))
}

/// The chart and the capabilities. Those that an earlier verb froze in private data are used again,
/// so that plan and apply render the same.
pub async fn gather(
    clients: Option<&Clients>,
    config: &Model,
    private: &mut Private,
) -> Result<Gathered, Diagnostics> {
    let (chart, bundled) = chart(config)?;
    let capabilities = match frozen(private) {
        Some(capabilities) => capabilities,
        None => {
            let asked = match clients {
                Some(clients) => ask(clients, config).await.ok(),
                None => None,
            };
            if let Some(capabilities) = &asked {
                freeze(private, capabilities);
            }
            asked.unwrap_or_else(assumed)
        }
    };
    let (project, location) =
        clients.map(|clients| (clients.project.clone(), clients.location.clone())).unwrap_or_default();
    Ok(Gathered { chart, bundled, capabilities, project, location })
}

/// The chart with assumed capabilities: for checks that contact nothing.
pub fn offline(config: &Model) -> Result<Gathered, Diagnostics> {
    let (chart, bundled) = chart(config)?;
    Ok(Gathered { chart, bundled, capabilities: assumed(), project: None, location: None })
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

/// Keeps the capabilities for the verbs to come.
pub fn freeze(private: &mut Private, capabilities: &Capabilities) {
    private.set(CAPABILITIES, &(&capabilities.kube_version, &capabilities.api_versions));
}
