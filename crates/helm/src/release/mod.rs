//! Releases and their records: what was installed, how it ended, and where that is written down.
//!
//! Enters: rendered charts, and the Secrets in which Helm 3 and 4 keep their releases. Leaves: the
//! same Secrets, so that a real `helm list`, `helm get values` or `helm rollback` goes on from here.
//! Deliberately absent: the objects of the release; [`crate::action`] applies them.

mod chart;
mod codec;
mod error;
mod storage;

pub use codec::{RECORD_BYTES_MAX, decode, encode};
pub use error::ReleaseError;
pub use storage::History;
pub(crate) use storage::{create, purge, update};

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::chart::{Chart, ChartFile};
use crate::manifest::{Hook, Manifest, parse_joined};
use crate::value::ConvertError;

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    #[default]
    Unknown,
    Deployed,
    Uninstalled,
    /// A newer revision is deployed.
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

impl Status {
    /// Whether someone is at work on the release, or was and died.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }

    /// Helm's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn null_is_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// When a release was made and how it went. Times are RFC 3339, empty when unset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub first_deployed: String,
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub last_deployed: String,
    /// When its uninstallation began.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub deleted: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub status: Status,
    /// The rendered NOTES.txt.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    #[serde(flatten)]
    pub other: JsonMap<String, Json>,
}

/// One revision of a release, in the form of Helm's records. What this crate does not know of a
/// record is kept as it is.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    pub name: String,
    pub info: Info,
    /// The chart: metadata, templates, default values and files; subcharts are not recorded.
    pub chart: Json,
    /// The values that the user gave.
    #[serde(skip_serializing_if = "JsonMap::is_empty", deserialize_with = "null_is_default")]
    pub config: JsonMap<String, Json>,
    /// The rendered objects as one text, hooks excepted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub hooks: Vec<Hook>,
    /// The revision, from 1.
    pub version: u64,
    pub namespace: String,
    /// `ssa` for server-side apply; `csa` or empty for Helm 3's client-side apply.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub apply_method: String,
    #[serde(flatten)]
    pub other: JsonMap<String, Json>,
    /// Labels of the record that are not Helm's own.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// The resourceVersion of the record's Secret; empty before it is stored.
    #[serde(skip)]
    pub resource_version: String,
}

/// Without values, manifest and chart: they may hold what should not be in a log.
impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("version", &self.version)
            .field("status", &self.info.status)
            .finish_non_exhaustive()
    }
}

impl Release {
    /// The name of the Secret that holds this revision.
    pub fn record_name(&self) -> String {
        format!("sh.helm.release.v1.{}.v{}", self.name, self.version)
    }

    fn chart_text(&self, pointer: &str) -> &str {
        self.chart.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
    }

    pub fn chart_name(&self) -> &str {
        self.chart_text("/metadata/name")
    }

    pub fn chart_version(&self) -> &str {
        self.chart_text("/metadata/version")
    }

    pub fn app_version(&self) -> &str {
        self.chart_text("/metadata/appVersion")
    }

    /// Whether its objects were last applied by server-side apply.
    pub fn is_server_side_applied(&self) -> bool {
        self.apply_method == "ssa"
    }

    /// The objects of the release, parsed.
    ///
    /// # Errors
    /// The record's manifest is damaged.
    pub fn manifests(&self) -> Result<Vec<Manifest>, ReleaseError> {
        let (name, version) = (&self.name, self.version);
        let damaged = |source| ReleaseError::Manifest { name: name.clone(), version, source };
        parse_joined(&self.manifest).map_err(damaged)
    }

    /// When somebody last began to work on it; `None` when the record does not say.
    pub fn last_begun(&self) -> Option<Timestamp> {
        self.info.last_deployed.parse().ok()
    }

    pub(crate) fn set_status(&mut self, status: Status, description: impl Into<String>) {
        self.info.status = status;
        self.info.description = description.into();
    }
}

/// A chart as release records hold it.
pub(crate) fn chart_record(chart: &Chart) -> Result<Json, ConvertError> {
    let file = |file: &ChartFile| json!({ "name": file.path, "data": STANDARD.encode(&file.data) });
    let files = |files: &[ChartFile]| match files {
        [] => Json::Null,
        files => files.iter().map(file).collect(),
    };
    Ok(json!({
        "metadata": chart.metadata,
        "lock": chart.lock,
        "templates": files(&chart.templates),
        "values": crate::value::Value::from(chart.values.clone()).to_json()?,
        "schema": chart.schema.as_ref().map(|schema| STANDARD.encode(schema)),
        "files": files(&chart.files),
    }))
}

/// Whether Helm accepts the name for a release: a DNS name of at most 53 characters.
pub fn is_valid_name(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 53 && name.split('.').all(label)
}

#[cfg(test)]
mod tests;
