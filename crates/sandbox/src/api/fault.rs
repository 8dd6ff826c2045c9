//! Requests as faults see them, and the refusals that an API server would give.

use axum::body::Body;
use axum::response::Response;
use http::{Method, Request, StatusCode, Uri};

use super::access::{Attributes, User};
use super::request::{Query, Target, percent_decode};
use super::{Api, respond};
use crate::faults::{Call, Service, Verb};
use crate::store::{Kind, Status};

impl Api {
    /// The answer, unless a fault meets the request.
    pub(super) async fn answer_or_fail(&self, request: Request<Body>) -> Response {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let path: Vec<String> =
            uri.path().split('/').filter(|part| !part.is_empty()).map(percent_decode).collect();
        let kinds = self.store.kinds();
        let verb = verb(&kinds, &method, &uri, &path);
        let call = Call { service: Service::Kubernetes, verb, path: uri.path() };
        let Some(strike) = self.faults.strike(&call) else { return self.respond(request).await };
        let refuse = |status| respond::refusal(&refusal(&kinds, &method, &uri, &path, status));
        strike.carry_out(&call, self.connection.as_ref(), refuse, self.respond(request)).await
    }
}

fn target(kinds: &[&'static Kind], path: &[String]) -> Option<Target> {
    match path {
        [api, version, rest @ ..] if api == "api" => Target::parse(kinds, "", version, rest),
        [apis, group, version, rest @ ..] if apis == "apis" => Target::parse(kinds, group, version, rest),
        _ => None,
    }
}

fn attributes(kinds: &[&'static Kind], method: &Method, uri: &Uri, path: &[String]) -> Attributes {
    match target(kinds, path) {
        Some(target) => Attributes::of_request(method, &target, Query::parse(uri.query()).flag("watch")),
        None => Attributes::of_path(method, uri.path()),
    }
}

fn verb(kinds: &[&'static Kind], method: &Method, uri: &Uri, path: &[String]) -> Verb {
    match (attributes(kinds, method, uri, path).verb(), method.as_str()) {
        ("watch", _) => Verb::Watch,
        ("list", _) => Verb::List,
        (_, "POST") => Verb::Create,
        (_, "PUT") => Verb::Update,
        (_, "PATCH") => Verb::Patch,
        (_, "DELETE") => Verb::Delete,
        _ => Verb::Get,
    }
}

/// What an API server says with a status.
fn refusal(
    kinds: &[&'static Kind],
    method: &Method,
    uri: &Uri,
    path: &[String],
    status: StatusCode,
) -> Status {
    let target = target(kinds, path);
    let named = target.as_ref().and_then(|target| Some((target.kind, target.name.as_deref()?)));
    let generic = |reason: &'static str, message: &str| Status::new(status.as_u16(), reason, message, None);
    match (status.as_u16(), named) {
        (401, _) => generic("Unauthorized", "Unauthorized"),
        (403, _) => attributes(kinds, method, uri, path).refusal(&User::administrator()),
        (404, Some((kind, name))) => Status::not_found(kind, name),
        (404, None) => Status::no_such_resource(),
        (409, Some((kind, name))) => Status::modified(kind, name),
        (409, None) => generic("Conflict", "Operation cannot be fulfilled: there was a conflict; try again"),
        (429, _) => generic("TooManyRequests", "Too many requests, please try again later."),
        (500, _) => generic("InternalError", "Internal error occurred: a fault was asked for"),
        (503, _) => generic("ServiceUnavailable", "the server is currently unable to handle the request"),
        (504, _) => generic("Timeout", "Timeout: request did not complete within the allotted timeout"),
        _ => generic("", status.canonical_reason().unwrap_or("the request failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::kinds;

    fn check(method: Method, uri: &str, expected_verb: Verb, status: u16, expected_message: &str) {
        let uri: Uri = uri.parse().expect("a URI");
        let path: Vec<_> = uri.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        assert_eq!(verb(kinds::ALL, &method, &uri, &path), expected_verb, "{method} {uri}");
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(refusal(kinds::ALL, &method, &uri, &path, status).message, expected_message);
    }

    #[test]
    fn a_request_has_its_verb_and_is_refused_in_the_servers_words() {
        let pods = "/api/v1/namespaces/default/pods";
        check(
            Method::GET,
            pods,
            Verb::List,
            403,
            r#"pods is forbidden: User "sandbox-admin" cannot list resource "pods" in API group "" in the namespace "default""#,
        );
        check(Method::GET, &format!("{pods}/p"), Verb::Get, 404, r#"pods "p" not found"#);
        check(
            Method::PATCH,
            &format!("{pods}/p"),
            Verb::Patch,
            409,
            "Operation cannot be fulfilled on pods \"p\": the object has been modified; please apply your \
             changes to the latest version and try again",
        );
        let watched = format!("{pods}?watch=true");
        check(Method::GET, &watched, Verb::Watch, 429, "Too many requests, please try again later.");
        let unable = "the server is currently unable to handle the request";
        check(Method::GET, "/apis", Verb::Get, 503, unable);
    }
}
