//! Which chart: a name in a repository, or a reference to a registry, in exactly one version.

use std::fmt;

use url::Url;

use super::error::{Fault, RepositoryError};
use super::oci::Reference;
use crate::version::Version;

pub(super) const OCI_SCHEME: &str = "oci://";

/// A chart in a repository or registry, in exactly one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub(super) location: Location,
    /// Empty only for a reference by digest.
    pub(super) version: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location {
    Repository {
        /// Without a trailing slash.
        url: Url,
        name: String,
    },
    Registry(Reference),
}

impl Source {
    /// Whether a chart's name or a repository's address is a reference to a registry.
    pub fn is_oci(text: &str) -> bool {
        text.starts_with(OCI_SCHEME)
    }

    /// A chart by the address of its repository (`https://`, or `oci://` of what holds it) and its
    /// name there; or, without a repository, by a whole `oci://HOST/PATH/NAME`, which may end in
    /// `:VERSION` or `@sha256:DIGEST`.
    ///
    /// # Errors
    /// The address or the name is malformed or holds credentials, or the version is missing or none
    /// that names one alone.
    pub fn parse(
        repository: Option<&str>,
        name: &str,
        version: Option<&str>,
    ) -> Result<Self, RepositoryError> {
        if let Some(version) = version.filter(|version| !is_exact(version)) {
            return Err(RepositoryError::VersionRange { version: version.to_owned() });
        }
        match repository {
            Some(address) if !Self::is_oci(address) => {
                let url = parse_repository(address)?;
                let name = parse_name(name)?.to_owned();
                let version = version.ok_or_else(|| missing_version(&name))?.to_owned();
                Ok(Self { location: Location::Repository { url, name }, version })
            }
            Some(address) => {
                let whole = format!("{}/{}", address.trim_end_matches('/'), parse_name(name)?);
                Self::of_registry(Reference::parse(&whole, Fault::Repository)?, version)
            }
            None => Self::of_registry(Reference::parse(name, Fault::Name)?, version),
        }
    }

    fn of_registry(reference: Reference, version: Option<&str>) -> Result<Self, RepositoryError> {
        let reference = reference.with_version(version)?;
        let version = reference.version().unwrap_or_default();
        Ok(Self { location: Location::Registry(reference), version })
    }

    /// The name that the chart has to have.
    pub fn chart_name(&self) -> &str {
        match &self.location {
            Location::Repository { name, .. } => name,
            Location::Registry(reference) => reference.chart_name(),
        }
    }

    /// The version that the chart has to have; `None` for a reference by digest alone.
    pub fn version(&self) -> Option<&str> {
        Some(self.version.as_str()).filter(|version| !version.is_empty())
    }

    /// What tells this source from all others.
    pub(super) fn identity(&self) -> String {
        match &self.location {
            Location::Repository { url, name } => format!("{url}\n{name}\n{}", self.version),
            Location::Registry(reference) => format!("{reference}\n{}", self.version),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Repository { url, name } => {
                write!(f, "{name} {} of {}", self.version, without_query(url))
            }
            Location::Registry(reference) => write!(f, "{reference}"),
        }
    }
}

/// As Helm compares it: all three numbers, and no operator.
fn is_exact(version: &str) -> bool {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').count() == 3 && Version::parse(version).is_some()
}

pub(super) fn missing_version(name: &str) -> RepositoryError {
    RepositoryError::Reference {
        reference: name.to_owned(),
        reason: "a chart of a repository needs its exact version",
        fault: Fault::Version,
    }
}

fn parse_repository(address: &str) -> Result<Url, RepositoryError> {
    let refuse = |reason| {
        // What cannot be read may hold a password.
        let reference = if address.contains('@') { "the address".to_owned() } else { address.to_owned() };
        Err(RepositoryError::Reference { reference, reason, fault: Fault::Repository })
    };
    let Ok(mut url) = Url::parse(address) else {
        return refuse("a repository's address begins with https://, http:// or oci://");
    };
    if !["https", "http"].contains(&url.scheme()) || !url.has_host() {
        return refuse("a repository's address begins with https://, http:// or oci://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it holds credentials; give them to 'helm repo add --username --password' instead");
    }
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn parse_name(name: &str) -> Result<&str, RepositoryError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with('.') {
        return Err(RepositoryError::Reference {
            reference: name.to_owned(),
            reason: "a chart's name in a repository is letters, digits, '-', '_' and '.'",
            fault: Fault::Name,
        });
    }
    Ok(name)
}

/// How a URL is told to users: a query may hold a signature.
pub(super) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Only a URL without a host refuses, and one without a host holds no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::Source;
    use crate::repository::Fault;

    fn check(
        repository: Option<&str>,
        name: &str,
        version: Option<&str>,
        expected: Result<&str, (Fault, &str)>,
    ) {
        let found = Source::parse(repository, name, version);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
            (Err(found), Err((fault, part))) => {
                assert_eq!(found.fault(), fault, "{found}");
                assert!(found.to_string().contains(part), "{found}");
                assert!(!found.to_string().contains("hunter2"), "{found}");
            }
            (found, expected) => panic!("{repository:?} {name}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn names_one_version_of_one_chart() {
        let at = Some("https://charts.example.com/a/");
        check(at, "web", Some("1.2.3"), Ok("web 1.2.3 of https://charts.example.com/a"));
        check(at, "web", Some("1.2.3-rc.1+x"), Ok("web 1.2.3-rc.1+x of https://charts.example.com/a"));
        check(
            Some("oci://r.example.com/charts"),
            "web",
            Some("1.2.3"),
            Ok("oci://r.example.com/charts/web:1.2.3"),
        );
        check(None, "oci://r.example.com/web", Some("1.2.3+x"), Ok("oci://r.example.com/web:1.2.3_x"));
        check(None, "oci://r.example.com/web:1.2.3", None, Ok("oci://r.example.com/web:1.2.3"));
    }

    #[test]
    fn refuses_what_names_none_or_many() {
        let at = Some("https://charts.example.com");
        check(at, "web", None, Err((Fault::Version, "exact version")));
        for range in ["^1.0.0", "1.2", "1.x", ">=1.0.0", "", "latest"] {
            check(at, "web", Some(range), Err((Fault::Version, "no single version")));
        }
        check(None, "oci://r.example.com/web", None, Err((Fault::Version, "exact version")));
        check(None, "oci://r.example.com/web:1.2.3", Some("1.2.4"), Err((Fault::Version, "another version")));
        check(at, "a/web", Some("1.2.3"), Err((Fault::Name, "a/web")));
        check(at, "../web", Some("1.2.3"), Err((Fault::Name, "../web")));
        check(Some("charts.example.com"), "web", Some("1.2.3"), Err((Fault::Repository, "https://")));
        check(Some("file:///etc"), "web", Some("1.2.3"), Err((Fault::Repository, "https://")));
        let secret = Some("https://me:hunter2@charts.example.com");
        check(secret, "web", Some("1.2.3"), Err((Fault::Repository, "helm repo add")));
        check(None, "oci://me:hunter2@r.example.com/web:1.2.3", None, Err((Fault::Name, "registry login")));
        check(None, "oci://r.example.com", Some("1.2.3"), Err((Fault::Name, "oci://HOST/PATH")));
    }
}
