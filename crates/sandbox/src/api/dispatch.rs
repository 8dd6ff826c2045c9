//! From a request to the verb that answers it.

use axum::body::Body;
use axum::response::Response;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::access::{Attributes, User, is_review};
use super::autoscaling::older_create;
use super::request::{Call, Query, Target, percent_decode};
use super::respond::{self, Answer};
use super::{Api, KUBERNETES_VERSION, discovery, openapi};
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
        let user = self.authenticate(request.headers())?;
        if let ["api" | "apis", _, _, ..] = parts.as_slice() {
            return match parts.as_slice() {
                ["api", version, _, ..] => self.resource(&user, "", version, &path[2..], request).await,
                ["apis", group, version] => {
                    self.authorize(&user, &Attributes::of_path(request.method(), request.uri().path()))?;
                    discovery::resources(&self.store.kinds(), group, version)
                }
                [_, group, version, ..] => self.resource(&user, group, version, &path[3..], request).await,
                _ => Err(Status::no_such_resource()),
            };
        }
        self.authorize(&user, &Attributes::of_path(request.method(), request.uri().path()))?;
        match parts.as_slice() {
            ["openapi", rest @ ..] => openapi::answer(&self.store.kinds(), rest, request.headers()),
            ["api"] => Ok(discovery::core_versions(&self.store.kinds(), request.headers())),
            ["apis"] => Ok(discovery::groups(&self.store.kinds(), request.headers())),
            ["api", version] => discovery::resources(&self.store.kinds(), "", version),
            ["apis", group] => discovery::group(&self.store.kinds(), group),
            _ => Ok(respond::plain(StatusCode::NOT_FOUND, "404 page not found\n")),
        }
    }

    async fn resource(
        &self,
        user: &User,
        group: &str,
        version: &str,
        rest: &[String],
        request: Request<Body>,
    ) -> Answer {
        if let (Some(resource), &Method::POST) = (rest.last(), request.method())
            && is_review(group, resource)
        {
            let (parts, body) = request.into_parts();
            let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let body = axum::body::to_bytes(body, REVIEW_BYTES_MAX).await.unwrap_or_default();
            return self.review(user, group, resource, content_type.unwrap_or_default(), &body);
        }
        if let Some(target) = older_create(group, version, rest, request.method() == Method::POST) {
            return self.create_older(user, target, request).await;
        }
        let kinds = self.store.kinds();
        let Some(target) = Target::parse(&kinds, group, version, rest) else {
            let is_served = kinds.iter().any(|kind| kind.group == group && kind.version == version);
            return if is_served {
                Err(Status::no_such_resource())
            } else {
                Ok(respond::plain(StatusCode::NOT_FOUND, "404 page not found\n"))
            };
        };
        let is_watch = Query::parse(request.uri().query()).flag("watch");
        self.authorize(user, &Attributes::of_request(request.method(), &target, is_watch))?;
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
            ("GET", false) => self.list(call).await,
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
