//! What apply does, as a list: configuration, observation and what the plan showed in, steps out.
//! Nothing is decided after this; a guard may stop a step, never add one.

use std::collections::BTreeSet;

use super::claims::{self, Claims};
use super::config::Config;
use super::drift::{Layer, Row, held_rollout, rows};
use super::model::Model;
use super::observed::{Observed, StatefulSetSeen};
use super::values::same_release;
use crate::gke::{NodePoolUpdate, diff, updates};

/// One thing to do. Each is safe to repeat.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    EnsureNamespace,
    CreateNodePool,
    UpdateNodePool(NodePoolUpdate),
    EnsureSecret,
    /// Asks for the declared size of volumes: of all, or of these claims.
    GrowClaims(Option<BTreeSet<String>>),
    InstallRelease,
    /// Makes the first record of a release that has none, of what stands there.
    RecordRelease,
    /// Keeps pods as they are while the release changes, and moves the master to the last to go.
    HoldRollout,
    /// Sets on one replica what redis.conf is to have, so that what Redis does not take changes nothing else.
    TrySettings,
    UpgradeRelease,
    /// Applies these objects again as the release has them.
    RepairObjects(BTreeSet<String>),
    /// Waits for pods that nobody holds back.
    AwaitRollout,
    /// Has pods replaced one at a time, the master last.
    RollOut,
    /// Brings servers and sentinels to what is declared. Where pods were moved before, the group first gets
    /// the time to settle, and has settled at the end.
    RepairRows {
        rows: Rows,
        moved: bool,
    },
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
    let repaired = drifted_objects(observed, shown);
    let secret = config.auth.secret().map(|(name, _)| format!("Secret/{name}"));
    if config.auth.is_ours() && (shown.release || secret.is_some_and(|secret| repaired.contains(&secret))) {
        steps.push(Step::EnsureSecret);
    }
    steps.extend(grow_claims(config, observed, shown, &repaired));
    let moved = workload(config, observed, shown, repaired, &mut steps);
    let repairs = match &shown.rows {
        Rows::All => moved,
        Rows::Shown(rows) => !rows.is_empty(),
    };
    if repairs {
        steps.push(Step::RepairRows { rows: shown.rows.clone(), moved });
    } else if moved {
        steps.push(Step::AwaitSettled);
    }
    steps.extend(shown.old_pool.clone().map(Step::DeleteNodePool));
    steps
}

/// Claims may be left of an earlier cluster of the name, so that a create looks at them too.
fn grow_claims(
    config: &Config,
    observed: &Observed,
    shown: &Shown,
    repaired: &BTreeSet<String>,
) -> Option<Step> {
    let sizes = claims::sizes(config.manifest(), &config.names.stateful_set());
    if shown.release {
        let live = Claims { sizes: sizes.clone(), ..observed.claims.clone() };
        let may_be_left = observed.release.is_none() && !sizes.is_empty();
        return (may_be_left || !live.too_small().is_empty()).then_some(Step::GrowClaims(None));
    }
    let small = observed.claims.too_small().into_iter().map(|found| found.claim);
    let shown: BTreeSet<_> =
        small.filter(|claim| repaired.contains(&claims::key(claim))).map(str::to_owned).collect();
    (!shown.is_empty()).then_some(Step::GrowClaims(Some(shown)))
}

/// The release and its objects. Returns whether pods come, go or are replaced.
fn workload(
    config: &Config,
    observed: &Observed,
    shown: &Shown,
    mut repaired: BTreeSet<String>,
    steps: &mut Vec<Step>,
) -> bool {
    let set = format!("StatefulSet/{}", config.names.stateful_set());
    let release = release(config, observed, shown);
    let scaled = observed.stateful_set.as_ref().map(|set| set.replicas) != Some(config.replicas());
    if release.is_none() && scaled && shown.replicas && observed.release.is_some() {
        repaired.insert(set.clone());
    }
    let held = repaired.contains(&set) && held_rollout(observed).is_some();
    let repairs_set = repaired.contains(&set);
    // What the release does not have cannot be applied from it.
    repaired.retain(|key| observed.objects.iter().any(|seen| seen.key == *key));
    let rolls = replaces_pods(config, observed, release.as_ref()) || held || (repairs_set && !scaled);
    if release.is_some() && observed.release.as_ref().is_some_and(|seen| !seen.is_recorded()) {
        steps.push(Step::RecordRelease);
    }
    // Pods without their set are those of one that was being made anew.
    let stands = observed.stateful_set.is_some() || !observed.placement.is_empty();
    let can_hold = rolls && stands;
    let moves_pods = release.is_some() || repairs_set || shown.node_pool;
    let keeps_pods =
        release == Some(Step::UpgradeRelease) && !replaces_pods(config, observed, release.as_ref());
    if keeps_pods {
        steps.push(Step::TrySettings);
    }
    if can_hold {
        steps.push(Step::HoldRollout);
    }
    steps.extend(release);
    if !repaired.is_empty() {
        steps.push(Step::RepairObjects(repaired));
    }
    match (can_hold, moves_pods) {
        (true, _) => steps.push(Step::RollOut),
        (false, true) => steps.push(Step::AwaitRollout),
        (false, false) => {}
    }
    moves_pods
}

/// Whether the release's new template, or fewer replicas, takes pods away.
fn replaces_pods(config: &Config, observed: &Observed, release: Option<&Step>) -> bool {
    let (Some(Step::UpgradeRelease), Some(seen)) = (release, &observed.release) else { return false };
    let fewer = |set: &StatefulSetSeen| set.replicas > config.replicas();
    seen.pod_template != config.pod_template || observed.stateful_set.as_ref().is_none_or(fewer)
}

/// The objects of which the plan showed a row that is still true.
fn drifted_objects(observed: &Observed, shown: &Shown) -> BTreeSet<String> {
    let rows = rows(observed).into_iter().filter(|row| row.layer == Layer::Kubernetes);
    let is_shown = |row: &Row| match &shown.rows {
        Rows::All => true,
        Rows::Shown(rows) => {
            rows.contains(&(row.layer.as_str().to_owned(), row.object.clone(), row.setting.clone()))
        }
    };
    rows.filter(is_shown).map(|row| row.object).collect()
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
    (differs && shown.release).then_some(Step::UpgradeRelease)
}

fn digests_differ(config: &Config, observed: &Observed) -> bool {
    let Some(seen) = &observed.release else { return true };
    config.objects.len() != seen.objects.len()
        || config.objects.iter().any(|(key, digest)| digest.as_ref() != seen.objects.get(key))
}
