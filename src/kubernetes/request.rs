//! Requests to the API server as data. Pure: nothing here sends.

use std::fmt;

use http::{Method, Request};
use kube::client::Body;
use serde_json::Value as Json;

use super::discovery::ResourceKind;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Discover,
    Get,
    List,
    Watch,
    Create,
    Apply,
    Update,
    Patch,
    Delete,
    Evict,
    PortForward,
}

impl Verb {
    /// Whether doing it twice is doing it once, so that a lost answer may be asked for again.
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Create | Self::Evict | Self::PortForward)
    }

    /// The verb that a role must grant.
    fn permission(self) -> &'static str {
        match self {
            Self::Discover | Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create | Self::Evict | Self::PortForward => "create",
            Self::Apply | Self::Patch => "patch",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "ask for",
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Apply => "apply",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Evict => "evict",
            Self::PortForward => "forward a port of",
        }
    }
}

/// What was done to what; for errors and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub verb: Verb,
    /// `StatefulSet default/redis-1`, or what else is asked for.
    pub subject: String,
    /// As a role names it: `statefulsets.apps`.
    pub resource: String,
    pub namespace: Option<String>,
}

impl Operation {
    /// The permission that it takes, in words.
    pub fn permission(&self) -> String {
        let verb = self.verb.permission();
        match &self.namespace {
            Some(namespace) => format!("`{verb}` on `{}` in namespace `{namespace}`", self.resource),
            None => format!("`{verb}` on `{}` in the whole cluster", self.resource),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb.as_str(), self.subject)
    }
}

/// A request, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub operation: Operation,
    pub method: Method,
    /// Path and query.
    pub uri: String,
    pub content_type: &'static str,
    pub accept: &'static str,
    pub body: Option<Json>,
}

pub(super) const JSON: &str = "application/json";
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(super) const APPLY_PATCH: &str = "application/apply-patch+yaml";
/// Discovery in one answer a root, with the plain form as the second choice.
pub(super) const AGGREGATED_DISCOVERY: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

impl Call {
    /// A call on one object, or on the collection when `name` is empty.
    pub(super) fn on(verb: Verb, kind: &ResourceKind, namespace: Option<&str>, name: &str) -> Self {
        let namespace = namespace.filter(|_| kind.namespaced);
        let place = match (namespace, name) {
            (Some(namespace), "") => format!("s of namespace {namespace}"),
            (None, "") => "s".to_owned(),
            (Some(namespace), name) => format!(" {namespace}/{name}"),
            (None, name) => format!(" {name}"),
        };
        let operation = Operation {
            verb,
            subject: format!("{}{place}", kind.kind),
            resource: kind.role_resource(),
            namespace: namespace.map(str::to_owned),
        };
        let method = match verb {
            Verb::Create | Verb::Evict => Method::POST,
            Verb::Apply | Verb::Patch => Method::PATCH,
            Verb::Update => Method::PUT,
            Verb::Delete => Method::DELETE,
            Verb::Discover | Verb::Get | Verb::List | Verb::Watch | Verb::PortForward => Method::GET,
        };
        let name = if verb == Verb::Create { "" } else { name };
        Self {
            operation,
            method,
            uri: kind.path(namespace, name),
            content_type: JSON,
            accept: JSON,
            body: None,
        }
    }

    /// A call on a path that belongs to no kind.
    pub(super) fn discover(subject: &str, path: &str) -> Self {
        let operation = Operation {
            verb: Verb::Discover,
            subject: subject.to_owned(),
            resource: path.to_owned(),
            namespace: None,
        };
        Self {
            operation,
            method: Method::GET,
            uri: path.to_owned(),
            content_type: JSON,
            accept: JSON,
            body: None,
        }
    }

    #[must_use]
    pub(super) fn with_body(mut self, content_type: &'static str, body: Json) -> Self {
        self.content_type = content_type;
        self.body = Some(body);
        self
    }

    #[must_use]
    pub(super) fn with_accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    /// Adds to the query; an empty value is left out.
    #[must_use]
    pub(super) fn with_query(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            let separator = if self.uri.contains('?') { '&' } else { '?' };
            self.uri = format!("{}{separator}{name}={}", self.uri, percent_encode(value));
        }
        self
    }

    /// The HTTP request.
    pub(super) fn to_request(&self) -> Result<Request<Body>, http::Error> {
        let body = self.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        Request::builder()
            .method(self.method.clone())
            .uri(&self.uri)
            .header(http::header::ACCEPT, self.accept)
            .header(http::header::CONTENT_TYPE, self.content_type)
            .body(Body::from(body))
    }
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_paths_of_the_api() {
        let pod = ResourceKind::builtin("v1", "Pod").expect("a built-in kind");
        let role = ResourceKind::builtin("rbac.authorization.k8s.io/v1", "ClusterRole").expect("built in");
        let cases = [
            (Call::on(Verb::Get, &pod, Some("ns"), "a"), "GET /api/v1/namespaces/ns/pods/a"),
            (Call::on(Verb::Create, &pod, Some("ns"), "a"), "POST /api/v1/namespaces/ns/pods"),
            (Call::on(Verb::List, &pod, None, ""), "GET /api/v1/pods"),
            (
                Call::on(Verb::List, &pod, Some("ns"), "").with_query("labelSelector", "a=b,c in (d)"),
                "GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db%2Cc%20in%20%28d%29",
            ),
            (
                Call::on(Verb::Apply, &role, Some("ignored"), "r")
                    .with_query("force", "true")
                    .with_query("x", ""),
                "PATCH /apis/rbac.authorization.k8s.io/v1/clusterroles/r?force=true",
            ),
        ];
        for (call, wanted) in cases {
            assert_eq!(format!("{} {}", call.method, call.uri), wanted);
        }
    }

    #[test]
    fn an_operation_names_the_permission_it_takes() {
        let set = ResourceKind::builtin("apps/v1", "StatefulSet").expect("a built-in kind");
        let operation = Call::on(Verb::Apply, &set, Some("cache"), "redis").operation;
        assert_eq!(operation.to_string(), "apply StatefulSet cache/redis");
        assert_eq!(operation.permission(), "`patch` on `statefulsets.apps` in namespace `cache`");
    }
}
