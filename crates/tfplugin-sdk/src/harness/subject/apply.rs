//! Apply and destroy of one instance.

use serde_json::Value as Json;

use super::super::planned::no_write_only;
use super::super::{Violation, compatible, config, demand_no_bug};
use super::{Action, Object, Plan, Subject};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::server::{apply, plan};
use crate::value::Value;

/// One ApplyResourceChange.
struct Step<'v> {
    verb: &'static str,
    config: &'v Value,
    planned: &'v Value,
    private: Vec<u8>,
}

impl<P: Provider> Subject<'_, P> {
    /// Plans and applies. The state is what Terraform would have saved, also after an error.
    ///
    /// # Panics
    /// When the configuration does not fit the schema or the provider breaks a rule.
    pub async fn apply(&mut self, config: Json) -> Diagnostics {
        let plan = self.plan(config.clone()).await;
        self.apply_plan(&plan, config).await
    }

    /// Applies a plan. The configuration is the plan's, with its unknown values known by now.
    ///
    /// # Panics
    /// When the configuration does not fit the schema or the provider breaks a rule.
    pub async fn apply_plan(&mut self, plan: &Plan, config: Json) -> Diagnostics {
        let mut diagnostics = plan.diagnostics.clone();
        if matches!(plan.action, Action::Refused | Action::NoOp) {
            return diagnostics;
        }
        let resolved = config::value(&self.schema, &config);
        assert!(
            resolved.unknown_paths().is_empty(),
            "the test applies a configuration that is not wholly known"
        );
        if plan.action == Action::Replace {
            let step = Step {
                verb: "delete",
                config: &Value::Null,
                planned: &Value::Null,
                private: plan.private.clone(),
            };
            diagnostics.extend(self.step(step).await);
            if diagnostics.has_errors() {
                return diagnostics;
            }
        }
        diagnostics.extend(self.finish(plan, &resolved).await);
        if self.harness.repeats && !diagnostics.has_errors() {
            self.settled(config).await;
        }
        diagnostics
    }

    /// The final plan with everything known, and its apply.
    async fn finish(&mut self, plan: &Plan, config: &Value) -> Diagnostics {
        let last = self.propose(&self.object, config).await;
        let (verb, wanted) = match plan.action {
            Action::Create | Action::Replace => ("create", Action::Create),
            _ => ("update", Action::Update),
        };
        if last.action == Action::Refused {
            return last.diagnostics;
        }
        let root = AttributePath::root();
        if last.action != wanted && last.action != Action::NoOp {
            let message = format!("the plan was to {verb}, the final plan is {:?}", last.action);
            self.demand("the final plan", &[Violation::new(11, &root, message)]);
        }
        self.demand("the final plan", &compatible::check(11, &plan.planned, &last.planned, &self.implied));
        let mut diagnostics = last.diagnostics;
        if last.action != Action::NoOp {
            let step = Step { verb, config, planned: &last.planned, private: last.private };
            diagnostics.extend(self.step(step).await);
        }
        diagnostics
    }

    async fn step(&mut self, step: Step<'_>) -> Diagnostics {
        let Step { verb, config, planned, private } = step;
        let request = apply::Request {
            type_name: self.type_name.clone(),
            prior: self.encode(&self.object.value),
            planned: self.encode(planned),
            config: self.encode(config),
            private,
            identity: self.encode_identity(&self.object),
        };
        let response = self.harness.server.apply(request).await;
        demand_no_bug(&format!("{verb} of {}", self.type_name), &response.diagnostics);
        let failed = response.diagnostics.has_errors();
        let value = response.state.map_or(Value::Null, |state| self.decode(verb, 12, &state));
        let mut found = no_write_only(&self.schema.attributes, &value);
        if !failed {
            let root = AttributePath::root();
            if planned.is_null() != value.is_null() {
                let message =
                    if value.is_null() { "no resource after apply" } else { "a resource after delete" };
                found.push(Violation::new(13, &root, message));
            } else if !planned.is_null() {
                found.extend(self.kept(verb, 12, &value));
                found.extend(compatible::check(12, planned, &value, &self.implied));
            }
        }
        self.demand(verb, &found);
        if value.is_null() && failed {
            // Terraform keeps the prior state, which for a create is none.
            return response.diagnostics;
        }
        let tainted = failed && (verb == "create" || self.object.tainted);
        let before = self.object.identity.as_ref().filter(|_| verb == "update");
        let identity = self.identity(verb, &value, response.identity, before);
        self.object = match value {
            Value::Null => Object::absent(),
            value => Object { value, private: response.private, tainted, identity },
        };
        response.diagnostics
    }

    /// Rule 25: a plan of what was just applied is empty.
    async fn settled(&mut self, config: Json) {
        let plan = self.plan(config).await;
        if plan.action != Action::NoOp {
            let message = format!(
                "a plan right after apply is {:?} and changes [{}]: {:?}",
                plan.action,
                plan.changes().join(", "),
                plan.diagnostics
            );
            self.demand("apply", &[Violation::new(25, &AttributePath::root(), message)]);
        }
    }

    /// Refreshes, plans the destroy and deletes.
    ///
    /// # Panics
    /// When the provider breaks a rule.
    pub async fn destroy(&mut self) -> Diagnostics {
        let mut diagnostics = self.refresh().await;
        if diagnostics.has_errors() || self.object.value.is_null() {
            return diagnostics;
        }
        let request = plan::Request {
            type_name: self.type_name.clone(),
            prior: self.encode(&self.object.value),
            proposed: self.encode(&Value::Null),
            config: self.encode(&Value::Null),
            private: self.object.private.clone(),
            identity: self.encode_identity(&self.object),
        };
        let response = self.harness.server.plan(request).await;
        demand_no_bug(&format!("destroy plan of {}", self.type_name), &response.diagnostics);
        diagnostics.extend(response.diagnostics);
        let Some(planned) = response.planned else { return diagnostics };
        if !self.decode("destroy plan", 4, &planned).is_null() {
            let message = "a destroy plans for absence";
            self.demand("destroy plan", &[Violation::new(4, &AttributePath::root(), message)]);
        }
        let step =
            Step { verb: "delete", config: &Value::Null, planned: &Value::Null, private: response.private };
        diagnostics.extend(self.step(step).await);
        diagnostics
    }
}
