//! Changing an object: read, modify, write under one lock.

use std::sync::Arc;

use serde_json::Value;

use super::{
    EventType, Key, State, Status, Store, defaults, journal, kinds, managed, metadata, object, ports,
    quantity, validation,
};

/// Who keeps the record of managed fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Managed {
    /// The store, from what changed.
    Computed,
    /// The writer already put it in the object: server-side apply.
    Given,
}

/// How a write is recorded.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    pub manager: String,
    /// `status` lets only the status through; `scale` names the subresource in the record.
    pub subresource: Option<&'static str>,
    pub managed: Managed,
    /// Do everything but store it.
    pub dry_run: bool,
}

impl Store {
    pub(super) fn write_options(&self) -> WriteOptions {
        WriteOptions {
            manager: self.manager.to_string(),
            subresource: None,
            managed: Managed::Computed,
            dry_run: false,
        }
    }

    /// Changes everything but the status. A change that changes nothing makes no revision and no event.
    pub fn update(&self, key: &Key, change: impl FnOnce(&mut Value)) -> Result<Arc<Value>, Status> {
        self.update_with(key, &self.write_options(), |object| {
            change(object);
            Ok(())
        })
    }

    /// Changes the status and nothing else.
    pub fn update_status(&self, key: &Key, change: impl FnOnce(&mut Value)) -> Result<Arc<Value>, Status> {
        let options = WriteOptions { subresource: Some("status"), ..self.write_options() };
        self.update_with(key, &options, |object| {
            change(object);
            Ok(())
        })
    }

    /// As [`Store::update`], with a change that may refuse. A resourceVersion or uid that the change leaves different
    /// from the stored one is a conflict.
    pub fn update_with(
        &self,
        key: &Key,
        options: &WriteOptions,
        change: impl FnOnce(&mut Value) -> Result<(), Status>,
    ) -> Result<Arc<Value>, Status> {
        let now = self.now();
        let mut state = self.lock();
        let Some(stored) = state.objects.get(key).cloned() else {
            return Err(Status::not_found(key.kind, &key.name));
        };
        let mut object = Value::clone(&stored);
        change(&mut object)?;
        check_identity(key, &stored, &object)?;
        let mut addresses = state.addresses.clone();
        prepare(key, &stored, &mut object, options);
        if options.managed == Managed::Computed {
            managed::record_update(key.kind, &stored, &mut object, options, now);
        }
        managed::keep_times(&stored, &mut object);
        if options.subresource != Some("status") {
            finish(key, &stored, &mut object, &mut addresses)?;
            admit_growth(&state, key, &stored, &object)?;
        } else if let causes @ [_, ..] = &validation::validate_status(key.kind, &object)[..] {
            return Err(Status::invalid(key.kind, &key.name, causes));
        }
        if *stored == object {
            return Ok(stored);
        }
        if options.dry_run {
            return Ok(Arc::new(object));
        }
        state.addresses = addresses;
        let written = if state.is_finished(key, &object) {
            state.remove(key, object)
        } else {
            state.commit(key.clone(), object, EventType::Modified)
        };
        self.announce(&state);
        Ok(written)
    }

    pub(super) fn announce(&self, state: &State) {
        self.shared.revision.send_replace(state.revision);
    }
}

/// Puts back what the writer may not touch and fills in defaults.
fn prepare(key: &Key, stored: &Value, object: &mut Value, options: &WriteOptions) {
    let kind = key.kind;
    metadata::keep_server_fields(kind, stored, object);
    if options.subresource == Some("status") {
        return keep_all_but_status(stored, object);
    }
    if kind.has_subresource("status") {
        keep_field(stored, object, "status");
    }
    if *kind == kinds::SERVICE {
        ports::carry_over(stored, object);
    }
    defaults::apply(kind, object);
}

/// Refuses what may not change, and adds what the server decides.
fn finish(
    key: &Key,
    stored: &Value,
    object: &mut Value,
    addresses: &mut super::ServiceAddresses,
) -> Result<(), Status> {
    let kind = key.kind;
    defaults::admit(kind, object);
    let causes = validation::validate_changed(kind, stored, object);
    if !causes.is_empty() {
        return Err(Status::invalid(kind, &key.name, &causes));
    }
    if *kind == kinds::SERVICE {
        ports::allocate(addresses, object, Some(stored))?;
    }
    defaults::complete(kind, object);
    if metadata::is_counted(kind) && wanted_changed(stored, object) {
        metadata::bump_generation(object);
    }
    Ok(())
}

/// Only a class that allows it lets a claim grow, as the admission plugin PersistentVolumeClaimResize has it.
fn admit_growth(state: &State, key: &Key, stored: &Value, object: &Value) -> Result<(), Status> {
    let size = |claim: &Value| {
        claim.pointer("/spec/resources/requests/storage").and_then(quantity::parse_quantity_milli)
    };
    if *key.kind != kinds::PERSISTENT_VOLUME_CLAIM || size(object) <= size(stored) {
        return Ok(());
    }
    let class = Key::cluster(&kinds::STORAGE_CLASS, object::text(object, "/spec/storageClassName"));
    let class = state.objects.get(&class);
    if class.is_some_and(|class| class.get("allowVolumeExpansion") == Some(&Value::Bool(true))) {
        return Ok(());
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must \
               support resize";
    Err(Status::forbidden(key.kind, &key.name, why, &[]))
}

fn check_identity(key: &Key, stored: &Value, written: &Value) -> Result<(), Status> {
    let version = object::text(written, "/metadata/resourceVersion");
    if !version.is_empty() && version != object::text(stored, "/metadata/resourceVersion") {
        return Err(Status::modified(key.kind, &key.name));
    }
    let uid = object::uid(written);
    if !uid.is_empty() && uid != object::uid(stored) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            object::uid(stored)
        );
        return Err(Status::conflict(key.kind, &key.name, &why));
    }
    Ok(())
}

fn keep_all_but_status(stored: &Value, object: &mut Value) {
    let status = object.get("status").cloned();
    let managed = object.pointer("/metadata/managedFields").cloned();
    *object = stored.clone();
    let body = object.as_object_mut().expect("a stored object is a map");
    match status {
        Some(status) => body.insert("status".to_owned(), status),
        None => body.shift_remove("status"),
    };
    if let Some(managed) = managed {
        object::child(object, "metadata").insert("managedFields".to_owned(), managed);
    }
}

fn keep_field(stored: &Value, object: &mut Value, field: &str) {
    let body = object.as_object_mut().expect("keep_server_fields made it a map");
    match stored.get(field) {
        Some(value) => body.insert(field.to_owned(), value.clone()),
        None => body.shift_remove(field),
    };
}

fn wanted_changed(stored: &Value, object: &Value) -> bool {
    let wanted = |value: &Value| {
        let mut body = value.as_object().cloned().unwrap_or_default();
        body.shift_remove("metadata");
        body.shift_remove("status");
        body
    };
    wanted(stored) != wanted(object)
}

impl State {
    /// Whether nothing holds a deleted object any more.
    pub(super) fn is_finished(&self, key: &Key, object: &Value) -> bool {
        let grace =
            object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
        let is_held = *key.kind == kinds::NAMESPACE && !object::items(object, "/spec/finalizers").is_empty();
        object::is_deleting(object) && !object::has_finalizers(object) && grace == 0 && !is_held
    }

    /// Takes an object out under the next revision.
    pub(super) fn remove(&mut self, key: &Key, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        metadata::set_revision(&mut object, self.revision);
        let previous = self.objects.remove(key);
        if *key.kind == kinds::CUSTOM_RESOURCE_DEFINITION {
            self.redefine();
        }
        if *key.kind == kinds::SERVICE {
            ports::release(&mut self.addresses, &object);
        }
        let gone = Arc::new(object);
        let event = journal::event(EventType::Deleted, &gone, previous.as_ref());
        self.journal.append(self.revision, key.clone(), event);
        gone
    }
}
