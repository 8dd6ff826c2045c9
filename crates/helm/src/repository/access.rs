//! What the user's own Helm knows: repositories with credentials and certificates, and registry logins.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value as Json;
use url::Url;

use super::error::RepositoryError;
use super::transport::{Authorization, Tls};
use crate::yaml;

/// Credentials and certificates, by repository and registry. Nothing of it is ever told.
#[derive(Debug, Clone, Default)]
pub struct Access {
    repositories: BTreeMap<String, RepositoryAccess>,
    registries: BTreeMap<String, Authorization>,
}

/// How one repository is spoken to.
#[derive(Debug, Clone, Default)]
pub(super) struct RepositoryAccess {
    pub(super) authorization: Option<Authorization>,
    pub(super) tls: Tls,
    pub(super) pass_credentials_all: bool,
}

/// An entry of `repositories.yaml`, as `helm repo add` writes it.
#[derive(Deserialize)]
struct Entry {
    url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default, rename = "certFile")]
    cert_file: PathBuf,
    #[serde(default, rename = "keyFile")]
    key_file: PathBuf,
    #[serde(default, rename = "caFile")]
    ca_file: PathBuf,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    #[serde(default)]
    pass_credentials_all: bool,
}

impl Access {
    /// Reads what Helm reads: `HELM_REPOSITORY_CONFIG` and `HELM_REGISTRY_CONFIG`, else
    /// `repositories.yaml` and `registry/config.json` below Helm's directory (`HELM_CONFIG_HOME`, else
    /// `helm` below `XDG_CONFIG_HOME`, else `HOME/.config/helm`). For registries, Docker's own logins
    /// (`DOCKER_CONFIG`, else `HOME/.docker`) count too. A file that is not there is no error.
    ///
    /// # Errors
    /// A file that is there cannot be read.
    pub fn from_environment(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, RepositoryError> {
        let path = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HELM_CONFIG_HOME")
            .or_else(|| Some(path("XDG_CONFIG_HOME")?.join("helm")))
            .or_else(|| Some(path("HOME")?.join(".config/helm")));
        let below = |name| home.as_ref().map(|home| home.join(name));
        let mut access = Self::default();
        let docker = path("DOCKER_CONFIG").or_else(|| Some(path("HOME")?.join(".docker")));
        let registries = path("HELM_REGISTRY_CONFIG").or_else(|| below("registry/config.json"));
        // Helm's own logins are read last, so that they win.
        for file in [docker.map(|docker| docker.join("config.json")), registries].into_iter().flatten() {
            access.read_registries(&file)?;
        }
        if let Some(file) = path("HELM_REPOSITORY_CONFIG").or_else(|| below("repositories.yaml")) {
            access.read_repositories(&file)?;
        }
        Ok(access)
    }

    /// Adds credentials for a registry, by its host and port.
    #[must_use]
    pub fn with_registry(mut self, host: &str, authorization: Authorization) -> Self {
        self.registries.insert(host.to_owned(), authorization);
        self
    }

    /// Adds credentials and certificates for a repository, by its address.
    #[must_use]
    pub fn with_repository(mut self, url: &str, authorization: Option<Authorization>, tls: Tls) -> Self {
        let entry = RepositoryAccess { authorization, tls, pass_credentials_all: false };
        self.repositories.insert(key_of(url), entry);
        self
    }

    pub(super) fn repository(&self, url: &Url) -> RepositoryAccess {
        self.repositories.get(&key_of(url.as_str())).cloned().unwrap_or_default()
    }

    pub(super) fn registry(&self, host: &str) -> Option<&Authorization> {
        self.registries.get(host)
    }

    fn read_repositories(&mut self, path: &Path) -> Result<(), RepositoryError> {
        let Some(text) = read(path)? else { return Ok(()) };
        // The file holds passwords: what is wrong with it is told by place, never by content.
        let malformed = |reason: &str| RepositoryError::Configuration {
            path: path.to_path_buf(),
            reason: format!("{reason}; 'helm repo add' writes such a file"),
        };
        let file = yaml::parse(&text).map_err(|_| malformed("it is no YAML"))?;
        let mut file = file.to_json().map_err(|_| malformed("it is no YAML"))?;
        let entries = match file.get_mut("repositories").map(Json::take) {
            None | Some(Json::Null) => return Ok(()),
            Some(entries) => entries,
        };
        let entries: Vec<Entry> =
            serde_json::from_value(entries).map_err(|_| malformed("its repositories are malformed"))?;
        for entry in entries {
            self.repositories.insert(key_of(&entry.url), entry.access());
        }
        Ok(())
    }

    fn read_registries(&mut self, path: &Path) -> Result<(), RepositoryError> {
        let Some(text) = read(path)? else { return Ok(()) };
        let malformed = |reason: &str| RepositoryError::Configuration {
            path: path.to_path_buf(),
            reason: format!("{reason}; 'helm registry login' writes such a file"),
        };
        let file: Json = serde_json::from_str(&text).map_err(|_| malformed("it is no JSON"))?;
        for (host, entry) in file["auths"].as_object().into_iter().flatten() {
            let Some(encoded) = entry["auth"].as_str() else { continue };
            let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let decoded = decoded.ok_or_else(|| malformed("a login of it is malformed"))?;
            let (user, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
            let host = host.split_once("://").map_or(host.as_str(), |(_, rest)| rest);
            let host = host.split('/').next().unwrap_or(host);
            self.registries.insert(host.to_owned(), Authorization::basic(user, password));
        }
        Ok(())
    }
}

impl Entry {
    fn access(self) -> RepositoryAccess {
        let named = |path: PathBuf| Some(path).filter(|path| !path.as_os_str().is_empty());
        let is_open = self.username.is_empty() && self.password.is_empty();
        RepositoryAccess {
            authorization: (!is_open).then(|| Authorization::basic(&self.username, &self.password)),
            tls: Tls {
                ca_file: named(self.ca_file),
                client_files: named(self.cert_file).zip(named(self.key_file)),
                insecure_skip_verify: self.insecure_skip_tls_verify,
            },
            pass_credentials_all: self.pass_credentials_all,
        }
    }
}

fn key_of(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

fn read(path: &Path) -> Result<Option<String>, RepositoryError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let (path, reason) = (path.to_path_buf(), format!("it cannot be read: {error}"));
            Err(RepositoryError::Configuration { path, reason })
        }
    }
}
