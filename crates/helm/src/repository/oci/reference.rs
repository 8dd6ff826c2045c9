//! `oci://HOST/PATH/NAME:TAG@DIGEST`, as Helm reads it.

use std::fmt;
use std::net::Ipv4Addr;

use super::super::digest;
use super::super::error::{Fault, RepositoryError};
use super::super::source::{OCI_SCHEME, missing_version};

/// A chart in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Reference {
    /// With the port, where one is named.
    pub(super) host: String,
    /// `PATH/NAME`, without a leading slash.
    pub(super) path: String,
    /// The version with `_` for the `+` that no tag may hold.
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Reads a reference; `fault` is what an error is blamed on.
    pub(in super::super) fn parse(text: &str, fault: Fault) -> Result<Self, RepositoryError> {
        let shown = if text.contains('@') { text.split('@').next_back().unwrap_or_default() } else { text };
        let refuse = |reason| RepositoryError::Reference { reference: shown.to_owned(), reason, fault };
        let malformed = || refuse("wanted oci://HOST/PATH/NAME, lower-case, with :VERSION or @sha256:DIGEST");
        let rest = text.strip_prefix(OCI_SCHEME).ok_or_else(malformed)?;
        let (host, rest) = rest.split_once('/').ok_or_else(malformed)?;
        if host.contains('@') {
            return Err(refuse("it holds credentials; give them to 'helm registry login' instead"));
        }
        let (rest, digest) = match rest.split_once('@') {
            None => (rest, None),
            Some((rest, digest)) => (rest, Some(digest::parse(digest).ok_or_else(malformed)?)),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            None => (rest, None),
            Some((path, tag)) => (path, Some(tag.replace('+', "_"))),
        };
        let is_host =
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
        let part = |part: &str| {
            let ends = [part.chars().next(), part.chars().next_back()];
            ends.iter().all(|end| end.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        let is_tag = |tag: &str| {
            (1..=128).contains(&tag.len())
                && tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
                && !tag.starts_with(['.', '-'])
        };
        if !is_host || !path.split('/').all(part) || tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(malformed());
        }
        Ok(Self { host: host.to_owned(), path: path.to_owned(), tag, digest })
    }

    /// The reference to this version of the chart, which its own tag may not contradict.
    pub(in super::super) fn with_version(mut self, version: Option<&str>) -> Result<Self, RepositoryError> {
        match (version.map(|version| version.replace('+', "_")), &self.tag) {
            (Some(wanted), Some(tag)) if wanted != *tag => Err(RepositoryError::Reference {
                reference: self.to_string(),
                reason: "its tag is another version than the one that is set; keep one of them",
                fault: Fault::Version,
            }),
            (None, None) if self.digest.is_none() => Err(missing_version(&self.to_string())),
            (wanted, tag) => {
                self.tag = wanted.or_else(|| tag.clone());
                Ok(self)
            }
        }
    }

    /// The version that the tag stands for.
    pub(in super::super) fn version(&self) -> Option<String> {
        self.tag.as_ref().map(|tag| tag.replace('_', "+"))
    }

    pub(in super::super) fn chart_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(super) fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The address of something of this chart: a digest wins over a tag.
    pub(super) fn manifest_url(&self) -> String {
        let which = self.digest.as_ref().or(self.tag.as_ref());
        self.url(&format!("manifests/{}", which.map_or("latest", String::as_str)))
    }

    pub(super) fn url(&self, what: &str) -> String {
        // A registry on this machine is asked in the clear, as Docker asks it.
        let scheme = if is_loopback(&self.host) { "http" } else { "https" };
        format!("{scheme}://{}/v2/{}/{what}", self.host, self.path)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OCI_SCHEME}{}/{}", self.host, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether a host, with or without a port, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => return rest.starts_with("::1]"),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn knows_this_machine() {
        for here in ["localhost", "localhost:5000", "127.0.0.1:80", "127.1.2.3", "[::1]:5000"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in ["localhost.example.com", "128.0.0.1", "[::2]:80", "r.example.com:443", "1270.0.0.1"]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
