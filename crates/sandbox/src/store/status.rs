//! Failures in Kubernetes' own form: the `Status` object that clients read, with Kubernetes' own messages.

use serde_json::{Value, json};

use super::kinds::Kind;

/// One reason why a field is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// `FieldValueInvalid` and its siblings.
    pub reason: &'static str,
    pub field: String,
    pub message: String,
}

impl Cause {
    pub fn required(field: impl Into<String>, hint: &str) -> Self {
        let message =
            if hint.is_empty() { "Required value".to_owned() } else { format!("Required value: {hint}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub fn invalid(field: impl Into<String>, value: &Value, why: impl AsRef<str>) -> Self {
        Self {
            reason: "FieldValueInvalid",
            field: field.into(),
            message: format!("Invalid value: {value}: {}", why.as_ref()),
        }
    }

    pub fn forbidden(field: impl Into<String>, why: impl AsRef<str>) -> Self {
        Self {
            reason: "FieldValueForbidden",
            field: field.into(),
            message: format!("Forbidden: {}", why.as_ref()),
        }
    }

    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueNotFound", field: field.into(), message: format!("Not found: {value}") }
    }

    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueDuplicate",
            field: field.into(),
            message: format!("Duplicate value: {value}"),
        }
    }

    pub fn unsupported(field: impl Into<String>, value: &Value, allowed: &[&str]) -> Self {
        let list = allowed.iter().map(|a| format!("{a:?}")).collect::<Vec<_>>().join(", ");
        Self {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message: format!("Unsupported value: {value}: supported values: {list}"),
        }
    }

    fn as_json(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

/// A refusal, ready to be sent to a client or read by a controller.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    /// Boxed, so that a refusal is cheap to hand on.
    pub details: Option<Box<Value>>,
    /// Where a list that expired can go on, if the client takes what is inconsistent.
    pub resume: Option<String>,
}

impl Status {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>, details: Option<Value>) -> Self {
        Self { code, reason, message: message.into(), details: details.map(Box::new), resume: None }
    }

    pub fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} not found", kind.qualified_plural());
        Self::new(404, "NotFound", message, Some(details(kind, name, kind.plural)))
    }

    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", kind.qualified_plural());
        Self::new(409, "AlreadyExists", message, Some(details(kind, name, kind.plural)))
    }

    /// The object moved on since the caller read it.
    pub fn modified(kind: &Kind, name: &str) -> Self {
        Self::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.qualified_plural());
        Self::new(409, "Conflict", message, Some(details(kind, name, kind.plural)))
    }

    /// A delete precondition that does not hold; Kubernetes names the kind here, not the plural.
    pub fn precondition(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.qualified_kind());
        Self::new(409, "Conflict", message, Some(details(kind, name, kind.kind)))
    }

    pub fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Self {
        let listed: Vec<_> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let summary = match listed.as_slice() {
            [only] => only.clone(),
            _ => format!("[{}]", listed.join(", ")),
        };
        let mut about = details(kind, name, kind.kind);
        about["causes"] = causes.iter().map(Cause::as_json).collect();
        let message = format!("{} {name:?} is invalid: {summary}", kind.qualified_kind());
        Self::new(422, "Invalid", message, Some(about))
    }

    pub fn forbidden(kind: &Kind, name: &str, why: &str, causes: &[Cause]) -> Self {
        let mut about = details(kind, name, kind.plural);
        if !causes.is_empty() {
            about["causes"] = causes.iter().map(Cause::as_json).collect();
        }
        let message = format!("{} {name:?} is forbidden: {why}", kind.qualified_plural());
        Self::new(403, "Forbidden", message, Some(about))
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message, None)
    }

    /// The server knows no such resource.
    pub fn no_such_resource() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(404, "NotFound", message, Some(json!({})))
    }

    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    /// The history that was asked for is not kept any more: list again.
    pub fn gone(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"), None)
    }

    /// A revision that is still to come.
    pub fn too_large(asked: u64, current: u64) -> Self {
        let details = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1});
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        Self::new(504, "Timeout", message, Some(details))
    }

    pub fn is_not_found(&self) -> bool {
        self.reason == "NotFound"
    }

    /// The object that goes over the wire.
    pub fn as_json(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
        });
        if !self.reason.is_empty() {
            body["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            body["details"] = Value::clone(details);
        }
        if let Some(token) = &self.resume {
            body["metadata"]["continue"] = json!(token);
        }
        body["code"] = json!(self.code);
        body
    }
}

fn details(kind: &Kind, name: &str, called: &str) -> Value {
    let mut about = json!({"name": name});
    if !kind.group.is_empty() {
        about["group"] = json!(kind.group);
    }
    about["kind"] = json!(called);
    about
}
