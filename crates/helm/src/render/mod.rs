//! Renders a chart with values into the objects of a release.
//!
//! Enters: a [`Chart`], the user's values, what is known of the release and the cluster, and a
//! [`World`] for what templates may ask beyond that. Leaves: a [`Rendered`], which is all that
//! [`crate::action`] needs to install or upgrade, and that a plan needs to compare.
//! Deliberately absent: requests to a cluster, except that [`render_on`] answers `lookup`.

mod capabilities;
mod files;
mod lookup;
mod scope;
mod witness;

pub use capabilities::offline_capabilities;
pub use lookup::render_on;

use std::collections::BTreeMap;
use std::fmt;

use crate::chart::{Chart, ChartError};
use crate::cluster::Capabilities;
use crate::manifest::{self, Hook, Manifest, ManifestError};
use crate::template::{Environment, TemplateError, TemplateSet, World, on_deep_stack};
use crate::value::{Map, printable};
use crate::values::{self, ValuesError};
use witness::Witness;

/// Why a chart does not render.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error(transparent)]
    Chart(#[from] ChartError),
    #[error(transparent)]
    Values(#[from] ValuesError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the Kubernetes version {version:?} cannot be read; v1.33.4 is one")]
    KubeVersion { version: String },
    #[error("lookups do not settle: after {rounds} renderings templates still ask for new objects")]
    Lookups { rounds: usize },
}

/// What a release is rendered for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The release's name.
    pub name: &'a str,
    pub namespace: &'a str,
    /// The revision that the rendering is for, from 1.
    pub revision: u64,
    pub is_upgrade: bool,
    /// What the user sets, as of `helm -f`.
    pub values: &'a Map,
    pub capabilities: &'a Capabilities,
}

/// A chart rendered for one revision of a release.
#[derive(Clone)]
pub struct Rendered {
    pub name: String,
    pub namespace: String,
    pub revision: u64,
    pub is_upgrade: bool,
    /// The chart with the subcharts that the values enable.
    pub chart: Chart,
    /// What the user sets.
    pub user_values: Map,
    /// The chart's defaults under what the user sets, as the templates saw them at first.
    pub effective_values: Map,
    /// Where the user's values do not fit the chart's defaults.
    pub warnings: Vec<String>,
    /// The objects, in the order of their installation.
    pub manifests: Vec<Manifest>,
    pub hooks: Vec<Hook>,
    /// The chart's own NOTES.txt.
    pub notes: String,
}

/// Without values and objects: they may hold what should not be in a log.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("revision", &self.revision)
            .field("chart", &self.chart.name())
            .finish_non_exhaustive()
    }
}

impl Rendered {
    /// All objects as one text, as Helm records it.
    pub fn manifest_text(&self) -> String {
        manifest::join(&self.manifests)
    }

    /// Each object by itself.
    pub fn objects(&self) -> impl Iterator<Item = &serde_json::Value> {
        self.manifests.iter().flat_map(Manifest::objects)
    }

    /// A digest for each object; see [`manifest::digests`].
    pub fn digests(&self) -> BTreeMap<String, Option<String>> {
        manifest::digests(&self.manifests)
    }
}

/// All that `helm template` prints of a rendering: the objects, and after them the hooks.
///
/// ```
/// # use helm::{chart::Chart, render::{self, Request}, template::World, value::Map};
/// # struct Nothing;
/// # impl World for Nothing {
/// #     fn now(&self) -> jiff::Timestamp { jiff::Timestamp::UNIX_EPOCH }
/// #     fn fill_random(&self, bytes: &mut [u8]) { bytes.fill(0) }
/// # }
/// let chart = Chart::from_files([
///     ("Chart.yaml", "apiVersion: v2\nname: tiny\nversion: 0.1.0\n"),
///     ("templates/a.yaml", "kind: ConfigMap\nname: {{ .Release.Name }}\n"),
/// ])?;
/// let request = Request {
///     name: "rel",
///     namespace: "default",
///     revision: 1,
///     is_upgrade: false,
///     values: &Map::new(),
///     capabilities: &render::offline_capabilities(),
/// };
/// let text = render::template_output(&render::render(&chart, &request, &Nothing)?);
/// assert_eq!(text, "---\n# Source: tiny/templates/a.yaml\nkind: ConfigMap\nname: rel\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn template_output(rendered: &Rendered) -> String {
    let mut text = format!("{}\n", rendered.manifest_text().trim());
    for hook in &rendered.hooks {
        text.push_str(&format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest));
    }
    text
}

/// Renders a chart. Pure but for what the world answers.
///
/// # Errors
/// The chart is not for this cluster's version, the values do not fit the chart, a template fails,
/// or what it renders is no object.
pub fn render(chart: &Chart, request: &Request<'_>, world: &dyn World) -> Result<Rendered, RenderError> {
    chart.check_installable()?;
    chart.check_dependencies()?;
    let chart = chart.resolve(request.values)?;
    let coalesced = values::coalesce(&chart, request.values)?;
    chart.check_values(&coalesced.values)?;
    chart.check_kube_version(&request.capabilities.kube_version)?;
    let effective_values = coalesced.values.deep_clone();
    let files = render_files(&chart, request, coalesced.values, world)?;
    let notes_path = format!("{}/templates/NOTES.txt", chart.name());
    let notes = files.iter().find(|file| file.path == notes_path).map(|file| file.text.clone());
    let documents = files.iter().filter(|file| !file.path.ends_with("NOTES.txt"));
    let documents = documents.map(|file| (file.path.as_str(), file.text.as_str()));
    let mut sorted = manifest::sort(documents)?;
    for one in &mut sorted.manifests {
        one.is_volatile = files.iter().any(|file| file.path == one.path && file.is_volatile);
    }
    Ok(Rendered {
        name: request.name.to_owned(),
        namespace: request.namespace.to_owned(),
        revision: request.revision,
        is_upgrade: request.is_upgrade,
        chart,
        user_values: request.values.deep_clone(),
        effective_values,
        warnings: coalesced.warnings,
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        notes: notes.unwrap_or_default(),
    })
}

struct RenderedFile {
    path: String,
    text: String,
    is_volatile: bool,
}

/// Parses all templates and renders those that are no partials, both in Helm's order: the deepest
/// path first, so that a parent's definition overrides its subchart's.
fn render_files(
    chart: &Chart,
    request: &Request<'_>,
    values: Map,
    world: &dyn World,
) -> Result<Vec<RenderedFile>, RenderError> {
    let mut templates = scope::templates(chart, request, values)?;
    templates.sort_by(|a, b| {
        let depth = |path: &str| path.matches('/').count();
        depth(&b.path).cmp(&depth(&a.path)).then_with(|| b.path.cmp(&a.path))
    });
    let mut set = TemplateSet::new();
    for template in &templates {
        set.parse(&template.path, &String::from_utf8_lossy(template.source))?;
    }
    templates.retain(|template| !template.path.rsplit('/').next().is_some_and(|base| base.starts_with('_')));
    let render_file = |template: &scope::Template<'_>| {
        let witness = Witness::new(world);
        let text = set.render_here(&template.path, &template.data(), &Environment::new(&witness))?;
        let text = printable(&text).into_owned();
        Ok(RenderedFile { path: template.path.clone(), text, is_volatile: witness.was_asked() })
    };
    on_deep_stack(|| templates.iter().map(render_file).collect())
}
