//! The read verb: a look, and the state that follows from it.

use tfplugin_sdk::{Diagnostic, Outcome, Private, ReadRequest};

use super::clients::Clients;
use super::diagnostics::failed;
use super::error::Error;
use super::explain::explain;
use super::gather::{cluster_id, freeze, thaw};
use super::model::Model;
use super::observe::observe_and_judge;
use super::observed::Observed;
use super::planning::{FIXED_FIELDS, POD_TEMPLATE};
use super::refresh::refresh;
use super::resolve::timeouts;
use super::site::Site;

pub async fn read(clients: Option<&Clients>, request: ReadRequest<Model>) -> Outcome<Model> {
    let ReadRequest { state, private } = request;
    let Some(clients) = clients else { return Outcome::new(state, private) };
    let limit = timeouts(&state).read;
    let looked = tokio::time::timeout(limit, look(clients, &state));
    match looked.await {
        Ok(Ok((site, observed))) => refreshed(&site, &state, private, &observed),
        Ok(Err(error)) => Outcome::failed(Some(state), failed("read the cluster", &error)).private(private),
        Err(_) => {
            let detail =
                format!("It was not read within {limit:?}: see timeouts.read. The state is unchanged.");
            Outcome::failed(Some(state), Diagnostic::error("Cannot read the cluster", detail))
                .private(private)
        }
    }
}

fn refreshed(site: &Site, state: &Model, mut private: Private, observed: &Observed) -> Outcome<Model> {
    if observed.is_gone() {
        return Outcome::gone();
    }
    remember(observed, &mut private);
    let model = refresh(state, observed, (&site.namespace, &site.release));
    let mut warnings = explain(&model, &observed.unjudged);
    for (summary, text) in &observed.warnings {
        warnings.warning(*summary, text);
    }
    Outcome::new(model, private).with(warnings)
}

/// What the next plan needs and no attribute holds.
pub fn remember(observed: &Observed, private: &mut Private) {
    let pod_template = observed.release.as_ref().and_then(|release| release.pod_template.as_ref());
    private.set(POD_TEMPLATE, &pod_template);
    let fixed = observed.release.as_ref().and_then(|release| release.fixed_fields.as_ref());
    private.set(FIXED_FIELDS, &fixed);
    match (&observed.release, &observed.capabilities) {
        (_, Some(capabilities)) => freeze(private, capabilities),
        (Some(release), None) if !release.reads_capabilities => thaw(private),
        (_, None) => {}
    }
}

/// The site of a state, and what is there.
pub async fn look(clients: &Clients, state: &Model) -> Result<(Site, Observed), Error> {
    let site = site(clients, state).await?;
    let observed = observe_and_judge(&site).await?;
    Ok((site, observed))
}

pub async fn site(clients: &Clients, model: &Model) -> Result<Site, Error> {
    let cluster = cluster_id(model, clients);
    let pool = model.gke.known().and_then(|gke| gke.node_pool.known());
    let pool = pool.and_then(|pool| pool.name.as_str()).map(str::to_owned);
    let namespace = model.namespace.as_str().unwrap_or("default");
    let name = model.name.as_str().unwrap_or_default();
    Site::open(clients, cluster.as_ref(), pool, (namespace, name)).await
}
