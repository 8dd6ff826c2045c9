//! Reads the live objects of a release: one request a kind where there are several of it, and one an
//! object where there is one. Reads only.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use helm::cluster::{ObjectRef, Scope, builtin_scope};
use serde_json::Value as Json;

use super::error::Error;
use super::objects::ObjectSeen;
use super::site::Site;

/// The declared objects of a manifest beside the live ones. `labels` is a selector that most of them
/// carry; those that do not are asked for by name.
pub async fn observe_objects(site: &Site, manifest: &[Json], labels: &str) -> Result<Vec<ObjectSeen>, Error> {
    let declared = manifest.iter().filter_map(|object| Some((placed(site, object)?, object)));
    let mut by_kind: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (reference, object) in declared {
        let kind = (reference.api_version.clone(), reference.kind.clone(), reference.namespace.clone());
        by_kind.entry(kind).or_default().push((reference, object));
    }
    let kinds = by_kind.into_values().map(|objects| observe_kind(site, objects, labels));
    Ok(try_join_all(kinds).await?.into_iter().flatten().collect())
}

/// An object that names no namespace is in the release's own, unless its kind lives in none.
fn placed(site: &Site, object: &Json) -> Option<ObjectRef> {
    let mut reference = ObjectRef::of(object)?;
    let cluster_wide = builtin_scope(&reference.api_version, &reference.kind) == Some(Scope::Cluster);
    if reference.namespace.is_none() && !cluster_wide {
        reference.namespace = Some(site.namespace.clone());
    }
    Some(reference)
}

async fn observe_kind(
    site: &Site,
    objects: Vec<(ObjectRef, &Json)>,
    labels: &str,
) -> Result<Vec<ObjectSeen>, Error> {
    let listed = match objects.as_slice() {
        [] | [_] => Vec::new(),
        [(first, _), ..] => {
            let (version, kind) = (&first.api_version, &first.kind);
            site.kubernetes.list(version, kind, first.namespace.as_deref(), labels).await?
        }
    };
    let named: BTreeMap<_, _> = listed
        .into_iter()
        .filter_map(|object| Some((object.pointer("/metadata/name")?.as_str()?.to_owned(), object)))
        .collect();
    let look = objects.into_iter().map(|(reference, declared)| {
        let listed = named.get(&reference.name).cloned();
        async move {
            let live = match listed {
                Some(live) => Some(live),
                None => site.kubernetes.get(&reference).await?,
            };
            Ok::<_, Error>(ObjectSeen::new(reference.key(), declared.clone(), live))
        }
    });
    try_join_all(look).await
}
