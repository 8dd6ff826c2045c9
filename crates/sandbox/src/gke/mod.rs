//! Google's side of a cluster: the Container API, the sizes in the Compute API, and the nodes behind them.
//!
//! Enters: REST requests as clients of Google's APIs send them. Leaves: answers and errors in Google's
//! form, and Node objects in the store (made, drained under disruption budgets, and removed, as
//! operations run). Absent: creating clusters, anything of Compute but instance group managers,
//! persistence.

mod autoscaler;
mod checks;
mod cluster;
mod compute;
mod defaults;
mod enums;
mod error;
mod fault;
mod fleet;
mod machine;
mod nodes;
mod operation;
mod pool;
mod pool_calls;
mod route;
mod serve;
mod update;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::faults::Faults;
use crate::store::Store;
pub use error::GoogleError;
use operation::{Ongoing, Operation, OperationKind, Phase};
use pool::Pool;
pub use serve::router;

/// What the sandbox's Google project looks like.
#[derive(Clone)]
pub struct Settings {
    pub project: String,
    /// The region (or zone) of the cluster.
    pub location: String,
    pub zones: Vec<String>,
    pub cluster: String,
    /// Nodes that the default pool starts with, in each zone.
    pub default_pool_nodes: u32,
    /// Host and port of the Kubernetes API, as a client outside reaches it.
    pub kubernetes_endpoint: String,
    /// The certificate authority of the Kubernetes API.
    pub cluster_ca_pem: String,
    /// The only access token that is accepted.
    pub access_token: String,
    /// The version of the control plane and of new nodes.
    pub version: String,
    /// How long an operation takes at least.
    pub operation_time: Duration,
    /// How long a drain waits for disruption budgets before it goes on without them (an hour in GKE).
    pub drain_time: Duration,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The access token is left out.
        f.debug_struct("Settings")
            .field("project", &self.project)
            .field("location", &self.location)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The sandbox as it starts: project `sandbox`, cluster `sandbox` in the one zone asia-east1-a.
    pub fn sandbox(
        kubernetes_endpoint: String,
        cluster_ca_pem: String,
        access_token: String,
        nodes: u32,
    ) -> Self {
        Self {
            project: "sandbox".to_owned(),
            location: "asia-east1".to_owned(),
            zones: vec!["asia-east1-a".to_owned()],
            cluster: "sandbox".to_owned(),
            default_pool_nodes: nodes,
            kubernetes_endpoint,
            cluster_ca_pem,
            access_token,
            version: "1.33.5-gke.1201000".to_owned(),
            operation_time: Duration::from_secs(1),
            drain_time: Duration::from_secs(3600),
        }
    }

    pub(crate) fn region(&self) -> &str {
        // A zone's region is its name without the last part.
        match self.location.matches('-').count() {
            2 => self.location.rsplit_once('-').map_or("", |(region, _)| region),
            _ => &self.location,
        }
    }
}

/// The project: one cluster, its pools, its operations. Clones share it.
#[derive(Clone)]
pub struct Gke {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    store: Store,
    state: Mutex<State>,
    faults: Faults,
    started: Timestamp,
    shutdown: CancellationToken,
}

#[derive(Default)]
struct State {
    pools: IndexMap<String, Pool>,
    operations: Vec<Operation>,
    next_instance: u32,
}

impl Gke {
    /// A project with its cluster and the default pool, whose nodes are there at once. Requests meet `faults`.
    pub fn new(store: Store, settings: Settings, faults: Faults, shutdown: CancellationToken) -> Self {
        let started = store.now();
        let shared = Shared { settings, store, state: Mutex::default(), faults, started, shutdown };
        let gke = Self { shared: Arc::new(shared) };
        gke.start_default_pool();
        tokio::spawn(gke.clone().autoscale());
        gke
    }

    fn start_default_pool(&self) {
        let settings = self.settings();
        let request = serde_json::json!({
            "name": "default-pool",
            "initialNodeCount": settings.default_pool_nodes,
            "config": {"machineType": "e2-standard-16"},
        });
        let mut pool = Pool::parse_request(settings, &request).expect("the default pool is a valid pool");
        pool.set_status("RUNNING");
        self.state().pools.insert(pool.name().to_owned(), pool);
        self.fill_groups("default-pool");
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is changed in single assignments, so it is whole even after a panic.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts an operation unless one is running, and the work that it does.
    fn start<W, F>(&self, kind: OperationKind, pool: &str, work: W) -> Result<serde_json::Value, GoogleError>
    where
        W: FnOnce(Self, Ongoing) -> F,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let operation = {
            let mut state = self.state();
            if let Some(running) = state.operations.iter().find(|operation| !operation.is_done()) {
                return Err(GoogleError::busy(&running.name));
            }
            let operation = Operation::new(kind, pool, self.store().now());
            state.operations.push(operation.clone());
            operation
        };
        let name = operation.name.clone();
        let work = work(self.clone(), Ongoing { name: name.clone(), cancel: operation.cancel.clone() });
        let gke = self.clone();
        tokio::spawn(async move {
            let shutdown = gke.shared.shutdown.clone();
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = gke.run(&name, work) => {}
            }
        });
        Ok(operation.render(self.settings()))
    }

    async fn run(&self, name: &str, work: impl Future<Output = Result<(), String>>) {
        let step = self.settings().operation_time / 4;
        tokio::time::sleep(step).await;
        self.change_operation(name, |operation| operation.phase = Phase::Running);
        let (result, ()) = tokio::join!(work, tokio::time::sleep(step * 3));
        let now = self.store().now();
        self.change_operation(name, |operation| operation.finish(result.err(), now));
    }

    /// Says how many nodes an operation is about, for its progress.
    fn expect_nodes(&self, ongoing: &Ongoing, count: usize) {
        self.change_operation(&ongoing.name, |operation| operation.nodes_total = count);
    }

    fn count_node(&self, ongoing: &Ongoing) {
        self.change_operation(&ongoing.name, |operation| operation.nodes_done += 1);
    }

    fn change_operation(&self, name: &str, change: impl FnOnce(&mut Operation)) {
        if let Some(operation) = self.state().operations.iter_mut().find(|one| one.name == name) {
            change(operation);
        }
    }
}
