//! Looks at everything that belongs to a cluster, in parallel where nothing waits for another.
//! Reads only. What does not exist is an observation; what cannot be reached is an error.

use std::collections::BTreeMap;

use helm::release::{History, Release, ReleaseError};
use k8s_openapi::api::core::v1::{Pod, Service};
use serde_json::Value as Json;

use super::adopted::own_secrets_as_existing;
use super::chart_source::name_of_recorded;
use super::digest::{fixed_fields_digest, pod_template_digest};
use super::error::Error;
use super::fingerprint;
use super::observed::{Observed, Placement, ReleaseSeen, SecretSeen, StatefulSetSeen};
use super::resolve::{to_json, to_map};
use super::site::Site;
use crate::chart::effective::{effective, names};
use crate::chart::{Effective, Names, SecretKey};
use crate::gke::NodeCount;
use crate::kubernetes::{KubernetesError, Owner, Password};

/// Everything, once.
pub async fn observe(site: &Site) -> Result<Observed, Error> {
    let (release, mut observed) = tokio::try_join!(observe_release(site), observe_node_pool(site))?;
    let values = release.as_ref().map(|release| release.effective_values.clone()).unwrap_or_default();
    let names = names(&values, &site.release, &site.namespace);
    let effective = effective(&values, &names);
    observed.release = release;
    let stateful_set = observe_stateful_set(site, &names);
    let (stateful_set, secret) = tokio::try_join!(stateful_set, observe_secret(site, &names, &effective))?;
    observed.stateful_set = stateful_set;
    let (secret, password) = secret.map_or((None, None), |(seen, password)| (Some(seen), password));
    observed.secret = secret;
    if observed.release.is_some() && observed.stateful_set.is_some() {
        observe_pods(site, &names, &effective, password.as_ref(), &mut observed).await?;
    }
    Ok(observed)
}

/// The revision of the release that stands in the cluster.
pub async fn recorded_release(site: &Site) -> Result<Release, Error> {
    let current = history(site).await?.current().cloned();
    let (namespace, name) = (site.namespace.clone(), site.release.clone());
    current.ok_or(Error::NotFound { namespace, name })
}

async fn history(site: &Site) -> Result<History, Error> {
    let history = History::read(&site.kubernetes, &site.namespace, &site.release);
    history.await.map_err(Error::release(&site.namespace, &site.release))
}

async fn observe_release(site: &Site) -> Result<Option<ReleaseSeen>, Error> {
    let history = history(site).await?;
    history.latest().map(|latest| release_seen(site, latest, history.current().unwrap_or(latest))).transpose()
}

/// The newest revision tells the status; the one that is deployed tells what stands in the cluster.
fn release_seen(site: &Site, latest: &Release, current: &Release) -> Result<ReleaseSeen, Error> {
    let damaged = |source| {
        let (name, version) = (current.name.clone(), current.version);
        Error::release(&site.namespace, &site.release)(ReleaseError::Manifest { name, version, source })
    };
    let manifests = current.manifests().map_err(damaged)?;
    let digests = helm::manifest::digests(&manifests);
    let chart_values = current.chart.get("values").cloned().unwrap_or_default();
    let config = Json::Object(current.config.clone());
    let mut seen = ReleaseSeen {
        revision: i64::try_from(latest.version).unwrap_or(i64::MAX),
        status: latest.info.status.as_str().to_owned(),
        chart_version: current.chart_version().to_owned(),
        app_version: current.app_version().to_owned(),
        chart_name: name_of_recorded(&current.chart),
        effective_values: over_defaults(&chart_values, &config),
        chart_values,
        config,
        objects: digests.into_iter().filter_map(|(key, digest)| Some((key, digest?))).collect(),
        pod_template: pod_template_digest(manifests.iter().flat_map(helm::manifest::Manifest::objects)),
        fixed_fields: fixed_fields_digest(manifests.iter().flat_map(helm::manifest::Manifest::objects)),
    };
    own_secrets_as_existing(&mut seen, &site.release, &site.namespace);
    Ok(seen)
}

/// A chart's own values under what a release was given; a null deletes a default.
pub fn over_defaults(chart_values: &Json, config: &Json) -> Json {
    let merged = helm::values::merge(&to_map(chart_values), &to_map(config));
    without_nulls(to_json(&merged))
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Json::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        other => other,
    }
}

async fn observe_node_pool(site: &Site) -> Result<Observed, Error> {
    let mut observed = Observed::default();
    let (Some((gke, cluster)), Some(pool)) = (&site.gke, &site.node_pool) else { return Ok(observed) };
    let Some(live) = gke.node_pool(cluster, pool).await? else { return Ok(observed) };
    let count = gke.node_count(&live).await?;
    if let NodeCount::Forbidden { message } = &count {
        observed.warnings.push(format!(
            "The number of nodes of the pool {pool} was not checked: the Compute API refused ({message}). It takes \
             the permission compute.instanceGroupManagers.get."
        ));
    }
    observed.node_count = count.per_zone(None);
    observed.node_counts = Some(count);
    observed.node_pool = Some(live);
    Ok(observed)
}

async fn observe_stateful_set(site: &Site, names: &Names) -> Result<Option<StatefulSetSeen>, Error> {
    let name = names.stateful_set();
    let found = site.kubernetes.stateful_set(&site.namespace, &name).await?;
    Ok(found.map(|found| StatefulSetSeen {
        name,
        replicas: found.spec.and_then(|spec| spec.replicas).unwrap_or(1).into(),
        ready_replicas: found.status.and_then(|status| status.ready_replicas).unwrap_or(0).into(),
    }))
}

type SecretFound = Option<(SecretSeen, Option<Password>)>;

async fn observe_secret(site: &Site, names: &Names, effective: &Effective) -> Result<SecretFound, Error> {
    let default = SecretKey { secret: names.auth_secret(), key: "auth".into(), rendered_by_chart: false };
    let SecretKey { secret, key, .. } = effective.auth.clone().unwrap_or(default);
    let owner = site.owner();
    let (found, password, key_of_fingerprint) = tokio::try_join!(
        site.kubernetes.secret_owner(&site.namespace, &secret, &owner),
        find_password(site, &secret, &key),
        fingerprint::key(site, names),
    )?;
    let Some(found) = found else { return Ok(None) };
    let digest =
        password.as_ref().zip(key_of_fingerprint).map(|(password, key)| fingerprint::of(&key, password));
    let ours = found == Owner::Ours;
    Ok(Some((SecretSeen { name: secret, key, ours, fingerprint: digest }, password)))
}

async fn find_password(site: &Site, secret: &str, key: &str) -> Result<Option<Password>, KubernetesError> {
    site.kubernetes.find_secret_key(&site.namespace, secret, key).await
}

/// The addresses under which the sentinels know each pod: those of its announce Service and its own.
pub async fn announced(
    site: &Site,
    names: &Names,
    replicas: u32,
) -> Result<(Vec<Vec<String>>, BTreeMap<String, Placement>), Error> {
    let selector = names.label_selector();
    let services = site.kubernetes.list_as::<Service>("v1", "Service", Some(&site.namespace), &selector);
    let (pods, services) = tokio::try_join!(site.kubernetes.pods(&site.namespace, &selector), services)?;
    let placement: BTreeMap<_, _> = pods.into_iter().filter_map(placement).collect();
    let addresses = (0..replicas).map(|index| {
        let service = services
            .iter()
            .find(|service| service.metadata.name.as_deref() == Some(&names.announce_service(index)));
        let of_service = service.and_then(|service| service.spec.as_ref()?.cluster_ip.clone());
        let of_pod = placement.get(&names.pod(index)).and_then(|placement| placement.address.clone());
        of_service.into_iter().chain(of_pod).collect()
    });
    Ok((addresses.collect(), placement))
}

fn placement(pod: Pod) -> Option<(String, Placement)> {
    let address = pod.status.and_then(|status| status.pod_ip);
    Some((pod.metadata.name?, Placement { address, node: pod.spec.and_then(|spec| spec.node_name) }))
}

async fn observe_pods(
    site: &Site,
    names: &Names,
    effective: &Effective,
    password: Option<&Password>,
    observed: &mut Observed,
) -> Result<(), Error> {
    let replicas = observed.stateful_set.as_ref().map_or(0, |set| set.replicas);
    let replicas = u32::try_from(replicas).unwrap_or(0);
    let sentinel_password = sentinel_password(site, effective);
    let ((addresses, placement), sentinel_password) =
        tokio::try_join!(announced(site, names, replicas), sentinel_password)?;
    let password = password.filter(|_| effective.auth.is_some());
    let seen = site.observe_redis(names, effective, &addresses, password, sentinel_password.as_ref()).await;
    observed.placement = placement;
    observed.redis = Some(seen);
    Ok(())
}

/// The sentinels' own password, where they have one.
pub async fn sentinel_password(site: &Site, effective: &Effective) -> Result<Option<Password>, Error> {
    match &effective.sentinel_auth {
        Some(auth) => Ok(find_password(site, &auth.secret, &auth.key).await?),
        None => Ok(None),
    }
}
