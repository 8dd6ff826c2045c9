//! Runs steps, in order, and decides nothing. Each is safe to repeat; a failure leaves what earlier
//! steps made.

use std::collections::BTreeSet;
use std::time::Duration;

use helm::action::{self, Options};
use helm::cluster::ObjectRef;
use helm::release::{History, ReleaseError};
use helm::render::{Rendered, Request, render_on};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::capacity::check_capacity;
use super::config::{Auth, Config};
use super::error::Error;
use super::gather::Here;
use super::observe::observe_claims;
use super::password::generate;
use super::pods;
use super::repair::{await_settled, repair_rows};
use super::rollout;
use super::site::Site;
use super::steps::Step;
use super::takeover::keep_secrets;
use super::trial::try_settings;
use super::unrecorded;
use crate::gke::{self, NodePoolSpec};
use crate::kubernetes::{FIELD_MANAGER, Password, Wait};

/// What every step has at hand.
pub struct Work<'a> {
    pub site: &'a Site,
    pub config: &'a Config,
    pub deadline: Instant,
    pub stop: &'a CancellationToken,
    /// The user's password, where one was brought.
    pub password: Option<&'a Password>,
    /// A pending record is our own, left by an interrupted run.
    pub resumes: bool,
}

impl Work<'_> {
    pub fn wait(&self) -> Wait<'_> {
        Wait {
            deadline: self.deadline,
            cancel: self.stop,
            secrets: self.password.map_or(&[], std::slice::from_ref),
        }
    }

    fn gke_wait(&self) -> gke::Wait<'_> {
        gke::Wait { deadline: self.deadline, cancel: self.stop }
    }
}

fn started(operation: &str) {
    tracing::info!(operation, "GKE has begun");
}

/// Runs the steps, or stops at the first that fails, or when the user interrupts.
pub async fn execute(work: &Work<'_>, steps: &[Step]) -> Result<(), Error> {
    for step in steps {
        tracing::info!(?step, "next step");
        let done = tokio::select! {
            done = run(work, step) => done,
            () = work.stop.cancelled() => Err(Error::Interrupted),
        };
        if let Err(error) = done {
            abandon(work, step, &error).await;
            return Err(error);
        }
    }
    Ok(())
}

/// A release that was being written stays pending for whoever comes next unless it is told.
async fn abandon(work: &Work<'_>, step: &Step, error: &Error) {
    if matches!(step, Step::InstallRelease | Step::UpgradeRelease) && !error.is_lost_race() {
        let (site, reason) = (work.site, error.to_string());
        let told = action::abandon(&site.kubernetes, &Here, &site.namespace, &site.release, &reason).await;
        if let Err(error) = told {
            tracing::warn!(%error, "the release record stays pending");
        }
    }
}

async fn run(work: &Work<'_>, step: &Step) -> Result<(), Error> {
    let site = work.site;
    match step {
        Step::EnsureNamespace => {
            site.kubernetes.ensure_namespace(&site.namespace, &site.owner(), work.wait()).await?;
            Ok(())
        }
        Step::CreateNodePool => create_node_pool(work).await,
        Step::UpdateNodePool(update) => match (&site.gke, work.config.node_pool()) {
            (Some((gke, cluster)), Some(pool)) => {
                Ok(gke.update_node_pool(cluster, &pool.name, update, work.gke_wait(), &mut started).await?)
            }
            _ => Ok(()),
        },
        Step::EnsureSecret => ensure_secret(work).await,
        Step::GrowClaims(only) => grow_claims(work, only.as_ref()).await,
        Step::InstallRelease => install(work).await,
        Step::RecordRelease => Box::pin(unrecorded::record(site)).await,
        Step::TrySettings => try_settings(work).await,
        Step::UpgradeRelease => upgrade(work).await,
        Step::RepairObjects(keys) => repair_objects(work, keys).await,
        Step::AwaitRollout => {
            let name = work.config.names.stateful_set();
            Ok(site.kubernetes.wait_for_stateful_set(&site.namespace, &name, work.wait()).await?)
        }
        Step::HoldRollout => rollout::hold(work).await,
        Step::RollOut => rollout::roll_out(work).await,
        Step::AwaitSettled => await_settled(work).await,
        Step::RepairRows { rows, moved } => repair_rows(work, rows, *moved).await,
        Step::DeleteNodePool(pool) => match &site.gke {
            Some((gke, cluster)) => {
                Ok(gke.delete_node_pool(cluster, pool, work.gke_wait(), &mut started).await?)
            }
            None => Ok(()),
        },
    }
}

async fn create_node_pool(work: &Work<'_>) -> Result<(), Error> {
    let (Some((gke, cluster)), Some(pool)) = (&work.site.gke, work.config.node_pool()) else { return Ok(()) };
    gke.create_node_pool(cluster, pool, work.gke_wait(), &mut started).await?;
    await_nodes(work, pool).await
}

/// The pool is there when GKE says so; its nodes join the cluster a little later.
async fn await_nodes(work: &Work<'_>, pool: &NodePoolSpec) -> Result<(), Error> {
    let Some((gke, cluster)) = &work.site.gke else { return Ok(()) };
    let live = gke.node_pool(cluster, &pool.name).await?;
    match live {
        Some(live) => check_capacity(work.config, pool, &live),
        None => Ok(()),
    }
}

async fn ensure_secret(work: &Work<'_>) -> Result<(), Error> {
    let site = work.site;
    let (Some((name, key)), owner) = (work.config.auth.secret(), site.owner()) else { return Ok(()) };
    if site.kubernetes.find_secret_key(&site.namespace, name, key).await?.is_some() {
        return Ok(());
    }
    let password = match (&work.config.auth, work.password, pods::any_password(work).await?) {
        (_, _, Some(password)) => password,
        (Auth::Brought { .. }, Some(password), None) => password.clone(),
        _ => generate(),
    };
    site.kubernetes.create_secret(&site.namespace, name, &owner, &[(key, &password)]).await?;
    Ok(())
}

async fn grow_claims(work: &Work<'_>, only: Option<&BTreeSet<String>>) -> Result<(), Error> {
    let site = work.site;
    let claims = observe_claims(site, work.config.manifest(), &work.config.names).await?;
    for found in claims.too_small() {
        if only.is_some_and(|only| !only.contains(found.claim)) {
            continue;
        }
        let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some(&site.namespace), found.claim);
        let patch = json!({ "spec": { "resources": { "requests": { "storage": found.declared } } } });
        let grown = site.kubernetes.merge_patch(&claim, &patch, FIELD_MANAGER).await;
        grown.map_err(|source| Error::VolumeKept {
            claim: found.claim.to_owned(),
            live: found.live.to_owned(),
            declared: found.declared.to_owned(),
            source: Box::new(source),
        })?;
    }
    Ok(())
}

async fn install(work: &Work<'_>) -> Result<(), Error> {
    let site = work.site;
    require_secret(work).await?;
    let rendered = rendered(work, 1, false).await?;
    let done = action::install(&site.kubernetes, &Here, &rendered, &options(work, BTreeSet::new())).await;
    done.map(drop).map_err(|source| match source {
        ReleaseError::MovedOn { .. } | ReleaseError::NameInUse { .. } | ReleaseError::InProgress { .. } => {
            Error::MadeByAnother { id: site.import_id() }
        }
        source => Error::release(&site.namespace, &site.release)(source),
    })
}

/// The user's own Secret has to be there, with the key, before pods wait for it in vain.
async fn require_secret(work: &Work<'_>) -> Result<(), Error> {
    if let Auth::Existing { secret, key } = &work.config.auth {
        work.site.kubernetes.secret_key(&work.site.namespace, secret, key).await?;
    }
    Ok(())
}

async fn upgrade(work: &Work<'_>) -> Result<(), Error> {
    let site = work.site;
    require_secret(work).await?;
    let error = Error::release(&site.namespace, &site.release);
    let history = match History::read(&site.kubernetes, &site.namespace, &site.release).await {
        Ok(history) => history,
        Err(source) => return Err(error(source)),
    };
    let rendered = rendered(work, history.next_revision(), true).await?;
    keep_secrets(site, work.config).await?;
    let cluster = site.kubernetes.recreating_until(work.deadline);
    let done = action::upgrade(&cluster, &Here, &rendered, &options(work, BTreeSet::new())).await;
    done.map(drop).map_err(error)
}

fn options(work: &Work<'_>, force: BTreeSet<String>) -> Options {
    let stale_after = if work.resumes { Duration::ZERO } else { Options::default().stale_after };
    Options { stale_after, force, ..Options::default() }
}

/// As planned, but for its number and for what templates ask of the live cluster.
async fn rendered(work: &Work<'_>, revision: u64, is_upgrade: bool) -> Result<Rendered, Error> {
    let (planned, site) = (&work.config.rendered, work.site);
    let volatile = planned.digests().values().any(Option::is_none);
    if planned.revision == revision && planned.is_upgrade == is_upgrade && !volatile {
        return Ok(planned.clone());
    }
    let request = Request {
        name: &planned.name,
        namespace: &planned.namespace,
        revision,
        is_upgrade,
        values: &planned.user_values,
        capabilities: &work.config.capabilities,
    };
    let rendered = render_on(&site.kubernetes, &planned.chart, &request, &Here).await;
    rendered.map_err(Error::release(&site.namespace, &site.release))
}

async fn repair_objects(work: &Work<'_>, keys: &BTreeSet<String>) -> Result<(), Error> {
    let site = work.site;
    let error = |source| Error::release(&site.namespace, &site.release)(source);
    let history = History::read(&site.kubernetes, &site.namespace, &site.release).await.map_err(error)?;
    let Some(release) = history.current() else { return Ok(()) };
    let options = options(work, keys.clone());
    let cluster = site.kubernetes.recreating_until(work.deadline);
    action::repair(&cluster, &Here, release, &options).await.map(drop).map_err(error)
}
