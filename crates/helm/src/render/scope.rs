//! What each template sees: its own chart's values, files and metadata.

use super::{RenderError, Request, capabilities, files};
use crate::chart::Chart;
use crate::value::{Map, Value};

/// Go's type of a values map, which `printf "%T"` shows.
const VALUES_TYPE: &str = "common.Values";

/// One template and the data it is rendered with.
pub(super) struct Template<'a> {
    /// With the charts it is in: `parent/charts/child/templates/x.yaml`.
    pub(super) path: String,
    pub(super) source: &'a [u8],
    base_path: String,
    /// Shared by all templates of the chart: what one sets, the next one sees.
    scope: Map,
}

impl Template<'_> {
    /// The data, with `.Template` set to this template.
    pub(super) fn data(&self) -> Value {
        let template = Map::with_type(VALUES_TYPE);
        template.insert("Name", self.path.as_str());
        template.insert("BasePath", self.base_path.as_str());
        self.scope.insert("Template", template);
        self.scope.clone().into()
    }
}

/// The templates of a chart and its subcharts. `values` are the coalesced ones.
pub(super) fn templates<'a>(
    chart: &'a Chart,
    request: &Request<'_>,
    values: Map,
) -> Result<Vec<Template<'a>>, RenderError> {
    let version = &request.capabilities.kube_version;
    let release = crate::version::kubernetes_release(version);
    let release = release.ok_or_else(|| RenderError::KubeVersion { version: version.clone() })?;
    let shared = Shared {
        release: release_value(request),
        capabilities: capabilities::value(version, &release, &request.capabilities.api_versions),
    };
    let mut templates = Vec::new();
    collect(chart, chart.name(), true, values, &shared, &mut templates);
    Ok(templates)
}

/// What all charts of a release share.
struct Shared {
    release: Value,
    capabilities: Value,
}

fn release_value(request: &Request<'_>) -> Value {
    let release = Map::new();
    release.insert("Name", request.name);
    release.insert("Namespace", request.namespace);
    release.insert("IsUpgrade", request.is_upgrade);
    release.insert("IsInstall", !request.is_upgrade);
    release.insert("Revision", Value::Int(i64::try_from(request.revision).unwrap_or(i64::MAX)));
    release.insert("Service", "Helm");
    release.into()
}

fn collect<'a>(
    chart: &'a Chart,
    full_path: &str,
    is_root: bool,
    values: Map,
    shared: &Shared,
    into: &mut Vec<Template<'a>>,
) -> Map {
    let scope = Map::new();
    let subcharts = Map::new();
    scope.insert("Chart", chart.metadata.to_template_value(is_root));
    scope.insert("Files", files::value(&chart.files));
    scope.insert("Release", shared.release.clone());
    scope.insert("Capabilities", shared.capabilities.clone());
    scope.insert("Values", values.typed(VALUES_TYPE));
    scope.insert("Subcharts", subcharts.clone());
    for child in &chart.dependencies {
        let child_values = match values.get(child.name()) {
            Some(Value::Map(child_values)) => child_values,
            _ => Map::new(),
        };
        let child_path = format!("{full_path}/charts/{}", child.name());
        let child_scope = collect(child, &child_path, false, child_values, shared, into);
        subcharts.insert(child.name(), child_scope);
    }
    for file in &chart.templates {
        let base = file.path.rsplit('/').next().unwrap_or(&file.path);
        if chart.metadata.is_library() && !base.starts_with('_') {
            continue;
        }
        into.push(Template {
            path: format!("{full_path}/{}", file.path),
            source: &file.data,
            base_path: format!("{full_path}/templates"),
            scope: scope.clone(),
        });
    }
    scope
}
