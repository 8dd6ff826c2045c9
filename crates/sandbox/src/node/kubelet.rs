//! The node agent's main loop: every pod that is bound to a node gets a worker.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::cuts::Cuts;
use super::events::Events;
use super::images::ImageTable;
use super::pod::{self, Context, Pod, Wanted};
use super::programs::Programs;
use super::timing::Timing;
use super::{Agent, Network, NodeError, Outages, Spawner, dns, network, proxy, volumes};
use crate::api::access::Tokens;
use crate::api::summarize_pod;
use crate::cli::Probes;
use crate::faults::Faults;
use crate::launch::{Directory, PodSummary};
use crate::store::object::{self, name, namespace, text};
use crate::store::{EventType, Status, Store, kinds};

/// Everything of a node that lies in memory, below the tmpfs of the namespaces.
const MEMORY_DIRECTORY: &str = "/run/redis-ha-sandbox";

/// What the node agent is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    pub directory: Directory,
    pub probes: Probes,
    /// What the waits between runs that fail are multiplied by.
    pub backoff_scale: f64,
    /// The administrator's token, from which the key of the accounts' tokens follows.
    pub access_token: String,
    /// Images beside the built-in ones.
    pub images: ImageTable,
}

/// The pods that run, by uid: for the agent.
pub(super) type Running = Arc<Mutex<HashMap<String, Arc<Pod>>>>;

/// The node agent of all nodes.
pub struct Kubelet {
    context: Arc<Context>,
    settings: Settings,
    running: Running,
    workers: HashMap<String, watch::Sender<Wanted>>,
    finished: (mpsc::UnboundedSender<String>, mpsc::UnboundedReceiver<String>),
}

impl Kubelet {
    /// Starts DNS and the Service proxy, and readies what pods need.
    pub async fn start(
        store: &Store,
        network: Arc<Network>,
        spawner: Spawner,
        settings: Settings,
    ) -> Result<Self, NodeError> {
        let cuts = Cuts::new();
        dns::start(store.clone(), cuts.clone(), network::GATEWAY).await?;
        tokio::spawn(proxy::run(store.clone(), Arc::clone(&network), cuts.clone()));
        let timing = Timing(settings.probes);
        let memory = PathBuf::from(MEMORY_DIRECTORY);
        let context = Context {
            store: store.acting_as("kubelet"),
            events: Events::new(store),
            spawner,
            network,
            cuts,
            timing,
            backoff_scale: settings.backoff_scale,
            pods_directory: memory.join("pods"),
            claims_directory: settings.directory.volumes(),
            logs_directory: settings.directory.pod_logs(),
            images: settings.images.clone(),
            programs: Programs::write(&memory.join("programs"), &settings.images)?,
            tokens: Tokens::new(&settings.access_token),
        };
        Ok(Self {
            context: Arc::new(context),
            settings,
            running: Running::default(),
            workers: HashMap::new(),
            finished: mpsc::unbounded_channel(),
        })
    }

    /// What the API server asks for exec, logs and port-forward.
    pub fn agent(&self) -> Agent {
        Agent::new(Arc::clone(&self.context), Arc::clone(&self.running))
    }

    /// What carries out faults of pods and nodes.
    pub fn outages(&self, faults: Faults) -> Outages {
        Outages::new(Arc::clone(&self.context), Arc::clone(&self.running), faults)
    }

    /// Follows the store until dropped.
    pub async fn run(mut self) {
        loop {
            let refusal = self.follow().await;
            tracing::warn!(%refusal, "the node agent lists pods anew");
        }
    }

    /// Lists, then watches, until the watch falls behind.
    async fn follow(&mut self) -> Status {
        let (pods, revision) = self.context.store.list(&kinds::POD, None);
        let listed: Vec<_> = pods.iter().map(|pod| object::uid(pod).to_owned()).collect();
        for (uid, wanted) in &self.workers {
            if !listed.contains(uid) {
                wanted.send_replace(Wanted::Gone);
            }
        }
        for pod in pods {
            self.see(pod);
        }
        let mut watch = match self.context.store.watch(&kinds::POD, None, revision) {
            Ok(watch) => watch,
            Err(refusal) => return refusal,
        };
        self.summarize();
        loop {
            tokio::select! {
                event = watch.next() => match event {
                    Ok(event) if event.event_type == EventType::Deleted => self.lose(&event.object),
                    Ok(event) => self.see(event.object),
                    Err(refusal) => return refusal,
                },
                Some(uid) = self.finished.1.recv() => {
                    self.workers.remove(&uid);
                    self.lock_running().remove(&uid);
                    volumes::remove_released(&self.context.store, &self.context.claims_directory);
                }
            }
            self.summarize();
        }
    }

    fn lock_running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Pod>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&mut self, pod: Arc<Value>) {
        let uid = object::uid(&pod);
        if let Some(worker) = self.workers.get(uid) {
            worker.send_replace(Wanted::Stored(pod));
            return;
        }
        if text(&pod, "/spec/nodeName").is_empty() {
            return;
        }
        let uid = uid.to_owned();
        let (sender, receiver) = watch::channel(Wanted::Stored(Arc::clone(&pod)));
        self.workers.insert(uid.clone(), sender);
        let (context, running) = (Arc::clone(&self.context), Arc::clone(&self.running));
        let finished = self.finished.0.clone();
        tokio::spawn(async move {
            let born = |pod: Arc<Pod>| {
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                running.insert(pod.uid.clone(), pod);
            };
            pod::run(context, pod, receiver, born).await;
            // The receiver lives as long as the kubelet, and this task no longer.
            let _ = finished.send(uid);
        });
    }

    fn lose(&self, pod: &Value) {
        if let Some(worker) = self.workers.get(object::uid(pod)) {
            worker.send_replace(Wanted::Gone);
        }
    }

    /// For `status`, which reads a file rather than speak TLS.
    fn summarize(&self) {
        let (pods, _) = self.context.store.list(&kinds::POD, None);
        let summaries: Vec<_> = pods.iter().map(|pod| summary(pod)).collect();
        if let Err(error) = self.settings.directory.write_pods(&summaries) {
            tracing::warn!(%error, "cannot write the summary of pods");
        }
    }
}

fn summary(pod: &Value) -> PodSummary {
    let words = summarize_pod(pod);
    PodSummary {
        namespace: namespace(pod).to_owned(),
        name: name(pod).to_owned(),
        ready: words.ready,
        status: words.status,
        restarts: words.restarts,
        address: text(pod, "/status/podIP").to_owned(),
        node: text(pod, "/spec/nodeName").to_owned(),
    }
}
