//! The recent changes, in order, for watchers to read at their own pace.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::{Event, EventType, Key};

/// Changes kept, a pod takes 100 KB of memory each time; a watcher that falls further behind gets 410 and lists again.
const ENTRIES_MAX: usize = 1_024;

pub(super) struct Entry {
    pub(super) revision: u64,
    pub(super) key: Key,
    pub(super) event: Event,
}

#[derive(Default)]
pub(super) struct Journal {
    entries: VecDeque<Entry>,
    /// The newest revision that was dropped.
    forgotten: u64,
}

impl Journal {
    pub(super) fn append(&mut self, revision: u64, key: Key, event: Event) {
        if self.entries.len() == ENTRIES_MAX
            && let Some(oldest) = self.entries.pop_front()
        {
            self.forgotten = oldest.revision;
        }
        self.entries.push_back(Entry { revision, key, event });
    }

    /// Entries after a revision; None when some of them are forgotten.
    pub(super) fn after(&self, revision: u64) -> Option<impl DoubleEndedIterator<Item = &Entry>> {
        if revision < self.forgotten {
            return None;
        }
        let start = self.entries.partition_point(|entry| entry.revision <= revision);
        Some(self.entries.range(start..))
    }

    /// Turns objects back to a revision; false, and nothing is turned, when some of the changes since are forgotten.
    pub(super) fn rewind(&self, objects: &mut BTreeMap<Key, Arc<Value>>, revision: u64) -> bool {
        let Some(entries) = self.after(revision) else { return false };
        for Entry { key, event, .. } in entries.rev() {
            match &event.previous {
                Some(previous) => objects.insert(key.clone(), Arc::clone(previous)),
                None => objects.remove(key),
            };
        }
        true
    }

    pub(super) fn oldest(&self) -> u64 {
        self.forgotten + 1
    }
}

/// The event of a change from one state of an object to the next.
pub(super) fn event(event_type: EventType, object: &Arc<Value>, previous: Option<&Arc<Value>>) -> Event {
    Event { event_type, object: Arc::clone(object), previous: previous.cloned() }
}
