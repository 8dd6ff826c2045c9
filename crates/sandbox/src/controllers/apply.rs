//! Carries out the writes of a plan on the store.

use serde_json::Value;

use super::events;
use super::object::{kind, name, text, uid};
use super::world::{Propagation, Write};
use crate::store::{self, DeleteOptions, Key, Kind, Preconditions, Status, Store};

/// Makes one write. That the object changed or vanished since the snapshot, or exists already, is no
/// error: the change that did it wakes the controllers again.
pub(super) fn apply_write(store: &Store, write: Write) -> Result<(), Status> {
    match attempt(store, write) {
        Err(refused) if matches!(refused.reason, "Conflict" | "NotFound" | "AlreadyExists") => {
            tracing::trace!(%refused, "a write came too late");
            Ok(())
        }
        result => result,
    }
}

fn attempt(store: &Store, write: Write) -> Result<(), Status> {
    match write {
        Write::Create(object) => {
            store.create(kind_of(store, &object), object)?;
        }
        Write::Update(object) => update(store, object)?,
        Write::UpdateStatus(object) => {
            store.update_status(&key_of(store, &object), |stored| *stored = object)?;
        }
        Write::Delete { object, grace_seconds, propagation } => {
            delete(store, &object, grace_seconds, propagation)?;
        }
        Write::Event(event) => events::record(store, &event)?,
    }
    Ok(())
}

/// Spec and metadata first, then the status if the change was about that too.
fn update(store: &Store, mut object: Value) -> Result<(), Status> {
    let key = key_of(store, &object);
    let status = object.get("status").cloned();
    let written = store.update(&key, |stored| *stored = object.take())?;
    if written.get("status") == status.as_ref() {
        return Ok(());
    }
    let version = written["metadata"]["resourceVersion"].clone();
    store.update_status(&key, |stored| {
        if stored["metadata"]["resourceVersion"] == version
            && let Some(status) = status
        {
            stored["status"] = status;
        }
    })?;
    Ok(())
}

fn delete(
    store: &Store,
    object: &Value,
    grace_period_seconds: Option<i64>,
    propagation: Propagation,
) -> Result<(), Status> {
    let options = DeleteOptions {
        propagation: match propagation {
            Propagation::Background => store::Propagation::Background,
            Propagation::Foreground => store::Propagation::Foreground,
        },
        preconditions: Preconditions { uid: Some(uid(object).to_owned()), resource_version: None },
        grace_period_seconds,
        dry_run: false,
    };
    store.delete(&key_of(store, object), &options)?;
    Ok(())
}

fn kind_of(store: &Store, object: &Value) -> &'static Kind {
    store.find_kind(text(object, "/apiVersion"), kind(object)).unwrap_or_else(|| {
        panic!("controllers write only known kinds, not {} {}", kind(object), name(object))
    })
}

fn key_of(store: &Store, object: &Value) -> Key {
    Key::of(kind_of(store, object), object)
}
