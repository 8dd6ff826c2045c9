//! Single objects: looked at, applied, deleted.

use serde_json::Value as Json;

use super::managed_fields::PatchOf;
use super::target::Target;
use super::{Actor, cluster_error, owner};
use crate::cluster::{ApplyOptions, ClusterErrorKind, DeleteOptions, ObjectRef};
use crate::release::{Release, ReleaseError};

/// As many objects of one kind are looked for by a list.
const LIST_FROM: usize = 3;

/// What became of an object that a release dropped.
pub(super) enum Dropped {
    Deleted,
    /// It outlives the release, or belongs to someone else.
    Kept,
    /// There was none.
    Absent,
}

impl Actor<'_> {
    pub(super) async fn get(&self, reference: &ObjectRef) -> Result<Option<Json>, ReleaseError> {
        self.cluster.get(reference).await.map_err(cluster_error("read", reference))
    }

    /// The live object, which must not be there or carry the release's marks, unless the options take
    /// it over as it is.
    pub(super) async fn get_unless_foreign(
        &self,
        target: &Target,
        release: &Release,
    ) -> Result<Option<Json>, ReleaseError> {
        self.unless_foreign(target, release, self.get(&target.reference).await?)
    }

    fn unless_foreign(
        &self,
        target: &Target,
        release: &Release,
        live: Option<Json>,
    ) -> Result<Option<Json>, ReleaseError> {
        let foreign = live.as_ref().and_then(|live| owner::foreign(live, &release.name, &release.namespace));
        match foreign.filter(|_| !self.options.take_ownership) {
            None => Ok(live),
            Some(found) => Err(ReleaseError::NotOurs {
                object: target.reference.to_string(),
                name: release.name.clone(),
                found,
            }),
        }
    }

    /// As [`Self::get_unless_foreign`] for each object. Where a release has several of one kind, they
    /// are looked for by one list, if that is allowed.
    pub(super) async fn get_all_unless_foreign<'t>(
        &self,
        targets: &'t [Target],
        release: &Release,
    ) -> Result<Vec<(&'t Target, Json)>, ReleaseError> {
        let mut listed: Vec<(&ObjectRef, Option<Vec<Json>>)> = Vec::new();
        let mut found = Vec::new();
        for target in targets {
            let reference = &target.reference;
            let is_alike = |other: &ObjectRef| {
                (&other.api_version, &other.kind, &other.namespace)
                    == (&reference.api_version, &reference.kind, &reference.namespace)
            };
            let several = targets.iter().filter(|other| is_alike(&other.reference)).count() >= LIST_FROM;
            if several && !listed.iter().any(|(first, _)| is_alike(first)) {
                listed.push((reference, self.list_alike(reference).await?));
            }
            let list = listed.iter().find(|(first, _)| is_alike(first)).and_then(|(_, list)| list.as_ref());
            let live = match list {
                Some(list) => list.iter().find(|live| live["metadata"]["name"] == *reference.name).cloned(),
                None => self.get(reference).await?,
            };
            found.extend(self.unless_foreign(target, release, live)?.map(|live| (target, live)));
        }
        Ok(found)
    }

    /// All objects of a kind and namespace; `None` where we may not list them.
    async fn list_alike(&self, reference: &ObjectRef) -> Result<Option<Vec<Json>>, ReleaseError> {
        let ObjectRef { api_version, kind, namespace, .. } = reference;
        match self.cluster.list(api_version, kind, namespace.as_deref(), "").await {
            Ok(list) => Ok(Some(list)),
            Err(error) if error.kind == ClusterErrorKind::Forbidden => Ok(None),
            Err(error) => Err(cluster_error("list objects like", reference)(error)),
        }
    }

    pub(super) fn is_forced(&self, target: &Target) -> bool {
        self.options.force.contains(&target.reference.key())
    }

    pub(super) async fn apply(&self, target: &Target) -> Result<Json, ReleaseError> {
        let options = ApplyOptions {
            field_manager: self.options.field_manager.clone(),
            force: self.is_forced(target),
            dry_run: false,
        };
        let applied = self.cluster.apply(&target.object, &options).await;
        applied.map_err(cluster_error("apply", &target.reference))
    }

    /// Takes over what earlier owners hold by updates, as `patch_of` says it.
    pub(super) async fn hand_over(
        &self,
        target: &Target,
        live: &Json,
        patch_of: PatchOf,
    ) -> Result<(), ReleaseError> {
        let manager = &self.options.field_manager;
        let Some(patch) = patch_of(live, manager) else { return Ok(()) };
        let reference = &target.reference;
        match self.cluster.merge_patch(reference, &patch, manager).await {
            Ok(_) => Ok(()),
            // Somebody changed the object since it was read: read it again, once.
            Err(error) if error.kind == ClusterErrorKind::Conflict => {
                let Some(live) = self.get(reference).await? else { return Ok(()) };
                let Some(patch) = patch_of(&live, manager) else { return Ok(()) };
                let patched = self.cluster.merge_patch(reference, &patch, manager).await;
                patched.map(|_| ()).map_err(cluster_error("take over", reference))
            }
            Err(error) => Err(cluster_error("take over", reference)(error)),
        }
    }

    /// Deletes an object of the release, unless it asks to be kept or is another's by now. The
    /// deletion is bound to the very object that was looked at.
    pub(super) async fn drop_object(
        &self,
        reference: &ObjectRef,
        release: &Release,
    ) -> Result<Dropped, ReleaseError> {
        let Some(live) = self.get(reference).await? else { return Ok(Dropped::Absent) };
        if owner::is_kept(&live) {
            return Ok(Dropped::Kept);
        }
        if let Some(found) = owner::foreign(&live, &release.name, &release.namespace) {
            tracing::warn!(object = %reference, found, "not deleted: it is no part of the release");
            return Ok(Dropped::Kept);
        }
        let options = DeleteOptions { uid: owner::uid(&live), ..DeleteOptions::default() };
        match self.cluster.delete(reference, &options).await {
            Ok(()) => Ok(Dropped::Deleted),
            Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(Dropped::Absent),
            Err(error) => Err(cluster_error("delete", reference)(error)),
        }
    }
}
