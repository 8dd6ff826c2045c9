//! Maps: shared and mutable, keyed by string, iterated in the order of their keys as Go prints them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Value;
use super::list::drop_all;

/// A `map[string]interface {}`. A clone is the same map, as in Go; [`Map::deep_clone`] copies.
///
/// No method holds the lock while it calls out, so a map that contains itself cannot deadlock.
#[derive(Clone, Debug)]
pub struct Map {
    type_name: &'static str,
    entries: Arc<Mutex<BTreeMap<String, Value>>>,
}

/// The Go type of a plain map.
const PLAIN: &str = "map[string]interface {}";

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    pub fn new() -> Self {
        Self::with_type(PLAIN)
    }

    /// An empty map of a named Go type, such as `common.Values`.
    pub fn with_type(type_name: &'static str) -> Self {
        Self { type_name, entries: Arc::default() }
    }

    /// The same entries (shared) under another Go type.
    pub fn typed(&self, type_name: &'static str) -> Self {
        Self { type_name, entries: Arc::clone(&self.entries) }
    }

    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        // A panic between two writes cannot leave a BTreeMap half changed in a way that matters here.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, key: &str) -> Option<Value> {
        self.lock().get(key).cloned()
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.lock().contains_key(key)
    }

    /// Sets a key, and returns what was there.
    pub fn insert(&self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.lock().insert(key.into(), value.into())
    }

    pub fn remove(&self, key: &str) -> Option<Value> {
        self.lock().remove(key)
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The keys in order, as they are now.
    pub fn keys(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// The entries in order of their keys, as they are now.
    pub fn entries(&self) -> Vec<(String, Value)> {
        self.lock().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Copies the map and everything in it.
    pub fn deep_clone(&self) -> Self {
        let entries = self.entries().into_iter().map(|(key, value)| (key, value.deep_clone()));
        let copy: Self = entries.collect();
        copy.typed(self.type_name)
    }

    /// Whether both are the same map, not merely equal.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entries, &other.entries)
    }
}

/// As for lists: without recursion.
impl Drop for Map {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.take_nested(&mut pending);
        drop_all(pending);
    }
}

impl Map {
    /// Moves the values that hold others out, if no one else has the map.
    pub(super) fn take_nested(&mut self, into: &mut Vec<Value>) {
        if let Some(entries) = Arc::get_mut(&mut self.entries) {
            let entries = entries.get_mut().unwrap_or_else(PoisonError::into_inner);
            into.extend(entries.values_mut().filter(|value| value.is_container()).map(std::mem::take));
        }
    }
}

impl FromIterator<(String, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        let map = Self::new();
        map.lock().extend(entries);
        map
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.entries() == other.entries()
    }
}
