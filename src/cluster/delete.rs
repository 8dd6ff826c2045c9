//! The delete verb: removes what is ours and nothing else, from any partial state.

use helm::action::{self, Options};
use tfplugin_sdk::{Context, DeleteRequest, Diagnostic, Diagnostics, Outcome, path};
use tokio::time::Instant;

use super::clients::Clients;
use super::diagnostics::failed;
use super::error::Error;
use super::fingerprint;
use super::gather::Here;
use super::model::Model;
use super::observe::observe;
use super::read::site;
use super::refresh::refresh;
use super::resolve::timeouts;
use super::site::Site;
use super::unrecorded;
use crate::chart::Names;
use crate::chart::effective::names;
use crate::gke;
use crate::kubernetes::{NamespaceRemoval, Wait};

pub fn refuse_protected(state: &Model) -> Diagnostics {
    if !state.deletion_protection.is(&true) {
        return Diagnostics::none();
    }
    let name = state.id.as_str().unwrap_or_default();
    let detail =
        format!("{name} has deletion_protection = true. Set it to false and apply that first, then destroy.");
    Diagnostic::error("The cluster is protected from deletion", detail)
        .at(path!["deletion_protection"])
        .into()
}

pub async fn delete(ctx: &Context, clients: &Clients, request: DeleteRequest<Model>) -> Outcome<Model> {
    let DeleteRequest { state, private } = request;
    let refused = refuse_protected(&state);
    if refused.has_errors() {
        return Outcome::failed(Some(state), refused).private(private);
    }
    let site = match site(clients, &state).await {
        Ok(site) => site,
        Err(error) => {
            return Outcome::failed(Some(state), failed("destroy the cluster", &error)).private(private);
        }
    };
    let removal =
        Removal { site: &site, ctx, state: &state, deadline: Instant::now() + timeouts(&state).delete };
    let removed = tokio::select! {
        removed = removal.run() => removed,
        () = ctx.stop.cancelled() => Err(Error::Interrupted),
    };
    match removed {
        Ok(()) => Outcome::gone(),
        Err(error) => {
            let left = match observe(&site).await {
                Ok(observed) if !observed.is_gone() => {
                    refresh(&state, &observed, (&site.namespace, &site.release))
                }
                _ => state,
            };
            Outcome::failed(Some(left), failed("destroy the cluster", &error)).private(private)
        }
    }
}

struct Removal<'a> {
    site: &'a Site,
    ctx: &'a Context,
    state: &'a Model,
    deadline: Instant,
}

impl Removal<'_> {
    fn wait(&self) -> Wait<'_> {
        Wait { deadline: self.deadline, cancel: &self.ctx.stop, secrets: &[] }
    }

    async fn run(&self) -> Result<(), Error> {
        let site = self.site;
        let observed = observe(site).await?;
        let values = observed.release.as_ref().map(|release| release.effective_values.clone());
        let names = names(&values.unwrap_or_default(), &site.release, &site.namespace);
        if observed.release.as_ref().is_some_and(|seen| !seen.is_recorded()) {
            Box::pin(unrecorded::record(site)).await?;
        }
        let options = Options { stale_after: std::time::Duration::ZERO, ..Options::default() };
        let kubernetes = &site.kubernetes;
        let removed = action::uninstall(kubernetes, &Here, &site.namespace, &site.release, &options).await;
        removed.map_err(Error::release(&site.namespace, &site.release))?;
        self.pods_and_volumes(&names).await?;
        self.secrets(&names).await?;
        self.node_pool().await?;
        self.namespace().await
    }

    async fn pods_and_volumes(&self, names: &Names) -> Result<(), Error> {
        let (site, namespace) = (self.site, self.site.namespace.as_str());
        let selector = names.label_selector();
        site.kubernetes.wait_none("v1", "Pod", namespace, &selector, self.wait()).await?;
        let persistence = self.state.persistence.known();
        if persistence.is_some_and(|persistence| persistence.on_destroy.as_str() == Some("retain")) {
            return Ok(());
        }
        site.kubernetes.delete_claims(namespace, &selector).await?;
        let kind = "PersistentVolumeClaim";
        Ok(site.kubernetes.wait_none("v1", kind, namespace, &selector, self.wait()).await?)
    }

    /// The mark on a Secret, not the state, decides whether it is ours to delete.
    async fn secrets(&self, names: &Names) -> Result<(), Error> {
        let (site, owner) = (self.site, self.site.owner());
        for name in [names.auth_secret(), fingerprint::secret_name(names)] {
            site.kubernetes.delete_secret(&site.namespace, &name, &owner).await?;
        }
        Ok(())
    }

    async fn node_pool(&self) -> Result<(), Error> {
        let (Some((gke, cluster)), Some(pool)) = (&self.site.gke, &self.site.node_pool) else {
            return Ok(());
        };
        let wait = gke::Wait { deadline: self.deadline, cancel: &self.ctx.stop };
        let mut started =
            |operation: &str| tracing::info!(operation, "GKE has begun to delete the node pool");
        Ok(gke.delete_node_pool(cluster, pool, wait, &mut started).await?)
    }

    async fn namespace(&self) -> Result<(), Error> {
        let (site, owner) = (self.site, self.site.owner());
        match site.kubernetes.delete_namespace(&site.namespace, &owner).await? {
            NamespaceRemoval::Begun => {
                let namespace = helm::cluster::ObjectRef::new("v1", "Namespace", None, &site.namespace);
                Ok(site.kubernetes.wait_gone(&namespace, self.wait()).await?)
            }
            left => {
                tracing::info!(?left, namespace = %site.namespace, "the namespace stays");
                Ok(())
            }
        }
    }
}
