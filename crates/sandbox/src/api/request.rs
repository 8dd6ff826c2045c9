//! Requests: what a path, a query and a body mean.

use axum::body::Body;
use http::{HeaderMap, Method, Request, header};
use serde_json::{Value, json};

use super::protobuf;
use crate::store::{Key, Kind, Managed, Status, WriteOptions, kinds, object, schema};

/// A request body may not be larger; etcd's own limit is 1.5 MiB.
const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;

/// What a path under /api or /apis names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) kind: &'static Kind,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) subresource: Option<String>,
}

impl Target {
    /// Reads the segments after `/api` or `/apis`. None when no such kind is served.
    pub(super) fn parse(
        kinds: &[&'static Kind],
        group: &str,
        version: &str,
        rest: &[String],
    ) -> Option<Self> {
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let find = |plural: &str| {
            let served =
                |kind: &&Kind| kind.group == group && kind.version == version && kind.plural == plural;
            kinds.iter().copied().find(|kind| served(kind))
        };
        let text = |part: &&str| (*part).to_owned();
        let (kind, namespace, tail) = match rest.as_slice() {
            // A namespace's own subresources look like resources in it.
            ["namespaces", name, sub @ ("status" | "finalize")] => {
                return Some(Self {
                    kind: find("namespaces")?,
                    namespace: None,
                    name: Some((*name).to_owned()),
                    subresource: Some((*sub).to_owned()),
                });
            }
            ["namespaces", namespace, plural, tail @ ..] => {
                (find(plural)?, Some((*namespace).to_owned()), tail)
            }
            [plural, tail @ ..] => (find(plural)?, None, tail),
            [] => return None,
        };
        let is_one = !tail.is_empty();
        if namespace.is_some() != kind.namespaced && (is_one || !kind.namespaced) {
            return None;
        }
        let subresource = (tail.len() > 1).then(|| tail[1..].join("/"));
        Some(Self { kind, namespace, name: tail.first().map(text), subresource })
    }

    pub(super) fn key(&self) -> Key {
        let name = self.name.clone().unwrap_or_default();
        Key { kind: self.kind, namespace: self.namespace.clone(), name }
    }
}

/// The parameters of a query, in order; a name may come more than once.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| percent_decode(&text.replace('+', " "));
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.all(name).next().is_some_and(|value| !matches!(value, "false" | "0"))
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

pub(super) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A request with its target and body, ready for a verb.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Call {
    pub(super) async fn read(target: Target, request: Request<Body>) -> Result<Self, Status> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|source| {
            Status::new(
                413,
                "RequestEntityTooLarge",
                format!("the request body was not read: {source}"),
                None,
            )
        })?;
        let query = Query::parse(parts.uri.query());
        Ok(Self { method: parts.method, target, query, headers: parts.headers, body: body.to_vec() })
    }

    pub(super) fn key(&self) -> Key {
        self.target.key()
    }

    pub(super) fn kind(&self) -> &'static Kind {
        self.target.kind
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.query.get("dryRun").is_some()
    }

    pub(super) fn content_type(&self) -> &str {
        let value =
            self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    /// Who writes: the fieldManager parameter, or the first word of the user agent.
    pub(super) fn manager(&self) -> String {
        if let Some(manager) = self.query.get("fieldManager") {
            return manager.to_owned();
        }
        let agent =
            self.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
        agent.split('/').next().unwrap_or(agent).to_owned()
    }

    pub(super) fn write_options(&self) -> WriteOptions {
        let subresource = match self.target.subresource.as_deref() {
            Some("status") => Some("status"),
            Some("scale") => Some("scale"),
            _ => None,
        };
        WriteOptions {
            manager: self.manager(),
            subresource,
            managed: Managed::Computed,
            dry_run: self.is_dry_run(),
        }
    }

    /// The body as an object of the target's kind, named and placed as the path says; and its unknown fields, which
    /// strict validation refuses.
    pub(super) fn object(&self) -> Result<(Value, Vec<String>), Status> {
        let mut value = self.json_body()?;
        self.check_kind(&value)?;
        let unknown = self.decode(&mut value)?;
        self.place(&mut value)?;
        Ok((value, unknown))
    }

    pub(super) fn json_body(&self) -> Result<Value, Status> {
        if self.content_type() == protobuf::CONTENT_TYPE {
            return protobuf::decode(&self.body);
        }
        serde_json::from_slice(&self.body).map_err(|source| {
            let kind = self.kind().kind;
            let text = String::from_utf8_lossy(&self.body);
            // A Secret's text must not come back in an error that a client may log.
            let shown = if *self.kind() == kinds::SECRET { "" } else { text.get(..text.len().min(100)).unwrap_or_default() };
            Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {source} ({shown})"
            ))
        })
    }

    fn check_kind(&self, value: &Value) -> Result<(), Status> {
        let kind = self.kind();
        let (found_version, found_kind) = (object::text(value, "/apiVersion"), object::text(value, "/kind"));
        if (found_kind.is_empty() || found_kind == kind.kind)
            && (found_version.is_empty() || found_version == kind.api_version())
        {
            return Ok(());
        }
        let short = found_version.rsplit('/').next().unwrap_or_default();
        let package =
            if kind.group.is_empty() { "core" } else { kind.group.split('.').next().unwrap_or_default() };
        Err(Status::bad_request(format!(
            "{found_kind} in version {short:?} cannot be handled as a {}: converting ({short}.{found_kind}) to ({package}.{}): unknown conversion",
            kind.kind, kind.kind
        )))
    }

    /// Holds a value against the schema by the request's wish for validation.
    pub(super) fn decode(&self, value: &mut Value) -> Result<Vec<String>, Status> {
        let unknown = schema::decode::decode(self.kind(), value)?;
        match self.query.get("fieldValidation") {
            Some("Strict") if !unknown.is_empty() => {
                let kind = self.kind();
                let listed: Vec<_> = unknown.iter().map(|field| format!("unknown field {field:?}")).collect();
                Err(Status::bad_request(format!(
                    "{} in version {:?} cannot be handled as a {}: strict decoding error: {}",
                    kind.kind,
                    kind.version,
                    kind.kind,
                    listed.join(", ")
                )))
            }
            Some("Ignore") => Ok(Vec::new()),
            _ => Ok(unknown),
        }
    }

    /// The path decides namespace and name; a body that says otherwise is refused.
    pub(super) fn place(&self, value: &mut Value) -> Result<(), Status> {
        if let Some(namespace) = &self.target.namespace {
            let found = object::namespace(value);
            if !found.is_empty() && found != namespace {
                return Err(Status::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            object::child(value, "metadata").insert("namespace".to_owned(), json!(namespace));
        }
        if let Some(name) = &self.target.name {
            let found = object::name(value);
            if !found.is_empty() && found != name {
                return Err(Status::bad_request(format!(
                    "the name of the object ({found}) does not match the name on the URL ({name})"
                )));
            }
            object::child(value, "metadata").insert("name".to_owned(), json!(name));
        }
        Ok(())
    }
}
