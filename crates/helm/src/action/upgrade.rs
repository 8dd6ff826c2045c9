//! Later revisions of a release, and repairs of the newest.

use super::target::recorded_targets;
use super::{Actor, Options, Outcome, not_undone, rollback};
use crate::cluster::{Clock, Cluster, ObjectRef};
use crate::manifest::HookEvent;
use crate::release::{self, History, Release, ReleaseError, Status};
use crate::render::Rendered;

/// Makes a rendered chart the next revision of a release.
///
/// An object is applied if it is new, if it differs from any revision that may still stand in the
/// cluster, or if the options force it; with no revision deployed, all are. What those revisions had
/// and this one has not is deleted, unless it asks to be kept.
///
/// # Errors
/// There is no such release, someone else works on it or has, a new object belongs to someone else,
/// the cluster refuses something, a hook fails, or what the options wait for does not happen. The
/// record then says why, and the revision that was deployed stays the deployed one; with
/// [`Options::atomic`] the cluster is rolled back to it.
pub async fn upgrade(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    rendered: &Rendered,
    options: &Options,
) -> Result<Outcome, ReleaseError> {
    let actor = Actor { cluster, clock, options };
    let history = History::read(cluster, &rendered.namespace, &rendered.name).await?;
    let Some(current) = history.current() else {
        let (name, namespace) = (rendered.name.clone(), rendered.namespace.clone());
        return Err(ReleaseError::NotFound { name, namespace });
    };
    history.check_idle(clock.now(), options.stale_after)?;
    if history.next_revision() != rendered.revision {
        let (name, next) = (rendered.name.clone(), history.next_revision());
        return Err(ReleaseError::MovedOn { name, rendered: rendered.revision, next });
    }
    let mut release = actor.new_release(rendered, Status::PendingUpgrade, Some(current))?;
    let change = actor.plan(&history, &rendered.manifests, &release).await?;
    actor.heal(&history).await?;
    release::create(cluster, &history, options.history_max, &mut release, clock.now()).await?;
    let events = (HookEvent::PreUpgrade, HookEvent::PostUpgrade);
    let done = Box::pin(actor.carry_out(&change, events, &mut release)).await;
    let failure = format!("Upgrade {:?} failed", release.name);
    let (deleted, kept) = match actor.conclude(&mut release, done, "Upgrade complete", &failure).await {
        Ok(dropped) => dropped,
        Err(error) => return Err(actor.undo_upgrade(&history, error).await),
    };
    actor.supersede(history, release.version).await?;
    let applied = change.apply.into_iter().map(|target| target.reference).collect();
    Ok(Outcome { release, applied, deleted, kept })
}

/// Applies objects (`Kind/name`) of a release again as its record has them, and takes their fields
/// over from whoever owns them. No new revision is made.
///
/// # Errors
/// The record is damaged, or the cluster refuses an object.
pub async fn repair(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    release: &Release,
    options: &Options,
) -> Result<Vec<ObjectRef>, ReleaseError> {
    let actor = Actor { cluster, clock, options };
    let mut applied = Vec::new();
    for target in recorded_targets(cluster, release).await? {
        if actor.is_forced(&target) {
            if !release.is_server_side_applied() {
                actor.hand_over_live(&target).await?;
            }
            actor.apply(&target).await?;
            applied.push(target.reference);
        }
    }
    Ok(applied)
}

impl Actor<'_> {
    /// Goes back to the revision that is deployed, if the options say so and there is one.
    async fn undo_upgrade(&self, history: &History, error: ReleaseError) -> ReleaseError {
        let Some(deployed) = history.deployed().filter(|_| self.options.atomic) else { return error };
        let (namespace, name, to) = (&deployed.namespace, &deployed.name, deployed.version);
        let options = Options { atomic: false, ..self.options.clone() };
        let undone = Box::pin(rollback(self.cluster, self.clock, namespace, name, Some(to), &options)).await;
        let name = name.clone();
        match undone {
            Ok(_) => ReleaseError::RolledBack { name, to, source: Box::new(error) },
            Err(second) => not_undone(&name, &second, error),
        }
    }
}
