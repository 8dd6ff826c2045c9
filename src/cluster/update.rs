//! The update verb. It executes only what the plan showed; on failure the state says what is live.

use tfplugin_sdk::{Context, Outcome, UpdateRequest};

use super::clients::Clients;
use super::converge::{Convergence, Reached, resolved};
use super::fingerprint::Progress;
use super::model::Model;
use super::observe::observe;
use super::refresh::refresh;
use super::resolve::timeouts;
use super::steps::Shown;

pub async fn update(ctx: &Context, clients: &Clients, request: UpdateRequest<Model>) -> Outcome<Model> {
    let UpdateRequest { prior, planned, config, private } = request;
    let mut convergence = Convergence {
        ctx,
        clients,
        prior: Some(&prior),
        planned: &planned,
        config: &config,
        private,
        shown: Shown::between(&prior, &planned),
        limit: timeouts(&planned).update,
    };
    match convergence.run(Progress::Updating).await {
        Reached::All(site) => convergence.finished(&site).await,
        Reached::Nothing(diagnostics) => {
            let private = convergence.private;
            Outcome::failed(Some(prior.clone()), diagnostics).private(private)
        }
        Reached::Part(site, diagnostics) => {
            let private = convergence.private;
            let state = match observe(&site).await {
                Ok(observed) => refresh(&prior, &observed, (&site.namespace, &site.release)),
                Err(_) => prior.clone(),
            };
            Outcome::failed(Some(resolved(&state, None)), diagnostics).private(private)
        }
    }
}
