//! Back to an earlier revision, as a new one.

use super::{Actor, Options, Outcome};
use crate::cluster::{Clock, Cluster};
use crate::manifest::HookEvent;
use crate::release::{self, History, Release, ReleaseError, Status};

/// Makes the objects of an earlier revision (`None`: the one before the newest) the next revision of
/// a release, from what is recorded: no chart is rendered.
///
/// # Errors
/// There is no such release or revision, someone else works on it, the cluster refuses something, a
/// hook fails, or what the options wait for does not happen. The record then says why.
pub async fn rollback(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    namespace: &str,
    name: &str,
    revision: Option<u64>,
    options: &Options,
) -> Result<Outcome, ReleaseError> {
    let actor = Actor { cluster, clock, options };
    let history = History::read(cluster, namespace, name).await?;
    let Some(latest) = history.latest() else {
        let (name, namespace) = (name.to_owned(), namespace.to_owned());
        return Err(ReleaseError::NotFound { name, namespace });
    };
    history.check_idle(clock.now(), options.stale_after)?;
    let wanted = revision.unwrap_or_else(|| latest.version.saturating_sub(1));
    let Some(earlier) = history.revisions().iter().find(|revision| revision.version == wanted) else {
        let kept = history.revisions().iter().map(|revision| revision.version.to_string());
        let (name, kept) = (name.to_owned(), kept.collect::<Vec<_>>().join(", "));
        return Err(ReleaseError::NoRevision { name, revision: wanted, kept });
    };
    let mut release = actor.revived(earlier, latest);
    let change = actor.plan(&history, &earlier.manifests()?, &release).await?;
    actor.heal(&history).await?;
    release::create(cluster, &history, options.history_max, &mut release, clock.now()).await?;
    let events = (HookEvent::PreRollback, HookEvent::PostRollback);
    let done = Box::pin(actor.carry_out(&change, events, &mut release)).await;
    let (success, failure) = (format!("Rollback to {wanted}"), format!("Rollback {name:?} failed"));
    let (deleted, kept) = actor.conclude(&mut release, done, &success, &failure).await?;
    actor.supersede(history, release.version).await?;
    let applied = change.apply.into_iter().map(|target| target.reference).collect();
    Ok(Outcome { release, applied, deleted, kept })
}

impl Actor<'_> {
    /// The record of an earlier revision as that of the next one.
    fn revived(&self, earlier: &Release, latest: &Release) -> Release {
        let mut release = Release {
            version: latest.version + 1,
            labels: latest.labels.clone(),
            apply_method: "ssa".to_owned(),
            resource_version: String::new(),
            ..earlier.clone()
        };
        release.info.first_deployed.clone_from(&latest.info.first_deployed);
        release.info.last_deployed = self.timestamp();
        release.info.deleted.clear();
        for hook in &mut release.hooks {
            hook.last_run = crate::manifest::HookRun::default();
        }
        release.set_status(Status::PendingRollback, format!("Rollback to {}", earlier.version));
        release
    }
}
