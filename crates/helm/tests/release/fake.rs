//! A cluster in memory that writes down the conversation, and a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use helm::cluster::{
    ApplyOptions, Capabilities, Clock, Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Look,
    ObjectRef, Scope,
};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

pub(crate) struct FakeCluster {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Json>,
    log: Vec<String>,
    refusals: BTreeMap<String, ClusterErrorKind>,
    foreign_fields: BTreeSet<String>,
    counter: u64,
    /// What a Job or Pod says of itself once it was applied.
    status: Option<Json>,
    /// What an object says of itself, look by look; the last stays.
    later: BTreeMap<String, Vec<Json>>,
}

impl State {
    fn note(&mut self, verb: &str, object: &str) -> Result<(), ClusterError> {
        let line = format!("{verb} {object}");
        self.log.push(line.clone());
        match self.refusals.get(&line) {
            Some(kind) => Err(ClusterError::new(*kind, format!("{line} is refused"))),
            None => Ok(()),
        }
    }

    fn store(&mut self, key: &str, object: &Json) -> Json {
        self.counter += 1;
        let uid = self
            .objects
            .get(key)
            .map_or(json!(format!("uid-{}", self.counter)), |old| old["metadata"]["uid"].clone());
        let mut stored = object.clone();
        stored["metadata"]["uid"] = uid;
        // As in a real store, no object has the version 1.
        stored["metadata"]["resourceVersion"] = json!((self.counter + 1).to_string());
        if let (Some(status), Some("Job" | "Pod")) = (&self.status, object["kind"].as_str()) {
            stored["status"] = status.clone();
        }
        self.objects.insert(key.to_owned(), stored.clone());
        stored
    }
}

/// JSON merge patch.
fn merge(into: &mut Json, patch: &Json) {
    let Some(entries) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    for (key, value) in entries {
        merge(&mut into[key], value);
    }
}

fn key_of(object: &Json) -> String {
    ObjectRef::of(object).expect("a whole object").to_string()
}

impl FakeCluster {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }

    /// What was asked since the last look.
    pub(crate) fn conversation(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    /// The requests that change something, since the last look.
    pub(crate) fn changes(&self) -> Vec<String> {
        let mut log = self.conversation();
        log.retain(|line| !["get ", "list ", "watch "].iter().any(|verb| line.starts_with(verb)));
        log
    }

    pub(crate) fn put(&self, object: &Json) {
        self.state().store(&key_of(object), object);
    }

    pub(crate) fn find(&self, key: &str) -> Option<Json> {
        self.state().objects.get(key).cloned()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    /// From now on this request, as the conversation words it, fails.
    pub(crate) fn refuse(&self, request: &str, kind: ClusterErrorKind) {
        self.state().refusals.insert(request.to_owned(), kind);
    }

    pub(crate) fn accept_all(&self) {
        self.state().refusals.clear();
    }

    /// Someone else owns fields of the object: only a forced apply succeeds.
    pub(crate) fn let_another_own(&self, key: &str) {
        self.state().foreign_fields.insert(key.to_owned());
    }

    pub(crate) fn let_pods_say(&self, status: Json) {
        self.state().status = Some(status);
    }

    /// From look to look of a watch, the object says these things of itself.
    pub(crate) fn let_say(&self, key: &str, statuses: &[Json]) {
        self.state().later.insert(key.to_owned(), statuses.iter().rev().cloned().collect());
    }
}

#[async_trait]
impl Cluster for FakeCluster {
    async fn capabilities(&self) -> Result<Capabilities, ClusterError> {
        Ok(helm::render::offline_capabilities())
    }

    async fn scope(&self, _api_version: &str, kind: &str) -> Result<Scope, ClusterError> {
        self.state().note("scope", kind)?;
        Ok(Scope::Namespaced)
    }

    async fn get(&self, object: &ObjectRef) -> Result<Option<Json>, ClusterError> {
        let mut state = self.state();
        state.note("get", &object.to_string())?;
        Ok(state.objects.get(&object.to_string()).cloned())
    }

    async fn list(
        &self,
        _api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        label_selector: &str,
    ) -> Result<Vec<Json>, ClusterError> {
        let mut state = self.state();
        state.note("list", &format!("{kind} {label_selector}"))?;
        let prefix = format!("{kind} {}/", namespace.unwrap_or_default());
        let wanted: Vec<_> = label_selector.split(',').filter_map(|term| term.split_once('=')).collect();
        let fits = |object: &Json| wanted.iter().all(|(k, v)| object["metadata"]["labels"][*k] == **v);
        let found = state.objects.iter().filter(|(key, object)| key.starts_with(&prefix) && fits(object));
        Ok(found.map(|(_, object)| object.clone()).collect())
    }

    async fn create(&self, object: &Json) -> Result<Json, ClusterError> {
        let (mut state, key) = (self.state(), key_of(object));
        state.note("create", &key)?;
        if state.objects.contains_key(&key) {
            return Err(ClusterError::new(ClusterErrorKind::AlreadyExists, format!("{key} exists")));
        }
        Ok(state.store(&key, object))
    }

    async fn apply(&self, object: &Json, options: &ApplyOptions) -> Result<Json, ClusterError> {
        let (mut state, key) = (self.state(), key_of(object));
        state.note(if options.force { "force" } else { "apply" }, &key)?;
        if state.foreign_fields.contains(&key) && !options.force {
            return Err(ClusterError::new(ClusterErrorKind::Conflict, "conflict with \"kubectl\": .data.x"));
        }
        let version = object["metadata"]["resourceVersion"].as_str();
        let is_stale =
            |stored: &Json| version.is_some_and(|version| stored["metadata"]["resourceVersion"] != *version);
        if state.objects.get(&key).is_some_and(is_stale) {
            return Err(ClusterError::new(ClusterErrorKind::Conflict, format!("{key} has changed")));
        }
        Ok(state.store(&key, object))
    }

    async fn update(&self, object: &Json) -> Result<Json, ClusterError> {
        let (mut state, key) = (self.state(), key_of(object));
        let status = object["metadata"]["labels"]["status"].as_str().unwrap_or_default().to_owned();
        state.note("update", format!("{key} {status}").trim())?;
        let stored = state.objects.get(&key).cloned().unwrap_or_default();
        if stored["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
            return Err(ClusterError::new(ClusterErrorKind::Conflict, format!("{key} has changed")));
        }
        Ok(state.store(&key, object))
    }

    async fn merge_patch(
        &self,
        object: &ObjectRef,
        patch: &Json,
        _field_manager: &str,
    ) -> Result<Json, ClusterError> {
        let (mut state, key) = (self.state(), object.to_string());
        state.note("patch", &key)?;
        let mut patched = state.objects.get(&key).cloned().unwrap_or_default();
        merge(&mut patched, patch);
        Ok(state.store(&key, &patched))
    }

    async fn delete(&self, object: &ObjectRef, options: &DeleteOptions) -> Result<(), ClusterError> {
        let (mut state, key) = (self.state(), object.to_string());
        state.note("delete", &key)?;
        let stored = state.objects.remove(&key).unwrap_or_default();
        assert!(options.uid.as_ref().is_none_or(|uid| stored["metadata"]["uid"] == **uid));
        Ok(())
    }

    /// Nothing changes but what a test said would; when that is over, so is the time.
    async fn watch(
        &self,
        object: &ObjectRef,
        _within: Duration,
        look: &mut Look<'_>,
    ) -> Result<(), ClusterError> {
        let key = object.to_string();
        self.state().note("watch", &key)?;
        loop {
            let (live, is_last) = {
                let mut state = self.state();
                let next = state.later.get_mut(&key).and_then(Vec::pop);
                if let (Some(status), Some(stored)) = (&next, state.objects.get_mut(&key)) {
                    stored["status"] = status.clone();
                }
                (state.objects.get(&key).cloned(), next.is_none())
            };
            if look(live.as_ref()).is_break() || is_last {
                return Ok(());
            }
        }
    }
}

/// A clock that only tests move.
pub(crate) struct FakeClock(Mutex<Timestamp>);

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new("2026-11-23T20:00:00Z".parse().expect("a constant time")))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let mut now = self.0.lock().expect("no test panics while it holds the lock");
        *now = now.checked_add(duration).expect("far from the end of time");
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no test panics while it holds the lock")
    }
}
