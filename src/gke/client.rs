//! The handle on GKE: connects when first used, sends requests, and retries what is safe.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use google_cloud_auth::credentials::{AccessTokenCredentials, Credentials};
use google_cloud_container_v1::Error as GoogleError;
use google_cloud_container_v1::client::ClusterManager;
use google_cloud_container_v1::model::Cluster;
use google_cloud_container_v1::model::cluster;
use google_cloud_gax::retry_policy::NeverRetry;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::error::{Class, GkeError, classify, innermost, to_error};
use super::identity::find_credentials;
use super::wire::to_live;
use super::{ClusterId, GkeSettings, NodePoolLive, Secret};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS_MAX: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Google Kubernetes Engine. Cheap to clone; nothing is read or sent before the first call.
#[derive(Clone)]
pub struct Gke {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: GkeSettings,
    credentials: OnceCell<AccessTokenCredentials>,
    manager: OnceCell<ClusterManager>,
    pub(super) compute: OnceCell<reqwest::Client>,
}

/// How long to wait, and who may end it early.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    pub deadline: Instant,
    pub cancel: &'a CancellationToken,
}

/// How a cluster is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAccess {
    /// Address of the API server, with its scheme.
    pub host: String,
    /// PEM. `None` for a DNS endpoint, whose certificate the system's roots know.
    pub ca_certificate: Option<String>,
    /// The API server's version.
    pub version: String,
    /// The zones of the cluster's nodes.
    pub node_locations: Vec<String>,
    pub autopilot: bool,
}

impl Gke {
    pub fn new(settings: GkeSettings) -> Self {
        let (credentials, manager, compute) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { inner: Arc::new(Inner { settings, credentials, manager, compute }) }
    }

    pub fn settings(&self) -> &GkeSettings {
        &self.inner.settings
    }

    async fn credentials(&self) -> Result<&AccessTokenCredentials, GkeError> {
        self.inner.credentials.get_or_try_init(|| async { find_credentials(&self.inner.settings) }).await
    }

    pub(super) async fn manager(&self) -> Result<&ClusterManager, GkeError> {
        let credentials = self.credentials().await?;
        self.inner
            .manager
            .get_or_try_init(|| async {
                let endpoint = self.inner.settings.container_base();
                // Retries are this room's own: they know which request is safe.
                ClusterManager::builder()
                    .with_endpoint(&endpoint)
                    .with_credentials(Credentials::from(credentials.clone()))
                    .with_retry_policy(NeverRetry)
                    .with_attempt_timeout(ATTEMPT_TIMEOUT)
                    .build()
                    .await
                    .map_err(|error| GkeError::Unusable {
                        subject: format!("the GKE endpoint {endpoint}"),
                        reason: innermost(&error),
                    })
            })
            .await
    }

    /// An access token of this moment, renewed by its source shortly before it expires.
    pub async fn access_token(&self) -> Result<Secret, GkeError> {
        let token = self.credentials().await?.access_token().await;
        token.map(|token| Secret::new(token.token)).map_err(|error| GkeError::Credentials {
            described: "the google block and the environment".to_owned(),
            reason: innermost(&error),
            source: Some(Box::new(error)),
        })
    }

    /// How a cluster is reached. A cluster that does not exist is an error.
    pub async fn cluster_access(&self, id: &ClusterId) -> Result<ClusterAccess, GkeError> {
        let operation = format!("get the cluster {}", id.path());
        let manager = self.manager().await?;
        let cluster =
            self.ask(&operation, &id.path(), || manager.get_cluster().set_name(id.path()).send()).await?;
        access_of(&id.path(), &cluster)
    }

    /// A node pool, `None` when it or its cluster does not exist.
    pub async fn node_pool(&self, id: &ClusterId, name: &str) -> Result<Option<NodePoolLive>, GkeError> {
        let path = id.pool_path(name);
        let operation = format!("get the node pool {path}");
        let manager = self.manager().await?;
        match self.ask(&operation, &path, || manager.get_node_pool().set_name(&path).send()).await {
            Ok(pool) => Ok(Some(to_live(&pool))),
            Err(GkeError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of a cluster's node pools.
    pub async fn node_pool_names(&self, id: &ClusterId) -> Result<Vec<String>, GkeError> {
        let operation = format!("list the node pools of {}", id.path());
        let manager = self.manager().await?;
        let list = self
            .ask(&operation, &id.path(), || manager.list_node_pools().set_parent(id.path()).send())
            .await?;
        Ok(list.node_pools.into_iter().map(|pool| pool.name).collect())
    }

    /// Sends a request that only reads, again where an error passes.
    pub(super) async fn ask<T, F>(
        &self,
        operation: &str,
        subject: &str,
        send: impl Fn() -> F,
    ) -> Result<T, GkeError>
    where
        F: Future<Output = Result<T, GoogleError>>,
    {
        let mut attempt = 1;
        loop {
            let error = match Box::pin(send()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let passes = matches!(classify(&error), Class::NotDone | Class::Uncertain | Class::Busy);
            if !passes {
                return Err(to_error(operation, subject, error));
            }
            if attempt >= ATTEMPTS_MAX {
                return Err(self.given_up(operation, subject, attempt, error));
            }
            tracing::debug!(operation, attempt, error = %innermost(&error), "trying again");
            sleep(pause_after(attempt)).await;
            attempt += 1;
        }
    }

    /// The error of a request that failed too often: an answer is told as such, silence as well.
    pub(super) fn given_up(
        &self,
        operation: &str,
        subject: &str,
        attempts: u32,
        error: GoogleError,
    ) -> GkeError {
        if error.status().is_some() {
            return to_error(operation, subject, error);
        }
        GkeError::Unreachable {
            operation: operation.to_owned(),
            endpoint: self.inner.settings.container_base(),
            reason: innermost(&error),
            attempts,
            source: Some(Box::new(error)),
        }
    }
}

/// The pause after the `attempt`th attempt, counted from 1.
pub(super) fn pause_after(attempt: u32) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(factor).min(PAUSE_MAX)
}

pub(super) fn attempts_max() -> u32 {
    ATTEMPTS_MAX
}

fn access_of(path: &str, cluster: &Cluster) -> Result<ClusterAccess, GkeError> {
    let unusable = |reason: String| GkeError::Unusable { subject: format!("the cluster {path}"), reason };
    let dns = cluster
        .control_plane_endpoints_config
        .as_ref()
        .and_then(|config| config.dns_endpoint_config.as_ref())
        .map(|config| config.endpoint.clone())
        .filter(|endpoint| !endpoint.is_empty());
    if matches!(cluster.status, cluster::Status::Provisioning | cluster::Status::Stopping) {
        let status = cluster.status.name().unwrap_or("in an unknown state");
        return Err(unusable(format!("it is {status}")));
    }
    let (host, ca_certificate) = match (cluster.endpoint.as_str(), dns) {
        ("", Some(dns)) => (format!("https://{dns}"), None),
        ("", None) => return Err(unusable("it has no endpoint yet".to_owned())),
        (endpoint, _) => (format!("https://{endpoint}"), Some(ca_of(cluster).map_err(unusable)?)),
    };
    Ok(ClusterAccess {
        host,
        ca_certificate,
        version: cluster.current_master_version.clone(),
        node_locations: cluster.locations.clone(),
        autopilot: cluster.autopilot.as_ref().is_some_and(|autopilot| autopilot.enabled),
    })
}

fn ca_of(cluster: &Cluster) -> Result<String, String> {
    let encoded = cluster.master_auth.as_ref().map(|auth| auth.cluster_ca_certificate.as_str());
    let encoded = encoded.filter(|text| !text.is_empty()).ok_or("GKE tells no CA certificate of it")?;
    let bytes = STANDARD.decode(encoded.trim());
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| "its CA certificate is no PEM in base64".to_owned())
}
