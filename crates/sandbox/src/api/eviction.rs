//! Eviction: a delete that asks the disruption budgets first.

use http::StatusCode;
use serde_json::json;

use super::Api;
use super::delete::read_options;
use super::request::Call;
use super::respond::{self, Answer};
use crate::controllers::eviction::{Refusal, evict};
use crate::store::Status;

impl Api {
    pub(super) fn evict(&self, call: &Call) -> Answer {
        let key = call.key();
        let body = if call.body.is_empty() { json!({}) } else { call.json_body()? };
        let options = read_options(body.get("deleteOptions").unwrap_or(&json!({})), call)?;
        let namespace = key.namespace.as_deref().unwrap_or_default();
        evict(&self.store, namespace, &key.name, &options).map_err(as_status)?;
        let body =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(respond::json(StatusCode::CREATED, &body))
    }
}

fn as_status(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Budget(reason) => {
            let details = json!({"causes": [{"reason": "DisruptionBudget", "message": reason}]});
            let message = "Cannot evict pod as it would violate the pod's disruption budget.";
            Status::new(429, "TooManyRequests", message, Some(details))
        }
        Refusal::SeveralBudgets => Status::new(500, "InternalError", refusal.to_string(), None),
        Refusal::Store(status) => status,
    }
}
