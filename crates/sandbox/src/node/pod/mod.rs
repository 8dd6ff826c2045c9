//! One pod from binding to removal. Enters: the pod's object as it changes. Leaves: its containers' processes, its
//! status and events, and at the end its removal from the store.
//! `worker` is the order of things, `prepare` what comes before a process, `runner` one container through its runs,
//! `stop` the end. Deliberately absent: why a pod is here (the scheduler) and whether it comes back (its controller).

mod backoff;
mod prepare;
mod runner;
mod stop;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::Spawner;
use super::container::Instance;
use super::cuts::Cuts;
use super::events::{EventKind, Events};
use super::images::ImageTable;
use super::network::{Network, PodNetwork};
use super::programs::Programs;
use super::status::{ContainerRecord, PodRecord};
use super::timing::Timing;
use super::volumes::Volumes;
use crate::api::access::Tokens;
use crate::store::object::{name, namespace, text, uid};
use crate::store::{Key, Store, kinds};

pub(super) use worker::{Wanted, run};

/// What all pods share.
pub(super) struct Context {
    pub(super) store: Store,
    pub(super) events: Events,
    pub(super) spawner: Spawner,
    pub(super) network: Arc<Network>,
    /// Who is cut off; a lost node reports nothing and ends nothing.
    pub(super) cuts: Cuts,
    pub(super) timing: Timing,
    /// What the waits between runs that fail are multiplied by.
    pub(super) backoff_scale: f64,
    /// In memory: volumes and /etc of each pod.
    pub(super) pods_directory: PathBuf,
    pub(super) claims_directory: PathBuf,
    pub(super) logs_directory: PathBuf,
    pub(super) images: ImageTable,
    pub(super) programs: Programs,
    /// Issues the tokens of the pods' accounts.
    pub(super) tokens: Tokens,
}

/// A pod on this node, shared by its worker and the agent that serves exec and logs.
pub(super) struct Pod {
    pub(super) key: Key,
    pub(super) uid: String,
    pub(super) network: PodNetwork,
    /// As it was bound; what a pod is made of does not change.
    pub(super) object: Arc<Value>,
    pub(super) volumes: Volumes,
    pub(super) directory: PathBuf,
    record: Mutex<PodRecord>,
    /// Tells that the record changed.
    changes: watch::Sender<()>,
    instances: Mutex<BTreeMap<String, Arc<Instance>>>,
}

impl Pod {
    fn new(context: &Context, object: Arc<Value>, network: PodNetwork, host_address: String) -> Self {
        let mut record = PodRecord::new(&object, host_address, context.store.now());
        record.address = Some(network.address);
        let directory = context.pods_directory.join(uid(&object));
        let volumes =
            Volumes::new(directory.clone(), context.claims_directory.clone(), context.tokens.clone());
        Self {
            key: Key::of(&kinds::POD, &object),
            uid: uid(&object).to_owned(),
            network,
            volumes,
            directory,
            record: Mutex::new(record),
            changes: watch::Sender::new(()),
            instances: Mutex::default(),
            object,
        }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, PodRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `NAME_NAMESPACE(UID)`, as a kubelet's messages name a pod.
    fn long_name(&self) -> String {
        format!("{}_{}({})", name(&self.object), namespace(&self.object), self.uid)
    }

    pub(super) fn instance(&self, container: &str) -> Option<Arc<Instance>> {
        self.lock_instances().get(container).cloned()
    }

    /// The last run of each container that ran.
    fn instances(&self) -> Vec<(String, Arc<Instance>)> {
        let instances = self.lock_instances();
        instances.iter().map(|(name, instance)| (name.clone(), Arc::clone(instance))).collect()
    }

    /// The names of the containers that run.
    pub(super) fn running_containers(&self) -> Vec<String> {
        let instances = self.lock_instances();
        let running = instances.iter().filter(|(_, instance)| !instance.has_ended());
        running.map(|(name, _)| name.clone()).collect()
    }

    /// The name of its node.
    pub(super) fn node(&self) -> &str {
        text(&self.object, "/spec/nodeName")
    }

    fn lock_instances(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Instance>>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the record of a container and writes the pod's status.
    fn change(&self, context: &Context, container: &str, change: impl FnOnce(&mut ContainerRecord)) {
        if let Some(record) = self.record().container(container) {
            change(record);
        }
        self.publish(context);
        self.changes.send_replace(());
    }

    /// Until a container has started, which is when its startup probe passed.
    async fn until_started(&self, container: &str) {
        let has_started = || self.record().container(container).is_some_and(|record| record.started);
        // The sender lives as long as the pod.
        let _ = self.changes.subscribe().wait_for(|()| has_started()).await;
    }

    /// Writes the status of this pod, not of a later one with its name.
    pub(super) fn publish(&self, context: &Context) {
        if context.cuts.has_lost(self.node()) {
            return;
        }
        let record = self.record();
        let now = context.store.now();
        let written = context.store.update_status(&self.key, |object| {
            if uid(object) == self.uid {
                object["status"] = record.render(object, now);
            }
        });
        if let Err(refusal) = written
            && !refusal.is_not_found()
        {
            tracing::warn!(pod = self.long_name(), %refusal, "the pod's status was refused");
        }
    }

    fn event(&self, context: &Context, kind: EventKind, reason: &'static str, message: &str) {
        context.events.record(&self.object, "", kind, reason, message);
    }

    fn container_event(
        &self,
        context: &Context,
        field_path: &str,
        kind: EventKind,
        reason: &'static str,
        message: &str,
    ) {
        context.events.record(&self.object, field_path, kind, reason, message);
    }
}
