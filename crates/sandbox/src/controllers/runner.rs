//! The loop that wakes the reconcilers: snapshot, plan, write, until nothing changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::apply::apply_write;
use super::world::{Reconciler, World};
use super::{
    cronjob, daemonset, definitions, deployment, disruption, endpoints, expansion, garbage, job,
    load_balancers, namespaces, node_lifecycle, pod_gc, replicaset, scheduler, seed, statefulset, volumes,
};
use crate::store::{Status, Store};

/// A write that the store refused is tried again after this time, if nothing changes before.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(1);
/// A snapshot is taken again when writes came between its lists, this often at most.
const SNAPSHOT_ATTEMPTS_MAX: usize = 8;

static RECONCILERS: [&Reconciler; 17] = [
    &namespaces::RECONCILER,
    &deployment::RECONCILER,
    &replicaset::RECONCILER,
    &statefulset::RECONCILER,
    &daemonset::RECONCILER,
    &job::RECONCILER,
    &cronjob::RECONCILER,
    &volumes::RECONCILER,
    &expansion::RECONCILER,
    &scheduler::RECONCILER,
    &endpoints::RECONCILER,
    &load_balancers::RECONCILER,
    &disruption::RECONCILER,
    &node_lifecycle::RECONCILER,
    &pod_gc::RECONCILER,
    &definitions::RECONCILER,
    &garbage::RECONCILER,
];

/// What the controllers need to know beside the objects.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The certificate authority of the API, published in every namespace as `kube-root-ca.crt`.
    pub cluster_ca_pem: String,
    /// What `tolerationSeconds` of pods are divided by: 1, or more with scaled timings. Never 0.
    pub toleration_divisor: u32,
}

/// Seeds the store with what every cluster has, and runs all controllers until `shutdown`.
///
/// # Errors
/// When the store refuses what a cluster has from the start.
pub fn spawn(
    store: Store,
    settings: &Settings,
    shutdown: CancellationToken,
) -> Result<JoinHandle<()>, Status> {
    seed::create_missing(&store)?;
    let mut runner = Runner::new(store, settings);
    Ok(tokio::spawn(async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = runner.run() => {}
        }
    }))
}

/// How many objects of a kind there are, and the newest revision among them: differs after any change.
type Fingerprint = BTreeMap<&'static str, (usize, u64)>;

struct Runner {
    store: Store,
    cluster_ca_pem: Arc<str>,
    toleration_divisor: u32,
    seen: Vec<Fingerprint>,
    due: Vec<Option<Timestamp>>,
}

impl Runner {
    fn new(store: Store, settings: &Settings) -> Self {
        Self {
            store,
            cluster_ca_pem: settings.cluster_ca_pem.as_str().into(),
            toleration_divisor: settings.toleration_divisor,
            seen: vec![Fingerprint::new(); RECONCILERS.len()],
            due: vec![None; RECONCILERS.len()],
        }
    }

    async fn run(&mut self) {
        let mut changes = self.store.changes();
        loop {
            changes.mark_unchanged();
            self.pass();
            let wait = self.time_until_due();
            // The store holds the sender, so `changed` cannot fail while this runs.
            let _ = tokio::time::timeout(wait, changes.changed()).await;
        }
    }

    /// Every reconciler whose kinds changed, or whose time has come, plans and writes once.
    fn pass(&mut self) {
        for (index, reconciler) in RECONCILERS.iter().enumerate() {
            let (world, all) = self.snapshot();
            let read: Fingerprint = all
                .into_iter()
                .filter(|(kind, _)| reconciler.reads.is_empty() || reconciler.reads.contains(kind))
                .collect();
            let is_due = self.due[index].is_some_and(|due| due <= world.now);
            if self.seen[index] == read && !is_due {
                continue;
            }
            self.seen[index] = read;
            self.due[index] = self.reconcile(reconciler, &world);
        }
    }

    /// Carries out one plan; returns when to look again although nothing changed.
    fn reconcile(&self, reconciler: &Reconciler, world: &World) -> Option<Timestamp> {
        let plan = (reconciler.reconcile)(world);
        let store = self.store.acting_as(match reconciler.name {
            "default-scheduler" => "kube-scheduler",
            _ => "kube-controller-manager",
        });
        let mut due = plan.again_at;
        for write in plan.writes {
            if let Err(refused) = apply_write(&store, write) {
                tracing::warn!(controller = reconciler.name, %refused, "a write was refused");
                let retry = world.now + RETRY_AFTER;
                due = Some(due.map_or(retry, |due| due.min(retry)));
            }
        }
        due
    }

    /// All objects at one revision. Should writers never pause, the last attempt is taken as it is.
    fn snapshot(&self) -> (World, Fingerprint) {
        let mut taken = self.list_all();
        for _ in 1..SNAPSHOT_ATTEMPTS_MAX {
            if taken.2 {
                break;
            }
            taken = self.list_all();
        }
        (taken.0, taken.1)
    }

    fn list_all(&self) -> (World, Fingerprint, bool) {
        let before = self.store.revision();
        let mut world = World::new(self.store.now(), Arc::clone(&self.cluster_ca_pem));
        world.toleration_divisor = self.toleration_divisor;
        let mut fingerprint = Fingerprint::new();
        for kind in self.store.kinds() {
            let (objects, _) = self.store.list(kind, None);
            let newest = objects.iter().map(|object| crate::store::object::resource_version(object)).max();
            fingerprint.insert(kind.kind, (objects.len(), newest.unwrap_or(0)));
            for object in objects {
                world.insert(object);
            }
        }
        (world, fingerprint, self.store.revision() == before)
    }

    fn time_until_due(&self) -> Duration {
        let now = self.store.now();
        let next = self.due.iter().flatten().min();
        next.map_or(Duration::MAX, |due| {
            Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO)
        })
    }
}
