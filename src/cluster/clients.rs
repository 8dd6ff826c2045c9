//! What the verbs work with: Google Cloud, and the way to each Kubernetes cluster.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tfplugin_sdk::Attr;
use tokio::sync::Mutex;

use super::charts::Charts;
use super::error::Error;
use super::model::{Gke, GkeCluster};
use crate::gke::{self, ClusterId};
use crate::kubernetes::{Kubernetes, KubernetesError, Mode, Password, TokenSource};

/// Made once by the provider's configuration; nothing is contacted before a verb needs it.
pub struct Clients {
    pub gke: gke::Gke,
    /// The cluster of the provider's kubernetes block, which beats a resource's gke block.
    pub explicit: Option<Kubernetes>,
    /// The cluster of the `KUBE_*` variables.
    pub environment: Option<Kubernetes>,
    pub connection: Connection,
    pub charts: Charts,
    pub project: Option<String>,
    pub location: Option<String>,
    pub through_gke: Mutex<HashMap<String, Kubernetes>>,
}

/// How servers and sentinels are reached.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    pub mode: Mode,
    /// For one pod to answer.
    pub timeout: Duration,
}

impl Clients {
    /// A GKE cluster whose project and location are the provider's where it names none.
    pub fn gke_cluster(&self, named: GkeCluster) -> Gke {
        Gke {
            project: named.project.or(self.project.clone().into()),
            location: named.location.or(self.location.clone().into()),
            cluster: named.cluster,
            node_pool: Attr::Null,
        }
    }

    /// The Kubernetes cluster of a resource.
    pub async fn kubernetes(&self, cluster: Option<&ClusterId>) -> Result<Kubernetes, Error> {
        if let Some(explicit) = &self.explicit {
            return Ok(explicit.clone());
        }
        let Some(cluster) = cluster else {
            return self.environment.clone().ok_or(Error::Kubernetes(KubernetesError::NotConfigured));
        };
        let mut known = self.through_gke.lock().await;
        if let Some(kubernetes) = known.get(&cluster.path()) {
            return Ok(kubernetes.clone());
        }
        let access = self.gke.cluster_access(cluster).await?;
        let tokens = Arc::new(GoogleTokens(self.gke.clone()));
        let described = format!("the GKE cluster {}", cluster.path());
        let kubernetes =
            Kubernetes::from_tokens(&access.host, access.ca_certificate.clone(), tokens, &described);
        known.insert(cluster.path(), kubernetes.clone());
        Ok(kubernetes)
    }
}

/// Google's access tokens, as the Kubernetes client asks for them.
struct GoogleTokens(gke::Gke);

#[async_trait]
impl TokenSource for GoogleTokens {
    async fn token(&self) -> Result<Password, Box<dyn std::error::Error + Send + Sync>> {
        let token = self.0.access_token().await?;
        Ok(Password::new(token.expose()))
    }
}
