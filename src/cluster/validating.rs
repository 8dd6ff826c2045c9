//! The validate verb: every rule on a configuration, with nothing contacted.

use tfplugin_sdk::{Attr, Diagnostics, path};

use super::model::{Chart, Model};
use super::{gather, resolve, typed, validate, values};

pub fn validate_config(config: &Model) -> Diagnostics {
    let mut found = validate::validate(config);
    if found.has_errors() {
        return found;
    }
    found.extend(with_values(config));
    found
}

fn with_values(config: &Model) -> Diagnostics {
    if has_unknown_chart(config) || has_unknown_documents(config) {
        return known_documents(config);
    }
    let facts = match gather::offline(config) {
        Ok(Some(gathered)) => resolve::facts(config, &gathered),
        Ok(None) => return known_documents(config),
        Err(diagnostics) => Err(diagnostics),
    };
    match facts {
        Ok(facts) => validate::findings(&facts, config),
        Err(diagnostics) => diagnostics,
    }
}

fn has_unknown_chart(config: &Model) -> bool {
    let parts = |chart: &Chart| [&chart.repository, &chart.name, &chart.version].map(Attr::is_unknown);
    config.chart.is_unknown() || config.chart.known().is_some_and(|chart| parts(chart).contains(&true))
}

fn has_unknown_documents(config: &Model) -> bool {
    config.values.is_unknown() || config.values.known().is_some_and(|all| all.iter().any(Attr::is_unknown))
}

/// Where a document or the chart is not known yet, or the chart is not here, the others can still be wrong by themselves.
fn known_documents(config: &Model) -> Diagnostics {
    let documents = typed::list(&config.values).unwrap_or_default();
    match values::parse_documents(&documents) {
        Ok(_) => Diagnostics::none(),
        Err(found) => found.into_iter().map(|diagnostic| diagnostic.at(path!["values"])).collect(),
    }
}
