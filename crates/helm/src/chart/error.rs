//! Why a chart cannot be read or used.

use std::path::PathBuf;

/// Why a chart cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot unpack the chart archive: a .tgz made by 'helm package' is wanted")]
    Archive { source: std::io::Error },
    #[error("the chart archive holds no files")]
    EmptyArchive,
    #[error("the chart archive holds {path:?}, which is not below one top directory; pack it anew")]
    PathEscape { path: String },
    #[error("{} is no regular file; remove it from the chart or list it in .helmignore", path.display())]
    Irregular { path: PathBuf },
    #[error("{} links back to a directory above it", path.display())]
    LinkCycle { path: PathBuf },
    #[error("the file name {} is not UTF-8", path.display())]
    Name { path: PathBuf },
    #[error("{path} has {bytes} bytes, a chart's file may have {limit}; list it in .helmignore")]
    FileTooLarge { path: String, bytes: u64, limit: u64 },
    #[error("with {path} the chart has more than {limit} bytes; list large files in .helmignore")]
    TooLarge { path: String, limit: u64 },
    #[error("charts are nested deeper than {limit} levels at {chart}")]
    TooDeep { chart: String, limit: usize },
    #[error(".helmignore: {rule:?}: {reason}")]
    IgnoreRule { rule: String, reason: String },
    #[error("Chart.yaml is missing: this is no chart")]
    NoMetadata,
    #[error("cannot parse {path}")]
    Yaml { path: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{path} holds {found}, a map is wanted")]
    NotAMap { path: String, found: String },
    #[error("Chart.yaml: {field} {value:?}: {reason}")]
    Metadata { field: &'static str, value: String, reason: &'static str },
    #[error("chart {chart} is a library and not installable; install a chart that depends on it")]
    Library { chart: String },
    #[error("the subchart {name} of {parent}")]
    Subchart { name: String, parent: String, source: Box<ChartError> },
    #[error(
        "chart {chart} names dependencies that charts/ does not hold: {missing}; run 'helm dependency build'"
    )]
    MissingDependencies { chart: String, missing: String },
    #[error("the values of the subchart {subchart} are {found}, a map is wanted")]
    SubchartValues { subchart: String, found: String },
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):{findings}")]
    Values { findings: String },
    #[error(
        "chart {chart} requires Kubernetes {wanted}, the cluster runs {cluster}; use a chart version for it"
    )]
    KubeVersion { chart: String, wanted: String, cluster: String },
}
