//! Watching a kind from a revision on.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use super::{Kind, Status, Store};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    Added,
    Modified,
    Deleted,
}

/// One change. `previous` is what the object was, so that a selector can tell who enters and who leaves.
#[derive(Clone, Debug)]
pub struct Event {
    pub event_type: EventType,
    pub object: Arc<Value>,
    pub previous: Option<Arc<Value>>,
}

/// A watcher. Dropping it ends the watch.
pub struct Watch {
    store: Store,
    changes: tokio::sync::watch::Receiver<u64>,
    kind: &'static Kind,
    namespace: Option<String>,
    seen: u64,
    ready: VecDeque<Event>,
}

impl Store {
    /// Events of a kind, in one namespace or in all, that are newer than a revision (one that `list` returned).
    /// Fails with 410 when the history is not kept that far back.
    pub fn watch(&self, kind: &'static Kind, namespace: Option<&str>, from: u64) -> Result<Watch, Status> {
        let changes = self.changes();
        let state = self.lock();
        if state.journal.after(from).is_none() {
            return Err(Status::gone(from, state.journal.oldest()));
        }
        let namespace = namespace.map(str::to_owned);
        Ok(Watch { store: self.clone(), changes, kind, namespace, seen: from, ready: VecDeque::new() })
    }
}

impl Watch {
    /// The next event. Fails with 410 when this watcher fell too far behind. Cancel safe.
    pub async fn next(&mut self) -> Result<Event, Status> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            self.changes.mark_unchanged();
            self.collect()?;
            if self.ready.is_empty() {
                // The sender lives in the store that this watcher holds, so it cannot be gone.
                self.changes.changed().await.expect("the store outlives its watchers");
            }
        }
    }

    /// The revision up to which every event was handed out, once `next` waits: for bookmarks.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    fn collect(&mut self) -> Result<(), Status> {
        let state = self.store.lock();
        let Some(entries) = state.journal.after(self.seen) else {
            return Err(Status::gone(self.seen, state.journal.oldest()));
        };
        let wanted = entries.filter(|entry| {
            entry.key.kind == self.kind && (self.namespace.is_none() || entry.key.namespace == self.namespace)
        });
        self.ready.extend(wanted.map(|entry| entry.event.clone()));
        self.seen = self.seen.max(state.revision);
        Ok(())
    }
}
