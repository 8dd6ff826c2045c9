//! Deleting an object: at once, or marked and left to finalizers, grace or a namespace's controller.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{EventType, Key, Status, Store, format_time, kinds, metadata, object};

/// What becomes of the objects that name the deleted one as owner; the garbage collector acts on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
}

/// What must still hold, or the delete is a conflict.
#[derive(Clone, Debug, Default)]
pub struct Preconditions {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    pub propagation: Propagation,
    pub preconditions: Preconditions,
    /// For pods: seconds to stop in. None is the pod's own terminationGracePeriodSeconds; 0 removes at once, which is
    /// how a kubelet reports that the pod's processes are gone.
    pub grace_period_seconds: Option<i64>,
    pub dry_run: bool,
}

/// What a delete left.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Arc<Value>),
    /// The object is marked and waits for its finalizers, its grace or its content to go.
    Marked(Arc<Value>),
}

impl Deleted {
    pub fn object(&self) -> &Arc<Value> {
        match self {
            Self::Gone(object) | Self::Marked(object) => object,
        }
    }
}

impl Store {
    pub fn delete(&self, key: &Key, options: &DeleteOptions) -> Result<Deleted, Status> {
        let now = self.now();
        let mut state = self.lock();
        let Some(stored) = state.objects.get(key).cloned() else {
            return Err(Status::not_found(key.kind, &key.name));
        };
        check_preconditions(key, &stored, &options.preconditions)?;
        let mut object = Value::clone(&stored);
        mark(key, &mut object, options, now);
        if state.is_finished(key, &object) {
            let gone = if options.dry_run { stored } else { state.remove(key, object) };
            self.announce(&state);
            return Ok(Deleted::Gone(gone));
        }
        if options.dry_run || *stored == object {
            return Ok(Deleted::Marked(stored));
        }
        let marked = state.commit(key.clone(), object, EventType::Modified);
        self.announce(&state);
        Ok(Deleted::Marked(marked))
    }
}

fn mark(key: &Key, object: &mut Value, options: &DeleteOptions, now: jiff::Timestamp) {
    let grace = grace_seconds(key, object, options);
    let before = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
    // A second delete may shorten the grace, never lengthen it.
    if before.is_none_or(|before| grace < before) {
        let end = now.saturating_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(now);
        let meta = object::child(object, "metadata");
        meta.insert("deletionTimestamp".to_owned(), json!(format_time(end)));
        meta.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        if before.is_none() {
            metadata::bump_generation(object);
        }
    }
    match options.propagation {
        Propagation::Background => {}
        Propagation::Foreground => add_finalizer(object, "foregroundDeletion"),
        Propagation::Orphan => add_finalizer(object, "orphan"),
    }
    if *key.kind == kinds::NAMESPACE {
        object::child(object, "status").insert("phase".to_owned(), json!("Terminating"));
    }
}

/// Only a pod that runs on a node has processes to stop.
fn grace_seconds(key: &Key, object: &Value, options: &DeleteOptions) -> i64 {
    let phase = object::text(object, "/status/phase");
    let unbound = object::text(object, "/spec/nodeName").is_empty();
    if *key.kind != kinds::POD || unbound || matches!(phase, "Succeeded" | "Failed") {
        return 0;
    }
    let own = object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    options.grace_period_seconds.or(own).unwrap_or(30).max(0)
}

fn add_finalizer(object: &mut Value, finalizer: &str) {
    let metadata = object::child(object, "metadata");
    let list = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut()
        && !list.iter().any(|known| known == finalizer)
    {
        list.push(json!(finalizer));
    }
}

fn check_preconditions(key: &Key, stored: &Value, wanted: &Preconditions) -> Result<(), Status> {
    let checks = [
        ("UID", wanted.uid.as_deref(), object::uid(stored)),
        (
            "ResourceVersion",
            wanted.resource_version.as_deref(),
            object::text(stored, "/metadata/resourceVersion"),
        ),
    ];
    for (what, wanted, found) in checks {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            let why = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been modified"
            );
            return Err(Status::precondition(key.kind, &key.name, &why));
        }
    }
    Ok(())
}
