//! A list as `terraform query` runs it.

use serde_json::Value as Json;

use super::config::{self, json_of};
use super::unknowns::demand_tolerance;
use super::{Harness, Violation, demand, demand_no_bug};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::server::{Encoded, list};
use crate::value::{Type, from_msgpack, to_msgpack};

/// One instance that was listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub display_name: String,
    pub identity: Json,
    /// Where it was asked for.
    pub object: Option<Json>,
}

/// What a list block asks for beside its configuration.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub whole: bool,
    pub limit: usize,
}

impl<P: Provider> Harness<P> {
    /// Validates a list's configuration and lists. What is said of single instances stands among
    /// the diagnostics.
    ///
    /// # Panics
    /// When the configuration does not fit the schema or the provider breaks a rule.
    pub async fn list(&self, type_name: &str, config: Json, wanted: Wanted) -> (Vec<Found>, Diagnostics) {
        let schema = self.server.list_schemas().find(|(name, _)| *name == type_name);
        let (_, schema) = schema.unwrap_or_else(|| panic!("the provider has no list of {type_name}"));
        let shape = schema.implied_type();
        let encode = |value: &_| Encoded::Msgpack(to_msgpack(value, &shape).expect("made of the schema"));
        let config = config::value(schema, &config);
        let mut diagnostics = self.server.validate_list(type_name, &encode(&config));
        if diagnostics.has_errors() {
            return (Vec::new(), diagnostics);
        }
        let what = format!("list of {type_name}");
        demand_tolerance(&what, &schema.attributes, &config, |variant| {
            self.server.validate_list(type_name, &encode(variant))
        });
        let Wanted { whole, limit } = wanted;
        let request =
            list::Request { type_name: type_name.to_owned(), config: encode(&config), whole, limit };
        let mut found = Vec::new();
        for event in self.server.list(request).await {
            demand_no_bug(&what, &event.diagnostics);
            diagnostics.extend(event.diagnostics.clone());
            found.extend(self.event(type_name, event, whole));
        }
        if found.len() > limit {
            let message = format!("{} instances were listed where {limit} were asked for", found.len());
            demand(&what, &[Violation::new(22, &AttributePath::root(), message)]);
        }
        (found, diagnostics)
    }

    /// Rule 22: an event that is no diagnostic names an instance by its identity.
    fn event(&self, type_name: &str, event: list::Event, whole: bool) -> Option<Found> {
        let decode = |bytes: &[u8], shape: &Type| {
            let value = from_msgpack(bytes, shape);
            let value = value.map_err(|error| Violation::new(22, error.path(), error.message()));
            value.unwrap_or_else(|violation| panic!("list of {type_name} breaks the protocol: {violation}"))
        };
        let (_, identity) = self.server.identity_schemas().find(|(name, _)| *name == type_name)?;
        let identity = decode(&event.identity?, &identity.implied_type());
        let (_, schema) = self.server.resource_schemas().find(|(name, _)| *name == type_name)?;
        let object = event.object.map(|object| decode(&object, &schema.implied_type()));
        if object.is_some() != whole {
            let message = "the object comes if, and only if, it is asked for";
            demand("list", &[Violation::new(22, &AttributePath::root(), message)]);
        }
        Some(Found {
            display_name: event.display_name,
            identity: json_of(&identity),
            object: object.as_ref().map(json_of),
        })
    }
}
