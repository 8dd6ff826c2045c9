//! Which chart a configuration means. Pure.
//!
//! A configuration that is silent about the chart leaves a release on the one it has, so that what
//! was imported plans nothing; a new release gets the bundled one.

use serde_json::Value as Json;

use super::model::Model;

/// The name of the chart that comes with the provider.
pub const BUNDLED: &str = "bundled";
/// The name of whatever chart the release record holds.
pub const RECORDED: &str = "recorded";
/// What the bundled chart says of itself in every record.
const BUNDLED_ANNOTATION: &str = "terraform-provider-redis/bundled";

/// Where the chart comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartSource {
    Bundled,
    /// The record of the release: nobody has to have the chart at hand.
    Recorded,
    /// A path.
    Named(String),
}

impl ChartSource {
    /// As the configuration says it, else as the state does.
    pub fn of(config: &Model, prior: Option<&Model>) -> Self {
        let name = |model: &Model| {
            let chart = model.chart.known()?;
            chart.name.as_str().map(str::to_owned)
        };
        match name(config).or_else(|| name(prior?)) {
            None => Self::Bundled,
            Some(name) => match name.as_str() {
                BUNDLED => Self::Bundled,
                RECORDED => Self::Recorded,
                _ => Self::Named(name),
            },
        }
    }

    /// As the state says it.
    pub fn name(&self) -> &str {
        match self {
            Self::Bundled => BUNDLED,
            Self::Recorded => RECORDED,
            Self::Named(name) => name,
        }
    }
}

/// The name for the chart of a release whose state does not say where it came from.
pub fn name_of_recorded(chart: &Json) -> &'static str {
    let bundled = chart["metadata"]["annotations"][BUNDLED_ANNOTATION] == "true";
    if bundled { BUNDLED } else { RECORDED }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tfplugin_sdk::Attr;

    use super::*;
    use crate::cluster::model::Chart;

    #[test]
    fn a_silent_configuration_keeps_the_chart_that_there_is() {
        let model = |name: Option<&str>| {
            let name = name.map(str::to_owned).into();
            Model { chart: Attr::Known(Chart { name, version: Attr::Null }), ..Model::default() }
        };
        let silent = Model::default();
        let named = || ChartSource::Named("./redis-ha".to_owned());
        for (config, prior, expected) in [
            (&silent, None, ChartSource::Bundled),
            (&silent, Some(model(None)), ChartSource::Bundled),
            (&silent, Some(model(Some(RECORDED))), ChartSource::Recorded),
            (&silent, Some(model(Some("./redis-ha"))), named()),
            (&model(Some(BUNDLED)), Some(model(Some(RECORDED))), ChartSource::Bundled),
            (&model(Some("./redis-ha")), None, named()),
        ] {
            assert_eq!(ChartSource::of(config, prior.as_ref()), expected);
        }
    }

    #[test]
    fn the_bundled_chart_is_known_by_its_own_word() {
        let release = crate::chart::bundled();
        let record = json!({ "metadata": serde_json::to_value(&release.metadata).expect("metadata") });
        assert_eq!(name_of_recorded(&record), BUNDLED);
        assert_eq!(name_of_recorded(&json!({ "metadata": { "name": "redis-ha" } })), RECORDED);
    }
}
