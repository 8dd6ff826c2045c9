//! What goes into a reconciler and what comes out of it: a snapshot of objects, a list of writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::events::Event;
use super::object::{kind, name, namespace};

/// The objects that a reconciler asked for, by kind, and the time of the snapshot.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    /// The PEM of the API's certificate authority, which every namespace publishes.
    pub(crate) cluster_ca_pem: Arc<str>,
    /// What `tolerationSeconds` are divided by.
    pub(crate) toleration_divisor: u32,
    objects: BTreeMap<String, Vec<Arc<Value>>>,
}

impl World {
    pub(crate) fn new(now: Timestamp, cluster_ca_pem: Arc<str>) -> Self {
        Self { now, cluster_ca_pem, toleration_divisor: 1, objects: BTreeMap::new() }
    }

    pub(crate) fn insert(&mut self, object: Arc<Value>) {
        let kind = kind(&object).to_owned();
        self.objects.entry(kind).or_default().push(object);
    }

    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> + Clone {
        self.objects.get(kind).into_iter().flatten().map(|object| &**object)
    }

    pub(crate) fn within<'a>(
        &'a self,
        kind: &str,
        namespace_name: &'a str,
    ) -> impl Iterator<Item = &'a Value> + Clone {
        self.all(kind).filter(move |object| namespace(object) == namespace_name)
    }

    /// The object of this name; cluster-scoped objects have the namespace "".
    pub(crate) fn get(&self, kind: &str, namespace_name: &str, wanted: &str) -> Option<&Value> {
        self.all(kind).find(|object| name(object) == wanted && namespace(object) == namespace_name)
    }

    /// Everything in the snapshot, whatever its kind.
    pub(crate) fn everything(&self) -> impl Iterator<Item = &Value> + Clone {
        self.objects.values().flatten().map(|object| &**object)
    }
}

/// What a deletion does with the objects that the deleted one owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
}

/// One write of a reconciler. Updates are made only if the object is still as the snapshot saw it;
/// otherwise the change that came between wakes the reconciler again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    Create(Value),
    Update(Value),
    UpdateStatus(Value),
    Delete { object: Value, grace_seconds: Option<i64>, propagation: Propagation },
    Event(Event),
}

impl Write {
    /// Deletes with the object's own grace, in the background.
    pub(crate) fn delete(object: &Value) -> Self {
        Self::Delete { object: object.clone(), grace_seconds: None, propagation: Propagation::Background }
    }

    /// Deletes at once, without waiting for a node agent.
    pub(crate) fn delete_now(object: &Value) -> Self {
        Self::Delete { object: object.clone(), grace_seconds: Some(0), propagation: Propagation::Background }
    }
}

/// The outcome of one reconciliation.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<Write>,
    /// When to look again although nothing changed (minReadySeconds, back-off, deadlines).
    pub(crate) again_at: Option<Timestamp>,
}

impl Plan {
    pub(crate) fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(crate) fn look_again_at(&mut self, at: Option<Timestamp>) {
        self.again_at = [self.again_at, at].into_iter().flatten().min();
    }

    /// Writes the object's status if it differs from what the snapshot has.
    pub(crate) fn set_status(&mut self, object: &Value, status: Value) {
        if object.get("status") != Some(&status) {
            let mut changed = object.clone();
            changed["status"] = status;
            self.push(Write::UpdateStatus(changed));
        }
    }

    /// Writes the whole object if it differs from what the snapshot has.
    pub(crate) fn update(&mut self, object: &Value, changed: Value) {
        if *object != changed {
            self.push(Write::Update(changed));
        }
    }
}

/// A level-triggered controller: it sees the whole level, never the edge.
pub(crate) struct Reconciler {
    pub(crate) name: &'static str,
    /// The kinds it reads, or none to read all; a change of one of them wakes it.
    pub(crate) reads: &'static [&'static str],
    pub(crate) reconcile: fn(&World) -> Plan,
}
