//! Answers.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::store::{Kind, Status, object};

/// What a handler gives back: an answer, or a refusal that becomes one.
pub(super) type Answer = Result<Response, Status>;

pub(super) fn json(code: StatusCode, body: &Value) -> Response {
    typed(code, "application/json", body.to_string())
}

pub(super) fn typed(code: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) fn plain(code: StatusCode, text: &'static str) -> Response {
    typed(code, "text/plain; charset=utf-8", text)
}

pub(super) fn refusal(status: &Status) -> Response {
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(code, &status.as_json());
    if code == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    }
    response
}

/// A document that clients cache: answers 304 when they have it.
pub(super) fn cached(content_type: &'static str, body: String, known: Option<&HeaderValue>) -> Response {
    let tag = format!("\"{}\"", hash(body.as_bytes()));
    let is_known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        typed(StatusCode::NOT_MODIFIED, content_type, Body::empty())
    } else {
        typed(StatusCode::OK, content_type, body)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Adds a warning header for each unknown field.
pub(super) fn warn(mut response: Response, unknown: &[String]) -> Response {
    for field in unknown {
        let text = format!("299 - \"unknown field \\\"{field}\\\"\"");
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// Adds a warning to the answer to a create of what the sandbox stores and nobody acts on.
pub(super) fn advise(kind: &Kind, mut response: Response) -> Response {
    let text = match kind.kind {
        "NetworkPolicy" => "the sandbox stores network policies and enforces none: all pods reach each other",
        "HorizontalPodAutoscaler" | "Ingress" | "LimitRange" | "ReplicationController" | "ResourceQuota" => {
            "the sandbox stores this object, but has no controller that acts on it"
        }
        _ => return response,
    };
    if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
        response.headers_mut().append(header::WARNING, value);
    }
    response
}

/// The answer to a delete that is done.
pub(super) fn deleted(kind: &Kind, object: &Value) -> Value {
    let mut details = json!({"name": object::name(object)});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    details["kind"] = json!(kind.plural);
    details["uid"] = json!(object::uid(object));
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
