//! What stands in the environment of the pods: the password that each was started with, whatever the
//! Secret says now.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::error::Error;
use super::execute::Work;
use super::site::Servers;
use crate::kubernetes::{KubernetesError, Password};
use crate::sentinel::{self, Observation, execute};

/// A Secret that somebody deleted still stands in the environment of the pods that were made with it;
/// another password would lock them out. `None` where no pod has one.
pub async fn any_password(work: &Work<'_>) -> Result<Option<Password>, Error> {
    let (site, names) = (work.site, &work.config.names);
    let pods = site.kubernetes.pods(&site.namespace, &names.label_selector()).await?;
    let mut failed = None;
    for pod in pods.iter().filter_map(|pod| pod.metadata.name.as_deref()) {
        match password(work, pod).await {
            Ok(Some(password)) => return Ok(Some(password)),
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(None), |error| Err(error.into()))
}

/// By pod: another password than the one we hold, which its server takes if it refuses ours.
pub async fn started_with(
    work: &Work<'_>,
    servers: &Servers,
    look: &Observation,
) -> BTreeMap<String, sentinel::Password> {
    let found = look.pods.iter().map(async |pod| {
        let name = pod.pod.as_str();
        let found = password(work, name).await;
        let found = found.inspect_err(|error| tracing::warn!(%error, "the pod's environment is unknown"));
        let found = sentinel::Password::new(found.ok()??.expose());
        let is_other = servers.credentials.server.as_ref() != Some(&found);
        let is_taken =
            !pod.server.is_refused() || execute::takes(&servers.reach(), name, &found).await.ok()?;
        (is_other && is_taken).then(|| (name.to_owned(), found))
    });
    join_all(found).await.into_iter().flatten().collect()
}

async fn password(work: &Work<'_>, pod: &str) -> Result<Option<Password>, KubernetesError> {
    let site = work.site;
    let container = (site.namespace.as_str(), pod, "redis");
    let printed = site.kubernetes.exec(container, &["printenv", "AUTH"], site.connection.timeout).await?;
    let printed = printed.trim_end_matches('\n');
    Ok((!printed.is_empty()).then(|| Password::new(printed)))
}
