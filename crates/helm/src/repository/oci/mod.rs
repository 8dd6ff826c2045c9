//! Charts in OCI registries: a token where one is wanted, the manifest, and the layer by its digest.

mod challenge;
mod reference;

use serde_json::Value as Json;
use url::Url;

use super::access::Access;
use super::error::RepositoryError;
use super::index::nearest;
use super::transport::{Answer, Authorization, Get, Tls, Transport};
use super::{ARCHIVE_BYTES_MAX, digest, source};
use challenge::Challenge;
pub(super) use reference::Reference;
use reference::is_loopback;

/// The longest manifest, token or list of tags, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
/// What Helm pushes, and what it pushed while charts in registries were an experiment.
const LAYER_TYPES: [&str; 2] =
    ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];

/// The archive of a chart in a registry.
pub(super) async fn fetch(
    transport: &dyn Transport,
    access: &Access,
    reference: &Reference,
) -> Result<Vec<u8>, RepositoryError> {
    let mut registry = Registry {
        transport,
        tls: Tls::default(),
        reference,
        credentials: access.registry(&reference.host),
        authorization: None,
    };
    let layer = registry.layer().await?;
    let url = reference.url(&format!("blobs/{layer}"));
    let answer = registry.get(&url, "", ARCHIVE_BYTES_MAX).await?;
    let archive = registry.expect("the chart", &url, answer)?;
    check_digest("the chart", &url, &archive, &layer)?;
    Ok(archive)
}

/// One conversation with a registry about one chart.
struct Registry<'a> {
    transport: &'a dyn Transport,
    tls: Tls,
    reference: &'a Reference,
    credentials: Option<&'a Authorization>,
    /// What the registry has accepted so far.
    authorization: Option<Authorization>,
}

impl Registry<'_> {
    /// The digest of the layer that holds the chart.
    async fn layer(&mut self) -> Result<String, RepositoryError> {
        let url = self.reference.manifest_url();
        let answer = self.get(&url, MANIFEST_TYPE, DOCUMENT_BYTES_MAX).await?;
        if answer.status == 404 {
            return Err(self.no_version().await);
        }
        let body = self.expect("the manifest", &url, answer)?;
        if let Some(wanted) = self.reference.digest() {
            check_digest("the manifest", &url, &body, wanted)?;
        }
        parse_manifest(&body).map_err(|reason| RepositoryError::Malformed {
            what: "manifest of a chart",
            url,
            reason: reason.to_owned(),
        })
    }

    /// Sends a request, and once more with what the registry wants to see.
    async fn get(&mut self, url: &str, accept: &str, bytes_max: u64) -> Result<Answer, RepositoryError> {
        let answer = self.send(url, accept, bytes_max).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.authorization = match Challenge::parse(&answer.challenge) {
            Some(Challenge::Basic) => self.credentials.cloned(),
            Some(Challenge::Bearer { realm, service, scope }) => {
                Some(self.token(&realm, &service, &scope).await?)
            }
            None => None,
        };
        if self.authorization.is_none() {
            return Ok(answer);
        }
        self.send(url, accept, bytes_max).await
    }

    async fn send(&self, url: &str, accept: &str, bytes_max: u64) -> Result<Answer, RepositoryError> {
        let authorization = self.authorization.as_ref();
        let request = Get { url, accept, authorization, tls: &self.tls, bytes_max };
        self.transport.get(&request).await.map_err(|source| unreachable("the chart", url, source))
    }

    /// A token, anonymous where the user has no credentials.
    async fn token(&self, realm: &str, service: &str, scope: &str) -> Result<Authorization, RepositoryError> {
        let malformed = |reason: &str| RepositoryError::Malformed {
            what: "registry's answer",
            url: self.reference.to_string(),
            reason: reason.to_owned(),
        };
        let url = Url::parse(realm).map_err(|_| malformed("the address for tokens is none"))?;
        let is_near = url.host_str().is_some_and(is_loopback) && is_loopback(&self.reference.host);
        if url.scheme() != "https" && !is_near {
            return Err(malformed("the address for tokens is not https"));
        }
        let url = self.token_url(url, service, scope);
        let request = Get {
            url: url.as_str(),
            accept: "application/json",
            authorization: self.credentials,
            tls: &self.tls,
            bytes_max: DOCUMENT_BYTES_MAX,
        };
        let answer = self.transport.get(&request).await;
        let answer = answer.map_err(|source| unreachable("a token", url.as_str(), source))?;
        let body = self.expect("a token", url.as_str(), answer)?;
        let token: Json = serde_json::from_slice(&body).map_err(|_| malformed("the token is no JSON"))?;
        let text = token["token"].as_str().or_else(|| token["access_token"].as_str());
        text.map(Authorization::bearer).ok_or_else(|| malformed("the answer holds no token"))
    }

    fn token_url(&self, mut realm: Url, service: &str, scope: &str) -> Url {
        let own_scope = format!("repository:{}:pull", self.reference.path);
        let scope = if scope.is_empty() { own_scope.as_str() } else { scope };
        let service = Some(("service", service)).filter(|(_, service)| !service.is_empty());
        realm.query_pairs_mut().extend_pairs(service).append_pair("scope", scope);
        realm
    }

    fn expect(&self, what: &'static str, url: &str, answer: Answer) -> Result<Vec<u8>, RepositoryError> {
        let host = &self.reference.host;
        let hint = match (answer.status, self.credentials) {
            (200, _) => return Ok(answer.body),
            (401 | 403, None) => format!("log in: helm registry login {host}"),
            (401 | 403, Some(_)) => {
                format!("the credentials are not accepted; renew them: helm registry login {host}")
            }
            (404, _) => "there is no such thing".to_owned(),
            _ => "try again later".to_owned(),
        };
        Err(RepositoryError::Refused { what, url: shown(url), status: answer.status, hint })
    }

    /// What to say of a chart or version that is not there: which versions are, where the registry tells.
    async fn no_version(&mut self) -> RepositoryError {
        let reference = self.reference;
        let (name, repository) = (reference.chart_name().to_owned(), format!("oci://{}", reference.host));
        let version =
            reference.version().or_else(|| reference.digest().map(str::to_owned)).unwrap_or_default();
        let url = reference.url("tags/list");
        let tags = match self.get(&url, "application/json", DOCUMENT_BYTES_MAX).await {
            Ok(answer) if answer.status == 200 => parse_tags(&answer.body),
            _ => Vec::new(),
        };
        if tags.is_empty() {
            let hint = format!("look for it: helm show chart oci://{}/{}", reference.host, reference.path);
            return RepositoryError::NoChart { repository, name: reference.path.clone(), hint };
        }
        let hint = nearest(&version, tags.iter().map(String::as_str));
        RepositoryError::NoVersion { repository, name, version, hint }
    }
}

fn unreachable(what: &'static str, url: &str, source: super::TransportError) -> RepositoryError {
    RepositoryError::Unreachable { what, url: shown(url), source }
}

fn shown(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "the registry".to_owned(), |url| source::without_query(&url))
}

fn check_digest(what: &'static str, url: &str, data: &[u8], wanted: &str) -> Result<(), RepositoryError> {
    let found = digest::sha256(data);
    if found == wanted {
        return Ok(());
    }
    Err(RepositoryError::Digest { what, url: shown(url), wanted: wanted.to_owned(), found })
}

/// The digest of the layer that holds the chart, or what is wrong.
fn parse_manifest(body: &[u8]) -> Result<String, &'static str> {
    let manifest: Json = serde_json::from_slice(body).map_err(|_| "it is no JSON")?;
    if manifest["config"]["mediaType"] != CONFIG_TYPE {
        return Err("what stands there is something else, such as an image");
    }
    let layers = manifest["layers"].as_array().ok_or("it has no layers")?;
    let is_chart = |layer: &&Json| LAYER_TYPES.iter().any(|kind| layer["mediaType"] == *kind);
    let layer = layers.iter().find(is_chart).ok_or("none of its layers holds a chart")?;
    layer["digest"].as_str().and_then(digest::parse).ok_or("the chart's layer has no sha256 digest")
}

fn parse_tags(body: &[u8]) -> Vec<String> {
    let list: Json = serde_json::from_slice(body).unwrap_or_default();
    let tags = list["tags"].as_array().into_iter().flatten().filter_map(Json::as_str);
    tags.map(|tag| tag.replace('_', "+")).collect()
}
