//! Pods that are replaced, one at a time, the master last and by a failover that loses nothing.
//! A StatefulSet goes down its ordinals. So the master moves to ordinal 0, the pods above it are
//! replaced, the master moves to one of the new ones, and pod 0 goes last, as a replica. A partition
//! holds the controller back meanwhile.

use std::time::Duration;

use helm::cluster::ObjectRef;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep};

use super::error::Error;
use super::execute::Work;
use super::repair::{await_settled, servers};
use super::site::Servers;
use super::takeover::{drop_files, keep_files};
use crate::kubernetes::{Eviction, FIELD_MANAGER, KubernetesError, Wait, is_ready};
use crate::sentinel::failover::{fail_over, prefer, set_priority};
use crate::sentinel::topology::{Master, verdict};
use crate::sentinel::{Observation, Verdict};

/// A failover that has not happened by then will not.
const FAILOVER_MAX: Duration = Duration::from_secs(60);
/// Sentinels read a replica's priority with its INFO, every 10 s.
const PREFERENCE_MAX: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(500);
/// A pod of an earlier revision that is not ready by then will not be.
const BROKEN_AFTER: Duration = Duration::from_secs(30);
/// A pod that follows one that has ended is ready by then, and the group has found itself again.
const ARRIVED_AFTER: Duration = Duration::from_secs(60);

/// Before the release changes: the controller is held back, and the master moves to the pod that is
/// replaced last, and that no smaller number of replicas removes.
pub async fn hold(work: &Work<'_>) -> Result<(), Error> {
    match set_partition(work, &json!(work.config.replicas().max(1))).await {
        // It is made anew, and held back from the start, by the upgrade that follows.
        Err(Error::Kubernetes(error)) if error.is_not_found() => {}
        held => held?,
    }
    keep_files(work.site, &work.config.rendered).await?;
    master_to_first(work).await
}

/// Lets the controller go on, around the master.
pub async fn roll_out(work: &Work<'_>) -> Result<(), Error> {
    if work.config.replicas() > 1 && settles(work).await? {
        tracing::info!("the rollout goes around the master");
        master_to_first(work).await?;
        set_partition(work, &json!(1)).await?;
        await_pods(work).await?;
        if is_outdated(work, 0).await? {
            master_from_first(work).await?;
        }
    }
    set_partition(work, &Json::Null).await?;
    await_last_pods(work).await?;
    drop_files(work.site, &work.config.rendered).await
}

/// A StatefulSet waits for a pod that is not ready before it replaces it, even if only the replacement
/// could be: a pod of an earlier revision whose image or scripts are gone would stay for ever.
async fn await_last_pods(work: &Work<'_>) -> Result<(), Error> {
    let site = work.site;
    let name = work.config.names.stateful_set();
    loop {
        let deadline = work.deadline.min(Instant::now() + BROKEN_AFTER);
        let wait = Wait { deadline, ..work.wait() };
        match site.kubernetes.wait_for_stateful_set(&site.namespace, &name, wait).await {
            Err(KubernetesError::NotReady(_)) if Instant::now() < work.deadline => {}
            waited => return Ok(waited?),
        }
        for pod in broken_pods(work).await? {
            tracing::info!(%pod, "replacing a pod that cannot become ready");
            site.kubernetes.delete_pod(&site.namespace, &pod, None).await?;
        }
    }
}

/// Pods of an earlier revision that are not ready.
async fn broken_pods(work: &Work<'_>) -> Result<Vec<String>, Error> {
    let (pods, wanted) = pods_and_revision(work).await?;
    let broken = pods.into_iter().filter(|pod| is_broken(pod, wanted.as_deref()));
    Ok(broken.filter_map(|pod| pod.metadata.name).collect())
}

/// Of an earlier revision and not ready.
fn is_broken(pod: &Pod, wanted: Option<&str>) -> bool {
    !is_ending(pod) && revision_of(pod) != wanted && !is_ready(pod)
}

fn is_ending(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// The pods, and the revision that they are to have.
async fn pods_and_revision(work: &Work<'_>) -> Result<(Vec<Pod>, Option<String>), Error> {
    let (site, names) = (work.site, &work.config.names);
    let (set, selector) = (names.stateful_set(), names.label_selector());
    let set = site.kubernetes.stateful_set(&site.namespace, &set);
    let (set, pods) = tokio::try_join!(set, site.kubernetes.pods(&site.namespace, &selector))?;
    Ok((pods, set.and_then(|set| set.status).and_then(|status| status.update_revision)))
}

fn revision_of(pod: &Pod) -> Option<&str> {
    pod.metadata.labels.as_ref()?.get("controller-revision-hash").map(String::as_str)
}

/// Replaces one pod; if it is the master, another server takes over first.
pub async fn restart(work: &Work<'_>, servers: &Servers, look: &Observation, pod: &str) -> Result<(), Error> {
    if let Verdict::Settled(topology) = verdict(look)
        && let Some(master) = topology.master.filter(|master| master.pod == pod)
    {
        leave(servers, look, &master).await?;
    }
    evict(work, pod).await?;
    await_replaced(work, pod).await?;
    await_pods(work).await
}

async fn evict(work: &Work<'_>, pod: &str) -> Result<(), Error> {
    let site = work.site;
    loop {
        match site.kubernetes.evict_pod(&site.namespace, pod).await? {
            Eviction::Begun => return Ok(()),
            Eviction::Blocked { message } if Instant::now() + POLL >= work.deadline => {
                let what = format!("{pod}, which has to start anew");
                return Err(Error::RepairRefused { what, reason: message });
            }
            Eviction::Blocked { .. } => sleep(POLL).await,
        }
    }
}

/// Replaces the pods of the chart's haproxy, one at a time: each has the password that it was started with.
pub async fn replace_proxies(work: &Work<'_>) -> Result<(), Error> {
    let (site, selector) = (work.site, work.config.names.haproxy_selector());
    let before = site.kubernetes.pods(&site.namespace, &selector).await?;
    for pod in before.iter().filter_map(|pod| pod.metadata.name.as_deref()) {
        tracing::info!(%pod, "replacing a proxy");
        evict(work, pod).await?;
        loop {
            let now = site.kubernetes.pods(&site.namespace, &selector).await?;
            let ready = now.iter().filter(|now| is_ready(now) && now.metadata.name.as_deref() != Some(pod));
            if ready.count() >= before.len() {
                break;
            }
            if Instant::now() + POLL >= work.deadline {
                let reason = "the pod that replaces it does not become ready".into();
                return Err(Error::RepairRefused { what: format!("the proxy {pod}"), reason });
            }
            sleep(POLL).await;
        }
    }
    Ok(())
}

/// The eviction has begun when it is answered; the pod that is waited for is the next one of its name.
async fn await_replaced(work: &Work<'_>, pod: &str) -> Result<(), Error> {
    let site = work.site;
    let reference = ObjectRef::new("v1", "Pod", Some(&site.namespace), pod);
    while Instant::now() + POLL < work.deadline {
        let found = site.kubernetes.get(&reference).await?;
        if found.is_none_or(|found| found.pointer("/metadata/deletionTimestamp").is_none()) {
            break;
        }
        sleep(POLL).await;
    }
    Ok(())
}

async fn await_pods(work: &Work<'_>) -> Result<(), Error> {
    let (site, name) = (work.site, work.config.names.stateful_set());
    Ok(site.kubernetes.wait_for_stateful_set(&site.namespace, &name, work.wait()).await?)
}

async fn set_partition(work: &Work<'_>, partition: &Json) -> Result<(), Error> {
    let site = work.site;
    let name = work.config.names.stateful_set();
    let set = ObjectRef::new("apps/v1", "StatefulSet", Some(&site.namespace), &name);
    let strategy = json!({"rollingUpdate": {"partition": partition}});
    let patch = json!({"spec": {"updateStrategy": strategy}});
    site.kubernetes.merge_patch(&set, &patch, FIELD_MANAGER).await?;
    Ok(())
}

/// Whether the group has settled. Pods that are on their way, as an interrupted rollout leaves them, get the time to
/// arrive, and the group a moment after them.
async fn settles(work: &Work<'_>) -> Result<bool, Error> {
    let mut until = Instant::now();
    loop {
        let look = servers(work).await?.look().await;
        if matches!(verdict(&look), Verdict::Settled(_)) {
            return Ok(true);
        }
        if are_on_their_way(work).await? {
            tracing::info!("pods are on their way, the rollout waits for them");
            until = Instant::now() + ARRIVED_AFTER;
        }
        if Instant::now() + POLL >= until.min(work.deadline) {
            return Ok(false);
        }
        sleep(POLL).await;
    }
}

/// Whether pods are still to end, to appear or to become ready, and none is broken that only a replacement would mend.
async fn are_on_their_way(work: &Work<'_>) -> Result<bool, Error> {
    let (pods, wanted) = pods_and_revision(work).await?;
    if pods.iter().any(|pod| is_broken(pod, wanted.as_deref())) {
        return Ok(false);
    }
    Ok(pods.len() < work.config.replicas() as usize
        || !pods.iter().all(is_ready)
        || pods.iter().any(is_ending))
}

async fn is_outdated(work: &Work<'_>, index: u32) -> Result<bool, Error> {
    let (pods, wanted) = pods_and_revision(work).await?;
    let name = work.config.names.pod(index);
    let pod = pods.into_iter().find(|pod| pod.metadata.name.as_deref() == Some(&name));
    Ok(pod.as_ref().and_then(revision_of) != wanted.as_deref())
}

/// Nothing is done in a group that has not settled: its pods may have to be replaced to mend it.
async fn master_to_first(work: &Work<'_>) -> Result<(), Error> {
    let servers = servers(work).await?;
    let look = servers.look().await;
    let first = work.config.names.pod(0);
    let Verdict::Settled(topology) = verdict(&look) else { return Ok(()) };
    let Some(master) = topology.master.filter(|master| master.pod != first) else { return Ok(()) };
    tracing::info!(from = %master.pod, to = %first, "moving the master");
    let reach = servers.reach();
    let (replica, sentinel) = (reach.server(&first).await?, reach.sentinel(&first).await?);
    let is_first = |address: &_| look.pod(&first).is_some_and(|pod| pod.serves(address));
    let own = prefer(&replica, &sentinel, servers.master_group(), is_first, PREFERENCE_MAX).await?;
    let moved = leave(&servers, &look, &master).await;
    // Whoever is promoted drops its clients, us among them.
    set_priority(&reach.server(&first).await?, &own).await?;
    moved?;
    await_settled(work).await
}

async fn master_from_first(work: &Work<'_>) -> Result<(), Error> {
    let first = work.config.names.pod(0);
    let (servers, look, topology) = loop {
        await_settled(work).await?;
        let servers = servers(work).await?;
        let look = servers.look().await;
        // What has settled may be unsettled a moment later, on a busy node.
        if let Verdict::Settled(topology) = verdict(&look) {
            break (servers, look, topology);
        }
    };
    if let Some(master) = topology.master.filter(|master| master.pod == first) {
        tracing::info!(from = %master.pod, "moving the master");
        leave(&servers, &look, &master).await?;
        await_settled(work).await?;
    }
    Ok(())
}

/// The planned failover away from a master, by another pod's sentinel.
async fn leave(servers: &Servers, look: &Observation, master: &Master) -> Result<(), Error> {
    let other = look.pods.iter().find(|pod| pod.pod != master.pod && pod.sentinel.ok().is_some());
    let Some(other) = other else { return Ok(()) };
    let reach = servers.reach();
    let (old, sentinel) = (reach.server(&master.pod).await?, reach.sentinel(&other.pod).await?);
    fail_over(&old, &sentinel, servers.master_group(), &master.address, FAILOVER_MAX).await?;
    Ok(())
}
