//! Which subcharts are enabled, under which names, and what a parent imports from them.

use serde_json::{Value as Json, json};

use super::{Chart, ChartError, Dependency};
use crate::value::{Map, Value};
use crate::values::{self, ValuesError};
use crate::version::{Range, Version};

pub(super) fn resolve(chart: &Chart, user_values: &Map) -> Result<Chart, ChartError> {
    let mut chart = chart.clone();
    enable(&mut chart, user_values, "")?;
    import(&mut chart)?;
    Ok(chart)
}

impl From<ValuesError> for ChartError {
    fn from(error: ValuesError) -> Self {
        match error {
            ValuesError::SubchartNotAMap { subchart, found } => Self::SubchartValues { subchart, found },
            other => Self::Yaml { path: "values".to_owned(), source: Box::new(other) },
        }
    }
}

fn is_meant_by(dependency: &Dependency, chart: &Chart) -> bool {
    dependency.name == chart.name()
        && match (Range::parse(&dependency.version), Version::parse(&chart.metadata.version)) {
            (Some(range), Some(version)) => range.contains(&version),
            _ => false,
        }
}

/// Drops the subcharts that the values disable, here and below. `path` is where this chart's values
/// are in the root's, with a trailing dot.
fn enable(chart: &mut Chart, user_values: &Map, path: &str) -> Result<(), ChartError> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    chart.dependencies = under_their_names(chart);
    for dependency in &mut chart.metadata.dependencies {
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
    }
    let values = values::coalesce(chart, user_values)?.values;
    for dependency in &mut chart.metadata.dependencies {
        dependency.enabled =
            condition(dependency, &values, path).unwrap_or_else(|| by_tags(dependency, &values));
    }
    let dependencies = std::mem::take(&mut chart.metadata.dependencies);
    let (kept, disabled): (Vec<_>, Vec<_>) = dependencies.into_iter().partition(|one| one.enabled);
    chart.metadata.dependencies = kept;
    chart.dependencies.retain(|one| disabled.iter().all(|gone| gone.name != one.name()));
    for subchart in &mut chart.dependencies {
        let path = format!("{path}{}.", subchart.name());
        enable(subchart, &values, &path)?;
    }
    Ok(())
}

/// Charts that no dependency names stay as they are; the others are taken once for each
/// dependency that names them, under its alias.
fn under_their_names(chart: &Chart) -> Vec<Chart> {
    let declared = &chart.metadata.dependencies;
    let undeclared = chart.dependencies.iter();
    let undeclared = undeclared.filter(|one| !declared.iter().any(|dependency| is_meant_by(dependency, one)));
    let mut named: Vec<Chart> = undeclared.cloned().collect();
    for dependency in declared {
        if let Some(found) = chart.dependencies.iter().find(|one| is_meant_by(dependency, one)) {
            let mut found = found.clone();
            dependency.key().clone_into(&mut found.metadata.name);
            named.push(found);
        }
    }
    named
}

/// What the first path that holds a bool says.
fn condition(dependency: &Dependency, values: &Map, path: &str) -> Option<bool> {
    let paths = dependency.condition.trim().split(',').filter(|one| !one.is_empty());
    for one in paths {
        let full = format!("{path}{one}");
        match Value::from(values.clone()).path(full.split('.')) {
            Some(Value::Bool(enabled)) => return Some(enabled),
            Some(Value::Map(_)) | None => {}
            Some(other) => {
                tracing::warn!(path = full, found = other.noun(), "a dependency's condition is no bool");
            }
        }
    }
    None
}

/// Disabled when its tags are named in the values and none of them is true.
fn by_tags(dependency: &Dependency, values: &Map) -> bool {
    let Some(Value::Map(tags)) = values.get("tags") else { return true };
    let mut said = dependency.tags.iter().filter_map(|tag| tags.get(tag)?.as_bool()).peekable();
    said.peek().is_none() || said.any(|enabled| enabled)
}

/// Copies into each parent's defaults what its dependencies say to import, the deepest first.
fn import(chart: &mut Chart) -> Result<(), ChartError> {
    for subchart in &mut chart.dependencies {
        import(subchart)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let values = values::merged(chart, &Map::new())?;
    let imported = Map::new();
    for dependency in &mut chart.metadata.dependencies {
        for wish in &mut dependency.import_values {
            let (child, parent) = match &*wish {
                Json::String(name) => (format!("exports.{name}"), ".".to_owned()),
                Json::Object(_) => (text_of(wish, "child"), text_of(wish, "parent")),
                _ => continue,
            };
            let from = dependency.name.split('.').chain(child.split('.'));
            match Value::from(values.clone()).path(from) {
                Some(Value::Map(table)) => {
                    values::merge_tables(&imported, &nested(&parent, table));
                }
                _ => tracing::warn!(chart = dependency.name, child, "there is no table to import"),
            }
            *wish = json!({ "child": child, "parent": parent });
        }
    }
    // What the parent says itself wins over what it imports.
    values::merge_tables(&values, &imported);
    chart.values = values;
    Ok(())
}

fn text_of(wish: &Json, key: &str) -> String {
    wish.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn nested(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |inner, key| {
        let outer = Map::new();
        outer.insert(key, inner);
        outer
    })
}
