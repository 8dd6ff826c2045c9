//! Creating an object.

use std::sync::Arc;

use serde_json::Value;

use super::update::{Managed, WriteOptions};
use super::{
    EventType, Key, Kind, State, Status, Store, defaults, journal, kinds, managed, metadata, object, ports,
    validation,
};

impl Store {
    /// Creates an object. The namespace of a namespaced kind must stand in its metadata. Status is reset for kinds
    /// with a status subresource (Node excepted, as a kubelet registers with its status).
    pub fn create(&self, kind: &'static Kind, object: Value) -> Result<Arc<Value>, Status> {
        self.create_with(kind, object, &self.write_options())
    }

    /// As [`Store::create`], with the manager, the record of managed fields and dry run of the caller's choice.
    pub fn create_with(
        &self,
        kind: &'static Kind,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Value>, Status> {
        let now = self.now();
        let mut state = self.lock();
        metadata::prepare_new(kind, &mut object, now);
        let mut key = Key::of(kind, &object);
        state.check_namespace(&key)?;
        if object::name(&object).is_empty() {
            state.generate_name(&mut key, &mut object)?;
        }
        if state.objects.contains_key(&key) {
            return Err(Status::already_exists(kind, &key.name));
        }
        defaults::apply(kind, &mut object);
        // As in Kubernetes, the record shows what the writer and the defaults said, not what admission adds below.
        if options.managed == Managed::Computed {
            managed::record_update(kind, &defaults::empty(kind), &mut object, options, now);
        }
        defaults::admit(kind, &mut object);
        if *kind == kinds::POD {
            state.admit_account(&key, &mut object)?;
        }
        defaults::protect(kind, &mut object);
        defaults::reset_status(kind, &mut object);
        let causes = validation::validate_new(kind, &object);
        if !causes.is_empty() {
            return Err(Status::invalid(kind, &key.name, &causes));
        }
        let mut addresses = state.addresses.clone();
        if *kind == kinds::SERVICE {
            ports::allocate(&mut addresses, &mut object, None)?;
        }
        defaults::complete(kind, &mut object);
        if options.dry_run {
            metadata::strip_revision(&mut object);
            return Ok(Arc::new(object));
        }
        state.addresses = addresses;
        let stored = state.commit(key, object, EventType::Added);
        self.announce(&state);
        Ok(stored)
    }
}

impl State {
    fn check_namespace(&self, key: &Key) -> Result<(), Status> {
        let Some(namespace) = &key.namespace else { return Ok(()) };
        let holder = Key::cluster(&kinds::NAMESPACE, namespace.clone());
        let Some(found) = self.objects.get(&holder) else {
            return Err(Status::not_found(&kinds::NAMESPACE, namespace));
        };
        if !object::is_deleting(found) {
            return Ok(());
        }
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = super::Cause {
            reason: "NamespaceTerminating",
            field: "metadata.namespace".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
        };
        Err(Status::forbidden(key.kind, &key.name, &why, &[cause]))
    }

    /// The ServiceAccount admission: a pod's account has to exist (the default one is made with its namespace), and its
    /// token is mounted unless account or pod say otherwise.
    fn admit_account(&self, pod: &Key, object: &mut Value) -> Result<(), Status> {
        let namespace = pod.namespace.clone().unwrap_or_default();
        let name = object::text(object, "/spec/serviceAccountName").to_owned();
        let account = self.objects.get(&Key::namespaced(&kinds::SERVICE_ACCOUNT, &namespace, &name));
        if account.is_none() && name != "default" {
            let why = format!(
                "error looking up service account {namespace}/{name}: serviceaccount {name:?} not found"
            );
            return Err(Status::forbidden(pod.kind, &pod.name, &why, &[]));
        }
        let wish = |object: &Value, path: &str| object.pointer(path).and_then(Value::as_bool);
        let by_account = account.and_then(|account| wish(account, "/automountServiceAccountToken"));
        if wish(object, "/spec/automountServiceAccountToken").or(by_account).unwrap_or(true) {
            defaults::pod::mount_token(object);
        }
        Ok(())
    }

    fn generate_name(&self, key: &mut Key, object: &mut Value) -> Result<(), Status> {
        let prefix = object::text(object, "/metadata/generateName").to_owned();
        if prefix.is_empty() {
            let cause = super::Cause::required("metadata.name", "name or generateName is required");
            return Err(Status::invalid(key.kind, "", &[cause]));
        }
        loop {
            key.name = format!("{prefix}{}", metadata::random_suffix());
            if !self.objects.contains_key(key) {
                break;
            }
        }
        object::child(object, "metadata").insert("name".to_owned(), Value::from(key.name.clone()));
        Ok(())
    }

    /// Puts an object in place under the next revision.
    pub(super) fn commit(&mut self, key: Key, mut object: Value, event_type: EventType) -> Arc<Value> {
        self.revision += 1;
        metadata::set_revision(&mut object, self.revision);
        let stored = Arc::new(object);
        let previous = self.objects.insert(key.clone(), Arc::clone(&stored));
        if *key.kind == kinds::CUSTOM_RESOURCE_DEFINITION {
            self.redefine();
        }
        let event = journal::event(event_type, &stored, previous.as_ref());
        self.journal.append(self.revision, key, event);
        stored
    }
}
