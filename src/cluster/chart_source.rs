//! Which chart a configuration means. Pure.
//!
//! A configuration that is silent about the chart leaves a release on the one it has, so that what
//! was imported plans nothing; a new release gets the bundled one.

use helm::repository::{Fault, RepositoryError, Source};
use serde_json::Value as Json;
use tfplugin_sdk::{Diagnostic, path};

use super::model::{self, Model};
use super::resolve::chain;
use super::unrecorded::is_adopted;

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
    /// A repository or registry, as the attributes name it, and what they name.
    Remote {
        repository: Option<String>,
        name: String,
        source: Source,
    },
}

impl ChartSource {
    /// As the configuration says it, else as the state does.
    ///
    /// # Errors
    /// A repository or registry is named, and not one chart of it in one version.
    pub fn of(config: &Model, prior: Option<&Model>) -> Result<Self, Diagnostic> {
        let names = |model: &Model| {
            let chart = model.chart.known()?;
            (chart.name.as_str().is_some() || chart.repository.as_str().is_some()).then(|| chart.clone())
        };
        let said = config.chart.known().and_then(|chart| chart.version.as_str());
        let (chart, version) = match (names(config), prior.and_then(names)) {
            (Some(chart), _) => (chart, said.map(str::to_owned)),
            (None, Some(chart)) => {
                let version = said.or(chart.version.as_str()).map(str::to_owned);
                (chart, version)
            }
            (None, None) => return Ok(Self::Bundled),
        };
        Self::named(&chart, version.as_deref())
    }

    fn named(chart: &model::Chart, version: Option<&str>) -> Result<Self, Diagnostic> {
        let repository = chart.repository.as_str();
        match (repository, chart.name.as_str()) {
            (None, Some(BUNDLED)) => Ok(Self::Bundled),
            (None, Some(RECORDED)) => Ok(Self::Recorded),
            (None, Some(path)) if !Source::is_oci(path) => Ok(Self::Named(path.to_owned())),
            (_, None) => {
                let detail =
                    "A repository holds many charts. Set chart.name to the name of one, such as redis-ha.";
                Err(Diagnostic::error("Missing chart.name", detail).at(path!["chart", "name"]))
            }
            (_, Some(name)) => {
                let source = Source::parse(repository, name, version);
                let source = source.map_err(|error| refusal(&error, repository.is_some()))?;
                let (repository, name) = (repository.map(str::to_owned), name.to_owned());
                Ok(Self::Remote { repository, name, source })
            }
        }
    }

    /// As the state says it.
    pub fn name(&self) -> &str {
        match self {
            Self::Bundled => BUNDLED,
            Self::Recorded => RECORDED,
            Self::Named(name) | Self::Remote { name, .. } => name,
        }
    }

    /// As the state says it.
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Remote { repository, .. } => repository.as_deref(),
            _ => None,
        }
    }
}

/// What is wrong with a chart of a repository or registry, on the attribute at fault.
pub fn refusal(error: &RepositoryError, has_repository: bool) -> Diagnostic {
    let attribute = match error.fault() {
        Fault::Repository if has_repository => "repository",
        Fault::Repository | Fault::Name => "name",
        Fault::Version => "version",
    };
    let summary = match error {
        RepositoryError::Reference { .. } | RepositoryError::VersionRange { .. } => {
            format!("Wrong value of chart.{attribute}")
        }
        _ => format!("No chart by chart.{attribute}"),
    };
    Diagnostic::error(summary, format!("{}.", chain(error))).at(path!["chart", attribute])
}

/// The name for the chart of a release whose state does not say where it came from; `None` for a record
/// that was made of what stood there, and holds no chart.
pub fn name_of_recorded(chart: &Json) -> Option<&'static str> {
    let bundled = chart["metadata"]["annotations"][BUNDLED_ANNOTATION] == "true";
    (!is_adopted(chart)).then_some(if bundled { BUNDLED } else { RECORDED })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tfplugin_sdk::Attr;

    use super::*;
    use crate::cluster::model::Chart;

    fn model(repository: Option<&str>, name: Option<&str>, version: Option<&str>) -> Model {
        let text = |text: Option<&str>| Attr::from(text.map(str::to_owned));
        let chart = Chart { repository: text(repository), name: text(name), version: text(version) };
        Model { chart: Attr::Known(chart), ..Model::default() }
    }

    const AT: Option<&str> = Some("https://c.example.com");

    #[test]
    fn a_silent_configuration_keeps_the_chart_that_there_is() {
        let local = |name| model(None, Some(name), None);
        let remote = model(AT, Some("redis-ha"), Some("1.2.3"));
        let (silent, newer) = (Model::default(), model(None, None, Some("1.2.4")));
        for (config, prior, expected) in [
            (&silent, None, "bundled"),
            (&silent, Some(model(None, None, None)), "bundled"),
            (&silent, Some(local(RECORDED)), "recorded"),
            (&silent, Some(local("./redis-ha")), "./redis-ha"),
            (&local(BUNDLED), Some(local(RECORDED)), "bundled"),
            (&local("./redis-ha"), None, "./redis-ha"),
            (&silent, Some(remote.clone()), "redis-ha 1.2.3 of https://c.example.com"),
            (&newer, Some(remote.clone()), "redis-ha 1.2.4 of https://c.example.com"),
            (&local(BUNDLED), Some(remote), "bundled"),
            (
                &model(None, Some("oci://r.example.com/redis-ha"), Some("1.2.3")),
                None,
                "oci://r.example.com/redis-ha:1.2.3",
            ),
            (
                &model(Some("oci://r.example.com"), Some("redis-ha"), Some("1.2.3")),
                None,
                "oci://r.example.com/redis-ha:1.2.3",
            ),
        ] {
            let seen = match ChartSource::of(config, prior.as_ref()).expect("a chart") {
                ChartSource::Remote { source, .. } => source.to_string(),
                local => local.name().to_owned(),
            };
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn what_names_no_chart_is_blamed_on_its_attribute() {
        for (repository, name, version, attribute) in [
            (AT, None, Some("1.2.3"), "name"),
            (AT, Some("redis-ha"), None, "version"),
            (AT, Some("redis-ha"), Some("^1.2"), "version"),
            (AT, Some("a/redis-ha"), Some("1.2.3"), "name"),
            (Some("c.example.com"), Some("redis-ha"), Some("1.2.3"), "repository"),
            (None, Some("oci://r.example.com"), Some("1.2.3"), "name"),
        ] {
            let refused = ChartSource::of(&model(repository, name, version), None).expect_err("a refusal");
            assert_eq!(refused.path, Some(path!["chart", attribute]));
        }
    }

    #[test]
    fn the_bundled_chart_is_known_by_its_own_word() {
        let release = crate::chart::bundled();
        let record = json!({ "metadata": serde_json::to_value(&release.metadata).expect("metadata") });
        assert_eq!(name_of_recorded(&record), Some(BUNDLED));
        assert_eq!(name_of_recorded(&json!({ "metadata": { "name": "redis-ha" } })), Some(RECORDED));
    }
}
