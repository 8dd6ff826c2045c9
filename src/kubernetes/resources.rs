//! Discovery, asked for when needed and kept for the life of the client.

use std::collections::BTreeMap;

use helm::cluster::Capabilities;
use tokio::sync::{Mutex, OnceCell};

use super::Kubernetes;
use super::discovery::{
    ResourceKind, capabilities, group_version_path, parse_aggregated, parse_group_versions,
    parse_resource_list,
};
use super::error::KubernetesError;
use super::request::{AGGREGATED_DISCOVERY, Call};

/// What discovery has answered so far.
#[derive(Default)]
pub(super) struct Resources {
    capabilities: OnceCell<Capabilities>,
    /// Kinds by group version. A kind that is missing is asked for again: a chart may just have
    /// installed its CustomResourceDefinition.
    group_versions: Mutex<BTreeMap<String, Vec<ResourceKind>>>,
}

impl Kubernetes {
    /// Where a kind is served.
    pub async fn resource_kind(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<ResourceKind, KubernetesError> {
        if let Some(known) = ResourceKind::builtin(api_version, kind) {
            return Ok(known);
        }
        let find = |kinds: &[ResourceKind]| kinds.iter().find(|known| known.kind == kind).cloned();
        // Held over the request, so that one question serves all who ask at the same time.
        let mut cache = self.inner.resources.group_versions.lock().await;
        if let Some(known) = cache.get(api_version).and_then(|kinds| find(kinds)) {
            return Ok(known);
        }
        let call = Call::discover(&format!("the kinds of {api_version}"), &group_version_path(api_version));
        let kinds = match self.send(&call).await {
            Ok(list) => parse_resource_list(api_version, &list),
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error),
        };
        let found = find(&kinds);
        cache.insert(api_version.to_owned(), kinds);
        found.ok_or(KubernetesError::KindNotServed {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            host: self.host().await?,
        })
    }

    /// The server's version and all that it serves; asked for once.
    pub async fn server_capabilities(&self) -> Result<Capabilities, KubernetesError> {
        let cell = &self.inner.resources.capabilities;
        let seen = cell
            .get_or_try_init(|| async {
                let call = Call::discover("the server's version", "/version");
                let (version, kinds) = tokio::try_join!(self.send(&call), self.all_kinds())?;
                let kube_version = version["gitVersion"].as_str().unwrap_or_default().to_owned();
                Ok::<_, KubernetesError>(capabilities(kube_version, &kinds))
            })
            .await?;
        Ok(seen.clone())
    }

    /// Every kind that the server serves: two requests, or one a group version where the server
    /// knows no aggregated discovery.
    pub async fn all_kinds(&self) -> Result<Vec<ResourceKind>, KubernetesError> {
        let ask = |path| Call::discover("the kinds of the server", path).with_accept(AGGREGATED_DISCOVERY);
        let (core_call, groups_call) = (ask("/api"), ask("/apis"));
        let (core, groups) = tokio::try_join!(self.send(&core_call), self.send(&groups_call))?;
        if let (Some(mut kinds), Some(others)) = (parse_aggregated(&core), parse_aggregated(&groups)) {
            kinds.extend(others);
            return Ok(kinds);
        }
        let mut kinds = Vec::new();
        for api_version in std::iter::once("v1".to_owned()).chain(parse_group_versions(&groups)) {
            let call =
                Call::discover(&format!("the kinds of {api_version}"), &group_version_path(&api_version));
            match self.send(&call).await {
                Ok(list) => kinds.extend(parse_resource_list(&api_version, &list)),
                // An aggregated API whose backend is down must not stop what does not need it.
                Err(error) if error.is_unavailable() || error.is_not_found() => {
                    tracing::warn!(%api_version, %error, "a group is registered and not served");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(kinds)
    }
}
