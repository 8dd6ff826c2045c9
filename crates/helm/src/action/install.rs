//! The first revision of a release.

use serde_json::Value as Json;

use super::target::{Target, address, targets};
use super::{Actor, Options, Outcome, chain, cluster_error, managed_fields, uninstall};
use crate::cluster::{Clock, Cluster, ClusterErrorKind, ObjectRef};
use crate::manifest::{HookEvent, Manifest, split_documents};
use crate::release::{self, History, Release, ReleaseError, Status, is_valid_name};
use crate::render::Rendered;

/// Installs a rendered chart as a new release.
///
/// Nothing is changed before it is known that the name is free, that no object of it belongs to
/// someone else, and that the record fits into a Secret. A failure after that leaves what was
/// applied, and a record that says why; [`super::upgrade`] goes on from there. With
/// [`Options::atomic`] all of it is uninstalled again.
///
/// # Errors
/// The name is bad or in use, an object exists that is not the release's, the cluster refuses
/// something, a hook fails, or what the options wait for does not happen.
pub async fn install(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    rendered: &Rendered,
    options: &Options,
) -> Result<Outcome, ReleaseError> {
    let actor = Actor { cluster, clock, options };
    if !is_valid_name(&rendered.name) {
        return Err(ReleaseError::Name { name: rendered.name.clone() });
    }
    let history = History::read(cluster, &rendered.namespace, &rendered.name).await?;
    history.check_idle(clock.now(), options.stale_after)?;
    if let Some(latest) = history.latest() {
        let (name, status) = (latest.name.clone(), latest.info.status);
        return Err(ReleaseError::NameInUse { name, status });
    }
    let mut release = actor.new_release(rendered, Status::PendingInstall, None)?;
    let targets = targets(cluster, &release, &rendered.manifests).await?;
    let adopted = actor.get_all_unless_foreign(&targets, &release).await?;
    release::create(cluster, &history, options.history_max, &mut release, clock.now()).await?;
    let done = Box::pin(actor.install_objects(rendered, &mut release, &targets, &adopted)).await;
    let failure = format!("Release {:?} failed", release.name);
    let applied = match actor.conclude(&mut release, done, "Install complete", &failure).await {
        Ok(applied) => applied,
        Err(error) => return Err(actor.undo_install(&release, error).await),
    };
    Ok(Outcome { release, applied, deleted: Vec::new(), kept: Vec::new() })
}

impl Actor<'_> {
    async fn install_objects(
        &self,
        rendered: &Rendered,
        release: &mut Release,
        targets: &[Target],
        adopted: &[(&Target, Json)],
    ) -> Result<Vec<ObjectRef>, ReleaseError> {
        self.create_crds(rendered).await?;
        self.run_hooks(HookEvent::PreInstall, release).await?;
        for (target, live) in adopted {
            self.hand_over(target, live, managed_fields::adoption_patch).await?;
        }
        let mut applied = Vec::new();
        for target in targets {
            self.apply(target).await?;
            applied.push(target.reference.clone());
        }
        self.wait_for_objects(targets).await?;
        self.run_hooks(HookEvent::PostInstall, release).await?;
        Ok(applied)
    }

    /// Takes everything away again, if the options say so.
    async fn undo_install(&self, release: &Release, error: ReleaseError) -> ReleaseError {
        if !self.options.atomic {
            return error;
        }
        let name = release.name.clone();
        let options = Options { keep_history: false, ..self.options.clone() };
        let undone = uninstall(self.cluster, self.clock, &release.namespace, &name, &options);
        match Box::pin(undone).await {
            Ok(_) => ReleaseError::Undone { name, source: Box::new(error) },
            Err(second) => ReleaseError::NotUndone { name, reason: chain(&second), source: Box::new(error) },
        }
    }

    /// Definitions of custom resources are created when they are missing, and never changed.
    async fn create_crds(&self, rendered: &Rendered) -> Result<(), ReleaseError> {
        for file in rendered.chart.crds() {
            for document in split_documents(&String::from_utf8_lossy(&file.data)) {
                let manifest = Manifest::parse(&file.path, document).map_err(|source| {
                    ReleaseError::Manifest { name: rendered.name.clone(), version: rendered.revision, source }
                })?;
                for object in manifest.objects() {
                    let target = address(self.cluster, &rendered.namespace, &file.path, object).await?;
                    match self.cluster.create(&target.object).await {
                        Ok(_) => self.wait_until_ready(&target.reference, &file.path).await?,
                        Err(error) if error.kind == ClusterErrorKind::AlreadyExists => {}
                        Err(error) => return Err(cluster_error("create", &target.reference)(error)),
                    }
                }
            }
        }
        Ok(())
    }
}
