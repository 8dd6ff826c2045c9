//! Plays Terraform core in-process and enforces what core enforces, on every verb a test drives.
//!
//! Enters: configurations as JSON, with [`unknown`] where a value is not known yet. Leaves: plans,
//! states, diagnostics. Every value goes through msgpack and the real [`Server`]. A provider that
//! breaks a rule of the protocol panics the test, with the rule, the place and what was seen.
//! Deliberately absent: HCL, type conversion (`1` is no string), blocks, `ignore_changes`.

mod compatible;
mod config;
mod data_source;
mod equality;
mod list;
mod planned;
mod proposed;
mod schema_rules;
mod subject;
#[cfg(test)]
mod tests;
mod unknowns;

use std::fmt;

use serde_json::Value as Json;

pub use config::unknown;
pub use data_source::{DataSubject, Reply};
pub use list::{Found, Wanted};
pub use subject::{Action, Moved, Plan, Subject};

use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::server::{BUG, Encoded, Server};
use crate::value::to_msgpack;

/// A broken rule of the conformance list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Violation {
    rule: u8,
    path: AttributePath,
    message: String,
}

impl Violation {
    fn new(rule: u8, path: &AttributePath, message: impl Into<String>) -> Self {
        Self { rule, path: path.clone(), message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "rule {}", self.rule)?;
        if !self.path.is_root() {
            write!(out, " at {}", self.path)?;
        }
        write!(out, ": {}", self.message)
    }
}

/// Fails the test when rules were broken.
fn demand(what: &str, violations: &[Violation]) {
    if violations.is_empty() {
        return;
    }
    let all: Vec<_> = violations.iter().map(|violation| format!("\n  {violation}")).collect();
    panic!("{what} breaks the protocol:{}", all.concat());
}

/// The server finds some breaches by itself and turns them into diagnostics.
fn demand_no_bug(what: &str, diagnostics: &Diagnostics) {
    for diagnostic in diagnostics {
        assert!(
            !diagnostic.detail.contains(BUG),
            "{what} breaks the protocol:\n  {}: {}",
            diagnostic.summary,
            diagnostic.detail
        );
    }
}

/// Terraform core around a provider under test.
pub struct Harness<P: Provider> {
    server: Server<P>,
    repeats: bool,
}

impl<P: Provider> Harness<P> {
    /// # Panics
    /// When a schema breaks a rule.
    pub fn new(provider: P) -> Self {
        let server = Server::new(provider);
        demand("the provider's schema", &schema_rules::check_provider(server.schema()));
        for (name, schema) in server.resource_schemas() {
            demand(&format!("the schema of {name}"), &schema_rules::check(schema));
        }
        for (name, schema) in server.data_source_schemas() {
            demand(&format!("the schema of data source {name}"), &schema_rules::check_data_source(schema));
        }
        for (name, identity) in server.identity_schemas() {
            demand(&format!("the identity of {name}"), &schema_rules::check_identity(&identity));
        }
        for (name, schema) in server.list_schemas() {
            demand(&format!("the schema of the list of {name}"), &schema_rules::check_data_source(schema));
            let listed = server.identity_schemas().any(|(listed, _)| listed == name);
            assert!(listed, "{name} is listed, and no resource with an identity has this type");
        }
        Self { server, repeats: true }
    }

    /// Leaves out what rule 25 asks for beyond the verbs themselves (each read and plan twice, a
    /// plan after each apply), for tests that count calls or whose world changes by itself.
    #[must_use]
    pub fn without_repeats(mut self) -> Self {
        self.repeats = false;
        self
    }

    /// Validates and configures the provider, as a plan's first step does.
    ///
    /// # Panics
    /// When the configuration does not fit the provider's schema.
    pub async fn configure(&self, config: Json) -> Diagnostics {
        let schema = self.server.schema();
        let value = config::value(schema, &config);
        let bytes = Encoded::Msgpack(to_msgpack(&value, &schema.implied_type()).expect("made of the schema"));
        let mut diagnostics = self.server.validate_provider(&bytes);
        if !diagnostics.has_errors() {
            diagnostics.extend(self.server.configure(TERRAFORM_VERSION, &bytes).await);
        }
        demand_no_bug("configure", &diagnostics);
        diagnostics
    }

    /// A resource of the type, not yet created.
    ///
    /// # Panics
    /// When the provider has no such type.
    pub fn resource(&self, type_name: &str) -> Subject<'_, P> {
        Subject::new(self, type_name)
    }

    /// A data source of the type.
    ///
    /// # Panics
    /// When the provider has no such type.
    pub fn data_source(&self, type_name: &str) -> DataSubject<'_, P> {
        DataSubject::new(self, type_name)
    }

    /// Cancels what is in flight, as Ctrl-C does.
    pub fn stop(&self) {
        self.server.stop();
    }
}

/// The version of Terraform that is played.
const TERRAFORM_VERSION: &str = "1.11.4";
