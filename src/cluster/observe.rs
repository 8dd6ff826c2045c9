//! Looks at everything that belongs to a cluster, in parallel where nothing waits for another.
//! Reads only. What does not exist is an observation; what cannot be reached is an error.

use std::collections::BTreeMap;

use helm::cluster::{Capabilities, ObjectRef};
use helm::manifest::Manifest;
use helm::release::{History, Release};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value as Json;

use super::adopted::{facts_as_values, own_secrets_as_existing, settings_as_texts};
use super::chart_source::{BUNDLED, name_of_recorded};
use super::claims::{self, Claims};
use super::digest::{fixed_fields_digest, pod_template_digest};
use super::error::Error;
use super::fingerprint;
use super::gather::reads_capabilities;
use super::judge::judge;
use super::objects::ObjectSeen;
use super::observe_objects::observe_objects;
use super::observed::{Observed, Placement, ReleaseSeen, SecretSeen, StatefulSetSeen};
use super::resolve::{to_json, to_map};
use super::site::{Servers, Site};
use super::{tls, unrecorded};
use crate::chart::effective::{effective, names};
use crate::chart::{Effective, Names, SecretKey};
use crate::gke::{NodeCount, NodePoolLive, PoolStatus};
use crate::kubernetes::{Owner, Password, password_of};
use crate::sentinel::{Answer, Observation, PodObservation};

/// Everything, once; servers and sentinels are not judged.
pub async fn observe(site: &Site) -> Result<Observed, Error> {
    Ok(Box::pin(look(site)).await?.0)
}

/// Everything, and what of it is drift: what could still mend itself is looked at again until that is
/// told.
pub async fn observe_and_judge(site: &Site) -> Result<Observed, Error> {
    let (mut observed, servers) = Box::pin(look(site)).await?;
    if let Some(servers) = servers {
        judge(&servers, &mut observed).await;
    }
    Ok(observed)
}

async fn look(site: &Site) -> Result<(Observed, Option<Servers>), Error> {
    let (release, mut observed) = tokio::try_join!(observe_release(site), observe_node_pool(site))?;
    let values = release.as_ref().map(|release| release.effective_values.clone()).unwrap_or_default();
    let names = names(&values, &site.release, &site.namespace);
    let effective = effective(&values, &names);
    let manifest = release.as_ref().map(|release| release.manifest.as_slice()).unwrap_or_default();
    let labels = names.label_selector();
    let (objects, secret, pods, claims, sentinel_password, tls, capabilities) = tokio::try_join!(
        observe_objects(site, manifest, &labels),
        observe_secret(site, &names, &effective),
        async { Ok(site.kubernetes.pods(&site.namespace, &labels).await?) },
        claims_or_warning(site, manifest, &names),
        sentinel_password(site, &effective),
        tls::find(site, &effective),
        async { Ok(capabilities(site, release.as_ref()).await) },
    )?;
    observed.capabilities = capabilities;
    observed.claims = claims.0;
    observed.warnings.extend(claims.1.map(|text| ("Not all of the volumes was checked", text)));
    observed.stateful_set = stateful_set(site, &names, &objects).await?;
    let live = objects.iter().filter_map(|seen| seen.live.clone());
    let services: Vec<_> = live.filter(|live| live["kind"] == "Service").collect();
    observed.objects = objects;
    observed.placement = pods.into_iter().filter_map(placement).collect();
    let (secret, password) = secret.map_or((None, None), |(seen, password)| (Some(seen), password));
    observed.secret = secret;
    let named = release.as_ref().and(effective.auth.as_ref());
    observed.expected_secret = named.filter(|auth| !auth.rendered_by_chart).map(|auth| auth.secret.clone());
    let set = observed.stateful_set.as_ref().filter(|_| release.is_some());
    let replicas = set.map(|set| u32::try_from(set.replicas).unwrap_or(0));
    observed.release = release;
    let Some(replicas) = replicas else { return Ok((observed, None)) };
    let addresses = addresses(&names, replicas, &services, &observed.placement);
    let password = password.filter(|_| effective.auth.is_some());
    let passwords = (password.as_ref(), sentinel_password.as_ref());
    let servers = Servers::new(site, &names, &effective, &addresses, passwords, tls);
    let look = servers.look().await;
    if lacks_right(&look) {
        observed.warnings.push((UNASKED, format!("{UNASKED_WHY} {}.", site.namespace)));
        return Ok((observed, None));
    }
    observed.redis = Some(look);
    Ok((observed, Some(servers)))
}

const UNASKED: &str = "Servers and sentinels were not asked";
const UNASKED_WHY: &str = "Nobody lets us reach them: the rights to get and to create pods/portforward are missing. So this plan shows \
                           no drift of theirs, and outputs do not say where the master is. Grant them, or set \
                           connection.mode = \"direct\" in the provider block where the pods' addresses can be reached. \
                           The namespace is";

/// Whether no process was reached for want of a right, which says nothing about any of them.
fn lacks_right(look: &Observation) -> bool {
    let is_forbidden = |reason: &str| reason.contains("pods/portforward") && reason.contains("forbidden");
    let lacks = |pod: &PodObservation| matches!(&pod.server, Answer::Silent(reason) if is_forbidden(reason));
    !look.pods.is_empty() && look.pods.iter().all(lacks)
}

/// The servers of a cluster whose names and values are known, as they are reached at this moment.
pub async fn find_servers(
    site: &Site,
    names: &Names,
    effective: &Effective,
    password: Option<&Password>,
) -> Result<Servers, Error> {
    let selector = names.label_selector();
    let services = site.kubernetes.list("v1", "Service", Some(&site.namespace), &selector);
    let pods = site.kubernetes.pods(&site.namespace, &selector);
    let services = async { Ok::<_, Error>(services.await?) };
    let pods = async { Ok(pods.await?) };
    let (services, pods, sentinel_password, tls) =
        tokio::try_join!(services, pods, sentinel_password(site, effective), tls::find(site, effective))?;
    let placement: BTreeMap<_, _> = pods.into_iter().filter_map(placement).collect();
    let addresses = addresses(names, effective.replicas, &services, &placement);
    let passwords = (password, sentinel_password.as_ref());
    Ok(Servers::new(site, names, effective, &addresses, passwords, tls))
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
    if let Some(latest) = history.latest() {
        return release_seen(site, latest, history.current().unwrap_or(latest)).map(Some);
    }
    match Box::pin(unrecorded::find(site)).await? {
        unrecorded::Found::Whole(release) => release_seen(site, &release, &release).map(Some),
        unrecorded::Found::Nothing | unrecorded::Found::Unfit(_) => Ok(None),
    }
}

/// The newest revision tells the status; the one that is deployed tells what stands in the cluster.
fn release_seen(site: &Site, latest: &Release, current: &Release) -> Result<ReleaseSeen, Error> {
    let manifests = current.manifests().map_err(Error::release(&site.namespace, &site.release))?;
    let objects = || manifests.iter().flat_map(Manifest::objects);
    let digests = helm::manifest::digests(&manifests);
    let chart_values = current.chart.get("values").cloned().unwrap_or_default();
    let config = Json::Object(current.config.clone());
    let mut seen = ReleaseSeen {
        revision: i64::try_from(latest.version).unwrap_or(i64::MAX),
        status: latest.info.status.as_str().to_owned(),
        chart_version: current.chart_version().to_owned(),
        app_version: current.app_version().to_owned(),
        chart_name: name_of_recorded(&current.chart),
        chart: current.chart_name().to_owned(),
        effective_values: over_defaults(&chart_values, &config),
        chart_values,
        reads_capabilities: current
            .recorded_chart()
            .map_or(true, |chart| reads_capabilities(&chart, &config.to_string())),
        config,
        manifest: objects().cloned().collect(),
        objects: digests.into_iter().filter_map(|(key, digest)| Some((key, digest?))).collect(),
        pod_template: pod_template_digest(objects()),
        fixed_fields: fixed_fields_digest(objects()),
    };
    settings_as_texts(&mut seen.config);
    if seen.chart_name != Some(BUNDLED) {
        facts_as_values(&mut seen, &site.release, &site.namespace);
    }
    own_secrets_as_existing(&mut seen, &site.release, &site.namespace);
    Ok(seen)
}

/// Those of a refused question are missing: what an earlier look froze then stays.
async fn capabilities(site: &Site, release: Option<&ReleaseSeen>) -> Option<Capabilities> {
    release.filter(|release| release.reads_capabilities)?;
    let asked = site.kubernetes.server_capabilities().await;
    asked.inspect_err(|error| tracing::warn!(%error, "the capabilities of an earlier look stay")).ok()
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
        let text = format!(
            "The number of nodes of the pool {pool} was not checked: the Compute API refused ({message}). It takes \
             the permission compute.instanceGroupManagers.get."
        );
        observed.warnings.push(("Not all of the node pool was checked", text));
    }
    observed.warnings.extend(trouble(&live).map(|text| ("The node pool is not well", text)));
    observed.node_count = count.per_zone(None);
    observed.node_counts = Some(count);
    observed.node_pool = Some(live);
    Ok(observed)
}

/// A pool that is on its way out, or that GKE says has a fault.
fn trouble(pool: &NodePoolLive) -> Option<String> {
    let (name, message) = (&pool.name, &pool.status_message);
    let because = if message.is_empty() { String::new() } else { format!(" ({message})") };
    match pool.status {
        PoolStatus::Stopping => Some(format!(
            "Somebody deletes the pool {name}{because}. Its nodes are drained, and pods that are bound to it find no \
             other. Once it is gone, a plan shows it as new."
        )),
        PoolStatus::Error | PoolStatus::RunningWithError => {
            Some(format!("GKE reports an error of the pool {name}{because}."))
        }
        PoolStatus::Unknown | PoolStatus::Provisioning | PoolStatus::Running | PoolStatus::Reconciling => {
            None
        }
    }
}

/// From the objects of the release, or by its name where the release does not have it.
async fn stateful_set(
    site: &Site,
    names: &Names,
    objects: &[ObjectSeen],
) -> Result<Option<StatefulSetSeen>, Error> {
    let key = format!("StatefulSet/{}", names.stateful_set());
    let live = match objects.iter().find(|seen| seen.key == key) {
        Some(seen) => seen.live.clone(),
        None => {
            let (namespace, name) = (Some(site.namespace.as_str()), names.stateful_set());
            site.kubernetes.get(&ObjectRef::new("apps/v1", "StatefulSet", namespace, &name)).await?
        }
    };
    Ok(live.as_ref().map(stateful_set_seen))
}

fn stateful_set_seen(live: &Json) -> StatefulSetSeen {
    let number = |pointer: &str| live.pointer(pointer).and_then(Json::as_i64);
    let text = |pointer: &str| live.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    let (current, update) = (text("/status/currentRevision"), text("/status/updateRevision"));
    StatefulSetSeen {
        name: text("/metadata/name").unwrap_or_default(),
        replicas: number("/spec/replicas").unwrap_or(1),
        ready_replicas: number("/status/readyReplicas").unwrap_or(0),
        is_rolling: number("/status/observedGeneration") < number("/metadata/generation")
            || current != update,
        revision: update,
        partition: number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0),
    }
}

/// What of the volumes could be seen: who may not list claims is told so, and sees the rest.
async fn claims_or_warning(
    site: &Site,
    manifest: &[Json],
    names: &Names,
) -> Result<(Claims, Option<String>), Error> {
    match observe_claims(site, manifest, names).await {
        Ok(claims) => Ok((claims, None)),
        Err(Error::Kubernetes(error)) if error.is_forbidden() => {
            let text = format!("The sizes of the volumes were not checked: {error}.");
            Ok((Claims::default(), Some(text)))
        }
        Err(error) => Err(error),
    }
}

/// None are asked for where the release declares none.
pub async fn observe_claims<'a>(
    site: &Site,
    manifest: impl IntoIterator<Item = &'a Json>,
    names: &Names,
) -> Result<Claims, Error> {
    let set = names.stateful_set();
    let sizes = claims::sizes(manifest, &set);
    let live = match sizes.is_empty() {
        true => Vec::new(),
        false => site.kubernetes.claims(&site.namespace, &names.label_selector()).await?,
    };
    Ok(Claims { set, sizes, live })
}

type SecretFound = Option<(SecretSeen, Option<Password>)>;

async fn observe_secret(site: &Site, names: &Names, effective: &Effective) -> Result<SecretFound, Error> {
    let default = SecretKey { secret: names.auth_secret(), key: "auth".into(), rendered_by_chart: false };
    let SecretKey { secret, key, rendered_by_chart } = effective.auth.clone().unwrap_or(default);
    let may_be_own = secret == names.auth_secret() && !rendered_by_chart;
    let reference = ObjectRef::new("v1", "Secret", Some(&site.namespace), &secret);
    let owner = site.owner();
    // One that is somebody else's by its name need not wait for the list.
    let other = async { if may_be_own { Ok(None) } else { site.kubernetes.get(&reference).await } };
    let (own, other) = tokio::try_join!(site.kubernetes.own_secrets(&site.namespace, &owner), other)?;
    let found = match (own.get(&secret).cloned(), other) {
        (None, None) if may_be_own => site.kubernetes.get(&reference).await?,
        (found, other) => found.or(other),
    };
    let Some(found) = found else { return Ok(None) };
    let password = password_of(&found, &key)?;
    let key_of_fingerprint = fingerprint::key_of(&own, names)?;
    let digest =
        password.as_ref().zip(key_of_fingerprint).map(|(password, key)| fingerprint::of(&key, password));
    let ours = Owner::of(&found, &owner) == Owner::Ours;
    Ok(Some((SecretSeen { name: secret, key, ours, fingerprint: digest }, password)))
}

/// The addresses under which the sentinels know each pod: those of its announce Service and its own.
fn addresses(
    names: &Names,
    replicas: u32,
    services: &[Json],
    placement: &BTreeMap<String, Placement>,
) -> Vec<Vec<String>> {
    let addresses = (0..replicas).map(|index| {
        let own = names.announce_service(index);
        let service = services.iter().find(|service| service["metadata"]["name"] == own.as_str());
        let of_service = service.and_then(|service| service["spec"]["clusterIP"].as_str().map(str::to_owned));
        let of_pod = placement.get(&names.pod(index)).and_then(|placement| placement.address.clone());
        of_service.into_iter().chain(of_pod).collect()
    });
    addresses.collect()
}

fn placement(pod: Pod) -> Option<(String, Placement)> {
    let labels = pod.metadata.labels.unwrap_or_default();
    let placement = Placement {
        address: pod.status.and_then(|status| status.pod_ip),
        node: pod.spec.and_then(|spec| spec.node_name),
        revision: labels.get("controller-revision-hash").cloned(),
        is_ending: pod.metadata.deletion_timestamp.is_some(),
    };
    Some((pod.metadata.name?, placement))
}

/// The sentinels' own password, where they have one.
async fn sentinel_password(site: &Site, effective: &Effective) -> Result<Option<Password>, Error> {
    let Some(auth) = &effective.sentinel_auth else { return Ok(None) };
    Ok(site.kubernetes.find_secret_key(&site.namespace, &auth.secret, &auth.key).await?)
}
