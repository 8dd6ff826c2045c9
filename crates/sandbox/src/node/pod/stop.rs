//! The end of a pod: hooks, signals, and the removal of all that it had.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::runner::record_end;
use super::worker::Wanted;
use super::{Context, Pod};
use crate::node::container::Instance;
use crate::node::events::EventKind;
use crate::node::lifecycle::{Action, Place};
use crate::node::status::is_sidecar;
use crate::store::object::{items, text};
use crate::store::{DeleteOptions, Key, Preconditions};

/// What a container gets between SIGTERM and SIGKILL although its preStop hook used up the grace.
const GRACE_AFTER_HOOK: Duration = Duration::from_secs(2);
/// For the kernel to end what was killed.
const KILLED_LIMIT: Duration = Duration::from_secs(10);

/// Ends every container within the pod's grace, then removes the pod.
pub(super) async fn stop(context: &Context, pod: &Arc<Pod>, mut wanted: watch::Receiver<Wanted>) {
    pod.record().is_stopping = true;
    pod.publish(context);
    let instances = pod.instances();
    let grace = grace_of(&wanted.borrow());
    let orderly = instances.iter().map(|(name, instance)| stop_one(context, pod, name, instance, grace));
    let orderly = futures::future::join_all(orderly);
    tokio::select! {
        _ = orderly => {}
        () = hurry(&instances, &mut wanted) => {
            for (name, instance) in &instances {
                if let Ok(code) = tokio::time::timeout(KILLED_LIMIT, instance.ended()).await {
                    record_end(context, pod, name, code);
                }
            }
        }
    }
    pod.publish(context);
    context.network.remove_pod(&pod.network).await;
    pod.volumes.remove();
    context.events.forget(&pod.uid);
    remove_from_store(context, &pod.key, &pod.uid);
}

/// Ends the sidecars of a pod whose other containers have ended.
pub(super) async fn stop_sidecars(context: &Context, pod: &Arc<Pod>) {
    let inits = items(&pod.object, "/spec/initContainers").iter().filter(|container| is_sidecar(container));
    let names: Vec<_> = inits.map(|container| text(container, "/name")).collect();
    let grace = pod.object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64);
    let grace = Duration::from_secs(grace.unwrap_or(0));
    let instances = pod.instances();
    let sidecars = instances.iter().filter(|(name, _)| names.contains(&&**name));
    let stopping = sidecars.map(|(name, instance)| stop_one(context, pod, name, instance, grace));
    futures::future::join_all(stopping).await;
}

/// What ends before a container: the main ones before sidecars, and of these the later before the earlier.
fn those_before(pod: &Pod, name: &str) -> Vec<Arc<Instance>> {
    let inits = items(&pod.object, "/spec/initContainers");
    let is_wanted = |container: &&Value| is_sidecar(container);
    let position =
        inits.iter().position(|container| text(container, "/name") == name && is_sidecar(container));
    let Some(position) = position else { return Vec::new() };
    let later = inits[position + 1..].iter().filter(is_wanted);
    let before = later.chain(items(&pod.object, "/spec/containers"));
    before.filter_map(|container| pod.instance(text(container, "/name"))).collect()
}

async fn stop_one(context: &Context, pod: &Pod, name: &str, instance: &Instance, grace: Duration) {
    let containers = ["/spec/containers", "/spec/initContainers"];
    let mut containers = containers.into_iter().flat_map(|field| items(&pod.object, field));
    let Some(container) = containers.find(|container| text(container, "/name") == name) else { return };
    if instance.has_ended() {
        return;
    }
    let field_path = format!("spec.containers{{{name}}}");
    let message = format!("Stopping container {name}");
    pod.container_event(context, &field_path, EventKind::Normal, "Killing", &message);
    stop_container(context, pod, container, instance, grace, &those_before(pod, name)).await;
    record_end(context, pod, name, instance.ended().await);
}

fn grace_of(wanted: &Wanted) -> Duration {
    let seconds = match wanted {
        Wanted::Stored(object) => {
            object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64)
        }
        Wanted::Gone => None,
    };
    Duration::from_secs(seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0))
}

/// Kills everything once the pod is gone from the store, or a second deletion's shorter grace is over.
async fn hurry(instances: &[(String, Arc<Instance>)], wanted: &mut watch::Receiver<Wanted>) {
    let started = Instant::now();
    let patience = grace_of(&wanted.borrow()) + GRACE_AFTER_HOOK + KILLED_LIMIT;
    let mut deadline = started + patience;
    loop {
        let now_wanted = wanted.borrow_and_update().clone();
        if matches!(now_wanted, Wanted::Gone) {
            break;
        }
        deadline = deadline.min(started + grace_of(&now_wanted) + GRACE_AFTER_HOOK + KILLED_LIMIT);
        match tokio::time::timeout_at(deadline, wanted.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    for (_, instance) in instances {
        instance.signal(Signal::KILL);
    }
}

/// preStop, the end of those before, SIGTERM, and SIGKILL when the grace is over; returns when the container has ended.
pub(super) async fn stop_container(
    context: &Context,
    pod: &Pod,
    container: &Value,
    instance: &Instance,
    grace: Duration,
    before: &[Arc<Instance>],
) {
    let deadline = Instant::now() + grace;
    let hook = container.pointer("/lifecycle/preStop");
    if let Some(action) = hook.and_then(|hook| Action::parse(hook, container)).filter(|_| !grace.is_zero()) {
        let place = Place { spawner: &context.spawner, instance, pod_address: pod.network.address };
        if let Err(why) = place.perform(&action, grace).await {
            let field_path = format!("spec.containers{{{}}}", text(container, "/name"));
            let message = format!("PreStopHook failed: {why}");
            pod.container_event(context, &field_path, EventKind::Warning, "FailedPreStopHook", &message);
        }
    }
    let before = futures::future::join_all(before.iter().map(|instance| instance.ended()));
    // Those that outlast the grace are killed, and so is this one.
    let _ = tokio::time::timeout_at(deadline, before).await;
    instance.signal(Signal::TERM);
    // With scaled timings nobody waits for a process 1 to which the kernel does not deliver the signal.
    let is_deaf = context.timing.is_fast() && !instance.handles(Signal::TERM);
    let patience = deadline.saturating_duration_since(Instant::now()).max(GRACE_AFTER_HOOK.min(grace));
    if is_deaf || tokio::time::timeout(patience, instance.ended()).await.is_err() {
        instance.signal(Signal::KILL);
        instance.ended().await;
    }
}

/// Says that the pod's processes are gone, which removes its object.
pub(super) fn remove_from_store(context: &Context, key: &Key, uid: &str) {
    let options = DeleteOptions {
        preconditions: Preconditions { uid: Some(uid.to_owned()), resource_version: None },
        grace_period_seconds: Some(0),
        ..DeleteOptions::default()
    };
    if let Err(refusal) = context.store.delete(key, &options)
        && refusal.code != 404
        && refusal.code != 409
    {
        tracing::warn!(pod = key.name, %refusal, "the pod's removal was refused");
    }
}
