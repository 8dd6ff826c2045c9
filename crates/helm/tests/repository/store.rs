//! An OCI registry in memory: as much of the distribution protocol as pushing and pulling takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::server::is_authorized;

const TOKEN: &str = "a-token-for-charts";

/// Who may push and pull.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    /// Anyone who fetched a token first.
    AnonymousToken,
    /// Who shows user and password to the server of tokens.
    Token,
    /// Who shows user and password.
    Basic,
}

#[derive(Default)]
struct Content {
    blobs: BTreeMap<String, Vec<u8>>,
    /// By digest and by tag, the tag with the repository's name in front.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
}

#[derive(Clone)]
pub(crate) struct Registry {
    door: Door,
    content: Arc<Mutex<Content>>,
}

fn digest_of(data: &[u8]) -> String {
    Sha256::digest(data).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

impl Registry {
    pub(crate) fn new(door: Door) -> Self {
        Self { door, content: Arc::default() }
    }

    /// The same registry with another door.
    pub(crate) fn behind(&self, door: Door) -> Self {
        Self { door, content: Arc::clone(&self.content) }
    }

    pub(crate) fn router(&self) -> Router {
        let router = Router::new().route("/token", get(token)).fallback(serve);
        router.layer(axum::extract::DefaultBodyLimit::disable()).with_state(self.clone())
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no request panics")
    }

    /// Puts a chart in by hand, its parts as they are.
    pub(crate) fn put(&self, name_and_tag: &str, manifest: &serde_json::Value, blob: (&str, &[u8])) {
        let manifest = manifest.to_string().into_bytes();
        let mut content = self.content();
        content.blobs.insert(blob.0.to_owned(), blob.1.to_vec());
        content.manifests.insert(name_and_tag.to_owned(), (String::new(), manifest));
    }

    fn is_open_to(&self, headers: &HeaderMap) -> bool {
        let seen = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match self.door {
            Door::Open => true,
            Door::Basic => is_authorized(headers),
            Door::AnonymousToken | Door::Token => seen == Some(format!("Bearer {TOKEN}").as_str()),
        }
    }

    fn challenge(&self, headers: &HeaderMap) -> Response {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let challenge = match self.door {
            Door::Basic => "Basic realm=\"charts\"".to_owned(),
            _ => format!(
                "Bearer realm=\"http://{host}/token\",service=\"charts\",scope=\"repository:a,b:pull\""
            ),
        };
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
    }
}

async fn token(State(registry): State<Registry>, uri: Uri, headers: HeaderMap) -> Response {
    let query = uri.query().unwrap_or_default();
    if !query.contains("service=charts") || !query.contains("scope=repository") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    if registry.door == Door::Token && !is_authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    axum::Json(json!({ "token": TOKEN })).into_response()
}

async fn serve(State(registry): State<Registry>, request: Request) -> Response {
    if !registry.is_open_to(request.headers()) {
        return registry.challenge(request.headers());
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
    let path = parts.uri.path().strip_prefix("/v2/").unwrap_or_default();
    let mut content = registry.content();
    if path.is_empty() {
        return StatusCode::OK.into_response();
    }
    if let Some((name, digest)) = path.split_once("/blobs/") {
        return blob(&mut content, &parts, (name, digest), &body);
    }
    if let Some((name, which)) = path.split_once("/manifests/") {
        return manifest(&mut content, &parts, (name, which), &body);
    }
    let Some(name) = path.strip_suffix("/tags/list") else { return StatusCode::NOT_FOUND.into_response() };
    let prefix = format!("{name}:");
    let tags: Vec<_> = content.manifests.keys().filter_map(|key| key.strip_prefix(&prefix)).collect();
    if tags.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    axum::Json(json!({ "name": name, "tags": tags })).into_response()
}

fn blob(
    content: &mut Content,
    parts: &axum::http::request::Parts,
    (name, digest): (&str, &str),
    body: &Bytes,
) -> Response {
    match parts.method {
        Method::POST => (StatusCode::ACCEPTED, [(header::LOCATION, format!("/v2/{name}/blobs/uploads/1"))])
            .into_response(),
        Method::PUT => {
            let digest = digest_of(body);
            let headers = [("docker-content-digest", digest.clone())];
            content.blobs.insert(digest, body.to_vec());
            (StatusCode::CREATED, headers).into_response()
        }
        _ => match content.blobs.get(digest) {
            Some(data) => {
                let headers = [("docker-content-digest", digest.to_owned())];
                (headers, data.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

fn manifest(
    content: &mut Content,
    parts: &axum::http::request::Parts,
    (name, which): (&str, &str),
    body: &Bytes,
) -> Response {
    let key = |which: &str| format!("{name}{}{which}", if which.starts_with("sha256:") { "@" } else { ":" });
    if parts.method == Method::PUT {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let entry = (kind.unwrap_or_default().to_owned(), body.to_vec());
        let digest = digest_of(body);
        content.manifests.insert(key(&digest), entry.clone());
        content.manifests.insert(key(which), entry);
        return (StatusCode::CREATED, [("docker-content-digest", digest)]).into_response();
    }
    match content.manifests.get(&key(which)) {
        Some((kind, data)) => {
            let headers = [("docker-content-digest", digest_of(data)), ("content-type", kind.clone())];
            (headers, data.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
