//! The plan verb: gather, then the pure plan.

use tfplugin_sdk::{Attr, Diagnostic, Diagnostics, PlanOutcome, PlanRequest, Private};

use super::chart_source::ChartSource;
use super::clients::Clients;
use super::config::Config;
use super::gather::{Here, gather};
use super::model::Model;
use super::plan::{Input, plan};
use super::resolve::{Gathered, Revision, resolve};
use super::takeover::{Before, announce};
use super::validate;
use crate::chart::Facts;

/// Where private data keeps the digest of the pods' template that stands in the release.
pub const POD_TEMPLATE: &str = "pod_template";
/// Where private data keeps the digest of what the StatefulSet in the release keeps for life.
pub const FIXED_FIELDS: &str = "fixed_fields";

pub async fn plan_change(clients: Option<&Clients>, request: PlanRequest<Model>) -> PlanOutcome<Model> {
    let PlanRequest { prior, config, proposed, mut private } = request;
    match plan_known(clients, prior.as_ref(), &config, &mut private).await {
        Ok((planned, diagnostics)) => {
            PlanOutcome::new(planned.model, private).replacing(planned.requires_replace).with(diagnostics)
        }
        Err(diagnostics) => PlanOutcome::failed(proposed, private, diagnostics),
    }
}

type Planned = (super::plan::Planned, Diagnostics);

async fn plan_known(
    clients: Option<&Clients>,
    prior: Option<&Model>,
    config: &Model,
    private: &mut Private,
) -> Result<Planned, Diagnostics> {
    let pod_template: Option<String> = private.get(POD_TEMPLATE);
    let mut input = Input {
        config,
        prior,
        meant_values: Attr::Null,
        resolved: None,
        with_prior_values: None,
        prior_pod_template: pod_template.as_deref(),
    };
    let Some(clients) = clients.filter(|_| !config.has_unknown()) else {
        let mut planned = plan(&input);
        let mut diagnostics = std::mem::take(&mut planned.diagnostics);
        if clients.is_none() && prior.is_some() {
            diagnostics.push(not_checked());
        }
        return Ok((planned, diagnostics));
    };
    let gathered = gather(clients, config, prior, private).await?;
    let revision = prior.map_or(Revision::FIRST, next_revision);
    let meant = meant(prior, private);
    let resolved = resolve(config, meant.as_ref(), &gathered, revision, &Here)?;
    let mut diagnostics = findings(&resolved, config, &gathered);
    if !matches!(gathered.source, ChartSource::Remote { .. }) {
        diagnostics = errors_only(diagnostics);
    }
    let with_prior_values = with_prior_values(prior, config, &gathered, revision);
    input.meant_values = meant.map(|meant| meant.values).unwrap_or_default();
    input.resolved = Some(&resolved);
    input.with_prior_values = with_prior_values.as_ref();
    let mut planned = plan(&input);
    diagnostics.extend(std::mem::take(&mut planned.diagnostics));
    if let Some(prior) = prior {
        let fixed_fields: Option<String> = private.get(FIXED_FIELDS);
        let before = Before { pod_template: pod_template.as_deref(), fixed_fields: fixed_fields.as_deref() };
        diagnostics.extend(announce(prior, &resolved, &before));
    }
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok((planned, diagnostics)) }
}

/// Where private data keeps the documents that an apply gave to the release.
const APPLIED_VALUES: &str = "applied_values";

/// What silence means: what was applied last. Where nothing was applied yet, as after an import, it is
/// what the release has. Without this, values that somebody else gave to the release would stay.
pub fn meant(prior: Option<&Model>, private: &Private) -> Option<Model> {
    let applied: Option<Vec<String>> = private.get(APPLIED_VALUES);
    let mut meant = prior?.clone();
    if let Some(applied) = applied {
        meant.values = Attr::Known(applied.into_iter().map(Attr::Known).collect());
    }
    Some(meant)
}

/// Keeps the documents of a finished apply.
pub fn remember_applied(planned: &Model, private: &mut Private) {
    if let Some(documents) = super::typed::list(&planned.values) {
        private.set(APPLIED_VALUES, &documents);
    }
}

/// The revision that follows the one in the state.
pub fn next_revision(prior: &Model) -> Revision {
    let number = prior.release.known().and_then(|release| release.revision.known().copied());
    number.and_then(|number| u64::try_from(number).ok()).map_or(Revision::FIRST, Revision::after)
}

/// The configuration with the documents that the state has.
fn with_prior_values(
    prior: Option<&Model>,
    config: &Model,
    gathered: &Gathered,
    revision: Revision,
) -> Option<Config> {
    let config = Model { values: Attr::Null, ..config.clone() };
    resolve(&config, Some(prior?), gathered, revision, &Here).ok()
}

/// Validation has told the warnings; what it could not know yet may still be wrong.
fn errors_only(found: Diagnostics) -> Diagnostics {
    found.into_iter().filter(|diagnostic| diagnostic.severity == tfplugin_sdk::Severity::Error).collect()
}

fn findings(resolved: &Config, config: &Model, gathered: &Gathered) -> Diagnostics {
    let facts = Facts::of(&resolved.effective, &resolved.names, gathered.source == ChartSource::Bundled);
    validate::findings(&facts, config)
}

fn not_checked() -> Diagnostic {
    Diagnostic::warning(
        "Not checked against what is running",
        "The provider's configuration is not known yet, so this plan compares with the state only. A later plan \
         checks the rest.",
    )
}
