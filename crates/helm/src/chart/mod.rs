//! Charts: what is read from a directory, an archive or memory, and what depends on what.
//!
//! Enters: files, within [`FILE_BYTES_MAX`] and [`CHART_BYTES_MAX`], none of them outside the
//! chart. Leaves: a [`Chart`] with its metadata checked, its default values parsed and its
//! subcharts loaded; and, given the user's values, only the subcharts that are enabled, and whether
//! the values are what each chart's values.schema.json wants.
//! Deliberately absent: repositories and registries; [`crate::repository`] fetches from them.

mod dependencies;
mod error;
mod ignore;
mod load;
mod metadata;
mod pattern;
mod schema;
mod source;

use std::io::Read;
use std::path::Path;

pub use error::ChartError;
pub use metadata::{Dependency, Maintainer, Metadata};
use source::Budget;
pub use source::{CHART_BYTES_MAX, FILE_BYTES_MAX};

use crate::value::{Map, Value};

/// One file of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFile {
    /// Slash-separated, below the chart's own directory.
    pub path: String,
    pub data: Vec<u8>,
}

/// A chart and the charts in it.
#[derive(Debug, Clone)]
pub struct Chart {
    pub metadata: Metadata,
    /// Chart.lock as it stands, or requirements.lock of an old chart.
    pub lock: Option<serde_json::Value>,
    /// The files below `templates/`, NOTES.txt and partials among them.
    pub templates: Vec<ChartFile>,
    /// values.yaml. A clone of a chart shares this map; nothing in this crate changes it.
    pub values: Map,
    /// values.schema.json as it stands; see [`Chart::check_values`].
    pub schema: Option<Vec<u8>>,
    /// All other files, which templates reach by `.Files`.
    pub files: Vec<ChartFile>,
    /// The subcharts, in the order of their names.
    pub dependencies: Vec<Chart>,
}

impl Chart {
    /// Reads a chart from a directory or a `.tgz` archive. `.helmignore` is heeded in a directory.
    ///
    /// # Errors
    /// The path cannot be read, is no chart, or breaks a bound; Chart.yaml or values.yaml is
    /// malformed.
    pub fn load(path: &Path) -> Result<Self, ChartError> {
        let read = |source| ChartError::Read { path: path.to_path_buf(), source };
        if std::fs::metadata(path).map_err(read)?.is_dir() {
            let mut budget = Budget::new();
            return load::load_files(source::read_directory(path, &mut budget)?, &mut budget);
        }
        Self::from_archive(std::fs::File::open(path).map_err(read)?)
    }

    /// Reads a chart from a gzipped tar archive.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn from_archive(archive: impl Read) -> Result<Self, ChartError> {
        let mut budget = Budget::new();
        load::load_files(source::read_archive(archive, &mut budget)?, &mut budget)
    }

    /// Makes a chart of files in memory, their paths relative to the chart's directory.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn from_files<P, D>(files: impl IntoIterator<Item = (P, D)>) -> Result<Self, ChartError>
    where
        P: Into<String>,
        D: Into<Vec<u8>>,
    {
        let files = files.into_iter().map(|(path, data)| ChartFile { path: path.into(), data: data.into() });
        load::load_files(files.collect(), &mut Budget::new())
    }

    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The chart with only those subcharts that tags and conditions enable, under their aliases,
    /// and with the values imported that it imports from them. What rendering works on.
    ///
    /// # Errors
    /// The values hold something other than a map where a subchart's values belong.
    pub fn resolve(&self, user_values: &Map) -> Result<Self, ChartError> {
        dependencies::resolve(self, user_values)
    }

    /// Whether this is a chart to install, and no library of templates for other charts.
    ///
    /// # Errors
    /// It is a library.
    pub fn check_installable(&self) -> Result<(), ChartError> {
        match self.metadata.is_library() {
            true => Err(ChartError::Library { chart: self.name().to_owned() }),
            false => Ok(()),
        }
    }

    /// Whether the charts that Chart.yaml names are in `charts/`. Only names are looked at, as in
    /// Helm.
    ///
    /// # Errors
    /// Names those that are missing.
    pub fn check_dependencies(&self) -> Result<(), ChartError> {
        let is_missing = |one: &&Dependency| self.dependencies.iter().all(|chart| chart.name() != one.name);
        let missing = self.metadata.dependencies.iter().filter(is_missing).map(|one| one.name.as_str());
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (chart, missing) = (self.name().to_owned(), missing.join(", "));
        Err(ChartError::MissingDependencies { chart, missing })
    }

    /// Whether the values of this chart and of each subchart, as [`crate::values::coalesce`] brings them
    /// together, are what their values.schema.json want. A schema that refers to anything outside of
    /// its chart is refused.
    ///
    /// # Errors
    /// Names, by chart and path, all that is not as a schema wants it, or the schema that is malformed.
    pub fn check_values(&self, values: &Map) -> Result<(), ChartError> {
        let values = Value::from(values.clone()).to_json().map_err(|error| ChartError::Yaml {
            path: format!("values of {}", self.name()),
            source: error.into(),
        })?;
        schema::check(self, &values)
    }

    /// Whether this chart may be installed on a cluster of this version (`v1.33.4-gke.1` counts
    /// as 1.33.4).
    ///
    /// # Errors
    /// Names both versions when it may not, or when the cluster's is unreadable.
    pub fn check_kube_version(&self, kube_version: &str) -> Result<(), ChartError> {
        let wanted = &self.metadata.kube_version;
        if wanted.is_empty() {
            return Ok(());
        }
        let range = crate::version::Range::parse(wanted);
        let release = crate::version::kubernetes_release(kube_version);
        match (range, release) {
            (Some(range), Some(release)) if range.contains(&release) => Ok(()),
            _ => Err(ChartError::KubeVersion {
                chart: self.name().to_owned(),
                wanted: wanted.clone(),
                cluster: kube_version.to_owned(),
            }),
        }
    }

    /// Whether a rendering could depend on what the cluster is: a template here or in a subchart, or a
    /// default value that `tpl` could read, mentions `Capabilities`, or Chart.yaml wants a kubeVersion.
    /// May say yes in vain, never no.
    pub fn reads_capabilities(&self) -> bool {
        const WORD: &[u8] = b"Capabilities";
        let mentions = |file: &ChartFile| file.data.windows(WORD.len()).any(|bytes| bytes == WORD);
        !self.metadata.kube_version.is_empty()
            || self.templates.iter().chain(&self.files).any(mentions)
            || format!("{:?}", self.values).contains("Capabilities")
            || self.dependencies.iter().any(Self::reads_capabilities)
    }

    /// The files below `crds/` that hold manifests, the subcharts' after the chart's own.
    pub fn crds(&self) -> Vec<&ChartFile> {
        let is_manifest = |path: &str| {
            let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
            matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
        };
        let own = self.files.iter().filter(|file| file.path.starts_with("crds/") && is_manifest(&file.path));
        own.chain(self.dependencies.iter().flat_map(Self::crds)).collect()
    }
}
