//! One resource instance as core holds it between verbs, and the verbs that only look at it.

mod adopt;
mod apply;
mod plan;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

pub use adopt::Moved;
pub use plan::{Action, Plan};

use super::config::{self, json_of};
use super::equality::differences;
use super::planned::no_write_only;
use super::unknowns::demand_tolerance;
use super::{Harness, Violation, demand, demand_no_bug};
use crate::diagnostic::Diagnostics;
use crate::identity::IdentitySchema;
use crate::provider::Provider;
use crate::schema::Schema;
use crate::server::{Encoded, read, upgrade};
use crate::value::{Type, Value, from_msgpack, from_value, to_json, to_msgpack};

/// A resource instance under test. Its state lives here, as it does in Terraform's state file.
pub struct Subject<'h, P: Provider> {
    harness: &'h Harness<P>,
    type_name: String,
    schema: Schema,
    implied: Type,
    /// None where the type has no identities.
    identity: Option<IdentitySchema>,
    object: Object,
}

/// What the state file holds of an instance.
#[derive(Clone, Debug)]
struct Object {
    /// Null while there is none.
    value: Value,
    private: Vec<u8>,
    tainted: bool,
    /// Kept beside the state by Terraform 1.12 and later.
    identity: Option<Value>,
}

impl Object {
    fn absent() -> Self {
        Self { value: Value::Null, private: Vec::new(), tainted: false, identity: None }
    }
}

impl<'h, P: Provider> Subject<'h, P> {
    pub(super) fn new(harness: &'h Harness<P>, type_name: &str) -> Self {
        let found = harness.server.resource_schemas().find(|(name, _)| *name == type_name);
        let (_, schema) = found.unwrap_or_else(|| panic!("the provider has no resource type {type_name}"));
        let (schema, implied) = (schema.clone(), schema.implied_type());
        let identity = harness.server.identity_schemas().find(|(name, _)| *name == type_name);
        let identity = identity.map(|(_, identity)| identity);
        Self { harness, type_name: type_name.to_owned(), schema, implied, identity, object: Object::absent() }
    }

    /// The state, or none while there is no resource.
    pub fn state(&self) -> Option<Json> {
        (!self.object.value.is_null()).then(|| json_of(&self.object.value))
    }

    /// The state as a model.
    ///
    /// # Panics
    /// When there is no resource.
    pub fn state_as<M: DeserializeOwned>(&self) -> M {
        assert!(!self.object.value.is_null(), "{} does not exist", self.type_name);
        from_value(&self.object.value).unwrap_or_else(|error| panic!("the state fits no such model: {error}"))
    }

    /// Whether the next apply replaces the resource because its creation failed.
    pub fn is_tainted(&self) -> bool {
        self.object.tainted
    }

    /// As `terraform untaint`.
    pub fn untaint(&mut self) {
        self.object.tainted = false;
    }

    /// As `terraform taint`.
    pub fn taint(&mut self) {
        self.object.tainted = true;
    }

    /// The identity that Terraform keeps beside the state, or none.
    pub fn kept_identity(&self) -> Option<Json> {
        self.object.identity.as_ref().map(json_of)
    }

    /// The bytes of private state, for a test that shows what is not in them.
    pub fn private(&self) -> &[u8] {
        &self.object.private
    }

    fn encode(&self, value: &Value) -> Encoded {
        Encoded::Msgpack(to_msgpack(value, &self.implied).expect("the harness makes values of the schema"))
    }

    fn decode(&self, verb: &str, rule: u8, bytes: &[u8]) -> Value {
        from_msgpack(bytes, &self.implied).unwrap_or_else(|error| {
            let violation = Violation::new(rule, error.path(), error.message());
            panic!("{verb} of {} breaks the protocol:\n  {violation}", self.type_name)
        })
    }

    fn demand(&self, verb: &str, violations: &[Violation]) {
        demand(&format!("{verb} of {}", self.type_name), violations);
    }

    /// Validates a configuration, and checks rule 3: a valid one stays valid where a value is not
    /// known yet.
    ///
    /// # Panics
    /// When the configuration does not fit the schema or the provider breaks a rule.
    pub fn validate(&self, config: Json) -> Diagnostics {
        self.validate_value(&config::value(&self.schema, &config))
    }

    fn validate_value(&self, config: &Value) -> Diagnostics {
        let server = &self.harness.server;
        let diagnostics = server.validate_resource(&self.type_name, &self.encode(config));
        demand_no_bug(&format!("validate of {}", self.type_name), &diagnostics);
        if diagnostics.has_errors() {
            return diagnostics;
        }
        demand_tolerance(&self.type_name, &self.schema.attributes, config, |variant| {
            server.validate_resource(&self.type_name, &self.encode(variant))
        });
        diagnostics
    }

    /// Reads what is live into the state, as each plan does first. On an error the state is kept.
    ///
    /// # Panics
    /// When the provider breaks a rule.
    pub async fn refresh(&mut self) -> Diagnostics {
        if self.object.value.is_null() {
            return Diagnostics::none();
        }
        self.upgrade();
        let (read, diagnostics) = self.read(&self.object).await;
        let Some(read) = read else { return diagnostics };
        if self.harness.repeats && !read.value.is_null() && !diagnostics.has_errors() {
            let (again, _) = self.read(&read).await;
            let again = again.map(|again| again.value).unwrap_or(Value::Null);
            let changed = differences(&read.value, &again);
            let message = "two refreshes in a row differ";
            let found: Vec<_> = changed.iter().map(|path| Violation::new(25, path, message)).collect();
            self.demand("read", &found);
        }
        self.object = read;
        diagnostics
    }

    /// Rule 18: state of the present version comes through unchanged.
    fn upgrade(&self) {
        let json = to_json(&self.object.value).expect("a state is wholly known");
        let version = i64::try_from(self.schema.version).expect("schema versions grow by one");
        let request =
            upgrade::Request { type_name: self.type_name.clone(), version, json: Some(json.into()) };
        let response = self.harness.server.upgrade(&request);
        let state = response.state.unwrap_or_else(|| {
            panic!("upgrade of {} failed at the same version: {:?}", self.type_name, response.diagnostics)
        });
        let changed = differences(&self.decode("upgrade", 18, &state), &self.object.value);
        let message = "an upgrade to the same version changed the state";
        let found: Vec<_> = changed.iter().map(|path| Violation::new(18, path, message)).collect();
        self.demand("upgrade", &found);
    }

    /// What is live. None on an error.
    async fn read(&self, object: &Object) -> (Option<Object>, Diagnostics) {
        let request = read::Request {
            type_name: self.type_name.clone(),
            state: self.encode(&object.value),
            private: object.private.clone(),
            identity: self.encode_identity(object),
        };
        let response = self.harness.server.read(request).await;
        demand_no_bug(&format!("read of {}", self.type_name), &response.diagnostics);
        let Some(state) = response.state else { return (None, response.diagnostics) };
        let value = self.decode("read", 16, &state);
        self.demand("read", &self.kept("read", 16, &value));
        if value.is_null() {
            return (Some(Object::absent()), response.diagnostics);
        }
        let identity = self.identity("read", &value, response.identity, object.identity.as_ref());
        let read = Object { value, private: response.private, tainted: object.tainted, identity };
        (Some(read), response.diagnostics)
    }

    /// What may be kept in a state: nothing unknown, nothing write-only.
    fn kept(&self, verb: &str, rule: u8, value: &Value) -> Vec<Violation> {
        let mut found = no_write_only(&self.schema.attributes, value);
        let unknown = value.unknown_paths();
        found.extend(unknown.iter().map(|path| Violation::new(rule, path, format!("unknown after {verb}"))));
        found
    }
}
