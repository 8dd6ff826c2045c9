//! Errors in Google's form.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// An answer other than success, as Google's APIs give it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub struct GoogleError {
    pub(crate) code: u16,
    /// The canonical code, as in `google.rpc.Code`.
    pub(crate) status: &'static str,
    pub(crate) message: String,
    /// The reason of `google.rpc.ErrorInfo`, where Google gives one.
    pub(crate) reason: Option<&'static str>,
}

impl GoogleError {
    fn new(code: u16, status: &'static str, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), reason: None }
    }

    fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    pub(crate) fn unknown_field(name: &str) -> Self {
        Self::invalid(format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."))
    }

    pub(crate) fn unknown_field_at(name: &str, place: &str) -> Self {
        let message = format!(
            "Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
        );
        Self::invalid(message)
    }

    pub(crate) fn busy(operation: &str) -> Self {
        let message = format!("Cluster is running incompatible operation {operation}.");
        Self::new(400, "FAILED_PRECONDITION", message).because("CLUSTER_ALREADY_HAS_OPERATION")
    }

    pub(crate) fn precondition(message: impl Into<String>) -> Self {
        Self::new(400, "FAILED_PRECONDITION", message)
    }

    pub(crate) fn missing_token() -> Self {
        let message = "Request is missing required authentication credential. Expected OAuth 2 access \
                       token, login cookie or other valid authentication credential. See \
                       https://developers.google.com/identity/sign-in/web/devconsole-project.";
        Self::new(401, "UNAUTHENTICATED", message).because("CREDENTIALS_MISSING")
    }

    pub(crate) fn wrong_token() -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, \
                       login cookie or other valid authentication credential. See \
                       https://developers.google.com/identity/sign-in/web/devconsole-project.";
        Self::new(401, "UNAUTHENTICATED", message).because("ACCESS_TOKEN_TYPE_UNSUPPORTED")
    }

    pub(crate) fn forbidden(permission: &str, resource: &str) -> Self {
        let message = format!("Required \"{permission}\" permission(s) for \"{resource}\".");
        Self::new(403, "PERMISSION_DENIED", message)
    }

    pub(crate) fn not_found(resource: &str) -> Self {
        Self::new(404, "NOT_FOUND", format!("Not found: {resource}."))
    }

    /// The Compute API's own wording.
    pub(crate) fn not_found_compute(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", message)
    }

    pub(crate) fn already_exists(resource: &str) -> Self {
        Self::new(409, "ALREADY_EXISTS", format!("Already exists: {resource}."))
    }

    /// What Google has and the sandbox has not.
    pub(crate) fn unimplemented(message: &str) -> Self {
        Self::new(501, "UNIMPLEMENTED", message)
    }

    /// A fault that a test asked for.
    pub(crate) fn fault(code: u16, message: &str) -> Self {
        let status = match code {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            409 => "ABORTED",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            _ => "INTERNAL",
        };
        Self::new(code, status, message)
    }

    pub(crate) fn body(&self) -> Value {
        let mut error = json!({
            "code": self.code,
            "message": self.message,
            "errors": [{"message": self.message, "domain": "global", "reason": self.short_reason()}],
            "status": self.status,
        });
        if let Some(reason) = self.reason {
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "container.googleapis.com",
            }]);
        }
        json!({"error": error})
    }

    fn short_reason(&self) -> &'static str {
        match self.status {
            "INVALID_ARGUMENT" => "badRequest",
            "FAILED_PRECONDITION" => "failedPrecondition",
            "UNAUTHENTICATED" => "required",
            "PERMISSION_DENIED" => "forbidden",
            "NOT_FOUND" => "notFound",
            "ALREADY_EXISTS" => "alreadyExists",
            "RESOURCE_EXHAUSTED" => "rateLimitExceeded",
            _ => "backendError",
        }
    }
}

impl IntoResponse for GoogleError {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (code, axum::Json(self.body())).into_response()
    }
}
