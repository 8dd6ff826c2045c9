//! One data source as core reads it: validated, deferred while anything is unknown, then read.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::config::{self, json_of};
use super::equality::differences;
use super::unknowns::demand_tolerance;
use super::{Harness, Violation, demand, demand_no_bug};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::schema::Schema;
use crate::server::{Encoded, read_data};
use crate::value::{Type, Value, from_msgpack, from_value, to_msgpack};

/// A data source under test.
pub struct DataSubject<'h, P: Provider> {
    harness: &'h Harness<P>,
    type_name: String,
    schema: Schema,
    implied: Type,
}

/// What core has of a data source after it dealt with its configuration.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The read waits for apply: something in the configuration is unknown, and nothing was called.
    pub deferred: bool,
    pub diagnostics: Diagnostics,
    value: Value,
}

impl Reply {
    /// The object that was read, or none after an error or a deferral.
    pub fn state(&self) -> Option<Json> {
        (!self.value.is_null()).then(|| json_of(&self.value))
    }

    /// The object that was read, as a model.
    ///
    /// # Panics
    /// When nothing was read.
    pub fn state_as<M: DeserializeOwned>(&self) -> M {
        assert!(!self.value.is_null(), "nothing was read: {:?}", self.diagnostics);
        from_value(&self.value).unwrap_or_else(|error| panic!("the object fits no such model: {error}"))
    }
}

impl<'h, P: Provider> DataSubject<'h, P> {
    pub(super) fn new(harness: &'h Harness<P>, type_name: &str) -> Self {
        let found = harness.server.data_source_schemas().find(|(name, _)| *name == type_name);
        let (_, schema) = found.unwrap_or_else(|| panic!("the provider has no data source {type_name}"));
        let (schema, implied) = (schema.clone(), schema.implied_type());
        Self { harness, type_name: type_name.to_owned(), schema, implied }
    }

    /// Validates a configuration and reads it, unless something in it is unknown.
    ///
    /// # Panics
    /// When the configuration does not fit the schema or the provider breaks a rule.
    pub async fn read(&self, config: Json) -> Reply {
        let config = config::value(&self.schema, &config);
        let mut diagnostics = self.validate(&config);
        if diagnostics.has_errors() {
            return Reply { deferred: false, diagnostics, value: Value::Null };
        }
        if !config.unknown_paths().is_empty() {
            return Reply { deferred: true, diagnostics, value: Value::Null };
        }
        let (value, found) = self.read_once(&config).await;
        if self.harness.repeats && !value.is_null() {
            let (again, _) = self.read_once(&config).await;
            let message = "two reads in a row differ";
            let changed = differences(&value, &again);
            let found: Vec<_> = changed.iter().map(|path| Violation::new(25, path, message)).collect();
            self.demand("read", &found);
        }
        diagnostics.extend(found);
        Reply { deferred: false, diagnostics, value }
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let server = &self.harness.server;
        let diagnostics = server.validate_data(&self.type_name, &self.encode(config));
        demand_no_bug(&format!("validate of {}", self.type_name), &diagnostics);
        if !diagnostics.has_errors() {
            demand_tolerance(&self.type_name, &self.schema.attributes, config, |variant| {
                server.validate_data(&self.type_name, &self.encode(variant))
            });
        }
        diagnostics
    }

    /// What is there for a known configuration. Null on an error.
    async fn read_once(&self, config: &Value) -> (Value, Diagnostics) {
        let request = read_data::Request { type_name: self.type_name.clone(), config: self.encode(config) };
        let response = self.harness.server.read_data(request).await;
        demand_no_bug(&format!("read of {}", self.type_name), &response.diagnostics);
        let Some(state) = response.state else { return (Value::Null, response.diagnostics) };
        let value = from_msgpack(&state, &self.implied).unwrap_or_else(|error| {
            self.demand("read", &[Violation::new(16, error.path(), error.message())]);
            Value::Null
        });
        let unknown = value.unknown_paths();
        let mut found: Vec<_> =
            unknown.iter().map(|path| Violation::new(16, path, "unknown after read")).collect();
        if value.is_null() {
            let message = "a data source gives an object or an error";
            found.push(Violation::new(16, &AttributePath::root(), message));
        }
        found.extend(self.configured(config, &value));
        self.demand("read", &found);
        (value, response.diagnostics)
    }

    /// What is set comes back as it was set: core takes the object that was read for the block's
    /// own values, and would show others than the user wrote.
    fn configured(&self, config: &Value, read: &Value) -> Vec<Violation> {
        let set = |name: &&String| config.get(name).is_some_and(|value| !value.is_null());
        let changed = |name: &&String| config.get(name) != read.get(name);
        let plain = |name: &&String| {
            matches!(self.schema.attributes[*name].shape, crate::schema::AttributeType::Plain(_))
        };
        let names = self.schema.attributes.keys().filter(plain).filter(set).filter(changed);
        let message = "what is configured came back changed";
        names.map(|name| Violation::new(5, &AttributePath::root().attribute(name), message)).collect()
    }

    fn encode(&self, value: &Value) -> Encoded {
        Encoded::Msgpack(to_msgpack(value, &self.implied).expect("the harness makes values of the schema"))
    }

    fn demand(&self, verb: &str, violations: &[Violation]) {
        demand(&format!("{verb} of data source {}", self.type_name), violations);
    }
}
