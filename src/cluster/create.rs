//! The create verb. A failure keeps what was made in the state; `terraform untaint` goes on from
//! there, and a run that was killed before its state was written is adopted by its mark.

use tfplugin_sdk::{Context, CreateRequest, Outcome};

use super::clients::Clients;
use super::converge::{Convergence, Reached, resolved};
use super::fingerprint::Progress;
use super::model::Model;
use super::observe::observe;
use super::refresh::refresh;
use super::resolve::timeouts;
use super::steps::Shown;

pub async fn create(ctx: &Context, clients: &Clients, request: CreateRequest<Model>) -> Outcome<Model> {
    let CreateRequest { planned, config, private } = request;
    let mut convergence = Convergence {
        ctx,
        clients,
        prior: None,
        planned: &planned,
        config: &config,
        private,
        shown: Shown::everything(),
        limit: timeouts(&planned).create,
    };
    match convergence.run(Progress::Creating).await {
        Reached::All(site) => convergence.finished(&site).await,
        Reached::Nothing(diagnostics) => Outcome::failed(None, diagnostics),
        Reached::Part(site, diagnostics) => {
            let private = convergence.private;
            let live = observe(&site).await.ok();
            let live = live.map(|observed| refresh(&planned, &observed, (&site.namespace, &site.release)));
            Outcome::failed(Some(resolved(&planned, live.as_ref())), diagnostics).private(private)
        }
    }
}
