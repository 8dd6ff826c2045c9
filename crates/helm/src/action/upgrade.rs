//! Later revisions of a release, and repairs of the newest.

use super::apply::Dropped;
use super::target::{Target, find, recorded_targets, targets};
use super::{Actor, Options, Outcome, short};
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
/// the cluster refuses something, or a hook fails. The record then says why, and the revision that
/// was deployed stays the deployed one.
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
    let work = actor.plan(&history, rendered, &release).await?;
    actor.heal(&history).await?;
    release::create(cluster, &history, &mut release, clock.now()).await?;
    let done = actor.upgrade_objects(&work, &mut release).await;
    let failure = format!("Upgrade {:?} failed", release.name);
    let (deleted, kept) = actor.conclude(&mut release, done, "Upgrade complete", &failure).await?;
    actor.supersede(history, release.version).await?;
    let applied = work.apply.iter().map(|target| target.reference.clone()).collect();
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

/// What an upgrade will do.
struct Work {
    apply: Vec<Target>,
    /// Whether objects may have been applied by updates until now.
    hand_over: bool,
    /// Objects of earlier revisions that the new one has not, what depends on others first.
    drop: Vec<ObjectRef>,
}

impl Actor<'_> {
    /// Compares the new revision with all that may stand in the cluster: the deployed revision and
    /// those that failed after it, each of which may have been applied in part.
    async fn plan(
        &self,
        history: &History,
        rendered: &Rendered,
        release: &Release,
    ) -> Result<Work, ReleaseError> {
        let deployed = history.deployed().map(|deployed| deployed.version);
        let since = deployed.unwrap_or_default();
        let standing = history.revisions().iter().filter(|revision| revision.version >= since);
        let mut before = Vec::new();
        let mut hand_over = false;
        for revision in standing {
            hand_over |= !revision.is_server_side_applied();
            before.push((revision.version, recorded_targets(self.cluster, revision).await?));
        }
        let wanted = targets(self.cluster, release, &rendered.manifests).await?;
        let mut apply = Vec::new();
        for target in &wanted {
            let earlier =
                before.iter().map(|(version, targets)| (*version, find(targets, &target.reference)));
            let earlier: Vec<_> = earlier.collect();
            let is_known =
                earlier.iter().any(|(version, found)| Some(*version) == deployed && found.is_some());
            if !is_known {
                self.get_unless_foreign(target, release).await?;
            }
            let is_unchanged = deployed.is_some() && earlier.iter().all(|(_, found)| *found == Some(target));
            if !is_unchanged || self.is_forced(target) {
                apply.push(target.clone());
            }
        }
        let mut drop: Vec<ObjectRef> = Vec::new();
        for (_, targets) in &before {
            for target in targets {
                let is_listed = drop.iter().any(|listed| listed.is_same_object(&target.reference));
                if !is_listed && find(&wanted, &target.reference).is_none() {
                    drop.push(target.reference.clone());
                }
            }
        }
        drop.sort_by_cached_key(|reference| crate::manifest::uninstall_rank(&reference.kind));
        Ok(Work { apply, hand_over, drop })
    }

    /// A pending revision whose worker is dead did not succeed.
    async fn heal(&self, history: &History) -> Result<(), ReleaseError> {
        for revision in history.revisions() {
            if revision.info.status.is_pending() {
                let mut revision = revision.clone();
                let reason = format!("Interrupted while {}", revision.info.status);
                revision.set_status(Status::Failed, short(&reason));
                release::update(self.cluster, &mut revision, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    async fn upgrade_objects(
        &self,
        work: &Work,
        release: &mut Release,
    ) -> Result<(Vec<ObjectRef>, Vec<ObjectRef>), ReleaseError> {
        self.run_hooks(HookEvent::PreUpgrade, release).await?;
        for target in &work.apply {
            if work.hand_over {
                self.hand_over_live(target).await?;
            }
            self.apply(target).await?;
        }
        let (mut deleted, mut kept) = (Vec::new(), Vec::new());
        for reference in &work.drop {
            match self.drop_object(reference, release).await? {
                Dropped::Deleted => deleted.push(reference.clone()),
                Dropped::Kept => kept.push(reference.clone()),
                Dropped::Absent => {}
            }
        }
        self.run_hooks(HookEvent::PostUpgrade, release).await?;
        Ok((deleted, kept))
    }

    async fn hand_over_live(&self, target: &Target) -> Result<(), ReleaseError> {
        match self.get(&target.reference).await? {
            Some(live) => self.hand_over(target, &live).await,
            None => Ok(()),
        }
    }

    /// Done last: two deployed revisions are no harm, none is.
    async fn supersede(&self, history: History, version: u64) -> Result<(), ReleaseError> {
        for mut revision in history.into_revisions() {
            if revision.info.status == Status::Deployed && revision.version != version {
                revision.info.status = Status::Superseded;
                release::update(self.cluster, &mut revision, self.clock.now()).await?;
            }
        }
        Ok(())
    }
}
