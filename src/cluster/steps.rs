//! What apply does, as a list: configuration, observation and what the plan showed in, steps out.
//! Nothing is decided after this; a guard may stop a step, never add one.

use std::collections::BTreeSet;

use super::config::Config;
use super::model::Model;
use super::observed::Observed;
use super::values::same_release;
use crate::gke::{NodePoolUpdate, diff, updates};

/// One thing to do. Each is safe to repeat.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    EnsureNamespace,
    CreateNodePool,
    UpdateNodePool(NodePoolUpdate),
    EnsureSecret,
    InstallRelease,
    UpgradeRelease,
    /// Applies these objects again as the release has them.
    RepairObjects(BTreeSet<String>),
    AwaitRollout,
    /// Brings servers and sentinels to the declared settings.
    RepairSettings(Rows),
    AwaitSettled,
    /// The pool that the pods have left.
    DeleteNodePool(String),
}

/// Which rows of drift may be repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    All,
    /// Those that the plan showed, by layer, object and setting.
    Shown(BTreeSet<(String, String, String)>),
}

/// What the plan showed to whoever approved it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub namespace: bool,
    pub node_pool: bool,
    /// The pool that was in use before, where the plan showed another one or none.
    pub old_pool: Option<String>,
    pub release: bool,
    pub replicas: bool,
    pub rows: Rows,
}

impl Shown {
    /// A create shows everything.
    pub fn everything() -> Self {
        Self {
            namespace: true,
            node_pool: true,
            old_pool: None,
            release: true,
            replicas: true,
            rows: Rows::All,
        }
    }

    /// An update shows what differs between the prior and the planned state.
    pub fn between(prior: &Model, planned: &Model) -> Self {
        let release = planned.release != prior.release || planned.objects != prior.objects;
        let pool = |model: &Model| {
            let pool = model.gke.known()?.node_pool.known()?;
            pool.name.as_str().map(str::to_owned)
        };
        let (old, new) = (pool(prior), pool(planned));
        Self {
            namespace: release,
            node_pool: planned.gke != prior.gke,
            old_pool: old.filter(|old| new.as_ref() != Some(old)),
            release,
            replicas: release || planned.replicas != prior.replicas,
            rows: if release { Rows::All } else { Rows::Shown(shown_rows(prior, planned)) },
        }
    }
}

fn shown_rows(prior: &Model, planned: &Model) -> BTreeSet<(String, String, String)> {
    if planned.drift == prior.drift {
        return BTreeSet::new();
    }
    let rows = prior.drift.known().into_iter().flatten().filter_map(|row| row.known());
    rows.filter_map(|row| {
        let text = |attribute: &tfplugin_sdk::Attr<String>| attribute.as_str().map(str::to_owned);
        Some((text(&row.layer)?, text(&row.object)?, text(&row.setting)?))
    })
    .collect()
}

/// The steps from what is to what is meant to be, in order.
pub fn steps(config: &Config, observed: &Observed, shown: &Shown) -> Vec<Step> {
    let mut steps = Vec::new();
    if shown.namespace && config.create_namespace {
        steps.push(Step::EnsureNamespace);
    }
    node_pool(config, observed, shown, &mut steps);
    if shown.release && config.auth.is_ours() {
        steps.push(Step::EnsureSecret);
    }
    let releases = release(config, observed, shown);
    let moves_pods = releases.is_some() || shown.node_pool;
    steps.extend(releases);
    if moves_pods {
        steps.push(Step::AwaitRollout);
    }
    let repairs = match &shown.rows {
        Rows::All => moves_pods,
        Rows::Shown(rows) => !rows.is_empty(),
    };
    if moves_pods {
        steps.push(Step::AwaitSettled);
    }
    if repairs {
        steps.push(Step::RepairSettings(shown.rows.clone()));
    }
    steps.extend(shown.old_pool.clone().map(Step::DeleteNodePool));
    steps
}

fn node_pool(config: &Config, observed: &Observed, shown: &Shown, steps: &mut Vec<Step>) {
    let Some(spec) = config.node_pool().filter(|_| shown.node_pool) else { return };
    match &observed.node_pool {
        None => steps.push(Step::CreateNodePool),
        Some(live) => {
            let changes = diff(spec, live, observed.node_count);
            steps.extend(updates(spec, &changes).into_iter().map(Step::UpdateNodePool));
        }
    }
}

fn release(config: &Config, observed: &Observed, shown: &Shown) -> Option<Step> {
    let Some(seen) = &observed.release else {
        return shown.release.then_some(Step::InstallRelease);
    };
    let names = &config.names;
    let differs = seen.status != "deployed"
        || seen.chart_version != config.rendered.chart.metadata.version
        || digests_differ(config, observed)
        || !same_release(&seen.effective_values, &config.effective_values, &names.release, &names.namespace);
    if differs && shown.release {
        return Some(Step::UpgradeRelease);
    }
    let scaled = observed.stateful_set.as_ref().map(|set| set.replicas) != Some(config.replicas());
    let key = format!("StatefulSet/{}", names.stateful_set());
    (scaled && shown.replicas).then(|| Step::RepairObjects(BTreeSet::from([key])))
}

fn digests_differ(config: &Config, observed: &Observed) -> bool {
    let Some(seen) = &observed.release else { return true };
    config.objects.len() != seen.objects.len()
        || config.objects.iter().any(|(key, digest)| digest.as_ref() != seen.objects.get(key))
}
