//! The state after a look: the user's own spelling where it still means what is live, the live value
//! where it drifted. Pure.

use helm::value::Value;
use serde_json::Value as Json;
use tfplugin_sdk::Attr;

use super::drift::rows;
use super::model::{self, Gke, Model, NodePool};
use super::observe::over_defaults;
use super::observed::{Observed, ReleaseSeen};
use super::overlay::Overlay;
use super::resolve::{to_json, to_map};
use super::values::{parse_documents, same_release, without_passwords};
use super::{outputs, plan, typed};
use crate::chart::effective::{effective, names};
use crate::chart::{Effective, Names};
use crate::gke::NodePoolLive;

/// The refreshed state. `prior` may be an import's, in which only the names are set.
pub fn refresh(prior: &Model, observed: &Observed, (namespace, release): (&str, &str)) -> Model {
    let mut model = match &observed.release {
        Some(seen) => with_release(prior, observed, seen, (namespace, release)),
        None => without_release(prior, observed, (namespace, release)),
    };
    model.replicas = observed.stateful_set.as_ref().map_or(0, |set| set.replicas).into();
    model.gke = gke(prior, observed);
    model.password_wo = Attr::Null;
    model.over(plan::default_behaviour())
}

/// The release is gone, something else is left: the next plan shows all of its objects as new.
fn without_release(prior: &Model, observed: &Observed, (namespace, release): (&str, &str)) -> Model {
    let values = Json::Null;
    let names = names(&values, release, namespace);
    let mut model = prior.clone();
    outputs::copy(&mut model, outputs::live(&names, &effective(&values, &names), observed));
    model.drift = Attr::Known(Vec::new());
    model
}

fn with_release(
    prior: &Model,
    observed: &Observed,
    seen: &ReleaseSeen,
    (namespace, release): (&str, &str),
) -> Model {
    let names = names(&seen.effective_values, release, namespace);
    let effective = effective(&seen.effective_values, &names);
    let mut model = prior.clone();
    if !declares(prior, seen, (namespace, release)) {
        take_release(&mut model, seen, &effective, &names);
    }
    let live = typed::from_effective(&effective);
    model = model.over(Model { gke: Attr::Null, ..live });
    let chart = model.chart.known().cloned().unwrap_or_default();
    let name = chart.name.or(seen.chart_name.map(str::to_owned).into());
    let is_named = name.is_known() || chart.repository.is_known();
    let named = model::Chart { name, version: seen.chart_version.clone().into(), ..chart };
    model.chart = is_named.then_some(named).into();
    model.namespace = namespace.into();
    outputs::copy(&mut model, outputs::live(&names, &effective, observed));
    model.drift = outputs::drift_rows(&rows(observed));
    model
}

/// Whether the state still says what the release record says.
fn declares(prior: &Model, seen: &ReleaseSeen, (namespace, release): (&str, &str)) -> bool {
    let Some(documents) = typed::list(&prior.values) else { return false };
    let Ok(documents) = parse_documents(&documents) else { return false };
    let mut settings = typed::settings(prior);
    if let Some(auth) = prior.auth.known() {
        settings.auth.enabled = auth.enabled.known().copied();
    }
    if let Some(secret) = prior.auth_secret.known() {
        settings.auth.existing_secret = secret.name.as_str().map(str::to_owned);
        settings.auth.secret_key = secret.key.as_str().map(str::to_owned);
    }
    let values = helm::values::merge(&documents, &to_map(&settings.to_values()));
    let declared = over_defaults(&seen.chart_values, &to_json(&values));
    same_release(&declared, &seen.effective_values, release, namespace)
}

/// Somebody else changed the release, or it is imported: its own configuration is what holds.
fn take_release(model: &mut Model, seen: &ReleaseSeen, effective: &Effective, names: &Names) {
    let config = without_passwords(&seen.config);
    let text = match config.as_object().is_none_or(serde_json::Map::is_empty) {
        true => None,
        false => helm::yaml::to_yaml(&Value::from(config)).ok(),
    };
    model.values = Attr::Known(text.into_iter().map(Attr::Known).collect());
    let live = typed::from_effective(effective);
    let on_destroy =
        model.persistence.known().map(|persistence| persistence.on_destroy.clone()).unwrap_or_default();
    model.image = live.image;
    model.redis = live.redis;
    model.sentinel = live.sentinel;
    model.persistence = live.persistence.map(|persistence| model::Persistence { on_destroy, ..persistence });
    let own = names.auth_secret();
    let secret = effective.auth.as_ref();
    model.auth = Attr::Known(model::Auth {
        enabled: secret.is_some().into(),
        existing_secret: secret.map(|auth| auth.secret.clone()).filter(|name| *name != own).into(),
        secret_key: secret.map_or("auth", |auth| auth.key.as_str()).into(),
    });
}

fn gke(prior: &Model, observed: &Observed) -> Attr<Gke> {
    let Some(gke) = prior.gke.known() else { return prior.gke.clone() };
    let before = gke.node_pool.known();
    let pool = match (&observed.node_pool, before) {
        (Some(live), before) => Attr::Known(node_pool(live, observed, before)),
        (None, _) => Attr::Null,
    };
    Attr::Known(Gke { node_pool: pool, ..gke.clone() })
}

fn node_pool(live: &NodePoolLive, observed: &Observed, before: Option<&NodePool>) -> NodePool {
    let wanted = before.and_then(|before| before.node_count.known().copied());
    let count = observed.node_counts.as_ref().and_then(|counts| counts.per_zone(wanted)).or(wanted);
    let mut taints: Vec<_> = live.taints.iter().map(taint).collect();
    let mut zones: Vec<Attr<String>> =
        live.node_locations.iter().map(|zone| Attr::Known(zone.clone())).collect();
    if let Some(before) = before {
        in_order_of(&mut taints, before.taints.known());
        in_order_of(&mut zones, before.node_locations.known());
    }
    NodePool {
        name: live.name.clone().into(),
        machine_type: live.machine_type.clone().into(),
        node_count: count.or(Some(live.initial_node_count)).into(),
        disk_size_gb: live.disk_size_gb.into(),
        disk_type: live.disk_type.clone().into(),
        labels: Attr::Known(
            live.labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect(),
        ),
        taints: Attr::Known(taints),
        node_locations: Attr::Known(zones),
    }
}

fn taint(taint: &crate::gke::Taint) -> Attr<model::Taint> {
    Attr::Known(model::Taint {
        key: taint.key.clone().into(),
        value: taint.value.clone().into(),
        effect: taint.effect.as_str().into(),
    })
}

/// GKE keeps no order: the one that the state has stays.
fn in_order_of<T: Clone + PartialEq>(live: &mut Vec<T>, before: Option<&Vec<T>>) {
    if let Some(before) =
        before.filter(|before| before.len() == live.len() && before.iter().all(|item| live.contains(item)))
    {
        live.clone_from(before);
    }
}
