//! The first revision of a release.

use serde_json::Value as Json;

use super::inert::leading_inert;
use super::target::{Target, address, targets};
use super::{Actor, Options, Outcome, cluster_error, managed_fields, not_undone, uninstall};
use crate::cluster::{Clock, Cluster, ClusterErrorKind};
use crate::manifest::{HookEvent, Manifest, split_documents};
use crate::release::{self, History, Release, ReleaseError, Status, is_valid_name};
use crate::render::Rendered;

/// Installs a rendered chart as a new release.
///
/// Nothing is changed before it is known that the name is free, that no object of it that acts belongs
/// to someone else, and that the record fits into a Secret. Objects that do nothing by themselves, such
/// as ConfigMaps, are created only where there are none: if one is someone else's, what was created
/// before it goes again, and so does the record. Any other failure leaves what was applied, and a record
/// that says why; [`super::upgrade`] goes on from there. With [`Options::atomic`] all of it is
/// uninstalled again.
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
    let (inert, acting) = targets.split_at(leading_inert(rendered, &targets));
    let adopted = actor.get_all_unless_foreign(acting, &release).await?;
    release::create(cluster, &history, options.history_max, &mut release, clock.now()).await?;
    let work = actor.install_objects(rendered, &mut release, inert, acting, &adopted);
    let done = match Box::pin(work).await {
        Err(error @ ReleaseError::NotOurs { .. }) => return Err(actor.forget(&release, error).await),
        done => done,
    };
    let failure = format!("Release {:?} failed", release.name);
    match actor.conclude(&mut release, done, "Install complete", &failure).await {
        Ok(()) => {
            let applied = targets.into_iter().map(|target| target.reference).collect();
            Ok(Outcome { release, applied, deleted: Vec::new(), kept: Vec::new() })
        }
        Err(error) => Err(actor.undo_install(&release, error).await),
    }
}

impl Actor<'_> {
    async fn install_objects(
        &self,
        rendered: &Rendered,
        release: &mut Release,
        inert: &[Target],
        acting: &[Target],
        adopted: &[(&Target, Json)],
    ) -> Result<(), ReleaseError> {
        self.create_inert(inert, release).await?;
        self.create_crds(rendered).await?;
        self.run_hooks(HookEvent::PreInstall, release).await?;
        for (target, live) in adopted {
            self.hand_over(target, live, managed_fields::adoption_patch).await?;
        }
        for target in acting {
            self.apply(target).await?;
        }
        self.wait_for_objects(acting).await?;
        self.run_hooks(HookEvent::PostInstall, release).await
    }

    /// Takes the record of a release away of which nothing stands.
    async fn forget(&self, release: &Release, error: ReleaseError) -> ReleaseError {
        match release::purge(self.cluster, std::slice::from_ref(release)).await {
            Ok(()) => error,
            Err(second) => not_undone(&release.name, &second, error),
        }
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
            Err(second) => not_undone(&name, &second, error),
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
