//! From one revision to the next, whichever way: what to apply, what to hand over, what to delete.

use serde_json::Value as Json;

use super::apply::Dropped;
use super::target::{Target, find, recorded_targets, targets};
use super::{Actor, managed_fields, short};
use crate::cluster::ObjectRef;
use crate::manifest::{HookEvent, Manifest, uninstall_rank};
use crate::release::{self, History, Release, ReleaseError, Status};

/// What a new revision does.
pub(super) struct Change {
    /// All objects of the revision.
    pub(super) wanted: Vec<Target>,
    pub(super) apply: Vec<Target>,
    /// Objects that stand without a deployed revision having had them, as they were seen.
    adopted: Vec<(Target, Json)>,
    /// Whether objects may have been applied by updates until now.
    hand_over: bool,
    /// Objects of earlier revisions that the new one has not, what depends on others first.
    drop: Vec<ObjectRef>,
}

/// The hooks before and after.
pub(super) type Events = (HookEvent, HookEvent);

/// Objects that were deleted, and those that stayed.
pub(super) type DroppedObjects = (Vec<ObjectRef>, Vec<ObjectRef>);

impl Actor<'_> {
    /// Compares the new revision with all that may stand in the cluster: the deployed revision and
    /// those that failed after it, each of which may have been applied in part.
    pub(super) async fn plan(
        &self,
        history: &History,
        manifests: &[Manifest],
        release: &Release,
    ) -> Result<Change, ReleaseError> {
        let deployed = history.deployed().map(|deployed| deployed.version);
        let since = deployed.unwrap_or_default();
        let standing = history.revisions().iter().filter(|revision| revision.version >= since);
        let mut before = Vec::new();
        let mut hand_over = false;
        for revision in standing {
            hand_over |= !revision.is_server_side_applied();
            before.push((revision.version, recorded_targets(self.cluster, revision).await?));
        }
        let wanted = targets(self.cluster, release, manifests).await?;
        let (mut apply, mut adopted) = (Vec::new(), Vec::new());
        for target in &wanted {
            let earlier =
                before.iter().map(|(version, targets)| (*version, find(targets, &target.reference)));
            let earlier: Vec<_> = earlier.collect();
            let is_known =
                earlier.iter().any(|(version, found)| Some(*version) == deployed && found.is_some());
            if !is_known {
                let live = self.get_unless_foreign(target, release).await?;
                adopted.extend(live.map(|live| (target.clone(), live)));
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
        drop.sort_by_cached_key(|reference| uninstall_rank(&reference.kind));
        Ok(Change { wanted, apply, adopted, hand_over, drop })
    }

    /// A pending revision whose worker is dead did not succeed.
    pub(super) async fn heal(&self, history: &History) -> Result<(), ReleaseError> {
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

    pub(super) async fn carry_out(
        &self,
        change: &Change,
        (before, after): Events,
        release: &mut Release,
    ) -> Result<DroppedObjects, ReleaseError> {
        self.run_hooks(before, release).await?;
        for (target, live) in &change.adopted {
            self.hand_over(target, live, managed_fields::adoption_patch).await?;
        }
        // Unchanged ones too: once the record says that they are applied, nobody looks again.
        for target in change.wanted.iter().filter(|_| change.hand_over) {
            self.hand_over_live(target).await?;
        }
        for target in &change.apply {
            self.apply(target).await?;
        }
        let (mut deleted, mut kept) = (Vec::new(), Vec::new());
        for reference in &change.drop {
            match self.drop_object(reference, release).await? {
                Dropped::Deleted => deleted.push(reference.clone()),
                Dropped::Kept => kept.push(reference.clone()),
                Dropped::Absent => {}
            }
        }
        self.wait_for_objects(&change.wanted).await?;
        self.run_hooks(after, release).await?;
        Ok((deleted, kept))
    }

    pub(super) async fn hand_over_live(&self, target: &Target) -> Result<(), ReleaseError> {
        match self.get(&target.reference).await? {
            Some(live) => self.hand_over(target, &live, managed_fields::handover_patch).await,
            None => Ok(()),
        }
    }

    /// Done last: two deployed revisions are no harm, none is.
    pub(super) async fn supersede(&self, history: History, version: u64) -> Result<(), ReleaseError> {
        for mut revision in history.into_revisions() {
            if revision.info.status == Status::Deployed && revision.version != version {
                revision.info.status = Status::Superseded;
                release::update(self.cluster, &mut revision, self.clock.now()).await?;
            }
        }
        Ok(())
    }
}
