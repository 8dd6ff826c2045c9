//! Every redis-ha release of a cluster or a namespace, by the records of Helm. Reads only.

use std::collections::BTreeMap;

use helm::manifest::Manifest;
use helm::release::{History, Release};
use serde_json::Value as Json;

use super::discover::is_redis_ha;
use super::error::Error;
use super::observe::over_defaults;
use crate::chart::effective::{effective, names};
use crate::kubernetes::Kubernetes;

/// Records that Helm 3 and 4 keep.
const SELECTOR: &str = "owner=helm";

/// One release as its records tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub namespace: String,
    pub name: String,
    /// Of the newest revision.
    pub revision: u64,
    pub status: &'static str,
    /// Of the revision that stands in the cluster.
    pub chart_version: String,
    pub app_version: String,
    /// The name under which its sentinels watch the master.
    pub group: String,
}

/// The releases, ordered by namespace and name. `namespace`: only those in it. What is beside them
/// and cannot be read is told in words.
pub async fn scan(
    kubernetes: &Kubernetes,
    namespace: Option<&str>,
) -> Result<(Vec<Found>, Vec<String>), Error> {
    let secrets = kubernetes.list("v1", "Secret", namespace, SELECTOR).await?;
    let mut releases: BTreeMap<(String, String), Vec<Json>> = BTreeMap::new();
    for secret in secrets {
        let text = |pointer: &str| secret.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let key = (text("/metadata/namespace").to_owned(), text("/metadata/labels/name").to_owned());
        releases.entry(key).or_default().push(secret);
    }
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for ((namespace, name), secrets) in releases {
        match History::of(&secrets) {
            Ok(history) => found.extend(redis_ha(&history, &namespace, &name)),
            Err(error) => unread.push(format!("{namespace}/{name}: {error}")),
        }
    }
    Ok((found, unread))
}

fn redis_ha(history: &History, namespace: &str, name: &str) -> Option<Found> {
    let current = history.current()?;
    let latest = history.latest()?;
    let defaults = current.chart.get("values").cloned().unwrap_or_default();
    let values = over_defaults(&defaults, &Json::Object(current.config.clone()));
    let group = effective(&values, &names(&values, name, namespace)).master_group_name;
    has_servers(current).then(|| Found {
        group,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        revision: latest.version,
        status: latest.info.status.as_str(),
        chart_version: current.chart_version().to_owned(),
        app_version: current.app_version().to_owned(),
    })
}

/// By what it made, not by what it is called: a fork is a redis-ha too.
fn has_servers(release: &Release) -> bool {
    let manifests = release.manifests().unwrap_or_default();
    let mut objects = manifests.iter().flat_map(Manifest::objects);
    objects.any(|object| object["kind"] == "StatefulSet" && is_redis_ha(object))
}
