//! Who am I and what may I: the bearer of the token is the administrator.

use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::protobuf;
use super::request::Call;
use super::respond::{self, Answer};
use super::tls::Token;
use crate::store::{Status, format_time, object};

const USER: &str = "sandbox-admin";

/// Answers a review that is created but never stored. None when the path is not one.
pub(super) fn answer(group: &str, resource: &str, content_type: &str, body: &[u8]) -> Option<Answer> {
    let status = match (group, resource) {
        ("authorization.k8s.io", "selfsubjectaccessreviews" | "subjectaccessreviews") => {
            json!({"allowed": true})
        }
        ("authorization.k8s.io", "selfsubjectrulesreviews") => json!({"incomplete": false,
            "nonResourceRules": [{"nonResourceURLs": ["*"], "verbs": ["*"]}],
            "resourceRules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}),
        ("authentication.k8s.io", "selfsubjectreviews") => {
            json!({"userInfo": {"username": USER, "groups": ["system:masters", "system:authenticated"]}})
        }
        _ => return None,
    };
    let parsed = if content_type == protobuf::CONTENT_TYPE {
        protobuf::decode(body)
    } else {
        serde_json::from_slice(body)
            .map_err(|source| Status::bad_request(format!("the review is no JSON: {source}")))
    };
    Some(parsed.map(|mut review: Value| {
        object::child(&mut review, "metadata");
        review["status"] = status;
        respond::json(StatusCode::CREATED, &review)
    }))
}

impl Api {
    /// A token for a service account. Nothing in the sandbox accepts it: pods do not call the API.
    pub(super) fn request_token(&self, call: &Call) -> Answer {
        let key = call.key();
        self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        let mut request = if call.body.is_empty() { json!({}) } else { call.json_body()? };
        let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
        let end = self
            .store
            .now()
            .saturating_add(jiff::SignedDuration::from_secs(seconds))
            .unwrap_or(self.store.now());
        request["kind"] = json!("TokenRequest");
        request["apiVersion"] = json!("authentication.k8s.io/v1");
        request["status"] =
            json!({"token": Token::generate().reveal(), "expirationTimestamp": format_time(end)});
        Ok(respond::json(StatusCode::CREATED, &request))
    }
}
