//! What tells one cluster from all others: its release, and the GKE cluster that it is reached
//! through, if any. The node pool is no part of it: a cluster may change pools. Pure.

use serde::{Deserialize, Serialize};
use tfplugin_sdk::value::{Value, from_value, to_value};
use tfplugin_sdk::{Attr, Diagnostic, Diagnostics, IdentityAttribute, IdentitySchema};

use super::import_id::{GkeId, ImportId};
use super::model::Model;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Identity {
    namespace: Attr<String>,
    name: Attr<String>,
    project: Attr<String>,
    location: Attr<String>,
    cluster: Attr<String>,
}

pub fn identity_schema() -> IdentitySchema {
    let gke =
        |what: &str| IdentityAttribute::optional(format!("{what} of the GKE cluster, where one is named."));
    IdentitySchema::new([
        ("namespace", IdentityAttribute::required("Namespace of the Helm release.")),
        ("name", IdentityAttribute::required("Name of the Helm release.")),
        ("project", gke("Project")),
        ("location", gke("Location")),
        ("cluster", gke("Name")),
    ])
}

/// The identity of a state or a plan.
pub fn identity(model: &Model) -> Value {
    let gke = model.gke.known().cloned().unwrap_or_default();
    let identity = Identity {
        namespace: model.namespace.clone(),
        name: model.name.clone(),
        project: gke.project,
        location: gke.location,
        cluster: gke.cluster,
    };
    to_value(&identity, &identity_schema().implied_type()).expect("one shape: a test shows it")
}

/// The id for import that an identity stands for.
///
/// # Errors
/// When the GKE cluster is named in part.
pub fn import_id(identity: &Value) -> Result<String, Diagnostics> {
    let identity: Identity = from_value(identity).map_err(|error| {
        Diagnostics::from(Diagnostic::error("The identity cannot be read", error.to_string()))
    })?;
    let text = |attribute: &Attr<String>| attribute.as_str().unwrap_or_default().to_owned();
    let gke = [&identity.project, &identity.location, &identity.cluster];
    let named = gke.iter().filter(|part| part.is_known()).count();
    if ![0, gke.len()].contains(&named) {
        let detail = "A GKE cluster is identified by project, location and cluster together; without all three, \
                      the cluster is that of the provider's kubernetes block or of the KUBE_* variables.";
        return Err(Diagnostic::error("The identity names a GKE cluster in part", detail).into());
    }
    let gke = (named > 0).then(|| GkeId {
        project: text(&identity.project),
        location: text(&identity.location),
        cluster: text(&identity.cluster),
        node_pool: None,
    });
    let id = ImportId { gke, namespace: text(&identity.namespace), name: text(&identity.name) };
    Ok(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::model::Gke;

    fn model(gke: Option<Gke>) -> Model {
        Model { namespace: "cache".into(), name: "redis-1".into(), gke: gke.into(), ..Model::default() }
    }

    #[test]
    fn an_identity_is_imported_by_the_id_of_the_same_cluster() {
        let gke =
            Gke { project: "p".into(), location: "l".into(), cluster: "c".into(), node_pool: Attr::Null };
        for (model, id) in [
            (model(None), "cache/redis-1"),
            (model(Some(gke)), "projects/p/locations/l/clusters/c/cache/redis-1"),
        ] {
            assert_eq!(import_id(&identity(&model)).expect("an id"), id);
        }
    }

    #[test]
    fn a_gke_cluster_named_in_part_is_refused() {
        let gke = Gke { cluster: "c".into(), ..Gke::default() };
        let refused = import_id(&identity(&model(Some(gke)))).expect_err("no id");
        assert!(format!("{refused:?}").contains("in part"));
    }
}
