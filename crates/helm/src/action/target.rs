//! Rendered objects made ready for the cluster: addressed, and marked as the release's.

use serde_json::{Value as Json, json};

use super::owner;
use crate::cluster::{Cluster, ObjectRef, Scope, builtin_scope};
use crate::manifest::Manifest;
use crate::release::{Release, ReleaseError};

/// One object to be applied, or that once was.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) reference: ObjectRef,
    /// With its namespace and the release's marks.
    pub(super) object: Json,
}

/// The objects of a release, in the order of its manifest.
pub(super) async fn targets(
    cluster: &dyn Cluster,
    release: &Release,
    manifests: &[Manifest],
) -> Result<Vec<Target>, ReleaseError> {
    let mut targets = Vec::new();
    for manifest in manifests {
        for object in manifest.objects() {
            let mut object = address(cluster, &release.namespace, &manifest.path, object).await?;
            owner::claim(&mut object.object, &release.name, &release.namespace);
            targets.push(object);
        }
    }
    Ok(targets)
}

/// The objects that a record says were applied.
pub(super) async fn recorded_targets(
    cluster: &dyn Cluster,
    release: &Release,
) -> Result<Vec<Target>, ReleaseError> {
    targets(cluster, release, &release.manifests()?).await
}

/// Gives an object the release's namespace when its kind lives in one and it names none, and takes
/// the namespace away where the kind has none.
pub(super) async fn address(
    cluster: &dyn Cluster,
    namespace: &str,
    path: &str,
    object: &Json,
) -> Result<Target, ReleaseError> {
    let incomplete = |missing| ReleaseError::Incomplete { path: path.to_owned(), missing };
    let api_version = object["apiVersion"].as_str().ok_or_else(|| incomplete("apiVersion"))?;
    let kind = object["kind"].as_str().ok_or_else(|| incomplete("kind"))?;
    let scope = match builtin_scope(api_version, kind) {
        Some(scope) => scope,
        None => cluster.scope(api_version, kind).await.map_err(|source| ReleaseError::Cluster {
            operation: "find out about",
            object: format!("kind {kind} of {api_version}, rendered by {path}"),
            source,
        })?,
    };
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().ok_or_else(|| incomplete("metadata"))?;
    match scope {
        Scope::Cluster => {
            metadata.remove("namespace");
        }
        Scope::Namespaced if metadata.get("namespace").and_then(Json::as_str).is_none_or(str::is_empty) => {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        Scope::Namespaced => {}
    }
    let reference = ObjectRef::of(&object).ok_or_else(|| incomplete("metadata.name"))?;
    Ok(Target { reference, object })
}

/// The target for the same object in another revision.
pub(super) fn find<'a>(targets: &'a [Target], reference: &ObjectRef) -> Option<&'a Target> {
    targets.iter().find(|target| target.reference.is_same_object(reference))
}
