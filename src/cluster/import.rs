//! The import verb: finds a release by its names alone and changes nothing.

use tfplugin_sdk::{Attr, Diagnostics, Outcome, Private};

use super::clients::Clients;
use super::diagnostics::failed;
use super::discover;
use super::error::Error;
use super::import_id::{ImportId, parse_import_id};
use super::model::{Gke, Model, NodePool};
use super::read::{look, remember};
use super::refresh::refresh;

pub async fn import(clients: &Clients, id: &str) -> Outcome<Model> {
    let id = match parse_import_id(id) {
        Ok(id) => id,
        Err(error) => {
            return Outcome::failed(
                None,
                tfplugin_sdk::Diagnostic::error("Wrong import id", error.to_string()),
            );
        }
    };
    match find(clients, &id).await {
        Ok((model, private, found)) => Outcome::new(model, private).with(found),
        Err(error) => Outcome::failed(None, failed("import the cluster", &error)),
    }
}

async fn find(clients: &Clients, id: &ImportId) -> Result<(Model, Private, Diagnostics), Error> {
    let named = named(id);
    let (site, observed) = look(clients, &named).await?;
    if observed.release.is_none() {
        return Err(discover::absent(&site).await);
    }
    let mut private = Private::default();
    remember(&observed, &mut private);
    let model = refresh(&named, &observed, (&id.namespace, &id.name));
    let found = discover::examine(&site, &observed, &model).await?;
    Ok((model, private, found))
}

/// A state in which only the names are set.
fn named(id: &ImportId) -> Model {
    let gke = id.gke.as_ref().map(|gke| Gke {
        project: gke.project.clone().into(),
        location: gke.location.clone().into(),
        cluster: gke.cluster.clone().into(),
        node_pool: gke
            .node_pool
            .as_ref()
            .map(|pool| NodePool { name: pool.clone().into(), ..NodePool::default() })
            .into(),
    });
    Model {
        name: id.name.clone().into(),
        namespace: id.namespace.clone().into(),
        gke: Attr::from(gke),
        ..Model::default()
    }
}
