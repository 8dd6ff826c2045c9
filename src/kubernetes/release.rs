//! The cluster as a Helm release needs it.

use std::time::Duration;

use async_trait::async_trait;
use helm::cluster::{
    ApplyOptions, Capabilities, Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Look, ObjectRef,
    Scope,
};
use serde_json::Value as Json;

use super::Kubernetes;
use super::error::KubernetesError;

impl From<KubernetesError> for ClusterError {
    fn from(error: KubernetesError) -> Self {
        let kind = match (&error, error.status()) {
            _ if error.is_not_found() => ClusterErrorKind::NotFound,
            _ if error.is_already_exists() => ClusterErrorKind::AlreadyExists,
            _ if error.is_unavailable() => ClusterErrorKind::Unavailable,
            (_, Some(409)) => ClusterErrorKind::Conflict,
            (_, Some(401 | 403)) => ClusterErrorKind::Forbidden,
            (_, Some(429)) => ClusterErrorKind::TooManyRequests,
            (_, Some(400 | 413 | 422)) => ClusterErrorKind::Invalid,
            _ => ClusterErrorKind::Other,
        };
        ClusterError::new(kind, error.to_string()).with_source(error)
    }
}

#[async_trait]
impl Cluster for Kubernetes {
    async fn capabilities(&self) -> Result<Capabilities, ClusterError> {
        Ok(self.server_capabilities().await?)
    }

    async fn scope(&self, api_version: &str, kind: &str) -> Result<Scope, ClusterError> {
        let kind = self.resource_kind(api_version, kind).await?;
        Ok(if kind.namespaced { Scope::Namespaced } else { Scope::Cluster })
    }

    async fn get(&self, object: &ObjectRef) -> Result<Option<Json>, ClusterError> {
        Ok(self.get(object).await?)
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        label_selector: &str,
    ) -> Result<Vec<Json>, ClusterError> {
        Ok(self.list(api_version, kind, namespace, label_selector).await?)
    }

    async fn create(&self, object: &Json) -> Result<Json, ClusterError> {
        Ok(self.create(object).await?)
    }

    async fn apply(&self, object: &Json, options: &ApplyOptions) -> Result<Json, ClusterError> {
        match self.recreates_until.filter(|_| object["kind"] == "StatefulSet") {
            Some(deadline) => self.apply_or_recreate(object, options, deadline).await,
            None => Ok(self.apply(object, options).await?),
        }
    }

    async fn update(&self, object: &Json) -> Result<Json, ClusterError> {
        Ok(self.update(object).await?)
    }

    async fn merge_patch(
        &self,
        object: &ObjectRef,
        patch: &Json,
        field_manager: &str,
    ) -> Result<Json, ClusterError> {
        Ok(self.merge_patch(object, patch, field_manager).await?)
    }

    async fn delete(&self, object: &ObjectRef, options: &DeleteOptions) -> Result<(), ClusterError> {
        Ok(self.delete(object, options).await?)
    }

    async fn watch(
        &self,
        object: &ObjectRef,
        within: Duration,
        look: &mut Look<'_>,
    ) -> Result<(), ClusterError> {
        Ok(self.watch_object(object, within, look).await?)
    }
}
