//! Objects that do nothing by themselves: created without a look, and only where there is none.

use serde_json::{Value as Json, json};

use super::target::Target;
use super::{Actor, cluster_error, managed_fields, not_undone, owner};
use crate::cluster::{ClusterErrorKind, DeleteOptions, ObjectRef};
use crate::manifest::HookEvent;
use crate::release::{Release, ReleaseError};
use crate::render::Rendered;

/// Kinds of which one that was created in vain can go again, and nothing has come of it.
const INERT: [(&str, &str); 6] = [
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "ServiceAccount"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
];

/// A resourceVersion that no object ever has, since the first write of a store gets a later one. To apply
/// with it creates an object, and is a conflict with one that stands: unlike a create, it leaves the
/// fields to the manager's applies.
const OF_NONE: &str = "1";

/// How many of a release's first objects may be created unseen: none, if hooks or definitions of custom
/// resources come before them.
pub(super) fn leading_inert(rendered: &Rendered, targets: &[Target]) -> usize {
    let acts_before = rendered.hooks.iter().any(|hook| hook.events.contains(&HookEvent::PreInstall))
        || !rendered.chart.crds().is_empty();
    let is_inert = |target: &&Target| {
        INERT.contains(&(target.reference.api_version.as_str(), target.reference.kind.as_str()))
    };
    if acts_before { 0 } else { targets.iter().take_while(is_inert).count() }
}

impl Actor<'_> {
    /// Creates the objects, or takes over what bears the release's marks. If one is someone else's,
    /// those that were created before it go again.
    pub(super) async fn create_inert(
        &self,
        targets: &[Target],
        release: &Release,
    ) -> Result<(), ReleaseError> {
        let mut created = Vec::new();
        for target in targets {
            match self.create_unseen(target, release).await {
                Ok(object) => created.extend(object.map(|object| (&target.reference, owner::uid(&object)))),
                Err(error @ ReleaseError::NotOurs { .. }) => {
                    return Err(match self.take_back(&created).await {
                        Ok(()) => error,
                        Err(second) => not_undone(&release.name, &second, error),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The object if it was created; `None` if one stood that is the release's.
    async fn create_unseen(&self, target: &Target, release: &Release) -> Result<Option<Json>, ReleaseError> {
        let mut absent = target.clone();
        absent.object["metadata"]["resourceVersion"] = json!(OF_NONE);
        match self.apply(&absent).await {
            Ok(created) => Ok(Some(created)),
            Err(ReleaseError::Cluster { source, .. }) if source.kind == ClusterErrorKind::Conflict => {
                if let Some(live) = self.get_unless_foreign(target, release).await? {
                    self.hand_over(target, &live, managed_fields::adoption_patch).await?;
                }
                self.apply(target).await.map(|_| None)
            }
            Err(error) => Err(error),
        }
    }

    async fn take_back(&self, created: &[(&ObjectRef, Option<String>)]) -> Result<(), ReleaseError> {
        for (reference, uid) in created.iter().rev() {
            let options = DeleteOptions { uid: uid.clone(), ..DeleteOptions::default() };
            self.cluster.delete(reference, &options).await.map_err(cluster_error("delete", reference))?;
        }
        Ok(())
    }
}
