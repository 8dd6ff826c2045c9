//! The life of a pod, as a table of contents.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::runner::{self, Kind};
use super::{Context, Pod, stop};
use crate::node::environment::PodFacts;
use crate::node::events::EventKind;
use crate::node::status::is_sidecar;
use crate::node::volumes::Sources;
use crate::store::object::{is_deleting, items, name, text};
use crate::store::{Key, kinds};

const NETWORK_RETRY: Duration = Duration::from_secs(1);
const VOLUME_RETRY: Duration = Duration::from_secs(2);
/// Changes of ConfigMaps and Secrets are looked for this long after something changed.
const REFRESH_DELAY: Duration = Duration::from_millis(300);

/// What the store says about a pod.
#[derive(Debug, Clone)]
pub(in crate::node) enum Wanted {
    Stored(Arc<Value>),
    /// Removed without waiting for this node.
    Gone,
}

impl Wanted {
    pub(super) fn is_end(&self) -> bool {
        match self {
            Self::Stored(object) => is_deleting(object),
            Self::Gone => true,
        }
    }
}

/// Runs a pod until it is removed. `born` hears of it once it has its network.
pub(in crate::node) async fn run(
    context: Arc<Context>,
    object: Arc<Value>,
    mut wanted: watch::Receiver<Wanted>,
    born: impl FnOnce(Arc<Pod>),
) {
    until_found_or_gone(&context, text(&object, "/spec/nodeName"), wanted.clone()).await;
    let Some(pod) = connect(&context, object, &wanted).await else { return };
    born(Arc::clone(&pod));
    pod.publish(&context);
    let mut deletion = wanted.clone();
    tokio::select! {
        () = live(&context, &pod) => {}
        () = until_end(&mut deletion) => {}
    }
    // A pod that ran to completion stays until it is deleted.
    until_end(&mut wanted).await;
    // A node that is lost does not hear of the deletion; only a removed object is an end there too.
    until_found_or_gone(&context, pod.node(), wanted.clone()).await;
    stop::stop(&context, &pod, wanted).await;
}

async fn until_end(wanted: &mut watch::Receiver<Wanted>) {
    // The sender is dropped only with the kubelet, which is an end too.
    let _ = wanted.wait_for(Wanted::is_end).await;
}

/// Until the node is not lost, or the pod's object is gone.
async fn until_found_or_gone(context: &Context, node: &str, mut wanted: watch::Receiver<Wanted>) {
    tokio::select! {
        () = context.cuts.until_found(node) => {}
        _ = wanted.wait_for(|wanted| matches!(wanted, Wanted::Gone)) => {}
    }
}

/// Gives the pod its network; none if it was removed meanwhile.
async fn connect(
    context: &Context,
    object: Arc<Value>,
    wanted: &watch::Receiver<Wanted>,
) -> Option<Arc<Pod>> {
    let uid = crate::store::object::uid(&object);
    loop {
        if wanted.borrow().is_end() {
            stop::remove_from_store(context, &Key::of(&kinds::POD, &object), uid);
            return None;
        }
        match context.network.add_pod(uid).await {
            Ok(network) => {
                let host_address = host_address(context, &object);
                return Some(Arc::new(Pod::new(context, object, network, host_address)));
            }
            Err(error) => {
                let message = format!("Failed to create pod sandbox: {}", error.in_one_line());
                context.events.record(&object, "", EventKind::Warning, "FailedCreatePodSandBox", &message);
                tokio::time::sleep(NETWORK_RETRY).await;
            }
        }
    }
}

/// The InternalIP of the pod's node.
fn host_address(context: &Context, pod: &Value) -> String {
    let node = context.store.get(&Key::cluster(&kinds::NODE, text(pod, "/spec/nodeName")));
    let addresses = node.as_deref().map_or(&[][..], |node| items(node, "/status/addresses"));
    let internal = addresses.iter().find(|address| text(address, "/type") == "InternalIP");
    internal.map_or_else(|| "127.0.0.1".to_owned(), |address| text(address, "/address").to_owned())
}

/// Volumes, init containers in order, then the containers side by side, until none is to run again; sidecars as long as
/// any of the others.
async fn live(context: &Context, pod: &Arc<Pod>) {
    let sources = loop {
        match super::prepare::prepare(context, pod) {
            Ok(sources) => break sources,
            Err(error) => {
                pod.event(context, EventKind::Warning, "FailedMount", &error.in_one_line());
                await_change(context).await;
            }
        }
    };
    let (turn, turns) = watch::channel(0);
    let inits = items(&pod.object, "/spec/initContainers");
    let sidecars = inits.iter().enumerate().filter(|(_, container)| is_sidecar(container));
    let sidecars = sidecars.map(async |(position, container)| {
        // The sender is there until the work is done, and the sidecars end with it.
        let _ = turns.clone().wait_for(|turn| *turn > position).await;
        runner::run(context, pod, container, &sources, Kind::Sidecar).await
    });
    let sidecars = futures::future::join_all(sidecars);
    let work = async {
        if initialize(context, pod, &sources, &turn).await {
            run_containers(context, pod, &sources).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = async { sidecars.await; std::future::pending().await } => {}
        () = refresh_volumes(context, pod) => {}
    }
    stop::stop_sidecars(context, pod).await;
}

/// Init containers in order: a sidecar's turn is over when it has started. False if one failed for good.
async fn initialize(
    context: &Context,
    pod: &Arc<Pod>,
    sources: &Sources,
    turn: &watch::Sender<usize>,
) -> bool {
    for container in items(&pod.object, "/spec/initContainers") {
        turn.send_modify(|turn| *turn += 1);
        if is_sidecar(container) {
            pod.until_started(text(container, "/name")).await;
        } else if !runner::run_to_success(context, pod, container, sources).await {
            return false;
        }
    }
    true
}

async fn run_containers(context: &Context, pod: &Arc<Pod>, sources: &Sources) {
    for container in items(&pod.object, "/spec/containers") {
        pod.change(context, text(container, "/name"), |record| {
            record.state =
                crate::node::status::State::Waiting { reason: "ContainerCreating", message: String::new() };
        });
    }
    let containers = items(&pod.object, "/spec/containers").iter();
    let running = containers.map(|container| runner::run(context, pod, container, sources, Kind::Main));
    futures::future::join_all(running).await;
}

/// Until something in the store changes, or a while passes.
pub(super) async fn await_change(context: &Context) {
    let mut changes = context.store.changes();
    changes.mark_unchanged();
    let _ = tokio::time::timeout(VOLUME_RETRY, changes.changed()).await;
    // Many changes come together, and the writes of this pod are among them.
    tokio::time::sleep(REFRESH_DELAY).await;
}

async fn refresh_volumes(context: &Context, pod: &Pod) {
    let mut seen = Vec::new();
    loop {
        let versions = versions_of_sources(context, pod);
        if versions != seen {
            pod.volumes.refresh(&context.store, &pod.facts());
            seen = versions;
        }
        let mut changes = context.store.changes();
        changes.mark_unchanged();
        if changes.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(REFRESH_DELAY).await;
    }
}

/// The revisions of the ConfigMaps and Secrets in the pod's namespace: a cheap question before a costly refresh.
fn versions_of_sources(context: &Context, pod: &Pod) -> Vec<(String, u64)> {
    let kinds = [&kinds::CONFIG_MAP, &kinds::SECRET];
    let objects = kinds.into_iter().flat_map(|kind| context.store.list(kind, pod.key.namespace.as_deref()).0);
    objects
        .map(|object| (name(&object).to_owned(), crate::store::object::resource_version(&object)))
        .collect()
}

impl Pod {
    pub(super) fn facts(&self) -> PodFacts<'_> {
        PodFacts {
            pod: &self.object,
            pod_address: self.network.address.to_string(),
            host_address: self.record().host_address.clone(),
        }
    }
}
