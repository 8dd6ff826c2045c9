//! How an instance comes into the state without an apply: import by id or identity, and a move.

use serde_json::Value as Json;

use super::super::{Violation, demand_no_bug};
use super::{Object, Subject};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::server::{Encoded, import, move_state};
use crate::value::Value;

/// The state that a `moved` block names.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'a> {
    /// Such as `registry.terraform.io/hashicorp/helm`.
    pub provider_address: &'a str,
    pub type_name: &'a str,
    pub schema_version: i64,
    pub state: &'a Json,
}

impl<P: Provider> Subject<'_, P> {
    /// Imports an existing object, and reads it, as `terraform import` does.
    ///
    /// # Panics
    /// When the provider breaks a rule, or the resource exists already.
    pub async fn import(&mut self, id: &str) -> Diagnostics {
        self.import_target(import::Target::Id(id.to_owned())).await
    }

    /// Imports an existing object by its identity, as an `import` block of Terraform 1.12 does.
    ///
    /// # Panics
    /// When the provider breaks a rule, the resource exists already, or its type has no identity.
    pub async fn import_identity(&mut self, identity: Json) -> Diagnostics {
        let identity = identity.to_string().into_bytes();
        let value = crate::value::from_state_json(&identity, &self.identity_type())
            .unwrap_or_else(|error| panic!("the test's identity does not fit the schema: {error}"));
        let bytes = crate::value::to_msgpack(&value, &self.identity_type()).expect("made of the schema");
        self.import_target(import::Target::Identity(Encoded::Msgpack(bytes))).await
    }

    async fn import_target(&mut self, target: import::Target) -> Diagnostics {
        assert!(self.object.value.is_null(), "{} is in the state already", self.type_name);
        let request = import::Request { type_name: self.type_name.clone(), target };
        let response = self.harness.server.import(request).await;
        let diagnostics = response.diagnostics;
        demand_no_bug(&format!("import of {}", self.type_name), &diagnostics);
        let Some(imported) = response.imported else { return diagnostics };
        let value = self.decode("import", 19, &imported.state);
        let mut found = self.kept("import", 19, &value);
        if value.is_null() || imported.type_name != self.type_name {
            let message = "import gives exactly one object of its type";
            found.push(Violation::new(19, &AttributePath::root(), message));
        }
        self.demand("import", &found);
        let identity = self.identity("import", &value, imported.identity, None);
        self.object = Object { value, private: imported.private, tainted: false, identity };
        self.look_after("import", diagnostics).await
    }

    /// Takes over the state of another resource type, and reads it, as a `moved` block does.
    ///
    /// # Panics
    /// When the provider breaks a rule, or the resource exists already.
    pub async fn take_over(&mut self, source: Moved<'_>) -> Diagnostics {
        assert!(self.object.value.is_null(), "{} is in the state already", self.type_name);
        let response = self.harness.server.move_state(&move_state::Request {
            source_provider_address: source.provider_address.to_owned(),
            source_type_name: source.type_name.to_owned(),
            source_schema_version: source.schema_version,
            source_json: Some(source.state.to_string().into_bytes()),
            target_type_name: self.type_name.clone(),
        });
        demand_no_bug(&format!("move to {}", self.type_name), &response.diagnostics);
        let Some(state) = response.state else { return response.diagnostics };
        let value = self.decode("move", 20, &state);
        self.demand("move", &self.kept("move", 20, &value));
        let identity = self.identity("move", &value, response.identity, None);
        self.object = Object { value, private: response.private, tainted: false, identity };
        self.look_after("move", response.diagnostics).await
    }

    /// The read that follows. An object that it does not find was never there.
    async fn look_after(&mut self, verb: &str, mut diagnostics: Diagnostics) -> Diagnostics {
        let read = self.refresh().await;
        let failed = read.has_errors();
        diagnostics.extend(read);
        if failed {
            self.object = Object::absent();
        } else if self.object.value.is_null() && verb == "import" {
            let message = "the read after import says that the object does not exist";
            self.demand("import", &[Violation::new(19, &AttributePath::root(), message)]);
        }
        diagnostics
    }

    /// Rules 15 and 17: what stands has an identity, if its type has any, and keeps it.
    pub(super) fn identity(
        &self,
        verb: &str,
        value: &Value,
        identity: Option<Vec<u8>>,
        before: Option<&Value>,
    ) -> Option<Value> {
        if value.is_null() || self.identity.is_none() {
            return None;
        }
        let root = AttributePath::root();
        let Some(bytes) = identity else {
            self.demand(verb, &[Violation::new(15, &root, "what stands has no identity that is known")]);
            return None;
        };
        let identity = crate::value::from_msgpack(&bytes, &self.identity_type()).unwrap_or_else(|error| {
            self.demand(verb, &[Violation::new(15, error.path(), error.message())]);
            Value::Null
        });
        if let Some(before) = before.filter(|before| **before != identity) {
            let message = format!("the identity was {before:?} and is {identity:?}");
            self.demand(verb, &[Violation::new(17, &root, message)]);
        }
        Some(identity)
    }

    /// What core sends of the identity that stands.
    pub(super) fn encode_identity(&self, object: &Object) -> Option<Vec<u8>> {
        let identity = object.identity.as_ref()?;
        Some(crate::value::to_msgpack(identity, &self.identity_type()).expect("it came as one"))
    }

    fn identity_type(&self) -> crate::value::Type {
        let schema = self.identity.as_ref();
        schema.unwrap_or_else(|| panic!("{} has no identity", self.type_name)).implied_type()
    }
}
