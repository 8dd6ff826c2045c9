//! Namespaces: made with our mark, and deleted only with our mark and when nothing foreign is
//! left in them.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use helm::cluster::{DeleteOptions, ObjectRef};
use serde_json::{Value as Json, json};

use super::error::KubernetesError;
use super::mark::{MANAGED_BY, MANAGED_BY_LABEL, Owner, marked};
use super::secrets::Made;
use super::watch::Wait;
use super::{Kubernetes, ResourceKind};

/// Kinds asked for at the same time when looking for what is left.
const LISTS_AT_ONCE: usize = 8;
/// Names told of what is left.
const NAMES_MAX: usize = 5;

/// What became of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceRemoval {
    /// Its deletion has begun.
    Begun,
    Absent,
    /// We did not make it.
    NotOurs,
    /// We made it, and it holds what is not ours.
    Kept {
        holds: Vec<String>,
    },
}

fn reference(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "Namespace", None, name)
}

impl Kubernetes {
    pub async fn namespace_exists(&self, name: &str) -> Result<bool, KubernetesError> {
        Ok(self.get(&reference(name)).await?.is_some())
    }

    /// Makes a namespace with our mark unless it exists. One that is being deleted is waited for.
    pub async fn ensure_namespace(
        &self,
        name: &str,
        release: &str,
        wait: Wait<'_>,
    ) -> Result<Made, KubernetesError> {
        if let Some(found) = self.get(&reference(name)).await? {
            if found["metadata"]["deletionTimestamp"].is_null() {
                return Ok(Made::Before);
            }
            tracing::info!(namespace = name, "waiting for the namespace's deletion to end");
            self.wait_gone(&reference(name), wait).await?;
        }
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": marked(None, name, release)});
        match self.create(&namespace).await {
            Ok(_) => Ok(Made::Now),
            Err(error) if error.is_already_exists() => Ok(Made::Before),
            Err(error) => Err(error),
        }
    }

    /// Starts the deletion of a namespace that we made for this release and that holds nothing
    /// foreign. What is being deleted, or belongs to an object that is, does not count.
    pub async fn delete_namespace(
        &self,
        name: &str,
        release: &str,
    ) -> Result<NamespaceRemoval, KubernetesError> {
        let Some(found) = self.get(&reference(name)).await? else { return Ok(NamespaceRemoval::Absent) };
        if Owner::of(&found, release) != Owner::Ours {
            return Ok(NamespaceRemoval::NotOurs);
        }
        let holds = self.foreign_objects(name).await?;
        if !holds.is_empty() {
            return Ok(NamespaceRemoval::Kept { holds });
        }
        let uid = found["metadata"]["uid"].as_str().map(str::to_owned);
        self.delete(&reference(name), &DeleteOptions { uid, ..DeleteOptions::default() }).await?;
        Ok(NamespaceRemoval::Begun)
    }

    /// The first few objects in a namespace that neither Kubernetes itself nor we put there.
    async fn foreign_objects(&self, namespace: &str) -> Result<Vec<String>, KubernetesError> {
        let kinds = self.all_kinds().await?.into_iter().filter(holds_objects);
        let mut lists = stream::iter(kinds.collect::<Vec<_>>())
            .map(|kind| async move {
                let listed = self.list(&kind.api_version(), &kind.kind, Some(namespace), "").await;
                // What may not be listed may be there: better to keep the namespace.
                listed.map(|objects| (kind, objects))
            })
            .buffer_unordered(LISTS_AT_ONCE);
        let mut holds = Vec::new();
        while let Some((kind, objects)) = lists.try_next().await? {
            holds.extend(objects.iter().filter(|object| is_foreign(&kind.kind, object)).map(|object| {
                format!("{}/{}", kind.kind, object["metadata"]["name"].as_str().unwrap_or_default())
            }));
            if holds.len() >= NAMES_MAX {
                break;
            }
        }
        holds.sort();
        holds.truncate(NAMES_MAX);
        Ok(holds)
    }
}

/// Whether objects of this kind are stored in namespaces. Events come and go; metrics and reviews
/// are computed.
fn holds_objects(kind: &ResourceKind) -> bool {
    let can = |verb: &str| kind.verbs.iter().any(|known| known == verb);
    kind.namespaced && kind.kind != "Event" && can("list") && can("create") && can("delete")
}

fn is_foreign(kind: &str, object: &Json) -> bool {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let made_by_kubernetes =
        matches!((kind, name), ("ServiceAccount", "default") | ("ConfigMap", "kube-root-ca.crt"));
    let is_owned = metadata["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
    let is_ours = metadata["labels"][MANAGED_BY_LABEL] == MANAGED_BY;
    let goes_already = !metadata["deletionTimestamp"].is_null();
    // Endpoints are made and removed with their Service, without an owner reference.
    let follows_service = kind == "Endpoints";
    !(made_by_kubernetes || is_owned || is_ours || goes_already || follows_service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_put_there_is_foreign() {
        let named = |name: &str| json!({"metadata": {"name": name}});
        let owned = json!({"metadata": {"name": "p", "ownerReferences": [{"uid": "1"}]}});
        let going = json!({"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
        let ours = json!({"metadata": {"name": "p", "labels": {MANAGED_BY_LABEL: MANAGED_BY}}});
        let cases = [
            ("ServiceAccount", named("default"), false),
            ("ServiceAccount", named("mine"), true),
            ("ConfigMap", named("kube-root-ca.crt"), false),
            ("PersistentVolumeClaim", named("data-0"), true),
            ("Pod", owned, false),
            ("Pod", going, false),
            ("Secret", ours, false),
        ];
        for (kind, object, foreign) in cases {
            assert_eq!(is_foreign(kind, &object), foreign, "{kind} {object}");
        }
    }
}
