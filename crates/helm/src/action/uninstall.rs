//! The end of a release.

use super::apply::Dropped;
use super::target::recorded_targets;
use super::{Actor, Options, Wait, chain};
use crate::cluster::{Clock, Cluster, ObjectRef};
use crate::manifest::{HookEvent, uninstall_rank};
use crate::release::{self, History, Release, ReleaseError, Status};

/// What an uninstallation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uninstalled {
    /// Whether there was a release.
    pub existed: bool,
    /// Objects whose deletion has begun; the caller may wait until they are gone.
    pub deleted: Vec<ObjectRef>,
    /// Objects that stay: their resource policy says so, or they belong to someone else.
    pub kept: Vec<ObjectRef>,
}

/// Deletes the objects of a release, dependents first, and then its records, unless
/// [`Options::keep_history`] keeps them. Works from any status, also where an earlier attempt stopped;
/// what failed revisions may have left goes too. No release is a success.
///
/// # Errors
/// Someone else works on the release, objects could not be deleted, or a hook fails. The records
/// then stay, and the next attempt goes on.
pub async fn uninstall(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    namespace: &str,
    name: &str,
    options: &Options,
) -> Result<Uninstalled, ReleaseError> {
    let actor = Actor { cluster, clock, options };
    let history = History::read(cluster, namespace, name).await?;
    let Some(latest) = history.latest() else { return Ok(Uninstalled::default()) };
    history.check_idle(clock.now(), options.stale_after)?;
    let mut done = Uninstalled { existed: true, ..Uninstalled::default() };
    if latest.info.status != Status::Uninstalled {
        let mut latest = latest.clone();
        latest.info.deleted = actor.timestamp();
        latest.set_status(Status::Uninstalling, "Deletion in progress (or silently failed)");
        release::update(cluster, &mut latest, clock.now()).await?;
        actor.run_hooks(HookEvent::PreDelete, &mut latest).await?;
        actor.delete_objects(&history, &latest, &mut done).await?;
        let has_hooks = latest.hooks.iter().any(|hook| hook.events.contains(&HookEvent::PostDelete));
        if has_hooks || options.waits() != Wait::No {
            for reference in &done.deleted {
                actor.wait_until_gone(reference).await?;
            }
            actor.run_hooks(HookEvent::PostDelete, &mut latest).await?;
        }
        if options.keep_history {
            latest.set_status(Status::Uninstalled, "Uninstallation complete");
            release::update(cluster, &mut latest, clock.now()).await?;
            actor.supersede(history, latest.version).await?;
            return Ok(done);
        }
    }
    if !options.keep_history {
        release::purge(cluster, history.revisions()).await?;
    }
    Ok(done)
}

impl Actor<'_> {
    /// Tries every object, so that one that is stuck does not keep the others.
    async fn delete_objects(
        &self,
        history: &History,
        latest: &Release,
        done: &mut Uninstalled,
    ) -> Result<(), ReleaseError> {
        let since = history.deployed().map_or(0, |deployed| deployed.version);
        let mut references: Vec<ObjectRef> = Vec::new();
        for revision in history.revisions().iter().filter(|revision| revision.version >= since) {
            for target in recorded_targets(self.cluster, revision).await? {
                if !references.iter().any(|listed| listed.is_same_object(&target.reference)) {
                    references.push(target.reference);
                }
            }
        }
        references.sort_by_cached_key(|reference| uninstall_rank(&reference.kind));
        let mut failures = Vec::new();
        for reference in references {
            match self.drop_object(&reference, latest).await {
                Ok(Dropped::Deleted) => done.deleted.push(reference),
                Ok(Dropped::Kept) => done.kept.push(reference),
                Ok(Dropped::Absent) => {}
                Err(ReleaseError::Cluster { object, source, .. }) => failures.push((object, source)),
                Err(other) => return Err(other),
            }
        }
        let count = failures.len();
        match failures.into_iter().next() {
            None => Ok(()),
            Some((object, source)) => {
                tracing::warn!(count, object, error = chain(&source), "not all objects could be deleted");
                Err(ReleaseError::Delete { name: latest.name.clone(), count, object, source })
            }
        }
    }
}
