//! The plan of one instance.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::super::config::{self, json_of};
use super::super::equality::{at, differences};
use super::super::planned::{self, Change};
use super::super::proposed::proposed;
use super::super::{Violation, demand_no_bug};
use super::{Object, Subject};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::server::plan;
use crate::value::{Value, conform, from_value};

/// What a plan comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Validate, refresh or plan had an error.
    Refused,
    NoOp,
    Create,
    Update,
    Replace,
}

/// A plan, as `terraform plan` shows it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub action: Action,
    /// The changes that replace the resource.
    pub requires_replace: Vec<AttributePath>,
    pub diagnostics: Diagnostics,
    pub(super) prior: Value,
    pub(super) planned: Value,
    pub(super) private: Vec<u8>,
}

impl Plan {
    fn refused(diagnostics: Diagnostics) -> Self {
        let (action, prior, planned) = (Action::Refused, Value::Null, Value::Null);
        Self { action, requires_replace: Vec::new(), diagnostics, prior, planned, private: Vec::new() }
    }

    /// The planned state, with [`super::super::unknown`] for what apply will tell.
    pub fn planned(&self) -> Json {
        json_of(&self.planned)
    }

    /// The planned state as a model.
    ///
    /// # Panics
    /// When the plan was refused.
    pub fn planned_as<M: DeserializeOwned>(&self) -> M {
        from_value(&self.planned).unwrap_or_else(|error| panic!("the plan fits no such model: {error}"))
    }

    /// The places that the plan shows as changed, as Terraform prints them.
    pub fn changes(&self) -> Vec<String> {
        differences(&self.prior, &self.planned).iter().map(ToString::to_string).collect()
    }
}

impl<P: Provider> Subject<'_, P> {
    /// Validates, refreshes and plans.
    ///
    /// # Panics
    /// When the configuration does not fit the schema or the provider breaks a rule.
    pub async fn plan(&mut self, config: Json) -> Plan {
        let config = config::value(&self.schema, &config);
        let mut diagnostics = self.validate_value(&config);
        if diagnostics.has_errors() {
            return Plan::refused(diagnostics);
        }
        diagnostics.extend(self.refresh().await);
        if diagnostics.has_errors() {
            return Plan::refused(diagnostics);
        }
        let mut plan = self.change(&config).await;
        diagnostics.extend(std::mem::take(&mut plan.diagnostics));
        plan.diagnostics = diagnostics;
        plan
    }

    /// The change that a configuration means for the present state.
    async fn change(&self, config: &Value) -> Plan {
        let tainted = self.object.tainted && !self.object.value.is_null();
        let base = if tainted { Object::absent() } else { self.object.clone() };
        let mut plan = self.propose(&base, config).await;
        if self.harness.repeats && plan.action != Action::Refused {
            let again = self.propose(&base, config).await;
            let message = "two plans in a row differ";
            let changed = differences(&plan.planned, &again.planned);
            let found: Vec<_> = changed.iter().map(|path| Violation::new(25, path, message)).collect();
            self.demand("plan", &found);
        }
        match plan.action {
            Action::Create if tainted => plan.action = Action::Replace,
            Action::Replace => {
                let base = Object { private: plan.private.clone(), ..Object::absent() };
                let second = self.propose(&base, config).await;
                let action = if second.action == Action::Refused { Action::Refused } else { Action::Replace };
                plan = Plan { action, requires_replace: plan.requires_replace, ..second };
            }
            Action::Refused | Action::NoOp | Action::Create | Action::Update => {}
        }
        plan.prior = self.object.value.clone();
        plan
    }

    /// One PlanResourceChange, checked against rules 4 to 8.
    pub(super) async fn propose(&self, base: &Object, config: &Value) -> Plan {
        let attributes = &self.schema.attributes;
        let proposal = conform(proposed(attributes, &base.value, config), &self.implied);
        let proposal = proposal.expect("the proposal is made of the schema");
        let request = plan::Request {
            type_name: self.type_name.clone(),
            prior: self.encode(&base.value),
            proposed: self.encode(&proposal),
            config: self.encode(config),
            private: base.private.clone(),
            identity: self.encode_identity(base),
        };
        let response = self.harness.server.plan(request).await;
        demand_no_bug(&format!("plan of {}", self.type_name), &response.diagnostics);
        let Some(bytes) = response.planned else { return Plan::refused(response.diagnostics) };
        let planned = self.decode("plan", 4, &bytes);
        if base.identity.is_some() {
            self.identity("plan", &planned, response.identity, base.identity.as_ref());
        }
        let change = Change { prior: &base.value, config, planned: &planned };
        let mut found = planned::check(attributes, &change);
        if !base.value.is_null() {
            found.extend(planned::check_replacements(&base.value, &planned, &response.requires_replace));
        }
        self.demand("plan", &found);
        let changed = |path: &AttributePath| {
            let (before, after) = (at(&base.value, path), at(&planned, path));
            before.unwrap_or(&Value::Null) != after.unwrap_or(&Value::Null)
        };
        let replaces: Vec<_> = response.requires_replace.into_iter().filter(changed).collect();
        let same = planned == base.value && planned.unknown_paths().is_empty();
        let action = match () {
            () if base.value.is_null() => Action::Create,
            () if !replaces.is_empty() => Action::Replace,
            () if same => Action::NoOp,
            () => Action::Update,
        };
        Plan {
            action,
            requires_replace: replaces,
            diagnostics: response.diagnostics,
            prior: base.value.clone(),
            planned,
            private: response.private,
        }
    }
}
