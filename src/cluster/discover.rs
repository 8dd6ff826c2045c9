//! Finds what a name and a namespace stand for, and says what was found when it is not what can be
//! managed. Reads only.

use std::collections::BTreeSet;

use helm::release::Status;
use k8s_openapi::api::core::v1::Node;
use serde_json::Value as Json;
use tfplugin_sdk::{Attr, Diagnostics};

use super::error::Error;
use super::model::Model;
use super::observed::{Observed, ReleaseSeen};
use super::scan::{Found, scan};
use super::site::Site;
use super::typed::NODE_POOL_LABEL;
use super::{tls, unrecorded};
use crate::chart::effective::{effective, names};
use crate::chart::{Effective, Names};

/// The chart's own name.
const CHART: &str = "redis-ha";
/// Where Helm 2 kept its records.
const TILLER_NAMESPACE: &str = "kube-system";

/// What stands in the way of managing a release.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error(
        "the release {name} was made by Helm 2: its record is the ConfigMap {TILLER_NAMESPACE}/{config_map}. \
         Convert it first: helm 2to3 convert {name}. Then import it again"
    )]
    HelmTwo { name: String, config_map: String },
    #[error(
        "there is no record of a release {namespace}/{name}. The StatefulSet {namespace}/{set} carries its labels, \
         and cannot be taken as it is: {reason}. Give it a record with the chart and the values that it was made \
         of: helm upgrade --install {name} CHART --namespace {namespace} --take-ownership -f VALUES (Helm 3.17 or \
         later). Then import it again"
    )]
    NoRecord { namespace: String, name: String, set: String, reason: String },
    #[error(
        "revision {revision} of the release {namespace}/{name} is {status}: somebody works on it, or was \
         interrupted. Wait until it is done; if nobody is at it: helm rollback {name} --namespace {namespace}. \
         Then import it again"
    )]
    Pending { namespace: String, name: String, revision: u64, status: Status },
    #[error(
        "the release {namespace}/{name} is of the chart {chart}, and has no StatefulSet {set} with the containers \
         redis and sentinel, which every redis-ha has"
    )]
    NotRedisHa { namespace: String, name: String, chart: String, set: String },
}

/// Why a look found no release.
pub async fn absent(site: &Site) -> Error {
    match look_elsewhere(site).await {
        Ok(Some(unfit)) => unfit.into(),
        Ok(None) => Error::NotFound { namespace: site.namespace.clone(), name: site.release.clone() },
        Err(error) => error,
    }
}

async fn look_elsewhere(site: &Site) -> Result<Option<Unfit>, Error> {
    let name = site.release.clone();
    let tiller = format!("OWNER=TILLER,NAME={name}");
    // Whoever may not look into kube-system is told what the rest of the cluster tells.
    let records = site.kubernetes.list("v1", "ConfigMap", Some(TILLER_NAMESPACE), &tiller).await;
    if let Some(record) = records.unwrap_or_default().last() {
        return Ok(Some(Unfit::HelmTwo { name, config_map: text(record, "/metadata/name").to_owned() }));
    }
    Ok(match Box::pin(unrecorded::find(site)).await? {
        unrecorded::Found::Unfit(unfit) => Some(unfit),
        unrecorded::Found::Nothing | unrecorded::Found::Whole(_) => None,
    })
}

/// Whether a release can be managed; what its owner should know is told beside it.
pub async fn examine(site: &Site, observed: &Observed, model: &Model) -> Result<Diagnostics, Error> {
    let Some(seen) = &observed.release else { return Err(absent(site).await) };
    let (values, status) = (&seen.effective_values, &seen.status);
    let names = names(values, &site.release, &site.namespace);
    let effective = effective(values, &names);
    let set = require_redis_ha(site, seen, &names)?;
    require_idle(site, seen)?;
    require_secrets(site, &effective).await?;
    let mut found = Diagnostics::none();
    if status == Status::Failed.as_str() {
        found.warning(
            "The newest revision of the release has failed",
            format!(
                "An earlier one than revision {} stands in the cluster. The next apply makes a new revision of it.",
                seen.revision
            ),
        );
    }
    unrecorded_release(seen, &mut found);
    fork(seen, &mut found);
    custom_configuration(&effective, &mut found);
    node_pool(site, observed, &set, &mut found).await;
    shared_group(site, &effective.master_group_name, &mut found).await;
    foreign_members(model, &mut found);
    Ok(found)
}

fn require_redis_ha(site: &Site, seen: &ReleaseSeen, names: &Names) -> Result<Json, Error> {
    let set = seen.manifest.iter().find(|object| is_set_of_redis_ha(object, &names.stateful_set()));
    set.cloned().ok_or_else(|| {
        let unfit = Unfit::NotRedisHa {
            namespace: site.namespace.clone(),
            name: site.release.clone(),
            chart: format!("{} {}", seen.chart, seen.chart_version),
            set: names.stateful_set(),
        };
        unfit.into()
    })
}

/// Whether an object is the StatefulSet of this name that runs Redis with a Sentinel beside it.
pub fn is_set_of_redis_ha(object: &Json, name: &str) -> bool {
    text(object, "/kind") == "StatefulSet" && text(object, "/metadata/name") == name && is_redis_ha(object)
}

/// Whether a StatefulSet runs Redis with a Sentinel beside it.
pub fn is_redis_ha(set: &Json) -> bool {
    let containers = set.pointer("/spec/template/spec/containers").and_then(Json::as_array);
    let has = |name: &str| containers.is_some_and(|all| all.iter().any(|one| one["name"] == name));
    has("redis") && has("sentinel")
}

fn require_idle(site: &Site, seen: &ReleaseSeen) -> Result<(), Error> {
    let pending = [Status::PendingInstall, Status::PendingUpgrade, Status::PendingRollback];
    match pending.into_iter().find(|status| seen.status == status.as_str()) {
        None => Ok(()),
        Some(status) => {
            let (namespace, name) = (site.namespace.clone(), site.release.clone());
            let revision = u64::try_from(seen.revision).unwrap_or_default();
            Err(Unfit::Pending { namespace, name, revision, status }.into())
        }
    }
}

/// A Secret that is missing, or is no text, would leave every later look without an answer.
async fn require_secrets(site: &Site, effective: &Effective) -> Result<(), Error> {
    for secret in [&effective.auth, &effective.sentinel_auth].into_iter().flatten() {
        site.kubernetes.secret_key(&site.namespace, &secret.secret, &secret.key).await?;
    }
    tls::require(site, effective).await.map(drop)
}

fn unrecorded_release(seen: &ReleaseSeen, found: &mut Diagnostics) {
    if !seen.is_recorded() {
        let detail = format!(
            "It was made without Helm, or its record was lost. It was found by the labels of its StatefulSet, and its \
             values are read back from its {} objects. The next apply makes a record of it and moves it to the \
             bundled chart, without an outage; to stay on the chart that it was made of, name that by `chart`. The \
             plan shows what would change.",
            seen.manifest.len()
        );
        found.warning("The release has no record", detail);
    }
}

fn fork(seen: &ReleaseSeen, found: &mut Diagnostics) {
    let chart = &seen.chart;
    if chart != CHART {
        let detail = format!(
            "The release is of the chart {chart} {}, which has the objects of {CHART} under another name. It \
             stays on its chart; what it adds to {CHART} is not looked at.",
            seen.chart_version
        );
        found.warning(format!("The chart is a fork of {CHART}"), detail);
    }
}

fn custom_configuration(effective: &Effective, found: &mut Diagnostics) {
    for (is_custom, what, of) in [
        (effective.custom_redis_config, "redis.customConfig", "servers"),
        (effective.custom_sentinel_config, "sentinel.customConfig", "sentinels"),
    ] {
        if is_custom {
            let detail = format!(
                "The values set {what}, a whole configuration file. It is kept, and no setting of the {of} is \
                 compared with it: their drift is not shown."
            );
            found.warning(format!("The {of} have a configuration of their own"), detail);
        }
    }
}

/// A pool is managed only when the id names it: a destroy deletes what is managed.
async fn node_pool(site: &Site, observed: &Observed, set: &Json, found: &mut Diagnostics) {
    let selector = set.pointer("/spec/template/spec/nodeSelector");
    let bound = selector.and_then(|selector| selector[NODE_POOL_LABEL].as_str());
    let pools = match bound {
        Some(pool) => vec![pool.to_owned()],
        None => pools_of_pods(site, observed).await,
    };
    let (one, all) = (pools.first(), pools.join(", "));
    match (&site.node_pool, bound, one) {
        (Some(named), None, _) => {
            let detail = format!(
                "They run on {}. The next apply binds them to {named} by a nodeSelector; for that each restarts, one \
                 at a time, the master last.",
                if all.is_empty() { "no node pool" } else { &all }
            );
            found.warning(format!("The pods are not bound to the node pool {named}"), detail);
        }
        (None, _, Some(pool)) => {
            let id = Site { node_pool: Some(pool.clone()), ..site.clone() }.import_id();
            let detail = match site.gke {
                Some(_) => {
                    format!("It is not managed. To have it managed, and deleted by a destroy, import {id}.")
                }
                None => {
                    "It is not managed. To have it managed, and deleted by a destroy, import the longer id, \
                         which names the GKE cluster and ends with the pool."
                        .to_owned()
                }
            };
            let how = if bound.is_some() { "are bound to" } else { "run on" };
            let pools = if pools.len() > 1 { "pools" } else { "pool" };
            found.warning(format!("The pods {how} the node {pools} {all}"), detail);
        }
        _ => {}
    }
}

/// The pools of the nodes that the pods run on, where those are GKE's and may be looked at.
async fn pools_of_pods(site: &Site, observed: &Observed) -> Vec<String> {
    let nodes = site.kubernetes.nodes("").await.unwrap_or_default();
    let of_pod = |node: &&Node| {
        observed
            .placement
            .values()
            .any(|placement| placement.node.is_some() && placement.node == node.metadata.name)
    };
    let labels = nodes.iter().filter(of_pod).filter_map(|node| node.metadata.labels.as_ref());
    let pools: BTreeSet<_> = labels.filter_map(|labels| labels.get(NODE_POOL_LABEL).cloned()).collect();
    pools.into_iter().collect()
}

/// Other releases that watch a group of the same name.
async fn shared_group(site: &Site, group: &str, found: &mut Diagnostics) {
    let scanned = match scan(&site.kubernetes, None).await {
        Err(Error::Kubernetes(error)) if error.is_forbidden() => {
            scan(&site.kubernetes, Some(&site.namespace)).await
        }
        scanned => scanned,
    };
    let (others, _) = scanned.unwrap_or_default();
    let is_other = |one: &&Found| (&one.namespace, &one.name) != (&site.namespace, &site.release);
    let same = others.iter().filter(is_other).filter(|one| one.group == group);
    let names: Vec<_> = same.map(|one| format!("{}/{}", one.namespace, one.name)).collect();
    if !names.is_empty() {
        let detail = format!(
            "{} is that of {} too. Each stays by itself as long as no sentinel is told a master of the other, as by an \
             address that Kubernetes gave away again. A name cannot be changed later: give new clusters one of their \
             own by sentinel.master_group_name.",
            group,
            names.join(", ")
        );
        found.warning("Other releases have the same group name", detail);
    }
}

/// Sentinels of another release under the same group name, and what is left of earlier pods.
fn foreign_members(model: &Model, found: &mut Diagnostics) {
    let members = health_of_members(model).chain(drift_of_members(model));
    let members: Vec<_> = members.collect();
    if !members.is_empty() {
        let detail = format!(
            "{}. Two releases that share a group name in one network find each other; this one's group is {}. \
             Nothing was changed.",
            members.join("; "),
            model.master_group_name.as_str().unwrap_or_default()
        );
        found.warning("The sentinels know members that are none of this release", detail);
    }
}

fn health_of_members(model: &Model) -> impl Iterator<Item = String> + '_ {
    let rows = model.health.known().into_iter().flatten().filter_map(Attr::known);
    let of_members = |condition: &str| condition.starts_with("ghost_") || condition.contains("foreign");
    rows.filter(move |row| row.condition.as_str().is_some_and(of_members))
        .map(|row| row.message.as_str().unwrap_or_default().to_owned())
}

fn drift_of_members(model: &Model) -> impl Iterator<Item = String> + '_ {
    let rows = model.drift.known().into_iter().flatten().filter_map(Attr::known);
    rows.filter_map(|row| {
        let setting = row.setting.as_str().filter(|setting| setting.starts_with("known-"))?;
        Some(format!("the sentinel of {} has {setting}", row.object.as_str().unwrap_or_default()))
    })
}

fn text<'a>(object: &'a Json, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}
