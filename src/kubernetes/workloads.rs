//! The objects of a Redis cluster by their types: what is asked of pods, claims and the like.

use helm::cluster::{DeleteOptions, ObjectRef};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Node, PersistentVolumeClaim, Pod};
use serde_json::{Value as Json, json};

use super::error::KubernetesError;
use super::request::{Call, JSON, Verb};
use super::{FIELD_MANAGER, Kubernetes, ResourceKind};

/// What the eviction API answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// The pod is on its way out, or was gone already.
    Begun,
    /// A disruption budget does not allow it now: try again later.
    Blocked { message: String },
}

impl Kubernetes {
    pub async fn stateful_set(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StatefulSet>, KubernetesError> {
        self.get_as(&ObjectRef::new("apps/v1", "StatefulSet", Some(namespace), name)).await
    }

    pub async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ConfigMap>, KubernetesError> {
        self.get_as(&ObjectRef::new("v1", "ConfigMap", Some(namespace), name)).await
    }

    pub async fn pods(&self, namespace: &str, label_selector: &str) -> Result<Vec<Pod>, KubernetesError> {
        self.list_as("v1", "Pod", Some(namespace), label_selector).await
    }

    pub async fn claims(
        &self,
        namespace: &str,
        label_selector: &str,
    ) -> Result<Vec<PersistentVolumeClaim>, KubernetesError> {
        self.list_as("v1", "PersistentVolumeClaim", Some(namespace), label_selector).await
    }

    pub async fn nodes(&self, label_selector: &str) -> Result<Vec<Node>, KubernetesError> {
        self.list_as("v1", "Node", None, label_selector).await
    }

    /// Deletes a pod past any disruption budget. With `uid`, only that incarnation of it.
    pub async fn delete_pod(
        &self,
        namespace: &str,
        name: &str,
        uid: Option<&str>,
    ) -> Result<(), KubernetesError> {
        let options = DeleteOptions { uid: uid.map(str::to_owned), ..DeleteOptions::default() };
        self.delete(&ObjectRef::new("v1", "Pod", Some(namespace), name), &options).await
    }

    /// Asks a pod to go, as `kubectl drain` does: its disruption budget may refuse.
    pub async fn evict_pod(&self, namespace: &str, name: &str) -> Result<Eviction, KubernetesError> {
        let kind = ResourceKind::builtin("v1", "Pod").expect("a built-in kind");
        let body = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
        });
        let mut call = Call::on(Verb::Evict, &kind, Some(namespace), name).with_body(JSON, body);
        call.uri.push_str("/eviction");
        call.operation.resource.push_str("/eviction");
        match self.send(&call).await {
            Ok(_) => Ok(Eviction::Begun),
            Err(error) if error.is_not_found() => Ok(Eviction::Begun),
            Err(error) => match error.answer() {
                Some(answer) if answer.status == 429 => {
                    Ok(Eviction::Blocked { message: answer.message.clone() })
                }
                _ => Err(error),
            },
        }
    }

    /// Starts the deletion of the claims of a selector, and tells their names. An empty selector
    /// would mean every claim of the namespace, so it deletes none.
    pub async fn delete_claims(
        &self,
        namespace: &str,
        label_selector: &str,
    ) -> Result<Vec<String>, KubernetesError> {
        if label_selector.is_empty() {
            return Ok(Vec::new());
        }
        let mut deleted = Vec::new();
        for name in self.claims(namespace, label_selector).await?.into_iter().filter_map(|c| c.metadata.name)
        {
            let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some(namespace), &name);
            self.delete(&claim, &DeleteOptions::default()).await?;
            deleted.push(name);
        }
        Ok(deleted)
    }

    /// Sets keys of a ConfigMap and leaves the rest of it alone.
    pub async fn patch_config_map(
        &self,
        namespace: &str,
        name: &str,
        data: &Json,
    ) -> Result<(), KubernetesError> {
        let map = ObjectRef::new("v1", "ConfigMap", Some(namespace), name);
        self.merge_patch(&map, &json!({"data": data}), FIELD_MANAGER).await.map(drop)
    }

    /// Sets annotations of any object; `null` removes one.
    pub async fn annotate(&self, object: &ObjectRef, annotations: &Json) -> Result<(), KubernetesError> {
        let patch = json!({"metadata": {"annotations": annotations}});
        self.merge_patch(object, &patch, FIELD_MANAGER).await.map(drop)
    }
}
