//! Eviction: a delete that asks the disruption budgets first.

use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::delete::read_options;
use super::request::Call;
use super::respond::{self, Answer};
use crate::store::selector::LabelSelector;
use crate::store::{DeleteOptions, Key, Status, kinds, object};

impl Api {
    pub(super) fn evict(&self, call: &Call) -> Answer {
        let key = call.key();
        let pod = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        let body = if call.body.is_empty() { json!({}) } else { call.json_body()? };
        let options = read_options(body.get("deleteOptions").unwrap_or(&json!({})), call)?;
        let phase = object::text(&pod, "/status/phase");
        let needs_budget = !object::is_deleting(&pod) && !matches!(phase, "Succeeded" | "Failed" | "Pending");
        if needs_budget && let Some(budget) = self.budget_of(&pod)? {
            self.spend(&budget, &pod, &options)?;
        }
        self.store.delete(&key, &options)?;
        let body =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(respond::json(StatusCode::CREATED, &body))
    }

    fn budget_of(&self, pod: &Value) -> Result<Option<Key>, Status> {
        let (budgets, _) = self.store.list(&kinds::POD_DISRUPTION_BUDGET, Some(object::namespace(pod)));
        let selects = |budget: &Value| {
            let selector = budget.pointer("/spec/selector").and_then(LabelSelector::from_object);
            selector.is_some_and(|selector| selector.matches(pod))
        };
        let found: Vec<_> = budgets.iter().filter(|budget| selects(budget)).collect();
        match found.as_slice() {
            [] => Ok(None),
            [budget] => Ok(Some(Key::of(&kinds::POD_DISRUPTION_BUDGET, budget))),
            _ => Err(Status::new(
                500,
                "InternalError",
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                None,
            )),
        }
    }

    /// Takes one disruption from the budget, so that the next eviction cannot use it before the controller has looked.
    fn spend(&self, budget: &Key, pod: &Value, options: &DeleteOptions) -> Result<(), Status> {
        let write = crate::store::WriteOptions {
            manager: "kube-apiserver".to_owned(),
            subresource: Some("status"),
            managed: crate::store::Managed::Computed,
            dry_run: options.dry_run,
        };
        let name = object::name(pod).to_owned();
        let now = crate::store::format_time(self.store.now());
        self.store.update_with(budget, &write, |budget| {
            let number = |field: &str| {
                budget.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or(0)
            };
            let (allowed, healthy, wanted) =
                (number("disruptionsAllowed"), number("currentHealthy"), number("desiredHealthy"));
            if allowed < 1 {
                return Err(refuse(object::name(budget), healthy, wanted));
            }
            let status = object::child(budget, "status");
            status.insert("disruptionsAllowed".to_owned(), json!(allowed - 1));
            let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
            disrupted[name] = json!(now);
            Ok(())
        })?;
        Ok(())
    }
}

fn refuse(budget: &str, healthy: i64, wanted: i64) -> Status {
    let why =
        format!("The disruption budget {budget} needs {wanted} healthy pods and has {healthy} currently");
    let details = json!({"causes": [{"reason": "DisruptionBudget", "message": why}]});
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    Status::new(429, "TooManyRequests", message, Some(details))
}
