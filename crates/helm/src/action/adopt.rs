//! Objects that stand already become a release.

use serde_json::json;

use super::target::recorded_targets;
use super::{Actor, Options, cluster_error, managed_fields, owner};
use crate::cluster::{Clock, Cluster};
use crate::release::{self, History, Release, ReleaseError, Status};

/// Records objects that stand in the cluster, as `release.manifest` says them, as the first revision of
/// a release. Each gets the release's marks, and what kubectl applied of it passes to Helm's own field
/// manager, so that a later revision can change it and drop it. Nothing else of them changes. The
/// record is written last: whoever is killed before that finds everything as it was.
///
/// # Errors
/// The name is in use, an object belongs to another release, or the cluster refuses something.
pub async fn adopt(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    release: &mut Release,
    options: &Options,
) -> Result<(), ReleaseError> {
    let actor = Actor { cluster, clock, options };
    let history = History::read(cluster, &release.namespace, &release.name).await?;
    if let Some(latest) = history.latest() {
        let (name, status) = (latest.name.clone(), latest.info.status);
        return Err(ReleaseError::NameInUse { name, status });
    }
    let targets = recorded_targets(cluster, release).await?;
    let mut standing = Vec::new();
    for target in &targets {
        let Some(live) = actor.get(&target.reference).await? else { continue };
        if let Some(found) = owner::of_another(&live, &release.name, &release.namespace) {
            let (object, name) = (target.reference.to_string(), release.name.clone());
            return Err(ReleaseError::NotOurs { object, name, found });
        }
        standing.push(&target.reference);
    }
    for reference in standing {
        let mut marks = json!({});
        owner::claim(&mut marks, &release.name, &release.namespace);
        let manager = &options.field_manager;
        let marked = cluster.merge_patch(reference, &marks, manager).await;
        let marked = marked.map_err(cluster_error("mark", reference))?;
        if let Some(patch) = managed_fields::adoption_patch(&marked, manager) {
            let patched = cluster.merge_patch(reference, &patch, manager).await;
            patched.map_err(cluster_error("take over", reference))?;
        }
    }
    release.version = 1;
    "ssa".clone_into(&mut release.apply_method);
    release.info.first_deployed = actor.timestamp();
    release.info.last_deployed.clone_from(&release.info.first_deployed);
    release.set_status(Status::Deployed, "Adopted: its objects stood without a record");
    release::create(cluster, &history, options.history_max, release, clock.now()).await
}
