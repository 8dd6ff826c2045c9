//! StatefulSets of a release whose fixed fields change. The API server refuses that, so the set is deleted
//! without its pods and made anew, and takes them over.

use std::time::Duration;

use helm::cluster::{ApplyOptions, ClusterError, ClusterErrorKind, DeleteOptions, ObjectRef, Propagation};
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep};

use super::Kubernetes;

/// What the API server says of fields that a StatefulSet keeps for life.
const FIXED: &str = "updates to statefulset spec";
const POLL: Duration = Duration::from_millis(200);

impl Kubernetes {
    /// The same cluster for an upgrade or a repair of a release, which until the deadline may make a
    /// StatefulSet anew.
    #[must_use]
    pub fn recreating_until(&self, deadline: Instant) -> Self {
        Self { recreates_until: Some(deadline), ..self.clone() }
    }

    /// Applies a StatefulSet, and makes it anew where its fixed fields change.
    pub(super) async fn apply_or_recreate(
        &self,
        set: &Json,
        options: &ApplyOptions,
        deadline: Instant,
    ) -> Result<Json, ClusterError> {
        let Some(reference) = ObjectRef::of(set) else { return Ok(self.apply(set, options).await?) };
        if self.is_orphaned(&reference, set).await? {
            let replicas = set["spec"]["replicas"].as_i64().unwrap_or(1);
            return self.create_held(set, replicas.max(1), options).await;
        }
        match self.apply(set, options).await.map_err(ClusterError::from) {
            Err(error) if error.kind == ClusterErrorKind::Invalid && error.message.contains(FIXED) => {
                self.recreate(&reference, set, options, deadline).await
            }
            done => done,
        }
    }

    async fn recreate(
        &self,
        reference: &ObjectRef,
        set: &Json,
        options: &ApplyOptions,
        deadline: Instant,
    ) -> Result<Json, ClusterError> {
        let live = self.get(reference).await?.unwrap_or_default();
        tracing::info!(set = %reference, "made anew without its pods: fields differ that it keeps for life");
        let uid = live["metadata"]["uid"].as_str().map(str::to_owned);
        let orphan =
            DeleteOptions { propagation: Propagation::Orphan, uid: uid.clone(), ..DeleteOptions::default() };
        self.delete(reference, &orphan).await?;
        while self
            .get(reference)
            .await?
            .is_some_and(|found| found["metadata"]["uid"].as_str() == uid.as_deref())
        {
            if Instant::now() + POLL >= deadline {
                let message =
                    format!("{reference} is being deleted without its pods, and has not gone in time");
                return Err(ClusterError::new(ClusterErrorKind::Other, message));
            }
            sleep(POLL).await;
        }
        // Whoever holds its pods back goes on doing so.
        let partition = &live["spec"]["updateStrategy"]["rollingUpdate"]["partition"];
        match partition.as_i64().filter(|partition| *partition > 0) {
            Some(partition) => self.create_held(set, partition, options).await,
            None => Ok(self.apply(set, options).await?),
        }
    }

    async fn create_held(
        &self,
        set: &Json,
        partition: i64,
        options: &ApplyOptions,
    ) -> Result<Json, ClusterError> {
        let mut held = set.clone();
        held["spec"]["updateStrategy"] =
            json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": partition } });
        Ok(self.apply(&held, options).await?)
    }

    /// Whether pods stand whose set is gone: an earlier run deleted it, and went no further.
    async fn is_orphaned(&self, reference: &ObjectRef, set: &Json) -> Result<bool, ClusterError> {
        if self.get(reference).await?.is_some() {
            return Ok(false);
        }
        let labels = set["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        let labels: Vec<_> =
            labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        Ok(!self.pods(namespace, &labels.join(",")).await?.is_empty())
    }
}
