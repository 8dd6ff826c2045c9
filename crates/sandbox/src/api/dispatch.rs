//! From a request to the verb that answers it.

use axum::body::Body;
use axum::response::Response;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::request::{Call, Query, Target, percent_decode};
use super::respond::{self, Answer};
use super::{Api, KUBERNETES_VERSION, discovery, openapi, reviews};
use crate::store::{Status, kinds};

/// A review names one action.
const REVIEW_BYTES_MAX: usize = 64 * 1024;

impl Api {
    /// Answers one request, and logs its verb and URI.
    pub async fn handle(self, request: Request<Body>) -> Response {
        let (method, uri) = (request.method().clone(), loggable(request.uri()));
        let response = self.answer_or_fail(request).await;
        tracing::info!(target: "sandbox::api", %method, uri, status = response.status().as_u16());
        response
    }

    pub(super) async fn respond(&self, request: Request<Body>) -> Response {
        match self.answer(request).await {
            Ok(response) => response,
            Err(status) => respond::refusal(&status),
        }
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let path: Vec<String> =
            request.uri().path().split('/').filter(|part| !part.is_empty()).map(percent_decode).collect();
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(response) = open_path(&parts) {
            return Ok(response);
        }
        self.authenticate(&request, &parts)?;
        match parts.as_slice() {
            ["openapi", rest @ ..] => openapi::answer(rest, request.headers()),
            ["api"] => Ok(discovery::core_versions(request.headers())),
            ["apis"] => Ok(discovery::groups(request.headers())),
            ["api", version] => discovery::resources("", version),
            ["apis", group] => discovery::group(group),
            ["apis", group, version] => discovery::resources(group, version),
            ["api", version, ..] => self.resource("", version, &path[2..], request).await,
            ["apis", group, version, ..] => self.resource(group, version, &path[3..], request).await,
            _ => Ok(respond::plain(StatusCode::NOT_FOUND, "404 page not found\n")),
        }
    }

    fn authenticate(&self, request: &Request<Body>, parts: &[&str]) -> Result<(), Status> {
        let Some(value) = request.headers().get(header::AUTHORIZATION) else {
            return Err(forbidden("system:anonymous", parts, request.method(), request.uri()));
        };
        let given = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if is_same_secret(given.as_bytes(), self.token.reveal().as_bytes()) {
            return Ok(());
        }
        Err(Status::new(401, "Unauthorized", "Unauthorized", None))
    }

    async fn resource(&self, group: &str, version: &str, rest: &[String], request: Request<Body>) -> Answer {
        if let ([resource], &Method::POST) = (rest, request.method())
            && matches!(group, "authorization.k8s.io" | "authentication.k8s.io")
        {
            let (parts, body) = request.into_parts();
            let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let body = axum::body::to_bytes(body, REVIEW_BYTES_MAX).await.unwrap_or_default();
            return reviews::answer(group, resource, content_type.unwrap_or_default(), &body)
                .unwrap_or_else(|| Err(Status::no_such_resource()));
        }
        let Some(target) = Target::parse(group, version, rest) else {
            let is_served = kinds::ALL.iter().any(|kind| kind.group == group && kind.version == version);
            return if is_served {
                Err(Status::no_such_resource())
            } else {
                Ok(respond::plain(StatusCode::NOT_FOUND, "404 page not found\n"))
            };
        };
        if *target.kind == kinds::POD {
            match target.subresource.as_deref() {
                Some("exec" | "attach") => return self.exec(target, request).await,
                Some("portforward") => return self.port_forward(target, request).await,
                _ => {}
            }
        }
        let call = Call::read(target, request).await?;
        self.verb(&call).await
    }

    async fn verb(&self, call: &Call) -> Answer {
        let target = &call.target;
        if let Some(subresource) = target.subresource.as_deref() {
            return self.subresource(call, subresource).await;
        }
        let is_watch = call.query.flag("watch");
        match (call.method.as_str(), target.name.is_some()) {
            ("GET", _) if is_watch => self.watch(call).await,
            ("GET", true) => self.read(call),
            ("GET", false) => self.list(call),
            ("POST", false) if target.namespace.is_some() == target.kind.namespaced => self.create(call),
            ("PUT", true) => self.update(call),
            ("PATCH", true) => self.patch(call),
            ("DELETE", true) => self.delete(call),
            ("DELETE", false) => self.delete_collection(call),
            _ => Err(Status::method_not_allowed()),
        }
    }

    async fn subresource(&self, call: &Call, subresource: &str) -> Answer {
        let kind = call.kind();
        match (kind.kind, subresource, call.method.as_str()) {
            ("Pod", "log", "GET") => self.logs(call).await,
            ("Pod", "eviction", "POST") => self.evict(call),
            ("ServiceAccount", "token", "POST") => self.request_token(call),
            ("Namespace", "finalize", "PUT") => self.update(call),
            (_, "scale", _) if kind.has_subresource("scale") => self.scale(call),
            (_, "status", method) if kind.has_subresource("status") => match method {
                "GET" => self.read(call),
                "PUT" => self.update(call),
                "PATCH" => self.patch(call),
                _ => Err(Status::method_not_allowed()),
            },
            _ => Err(Status::no_such_resource()),
        }
    }
}

/// A URI without the words of an exec's command, which may hold a password.
fn loggable(uri: &http::Uri) -> String {
    let kept: Vec<_> =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("command=")).collect();
    let query = kept.join("&");
    if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) }
}

/// Paths that need no token.
fn open_path(parts: &[&str]) -> Option<Response> {
    match parts {
        ["healthz" | "readyz" | "livez", ..] => Some(respond::plain(StatusCode::OK, "ok")),
        ["version"] => Some(respond::json(StatusCode::OK, &version())),
        _ => None,
    }
}

fn version() -> Value {
    let mut numbers = KUBERNETES_VERSION.trim_start_matches('v').split('.');
    json!({
        "major": numbers.next(), "minor": numbers.next(), "gitVersion": KUBERNETES_VERSION,
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
        "compiler": "rustc", "platform": "linux/amd64",
    })
}

/// Compares without stopping at the first difference.
fn is_same_secret(given: &[u8], wanted: &[u8]) -> bool {
    given.len() == wanted.len() && given.iter().zip(wanted).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

/// What somebody may not do, in the words of RBAC.
pub(super) fn forbidden(user: &str, parts: &[&str], method: &Method, uri: &http::Uri) -> Status {
    let who = format!("User {user:?} cannot");
    let target = match parts {
        ["api", version, rest @ ..] => Target::parse("", version, &owned(rest)),
        ["apis", group, version, rest @ ..] => Target::parse(group, version, &owned(rest)),
        _ => None,
    };
    let Some(target) = target else {
        let path = uri.path();
        let message = format!("forbidden: {who} {} path {path:?}", method.as_str().to_lowercase());
        return Status::new(403, "Forbidden", message, Some(json!({})));
    };
    let verb = verb_name(method, &target, uri.query());
    let place = target
        .namespace
        .as_ref()
        .map_or("at the cluster scope".to_owned(), |ns| format!("in the namespace {ns:?}"));
    let (plural, group) = (target.kind.plural, target.kind.group);
    let subject = target.name.as_ref().map_or(String::new(), |name| format!(" {name:?}"));
    let qualified = target.kind.qualified_plural();
    let message = format!(
        "{qualified}{subject} is forbidden: {who} {verb} resource {plural:?} in API group {group:?} {place}"
    );
    let mut details = json!({});
    if let Some(name) = &target.name {
        details["name"] = json!(name);
    }
    if !group.is_empty() {
        details["group"] = json!(group);
    }
    details["kind"] = json!(plural);
    Status::new(403, "Forbidden", message, Some(details))
}

pub(super) fn owned(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

pub(super) fn verb_name(method: &Method, target: &Target, query: Option<&str>) -> &'static str {
    match (method.as_str(), target.name.is_some()) {
        ("GET", _) if Query::parse(query).flag("watch") => "watch",
        ("GET", true) => "get",
        ("GET", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        _ => "deletecollection",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_never_reaches_the_log() {
        let uri = http::Uri::from_static(
            "https://h/api/v1/namespaces/d/pods/p/exec?command=redis-cli&command=-a&command=secret&tty=true",
        );
        assert_eq!(loggable(&uri), "/api/v1/namespaces/d/pods/p/exec?tty=true");
    }
}
