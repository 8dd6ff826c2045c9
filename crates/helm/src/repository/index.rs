//! Charts in HTTP repositories: `index.yaml`, and the archive that it names.

use serde_json::Value as Json;
use url::Url;

use super::access::{Access, RepositoryAccess};
use super::error::RepositoryError;
use super::source::without_query;
use super::transport::{Get, Transport};
use super::{ARCHIVE_BYTES_MAX, digest};
use crate::version::Version;
use crate::yaml;

/// The longest index, in bytes. The largest public ones have 20 MB.
const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How many versions an error lists.
const NEAR_MAX: usize = 6;

/// The archive of one version of a chart.
pub(super) async fn fetch(
    transport: &dyn Transport,
    access: &Access,
    repository: &Url,
    name: &str,
    version: &str,
) -> Result<Vec<u8>, RepositoryError> {
    let entry = access.repository(repository);
    let conversation = Conversation { transport, repository, access: &entry };
    let index_url = below(repository, "index.yaml");
    let text = conversation.get("the index", &index_url, INDEX_BYTES_MAX).await?;
    let malformed = |reason: String| RepositoryError::Malformed {
        what: "index of a chart repository",
        url: without_query(&index_url),
        reason,
    };
    let index = parse_index(&text).map_err(malformed)?;
    let found = find(&index, &without_query(repository), name, version)?;
    let url = chart_url(repository, found)
        .ok_or_else(|| malformed(format!("{name} {version} has no address that can be downloaded")))?;
    let archive = conversation.get("the chart", &url, ARCHIVE_BYTES_MAX).await?;
    if let Some(wanted) = found["digest"].as_str().filter(|digest| !digest.is_empty()) {
        let found = digest::sha256(&archive);
        if digest::parse(wanted).as_deref() != Some(found.as_str()) {
            let (url, wanted) = (without_query(&url), wanted.to_owned());
            return Err(RepositoryError::Digest { what: "the chart", url, wanted, found });
        }
    }
    Ok(archive)
}

struct Conversation<'a> {
    transport: &'a dyn Transport,
    repository: &'a Url,
    access: &'a RepositoryAccess,
}

impl Conversation<'_> {
    async fn get(&self, what: &'static str, url: &Url, bytes_max: u64) -> Result<Vec<u8>, RepositoryError> {
        // As in Helm, what is elsewhere gets the credentials only if the user said so.
        let is_home = url.origin() == self.repository.origin();
        let authorization = self.access.authorization.as_ref();
        let authorization = authorization.filter(|_| is_home || self.access.pass_credentials_all);
        let request = Get { url: url.as_str(), accept: "", authorization, tls: &self.access.tls, bytes_max };
        let shown = without_query(url);
        let answer = self.transport.get(&request).await;
        let answer =
            answer.map_err(|source| RepositoryError::Unreachable { what, url: shown.clone(), source })?;
        let hint = match answer.status {
            200 => return Ok(answer.body),
            401 | 403 if authorization.is_some() => {
                "its credentials are not accepted; renew them: helm repo add NAME URL --username USER --force-update"
            }
            401 | 403 => "give it credentials: helm repo add NAME URL --username USER",
            404 if what == "the index" => {
                "give the address of a chart repository, below which its index.yaml is"
            }
            404 => "the index of the repository names what is not there; tell its keeper",
            _ => "try again later",
        };
        Err(RepositoryError::Refused { what, url: shown, status: answer.status, hint: hint.to_owned() })
    }
}

/// An address below the repository's own. A query, which may be a signature, goes with it.
fn below(repository: &Url, name: &str) -> Url {
    let mut url = repository.clone();
    let path = format!("{}/{name}", repository.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// An index is YAML, or JSON where a repository is large.
fn parse_index(text: &[u8]) -> Result<Json, String> {
    let index = match serde_json::from_slice(text) {
        Ok(index) => index,
        Err(_) => {
            let text = std::str::from_utf8(text).map_err(|_| "it is no text".to_owned())?;
            let value = yaml::parse(text).map_err(|error| error.to_string())?;
            value.to_json().map_err(|error| error.to_string())?
        }
    };
    let has_entries = index.get("entries").is_some_and(Json::is_object);
    if has_entries { Ok(index) } else { Err("it has no entries".to_owned()) }
}

fn find<'a>(
    index: &'a Json,
    repository: &str,
    name: &str,
    version: &str,
) -> Result<&'a Json, RepositoryError> {
    let entries = index["entries"].as_object();
    let Some(versions) = entries.and_then(|entries| entries.get(name)?.as_array()) else {
        let names = entries.into_iter().flatten().map(|(name, _)| name.as_str());
        let (repository, name, hint) = (repository.to_owned(), name.to_owned(), similar(name, names));
        return Err(RepositoryError::NoChart { repository, name, hint });
    };
    let text = |entry: &'a Json| entry["version"].as_str().unwrap_or_default();
    versions.iter().find(|entry| text(entry) == version).ok_or_else(|| RepositoryError::NoVersion {
        repository: repository.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        hint: nearest(version, versions.iter().map(text)),
    })
}

fn chart_url(repository: &Url, entry: &Json) -> Option<Url> {
    let address = entry["urls"].as_array()?.iter().find_map(Json::as_str)?;
    let mut base = below(repository, "");
    base.set_query(None);
    let mut url = base.join(address).ok()?;
    if url.origin() == repository.origin() && url.query().is_none() {
        url.set_query(repository.query());
    }
    ["https", "http"].contains(&url.scheme()).then_some(url)
}

/// Names the charts that are called alike, or the first few.
fn similar<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<_> = names.collect();
    let alike = all.iter().filter(|name| name.contains(wanted) || wanted.contains(**name));
    let mut listed: Vec<_> = alike.copied().take(NEAR_MAX).collect();
    if listed.is_empty() {
        listed = all.into_iter().take(NEAR_MAX).collect();
    }
    if listed.is_empty() { "it is empty".to_owned() } else { format!("it has {}", listed.join(", ")) }
}

/// Names the versions that exist: the newest, and those around the wanted one.
pub(super) fn nearest<'a>(wanted: &str, versions: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<Version> = versions.filter_map(Version::parse).collect();
    known.sort_by(|a, b| b.precedence(a));
    let at = Version::parse(wanted)
        .map_or(0, |wanted| known.iter().take_while(|known| known.precedence(&wanted).is_gt()).count());
    let from = at.saturating_sub(NEAR_MAX / 2);
    let mut near: Vec<&str> =
        known.iter().skip(from).take(NEAR_MAX).map(|one| one.original.as_str()).collect();
    match known.first() {
        None => return "it has none at all".to_owned(),
        Some(newest) if !near.contains(&newest.original.as_str()) => near.insert(0, &newest.original),
        Some(_) => {}
    }
    format!("there are {}", near.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::{chart_url, nearest};

    #[test]
    fn finds_archives_beside_the_index_or_elsewhere() {
        let check = |repository: &str, address: &str, expected: Option<&str>| {
            let repository = Url::parse(repository).expect("an address");
            let found = chart_url(&repository, &json!({ "urls": [address] }));
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{address}");
        };
        let at = "https://a.example.com/charts";
        check(at, "web-1.tgz", Some("https://a.example.com/charts/web-1.tgz"));
        check(at, "/web-1.tgz", Some("https://a.example.com/web-1.tgz"));
        check(at, "https://b.example.com/web-1.tgz", Some("https://b.example.com/web-1.tgz"));
        check(at, "file:///etc/passwd", None);
        let signed = "https://a.example.com/charts?sig=x";
        check(signed, "web-1.tgz", Some("https://a.example.com/charts/web-1.tgz?sig=x"));
        check(signed, "https://b.example.com/web-1.tgz", Some("https://b.example.com/web-1.tgz"));
    }

    #[test]
    fn names_the_newest_version_and_those_around_the_wanted_one() {
        let all = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "2.0.0", "junk"];
        assert_eq!(
            nearest("1.2.5", all.into_iter()),
            "there are 2.0.0, 1.5.0, 1.4.0, 1.3.0, 1.2.0, 1.1.0, 1.0.0"
        );
        assert_eq!(nearest("9.0.0", ["1.0.0"].into_iter()), "there are 1.0.0");
        assert_eq!(nearest("1.0.0", [].into_iter()), "it has none at all");
    }
}
