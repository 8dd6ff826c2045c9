//! What apply will make of the resource: configuration and prior state in, planned state out.
//! Observation enters only through the prior state that a refresh left.

use tfplugin_sdk::{Attr, AttributePath, Diagnostics};

use super::config::{Config, Repair};
use super::explain::Cure;
use super::model::{Chart, Gke, Model, Persistence, Timeouts};
use super::overlay::Overlay;
use super::{immutable, outputs, typed, values};
use crate::sentinel::settings;

/// What is planned from. `same_values` is the configuration resolved with the prior's documents in
/// place of its own: where both make the same release, the prior's spelling stays.
pub struct Input<'a> {
    pub config: &'a Model,
    pub prior: Option<&'a Model>,
    /// The documents that a silent configuration means.
    pub meant_values: Attr<Vec<Attr<String>>>,
    /// `None` while the configuration holds unknown values.
    pub resolved: Option<&'a Config>,
    pub with_prior_values: Option<&'a Config>,
    /// Digest of the pod template that stands in the release record.
    pub prior_pod_template: Option<&'a str>,
}

pub struct Planned {
    pub model: Model,
    pub requires_replace: Vec<AttributePath>,
    pub diagnostics: Diagnostics,
}

/// Plans a create or an update.
pub fn plan(input: &Input<'_>) -> Planned {
    let mut diagnostics = Diagnostics::none();
    let model = match input.resolved {
        Some(config) => known(input, config, &mut diagnostics),
        None => unknown(input),
    };
    let requires_replace =
        input.prior.map(|prior| immutable::replacements(prior, &model)).unwrap_or_default();
    Planned { model, requires_replace, diagnostics }
}

/// Nothing is known that follows from an unknown value; what the user wrote is.
fn unknown(input: &Input<'_>) -> Model {
    let filled = input.config.clone().over(behaviour(input.prior));
    let fill = match input.prior {
        Some(prior) => prior.clone(),
        None => all_unknown(),
    };
    let mut model = Model { password_wo: Attr::Null, ..filled.over(fill) };
    outputs::copy(&mut model, all_unknown_outputs());
    let version = input.config.chart.known().map(|chart| chart.version.clone()).unwrap_or_default();
    model.chart = model.chart.map(|chart| Chart { version: version.or(Attr::Unknown), ..chart });
    model
}

fn known(input: &Input<'_>, config: &Config, diagnostics: &mut Diagnostics) -> Model {
    let mut fill = typed::from_effective(&config.effective).over(behaviour(input.prior));
    fill.gke = node_pool_fill(input.config, input.prior, config);
    fill.namespace = config.names.namespace.as_str().into();
    fill.values = input.meant_values.clone().or(Attr::Known(Vec::new()));
    fill.chart = Attr::Known(Chart {
        repository: config.chart_source.repository().map(str::to_owned).into(),
        name: config.chart_source.name().into(),
        version: Attr::Null,
    });
    fill.auth = Attr::Known(super::model::Auth {
        enabled: (config.auth != super::config::Auth::Disabled).into(),
        existing_secret: existing_secret(config).into(),
        secret_key: config.auth.secret().map_or("auth", |(_, key)| key).into(),
    });
    let mut model = input.config.clone().over(fill);
    model.password_wo = Attr::Null;
    if let Some(chart) = model.chart.known_mut() {
        chart.version = config.rendered.chart.metadata.version.clone().into();
    }
    match input.prior {
        None => create_outputs(&mut model, config),
        Some(prior) => {
            keep_spelling(&mut model, prior, input);
            update_outputs(&mut model, prior, config, input);
            immutable::check(&model, prior, diagnostics);
        }
    }
    model
}

fn existing_secret(config: &Config) -> Option<String> {
    match &config.auth {
        super::config::Auth::Existing { secret, .. } => Some(secret.clone()),
        _ => None,
    }
}

/// Attributes of behaviour: the prior's, else the defaults.
fn behaviour(prior: Option<&Model>) -> Model {
    let defaults = Model {
        create_namespace: true.into(),
        repair: "auto".into(),
        deletion_protection: false.into(),
        persistence: Attr::Known(Persistence { on_destroy: "delete".into(), ..Persistence::default() }),
        timeouts: Attr::Known(Timeouts {
            create: "45m".into(),
            read: "5m".into(),
            update: "45m".into(),
            delete: "30m".into(),
        }),
        ..Model::default()
    };
    let Some(prior) = prior else { return defaults };
    let kept = Model {
        create_namespace: prior.create_namespace,
        repair: prior.repair.clone(),
        deletion_protection: prior.deletion_protection,
        persistence: prior
            .persistence
            .clone()
            .map(|persistence| Persistence { on_destroy: persistence.on_destroy, ..Persistence::default() }),
        timeouts: prior.timeouts.clone(),
        ..Model::default()
    };
    kept.over(defaults)
}

/// The defaults of behaviour, which import gives to what nobody has set yet.
pub fn default_behaviour() -> Model {
    behaviour(None)
}

/// What GKE will choose is unknown until the pool stands; afterwards it is what the refresh saw.
fn node_pool_fill(config: &Model, prior: Option<&Model>, resolved: &Config) -> Attr<Gke> {
    let prior_gke = prior.map(|prior| prior.gke.clone()).unwrap_or_default();
    let Some(wanted) = config.gke.known() else { return prior_gke };
    let prior_pool = prior_gke.known().and_then(|gke| gke.node_pool.known());
    let same_pool = |name: &Attr<String>| prior_pool.filter(|pool| pool.name == *name).cloned();
    let pool = match wanted.node_pool.known() {
        Some(pool) => Attr::Known(same_pool(&pool.name).unwrap_or_else(unknown_pool)),
        None => Attr::Null,
    };
    let cluster = resolved.gke.as_ref().map(|gke| &gke.cluster);
    Attr::Known(Gke {
        project: cluster.map(|cluster| cluster.project.clone()).into(),
        location: cluster.map(|cluster| cluster.location.clone()).into(),
        cluster: cluster.map(|cluster| cluster.cluster.clone()).into(),
        node_pool: pool,
    })
}

fn unknown_pool() -> super::model::NodePool {
    super::model::NodePool {
        name: Attr::Unknown,
        machine_type: Attr::Unknown,
        node_count: Attr::Unknown,
        disk_size_gb: Attr::Unknown,
        disk_type: Attr::Unknown,
        labels: Attr::Unknown,
        taints: Attr::Unknown,
        node_locations: Attr::Unknown,
    }
}

/// What follows from names alone is known even before anything exists.
fn create_outputs(model: &mut Model, config: &Config) {
    outputs::copy(model, outputs::from_names(config).over(all_unknown_outputs()));
    model.drift = Attr::Known(Vec::new());
}

fn update_outputs(model: &mut Model, prior: &Model, config: &Config, input: &Input<'_>) {
    let mut named = outputs::from_names(config);
    if let (Some(secret), Some(before)) = (named.auth_secret.known_mut(), prior.auth_secret.known()) {
        let same = secret.name == before.name && secret.key == before.key;
        secret.fingerprint = if same { before.fingerprint.clone() } else { Attr::Unknown };
    }
    let moves = config.pod_template.as_deref() != input.prior_pod_template
        || model.replicas != prior.replicas
        || model.gke != prior.gke
        || (config.repair == Repair::Auto && repairs_move_outputs(prior));
    let live = if moves { all_unknown_outputs() } else { outputs::of(prior) };
    outputs::copy(model, named.over(live));
    model.release = if release_changes(model, prior, input) { Attr::Unknown } else { prior.release.clone() };
    model.drift = match config.repair {
        Repair::Auto => Attr::Known(Vec::new()),
        Repair::Report => prior.drift.clone(),
    };
}

/// Whether what apply repairs may change which pods there are, or who is master.
fn repairs_move_outputs(prior: &Model) -> bool {
    let rows = prior.drift.known().into_iter().flatten().filter_map(Attr::known);
    rows.map(Cure::of).any(Cure::moves_outputs)
}

/// Whether the release record will get a new revision.
fn release_changes(model: &Model, prior: &Model, input: &Input<'_>) -> bool {
    let deployed = prior.release.known().is_some_and(|release| release.status.as_str() == Some("deployed"));
    let same_values =
        input.with_prior_values.zip(input.resolved).is_some_and(|(before, now)| same(before, now));
    let version = |model: &Model| model.chart.known().map(|chart| chart.version.clone());
    !deployed || version(model) != version(prior) || model.objects != prior.objects || !same_values
}

fn same(one: &Config, other: &Config) -> bool {
    let names = &one.names;
    values::same_release(&one.effective_values, &other.effective_values, &names.release, &names.namespace)
}

/// Where the user's text and the prior's mean the same, the prior's stays, so that nothing is planned.
fn keep_spelling(model: &mut Model, prior: &Model, input: &Input<'_>) {
    let same_values =
        input.with_prior_values.zip(input.resolved).is_some_and(|(before, now)| same(before, now));
    if same_values && !prior.values.is_null() {
        model.values = prior.values.clone();
        keep_redis_config(model, prior);
    }
    if let (Some(pool), Some(before)) =
        (pool_mut(model), prior.gke.known().and_then(|gke| gke.node_pool.known()))
    {
        keep_order(&mut pool.taints, &before.taints);
        keep_order(&mut pool.node_locations, &before.node_locations);
    }
}

/// The same values with other words in `redis.config`, such as 100mb for 104857600, are no change.
fn keep_redis_config(model: &mut Model, prior: &Model) {
    let before = prior.redis.known().and_then(|redis| redis.config.known());
    let (Some(redis), Some(before)) = (model.redis.known_mut(), before) else { return };
    let Some(now) = redis.config.known() else { return };
    let same = now.iter().all(|(name, value)| {
        let (value, live) = (value.as_str(), before.get(name).and_then(Attr::as_str));
        value.zip(live).is_some_and(|(value, live)| settings::same(name, value, live))
    });
    if same {
        redis.config = Attr::Known(before.clone());
    }
}

fn pool_mut(model: &mut Model) -> Option<&mut super::model::NodePool> {
    model.gke.known_mut()?.node_pool.known_mut()
}

/// GKE does not keep the order of lists.
fn keep_order<T: Clone + PartialEq>(now: &mut Attr<Vec<T>>, before: &Attr<Vec<T>>) {
    if let (Some(new), Some(old)) = (now.known(), before.known()) {
        let same = new.len() == old.len() && new.iter().all(|item| old.contains(item));
        if same {
            *now = before.clone();
        }
    }
}

fn all_unknown_outputs() -> Model {
    Model {
        id: Attr::Unknown,
        release: Attr::Unknown,
        objects: Attr::Unknown,
        master_endpoint: Attr::Unknown,
        master: Attr::Unknown,
        replica_endpoints: Attr::Unknown,
        sentinel_endpoints: Attr::Unknown,
        announce_endpoints: Attr::Unknown,
        service_endpoint: Attr::Unknown,
        master_group_name: Attr::Unknown,
        auth_secret: Attr::Unknown,
        redis_version: Attr::Unknown,
        topology: Attr::Unknown,
        health: Attr::Unknown,
        drift: Attr::Unknown,
        ..Model::default()
    }
}

fn all_unknown() -> Model {
    Model {
        namespace: Attr::Unknown,
        gke: Attr::Unknown,
        chart: Attr::Unknown,
        values: Attr::Unknown,
        replicas: Attr::Unknown,
        image: Attr::Unknown,
        redis: Attr::Unknown,
        sentinel: Attr::Unknown,
        auth: Attr::Unknown,
        persistence: Attr::Unknown,
        ..all_unknown_outputs()
    }
}
