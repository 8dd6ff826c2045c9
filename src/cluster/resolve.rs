//! Makes a [`Config`] of what the user wrote: the provider's defaults under the user's values under
//! the typed attributes, rendered by the chart. Pure; the only way to a [`Config`].

use std::collections::BTreeMap;

use helm::chart::Chart;
use helm::cluster::Capabilities;
use helm::render::{Rendered, Request};
use helm::template::World;
use helm::value::{Map, Value};
use serde_json::{Map as JsonMap, Value as Json};
use tfplugin_sdk::{Attr, AttributePath, Diagnostic, Diagnostics, path};

use super::adopted::sentinel_secret;
use super::chart_source::ChartSource;
use super::config::{Auth, Config, GkeConfig, Repair, Timeouts};
use super::digest::{fixed_fields_digest, pod_template_digest};
use super::discover::is_set_of_redis_ha;
use super::duration::parse_duration;
use super::model::Model;
use super::{typed, values};
use crate::chart::effective::{effective, names};
use crate::chart::{Facts, Names, Settings};
use crate::gke::ClusterId;
use crate::sentinel::settings::same;

/// What a rendering needs beside the configuration.
#[derive(Clone, Debug)]
pub struct Gathered {
    pub chart: Chart,
    pub source: ChartSource,
    pub capabilities: Capabilities,
    /// The provider's own, for clusters that name none.
    pub project: Option<String>,
    pub location: Option<String>,
}

/// Which revision of the release is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    pub number: u64,
    pub is_upgrade: bool,
}

impl Revision {
    pub const FIRST: Self = Self { number: 1, is_upgrade: false };

    pub fn after(number: u64) -> Self {
        Self { number: number + 1, is_upgrade: true }
    }
}

/// Resolves a configuration. `prior` decides what an imported release keeps: its own values and
/// its way of authentication, where the configuration is silent.
pub fn resolve(
    config: &Model,
    prior: Option<&Model>,
    gathered: &Gathered,
    revision: Revision,
    world: &dyn World,
) -> Result<Config, Diagnostics> {
    let config = &keeping(config, prior);
    let (release, namespace) = release_name(config)?;
    let documents = documents(config, prior)?;
    let coalesced = coalesce(gathered, &documents)?;
    let auth = auth(config, prior, &coalesced, &names(&coalesced, release, namespace));
    let mut settings = typed::settings(config);
    settings.auth.enabled = Some(auth != Auth::Disabled);
    if let Some((secret, key)) = auth.secret() {
        settings.auth.existing_secret = Some(secret.to_owned());
        settings.auth.secret_key = Some(key.to_owned());
    }
    if !config.values.is_null() {
        refuse_contradictions(&documents, &settings)?;
    }
    let mut values = helm::values::merge(&documents, &to_map(&settings.to_values()));
    if let Some(secret) = prior.and_then(|_| sentinel_secret(&coalesced, release, namespace)) {
        values = helm::values::merge(&values, &to_map(&secret));
    }
    let request = Request {
        name: release,
        namespace,
        revision: revision.number,
        is_upgrade: revision.is_upgrade,
        values: &values,
        capabilities: &gathered.capabilities,
    };
    let rendered = helm::render::render(&gathered.chart, &request, world)
        .map_err(|error| Diagnostic::error("The chart does not render", chain(&error)).at(path!["values"]))?;
    let effective_values = to_json(&rendered.effective_values);
    let names = names(&effective_values, release, namespace);
    require_redis_ha(&rendered, &names)?;
    let effective = effective(&effective_values, &names);
    Ok(Config {
        create_namespace: config.create_namespace.unwrap_or(true),
        gke: gke(config, gathered)?,
        repair: if config.repair.as_str() == Some("report") { Repair::Report } else { Repair::Auto },
        auth,
        names,
        effective,
        effective_values,
        objects: rendered.digests(),
        pod_template: pod_template_digest(rendered.objects()),
        fixed_fields: fixed_fields_digest(rendered.objects()),
        chart_source: gathered.source.clone(),
        rendered,
        capabilities: gathered.capabilities.clone(),
    })
}

/// Another chart would be installed, and its pods waited for in vain.
fn require_redis_ha(rendered: &Rendered, names: &Names) -> Result<(), Diagnostic> {
    let set = names.stateful_set();
    if rendered.objects().any(|object| is_set_of_redis_ha(object, &set)) {
        return Ok(());
    }
    let (chart, version) = (rendered.chart.name(), &rendered.chart.metadata.version);
    let detail = format!(
        "{chart} {version} renders no StatefulSet {set} with the containers redis and sentinel. Wanted the redis-ha \
         chart, or one that names its objects as that does; leave chart out for the one that comes with the provider."
    );
    Err(Diagnostic::error("No redis-ha chart", detail).at(path!["chart"]))
}

/// The rules that need the values, on a configuration that may hold unknowns.
pub fn facts(config: &Model, gathered: &Gathered) -> Result<Facts, Diagnostics> {
    let (release, namespace) = release_name(config)?;
    let documents = documents(config, None)?;
    let settings = typed::settings(config);
    refuse_contradictions(&documents, &settings)?;
    let values = helm::values::merge(&documents, &to_map(&settings.to_values()));
    let coalesced = coalesce(gathered, &values)?;
    let names = names(&coalesced, release, namespace);
    // A configuration that is silent about the chart may be that of a release with another one: the
    // plan, which knows, applies the bundled chart's own rules.
    let says_bundled = gathered.source == ChartSource::Bundled && !config.chart.is_null();
    let mut facts = Facts::of(&effective(&coalesced, &names), &names, says_bundled);
    forget_unknown(config, &mut facts);
    Ok(facts)
}

fn forget_unknown(config: &Model, facts: &mut Facts) {
    if config.name.is_unknown() {
        facts.fullname = None;
    }
    if config.replicas.is_unknown() {
        facts.replicas = None;
    }
    if config.image.is_unknown() || config.image.known().is_some_and(|image| image.tag.is_unknown()) {
        facts.image_tag = None;
    }
    let redis = config.redis.known();
    if config.redis.is_unknown() || redis.is_some_and(|redis| redis.config.is_unknown()) {
        facts.min_replicas_to_write = None;
        facts.maxmemory_bytes = None;
        facts.memory_limit_bytes = None;
        facts.server.clear();
    }
    let sentinel = config.sentinel.known().cloned().unwrap_or_default();
    let all = config.sentinel.is_unknown();
    if all || sentinel.quorum.is_unknown() {
        facts.quorum = None;
    }
    if all || sentinel.down_after_milliseconds.is_unknown() {
        facts.down_after_milliseconds = None;
    }
    if all || sentinel.failover_timeout_milliseconds.is_unknown() {
        facts.failover_timeout_milliseconds = None;
    }
    if all || sentinel.parallel_syncs.is_unknown() {
        facts.parallel_syncs = None;
    }
}

fn release_name(config: &Model) -> Result<(&str, &str), Diagnostics> {
    let name = config.name.as_str().or(config.name.is_unknown().then_some("unknown"));
    let Some(name) = name else {
        return Err(Diagnostic::error("Missing name", "The cluster has no name.").at(path!["name"]).into());
    };
    Ok((name, config.namespace.as_str().unwrap_or("default")))
}

/// A configuration without a gke block stays where the state says the cluster is, and a setting that
/// is only spelled otherwise than in the state is no other setting.
fn keeping(config: &Model, prior: Option<&Model>) -> Model {
    let mut kept = config.clone();
    let Some(prior) = prior else { return kept };
    kept.gke = kept.gke.or(prior.gke.clone());
    let before = prior.redis.known().and_then(|redis| redis.config.known());
    let now = kept.redis.known_mut().and_then(|redis| redis.config.known_mut());
    if let (Some(now), Some(before)) = (now, before) {
        for (name, value) in now {
            let said = value.as_str().zip(before.get(name).and_then(Attr::as_str));
            if let Some((_, before)) = said.filter(|(now, before)| same(name, now, before)) {
                *value = before.into();
            }
        }
    }
    kept
}

/// The user's documents; an imported release that is given none keeps its own.
fn documents(config: &Model, prior: Option<&Model>) -> Result<Map, Diagnostics> {
    let prior_values = || prior.map(|prior| prior.values.clone()).unwrap_or_default();
    let documents = typed::list(&config.values.clone().or(prior_values())).unwrap_or_default();
    values::parse_documents(&documents)
}

fn coalesce(gathered: &Gathered, values: &Map) -> Result<Json, Diagnostics> {
    let coalesced = helm::values::coalesce(&gathered.chart, values).map_err(|error| {
        Diagnostic::error("The values do not fit the chart", chain(&error)).at(path!["values"])
    })?;
    Ok(to_json(&coalesced.values))
}

fn refuse_contradictions(documents: &Map, settings: &Settings) -> Result<(), Diagnostics> {
    let found = values::contradictions(&to_json(documents), &settings.to_values());
    let diagnostics: Diagnostics = found
        .into_iter()
        .map(|found| {
            let detail = format!(
                "The values say `{}`, the attribute says `{}`. Keep one of them: a typed attribute cannot \
                 override your own values silently.",
                found.document, found.typed
            );
            let name = found.path.join(".");
            Diagnostic::error(format!("`{name}` is set twice, differently"), detail)
                .at(attribute_of(&found.path))
        })
        .collect();
    if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics) }
}

/// The typed attribute that speaks for a path of the values.
fn attribute_of(value_path: &[String]) -> AttributePath {
    let words: Vec<_> = value_path.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["replicas"] => path!["replicas"],
        ["image", "pullPolicy"] => path!["image", "pull_policy"],
        ["image", leaf] => path!["image", *leaf],
        ["redis", "config", key] => path!["redis", "config"].key(*key),
        ["redis", "masterGroupName"] => path!["sentinel", "master_group_name"],
        ["sentinel", "quorum"] => path!["sentinel", "quorum"],
        ["sentinel", "config", "failover-timeout"] => path!["sentinel", "failover_timeout_milliseconds"],
        ["sentinel", "config", option] => path!["sentinel", option.replace('-', "_")],
        ["auth"] => path!["auth", "enabled"],
        ["existingSecret"] => path!["auth", "existing_secret"],
        ["authKey"] => path!["auth", "secret_key"],
        ["persistentVolume", "storageClass"] => path!["persistence", "storage_class"],
        ["persistentVolume", leaf] => path!["persistence", *leaf],
        ["nodeSelector" | "tolerations", ..] => path!["gke", "node_pool"],
        _ => path!["values"],
    }
}

fn auth(config: &Model, prior: Option<&Model>, values: &Json, names: &Names) -> Auth {
    let typed = config.auth.known().cloned().unwrap_or_default();
    let before = prior.and_then(|prior| prior.auth.known().cloned()).unwrap_or_default();
    let text = |name: &str| values.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let in_values = values.get("auth").and_then(Json::as_bool).filter(|enabled| *enabled);
    let brings = !config.password_wo_version.is_null();
    let enabled = typed.enabled.into_option().or(in_values).or(before.enabled.into_option()).unwrap_or(true);
    if !enabled {
        return Auth::Disabled;
    }
    let key = typed.secret_key.as_str().or(before.secret_key.as_str()).or(text("authKey")).unwrap_or("auth");
    let key = key.to_owned();
    let own = names.auth_secret();
    let existing = typed.existing_secret.as_str().or(text("existingSecret")).filter(|name| *name != own);
    match existing {
        Some(secret) => Auth::Existing { secret: secret.to_owned(), key },
        None if brings => Auth::Brought { secret: own, key },
        None => Auth::Generated { secret: own, key },
    }
}

fn gke(config: &Model, gathered: &Gathered) -> Result<Option<GkeConfig>, Diagnostics> {
    let Some(gke) = config.gke.known() else { return Ok(None) };
    let said = |attribute: &Attr<String>, fallback: &Option<String>, name: &str| {
        attribute.as_str().map(str::to_owned).or_else(|| fallback.clone()).ok_or_else(|| {
            Diagnostic::error(
                format!("Missing gke.{name}"),
                format!("Neither the gke block nor the provider's google block nor a GOOGLE_* variable says the {name}."),
            )
            .at(path!["gke", name])
        })
    };
    let cluster = ClusterId {
        project: said(&gke.project, &gathered.project, "project")?,
        location: said(&gke.location, &gathered.location, "location")?,
        cluster: said(&gke.cluster, &None, "cluster")?,
    };
    Ok(Some(GkeConfig { cluster, node_pool: typed::node_pool_spec(config) }))
}

/// The limits in force, also of a state whose configuration no longer resolves.
pub fn timeouts(config: &Model) -> Timeouts {
    let said = config.timeouts.known().cloned().unwrap_or_default();
    let limit = |text: &Attr<String>, default: &str| {
        text.as_str()
            .and_then(parse_duration)
            .or_else(|| parse_duration(default))
            .expect("the defaults are durations")
    };
    Timeouts {
        create: limit(&said.create, "45m"),
        read: limit(&said.read, "5m"),
        update: limit(&said.update, "45m"),
        delete: limit(&said.delete, "30m"),
    }
}

pub fn to_json(map: &Map) -> Json {
    Value::from(map.clone()).to_json().unwrap_or_else(|_| Json::Object(JsonMap::new()))
}

pub fn to_map(values: &Json) -> Map {
    Value::from(values.clone()).as_map().cloned().unwrap_or_default()
}

/// An error and what caused it, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

/// What the plan shows of an object whose digest another rendering may change.
pub fn digest_attributes(objects: &BTreeMap<String, Option<String>>) -> BTreeMap<String, Attr<String>> {
    objects
        .iter()
        .map(|(key, digest)| (key.clone(), digest.clone().map_or(Attr::Unknown, Attr::Known)))
        .collect()
}
