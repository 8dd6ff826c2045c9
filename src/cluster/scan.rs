//! Every redis-ha release of a cluster or a namespace: by the records of Helm, and where there is none by
//! the labels of its StatefulSet. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use helm::cluster::ObjectRef;
use helm::manifest::Manifest;
use helm::release::{History, Release, Status};
use serde_json::Value as Json;

use super::discover::is_redis_ha;
use super::error::Error;
use super::facts::parts;
use super::observe::over_defaults;
use super::reconstructed::values;
use super::unrecorded::{RELEASE_LABELS, objection, split_chart};
use crate::chart::effective::{effective, names};
use crate::kubernetes::Kubernetes;

/// Records that Helm 3 and 4 keep.
const SELECTOR: &str = "owner=helm";

/// One release as its records tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub namespace: String,
    pub name: String,
    /// Of the newest revision; 0 where no record tells of it.
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
    let known: BTreeSet<_> = releases.keys().cloned().collect();
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for ((namespace, name), secrets) in releases {
        match History::of(&secrets) {
            Ok(history) => found.extend(redis_ha(&history, &namespace, &name)),
            Err(error) => unread.push(format!("{namespace}/{name}: {error}")),
        }
    }
    for (key, one) in unrecorded(kubernetes, namespace).await? {
        if !known.contains(&key) {
            found.push(one);
        }
    }
    found.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    Ok((found, unread))
}

/// What the labels of StatefulSets call a redis-ha. What could not be imported is left out. One list for
/// each of the labels, and one ConfigMap for each that is found.
async fn unrecorded(
    kubernetes: &Kubernetes,
    namespace: Option<&str>,
) -> Result<BTreeMap<(String, String), Found>, Error> {
    let mut found = BTreeMap::new();
    for label in RELEASE_LABELS {
        for set in kubernetes.list("apps/v1", "StatefulSet", namespace, label).await? {
            let text = |pointer: &str| set.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
            let name = set["metadata"]["labels"][label].as_str().unwrap_or_default();
            let key = (text("/metadata/namespace").to_owned(), name.to_owned());
            if !is_redis_ha(&set) || objection(name, &set).is_some() || found.contains_key(&key) {
                continue;
            }
            let map = text("/metadata/name").strip_suffix("-server").map(|name| format!("{name}-configmap"));
            let map = ObjectRef::new("v1", "ConfigMap", Some(&key.0), &map.unwrap_or_default());
            let Some(map) = kubernetes.get(&map).await? else { continue };
            found.insert(key.clone(), standing(key, set, map));
        }
    }
    Ok(found)
}

/// A release as its objects tell it.
fn standing((namespace, name): (String, String), set: Json, map: Json) -> Found {
    let (_, version) = split_chart(set["metadata"]["labels"]["chart"].as_str().unwrap_or_default());
    let chart_version = version.to_owned();
    let objects = [set, map];
    let values = parts(&objects).map(|parts| values(&parts, &objects)).unwrap_or_default();
    let declared = effective(&values, &names(&values, &name, &namespace));
    Found {
        namespace,
        name,
        revision: 0,
        status: Status::default().as_str(),
        chart_version,
        app_version: declared.image_tag,
        group: declared.master_group_name,
    }
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
