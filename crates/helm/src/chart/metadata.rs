//! Chart.yaml: its fields as Helm reads, checks and stores them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::ChartError;
use crate::value::{Map, Value};

/// What Chart.yaml says. The fields, their JSON names and their order are those of Helm's release
/// records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub home: String,
    #[serde(deserialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(deserialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub icon: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub condition: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub tags: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "is_false")]
    pub deprecated: bool,
    #[serde(deserialize_with = "text_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// `application`, `library`, or empty for an application.
    #[serde(rename = "type", deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Maintainer {
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub email: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// One chart that a chart depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Dependency {
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// A version range.
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(deserialize_with = "text")]
    pub repository: String,
    /// Paths of values, separated by commas; the first that holds a bool decides.
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub condition: String,
    #[serde(deserialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "is_false")]
    pub enabled: bool,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<Json>,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Helm's YAML reader turns scalars into text where text is wanted: `appVersion: 7.2` is "7.2".
fn scalar_text(json: Json) -> Result<String, &'static str> {
    match json {
        Json::Null => Ok(String::new()),
        Json::String(text) => Ok(text),
        Json::Bool(value) => Ok(value.to_string()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Array(_) | Json::Object(_) => Err("expected text, found a list or a map"),
    }
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    scalar_text(Json::deserialize(from)?).map_err(serde::de::Error::custom)
}

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let items = Option::<Vec<Json>>::deserialize(from)?.unwrap_or_default();
    items.into_iter().map(|item| scalar_text(item).map_err(serde::de::Error::custom)).collect()
}

fn text_map<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let entries = Option::<BTreeMap<String, Json>>::deserialize(from)?.unwrap_or_default();
    let entries = entries.into_iter();
    entries.map(|(key, item)| Ok((key, scalar_text(item).map_err(serde::de::Error::custom)?))).collect()
}

fn null_is_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Every kind of white space becomes a space, and what cannot be printed goes.
fn sanitize(text: &mut String) {
    let clean = text.chars().filter_map(|c| match c {
        c if c.is_whitespace() => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    });
    *text = clean.collect();
}

impl Metadata {
    /// Whether the chart only lends its partials to others.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    pub(super) fn validate(mut self) -> Result<Self, ChartError> {
        let singles = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        singles.into_iter().chain(&mut self.sources).chain(&mut self.keywords).for_each(sanitize);
        if self.api_version.is_empty() {
            // Helm 2 accepted charts without one; they are of the first version.
            "v1".clone_into(&mut self.api_version);
        }
        let refuse =
            |field, value: &str, reason| Err(ChartError::Metadata { field, value: value.to_owned(), reason });
        if !["v1", "v2"].contains(&self.api_version.as_str()) {
            return refuse("apiVersion", &self.api_version, "it must be v1 or v2");
        }
        if self.name.is_empty() || self.name == "." || self.name == ".." || self.name.contains('/') {
            return refuse("name", &self.name, "it must be a plain, non-empty name");
        }
        if crate::version::Version::parse(&self.version).is_none() {
            return refuse("version", &self.version, "it must be a semantic version");
        }
        if !["", "application", "library"].contains(&self.kind.as_str()) {
            return refuse("type", &self.kind, "it must be application or library");
        }
        let mut names = std::collections::BTreeSet::new();
        for dependency in &mut self.dependencies {
            sanitize(&mut dependency.name);
            sanitize(&mut dependency.version);
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !dependency.alias.chars().all(legal) {
                return refuse("dependencies.alias", &dependency.alias, "letters, digits, - and _ only");
            }
            if !names.insert(dependency.key().to_owned()) {
                return refuse("dependencies", dependency.key(), "the name or alias is used twice");
            }
        }
        Ok(self)
    }

    /// The chart as templates see it in `.Chart`: a map with the names of Helm's struct.
    pub(crate) fn to_template_value(&self, is_root: bool) -> Value {
        let map = Map::new();
        let texts = [
            ("Name", &self.name),
            ("Home", &self.home),
            ("Version", &self.version),
            ("Description", &self.description),
            ("Icon", &self.icon),
            ("APIVersion", &self.api_version),
            ("Condition", &self.condition),
            ("Tags", &self.tags),
            ("AppVersion", &self.app_version),
            ("KubeVersion", &self.kube_version),
            ("Type", &self.kind),
        ];
        for (name, text) in texts {
            map.insert(name, text.as_str());
        }
        map.insert("Sources", text_list(&self.sources));
        map.insert("Keywords", text_list(&self.keywords));
        map.insert("Deprecated", self.deprecated);
        map.insert("IsRoot", is_root);
        let annotations = Map::with_type("map[string]string");
        for (name, text) in &self.annotations {
            annotations.insert(name, text.as_str());
        }
        map.insert("Annotations", annotations);
        let maintainers = self.maintainers.iter().map(|one| {
            let map = Map::new();
            map.insert("Name", one.name.as_str());
            map.insert("Email", one.email.as_str());
            map.insert("URL", one.url.as_str());
            Value::from(map)
        });
        map.insert("Maintainers", Value::list(maintainers.collect()));
        let dependencies = self.dependencies.iter().map(Dependency::to_template_value);
        map.insert("Dependencies", Value::list(dependencies.collect()));
        map.into()
    }
}

fn text_list(texts: &[String]) -> Value {
    Value::list(texts.iter().map(|text| Value::from(text.as_str())).collect())
}

impl Dependency {
    /// The name under which the parent's values address it.
    pub fn key(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    fn to_template_value(&self) -> Value {
        let map = Map::new();
        let texts = [
            ("Name", &self.name),
            ("Version", &self.version),
            ("Repository", &self.repository),
            ("Condition", &self.condition),
            ("Alias", &self.alias),
        ];
        for (name, text) in texts {
            map.insert(name, text.as_str());
        }
        map.insert("Tags", text_list(&self.tags));
        map.insert("Enabled", self.enabled);
        let imports = self.import_values.iter().cloned().map(Value::from);
        map.insert("ImportValues", Value::list(imports.collect()));
        map.into()
    }
}
