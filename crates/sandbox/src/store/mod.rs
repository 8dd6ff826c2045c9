//! The object store behind every server and controller of the sandbox: etcd and the admission half of a
//! kube-apiserver in one, in memory.
//!
//! Enters: objects as JSON, from the HTTP API (`api`), the controllers and the kubelet, all in this process.
//! Leaves: objects with uid, resourceVersion, defaults and managedFields; refusals as [`Status`]; events to watchers.
//!
//! Invariant: everything that Kubernetes does to an object between a request and etcd happens here, so a controller
//! that writes through [`Store`] and a client that writes through HTTP see the same rules.
//! Deliberately absent: persistence, HTTP, and every reaction to a change (garbage collection, namespace
//! finalization, scheduling): those are controllers.

mod create;
mod custom;
pub mod defaults;
mod delete;
mod journal;
pub mod kinds;
pub mod managed;
mod metadata;
pub mod object;
mod ports;
pub(crate) mod quantity;
pub mod schema;
pub mod selector;
mod service_addresses;
mod status;
pub(crate) mod structural;
mod update;
mod validation;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

pub use delete::{DeleteOptions, Deleted, Preconditions, Propagation};
pub use kinds::Kind;
pub use status::{Cause, Status};
pub use update::{Managed, WriteOptions};
pub use watch::{Event, EventType, Watch};

use journal::Journal;
use service_addresses::ServiceAddresses;

/// Tells the time; a parameter, so that tests own it.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// What names one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: &'static Kind,
    /// None for kinds that live outside namespaces.
    pub namespace: Option<String>,
    pub name: String,
}

impl Key {
    pub fn namespaced(kind: &'static Kind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, namespace: Some(namespace.into()), name: name.into() }
    }

    pub fn cluster(kind: &'static Kind, name: impl Into<String>) -> Self {
        Self { kind, namespace: None, name: name.into() }
    }

    /// The key of an object of this kind, by its metadata.
    pub fn of(kind: &'static Kind, object: &Value) -> Self {
        let namespace = kind.namespaced.then(|| object::namespace(object).to_owned());
        Self { kind, namespace, name: object::name(object).to_owned() }
    }
}

/// A handle on the store; clones share the objects. Writes are recorded under the handle's manager name.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    manager: Arc<str>,
}

struct Shared {
    clock: Clock,
    state: Mutex<State>,
    revision: tokio::sync::watch::Sender<u64>,
}

struct State {
    revision: u64,
    objects: BTreeMap<Key, Arc<Value>>,
    journal: Journal,
    addresses: ServiceAddresses,
    /// What CustomResourceDefinitions add.
    custom: Vec<&'static Kind>,
}

impl Store {
    /// A store with the system namespaces and the `kubernetes` Service, as a fresh cluster has.
    pub fn new(clock: Clock) -> Self {
        let state = State {
            revision: 0,
            objects: BTreeMap::new(),
            journal: Journal::default(),
            addresses: ServiceAddresses::default(),
            custom: Vec::new(),
        };
        let (revision, _) = tokio::sync::watch::channel(0);
        let shared = Arc::new(Shared { clock, state: Mutex::new(state), revision });
        let store = Self { shared, manager: Arc::from("kube-controller-manager") };
        store.acting_as("kube-apiserver").bootstrap();
        store
    }

    /// The same store, with writes recorded in managedFields under this name.
    pub fn acting_as(&self, manager: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), manager: Arc::from(manager) }
    }

    fn bootstrap(&self) {
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            self.create(&kinds::NAMESPACE, json!({"metadata": {"name": name}}))
                .expect("a fresh store takes a namespace");
        }
        let service = json!({
            "metadata": {"name": "kubernetes", "namespace": "default",
                "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {"clusterIP": "10.96.0.1",
                "ports": [{"name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP"}]},
        });
        self.create(&kinds::SERVICE, service).expect("a fresh store takes its own Service");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is computed on a copy and put in place last, so a panic in a caller's closure leaves no
        // half-written state behind the lock.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object as it stands.
    pub fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.lock().objects.get(key).cloned()
    }

    /// All objects of a kind, in one namespace or in all, by namespace and name; and the revision they were read at.
    pub fn list(&self, kind: &'static Kind, namespace: Option<&str>) -> (Vec<Arc<Value>>, u64) {
        let state = self.lock();
        (state.list(kind, namespace), state.revision)
    }

    /// As [`Store::list`], as it was at a revision; None when that is forgotten.
    pub fn list_at(
        &self,
        kind: &'static Kind,
        namespace: Option<&str>,
        revision: u64,
    ) -> Option<Vec<Arc<Value>>> {
        let state = self.lock();
        let mut objects =
            state.list(kind, namespace).into_iter().map(|object| (Key::of(kind, &object), object)).collect();
        state.journal.rewind(&mut objects, revision).then_some(())?;
        let is_wanted =
            |key: &Key| key.kind == kind && (namespace.is_none() || key.namespace.as_deref() == namespace);
        Some(objects.into_iter().filter(|(key, _)| is_wanted(key)).map(|(_, object)| object).collect())
    }

    /// Every kind that is served, in the order of discovery: Kubernetes' own, then those that were defined.
    pub fn kinds(&self) -> Vec<&'static Kind> {
        kinds::ALL.iter().chain(&self.lock().custom).copied().collect()
    }

    /// The kind that an apiVersion and kind name, as in ownerReferences.
    pub fn find_kind(&self, api_version: &str, kind: &str) -> Option<&'static Kind> {
        self.kinds().into_iter().find(|known| known.kind == kind && known.api_version() == api_version)
    }

    /// The revision of the newest change.
    pub fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// Notifies of every change, with the revision it made: for level-triggered controllers, which then list.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.revision.subscribe()
    }

    /// The store's time.
    pub fn now(&self) -> jiff::Timestamp {
        (self.shared.clock)()
    }
}

impl State {
    /// Serves what the definitions that are there define.
    fn redefine(&mut self) {
        let definitions = self.list(&kinds::CUSTOM_RESOURCE_DEFINITION, None);
        self.custom = definitions.iter().filter_map(|definition| custom::kind_of(definition)).collect();
    }

    fn list(&self, kind: &'static Kind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let first = Key { kind, namespace: namespace.map(str::to_owned), name: String::new() };
        self.objects
            .range(first..)
            .take_while(|(key, _)| {
                key.kind == kind && (namespace.is_none() || key.namespace.as_deref() == namespace)
            })
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }
}

/// The time in the form of Kubernetes' `metav1.Time`: whole seconds, UTC.
pub fn format_time(time: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(time.as_second())
        .map_or_else(|_| time.to_string(), |whole| whole.to_string())
}
