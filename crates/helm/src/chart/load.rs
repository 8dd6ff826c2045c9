//! Sorts a chart's files into metadata, values, templates, subcharts and the rest.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::source::{self, Budget};
use super::{Chart, ChartError, ChartFile, Metadata};
use crate::value::{Map, Value};
use crate::{values, yaml};

/// Subcharts in subcharts in …: more than any chart has, fewer than a stack holds.
const NESTING_MAX: usize = 16;

/// `budget` is what archives in the chart may still unpack to.
pub(super) fn load_files(files: Vec<ChartFile>, budget: &mut Budget) -> Result<Chart, ChartError> {
    load_nested(files, NESTING_MAX, budget)
}

fn load_nested(files: Vec<ChartFile>, levels_left: usize, budget: &mut Budget) -> Result<Chart, ChartError> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let described = find("Chart.yaml").ok_or(ChartError::NoMetadata)?;
    let mut description = parse_json(described)?;
    if let Some(requirements) = find("requirements.yaml") {
        adopt_requirements(&mut description, parse_json(requirements)?);
    }
    let mut chart = Chart {
        metadata: metadata_of(description)?.validate()?,
        lock: None,
        templates: Vec::new(),
        values: Map::new(),
        schema: None,
        files: Vec::new(),
        dependencies: Vec::new(),
    };
    let mut subcharts: BTreeMap<String, Vec<ChartFile>> = BTreeMap::new();
    for file in files {
        sort_in(&mut chart, &mut subcharts, file)?;
    }
    for (name, files) in subcharts {
        let loaded = load_subchart(&name, files, levels_left, budget);
        let loaded = loaded.map_err(|source| ChartError::Subchart {
            name,
            parent: chart.name().to_owned(),
            source: Box::new(source),
        })?;
        chart.dependencies.extend(loaded);
    }
    Ok(chart)
}

/// Charts of the first version name their dependencies in a file of their own.
fn adopt_requirements(description: &mut Json, mut requirements: Json) {
    let found = requirements.get_mut("dependencies").map(Json::take);
    if let (Some(description), Some(found)) = (description.as_object_mut(), found) {
        description.insert("dependencies".to_owned(), found);
    }
}

/// Serde says what is wrong and not of which field, so the fields are tried one by one.
fn metadata_of(description: Json) -> Result<Metadata, ChartError> {
    let error = match serde_json::from_value(description.clone()) {
        Ok(metadata) => return Ok(metadata),
        Err(error) => error,
    };
    let is_wrong = |(key, value): &(&String, &Json)| {
        serde_json::from_value::<Metadata>(serde_json::json!({ *key: value })).is_err()
    };
    let field = description.as_object().and_then(|fields| fields.iter().find(is_wrong));
    let field = field.map_or("it", |(key, _)| key.as_str());
    Err(ChartError::Yaml { path: "Chart.yaml".to_owned(), source: format!("{field}: {error}").into() })
}

fn parse_json(file: &ChartFile) -> Result<Json, ChartError> {
    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| ChartError::Yaml {
        path: file.path.clone(),
        source: error,
    };
    let text = std::str::from_utf8(&file.data).map_err(|error| wrong(error.into()))?;
    let value = yaml::parse(text).map_err(|error| wrong(error.into()))?;
    // A file of comments says nothing, which is no mistake.
    if value.is_nil() {
        return Ok(Json::Object(serde_json::Map::new()));
    }
    if !matches!(value, Value::Map(_)) {
        let found = value.noun().to_owned();
        return Err(ChartError::NotAMap { path: file.path.clone(), found });
    }
    value.to_json().map_err(|error| wrong(error.into()))
}

fn sort_in(
    chart: &mut Chart,
    subcharts: &mut BTreeMap<String, Vec<ChartFile>>,
    file: ChartFile,
) -> Result<(), ChartError> {
    let is_first_version = chart.metadata.api_version == "v1";
    match file.path.as_str() {
        "Chart.yaml" => {}
        "Chart.lock" => chart.lock = Some(parse_json(&file)?),
        "values.yaml" => {
            let wrong = |source: Box<dyn std::error::Error + Send + Sync>| ChartError::Yaml {
                path: "values.yaml".to_owned(),
                source,
            };
            let text = std::str::from_utf8(&file.data).map_err(|error| wrong(error.into()))?;
            chart.values = values::parse(text).map_err(|error| wrong(error.into()))?;
        }
        "values.schema.json" => chart.schema = Some(file.data),
        "requirements.yaml" if !is_first_version => {}
        "requirements.lock" => {
            chart.lock = Some(parse_json(&file)?);
            if is_first_version {
                chart.files.push(file);
            }
        }
        path if path.starts_with("templates/") => chart.templates.push(file),
        path if path.starts_with("charts/") && !path.ends_with(".prov") => {
            let inside = path["charts/".len()..].to_owned();
            let name = inside.split('/').next().unwrap_or(&inside).to_owned();
            subcharts.entry(name).or_default().push(ChartFile { path: inside, data: file.data });
        }
        _ => chart.files.push(file),
    }
    Ok(())
}

/// A directory or an archive in `charts/`; names that start with `_` or `.` are no charts.
fn load_subchart(
    name: &str,
    files: Vec<ChartFile>,
    levels_left: usize,
    budget: &mut Budget,
) -> Result<Option<Chart>, ChartError> {
    if name.starts_with(['_', '.']) {
        return Ok(None);
    }
    let Some(levels_left) = levels_left.checked_sub(1) else {
        return Err(ChartError::TooDeep { chart: name.to_owned(), limit: NESTING_MAX });
    };
    if name.ends_with(".tgz") {
        let archive = files.into_iter().find(|file| file.path == name);
        let archive = archive.ok_or(ChartError::NoMetadata)?;
        let files = source::read_archive(archive.data.as_slice(), budget)?;
        return load_nested(files, levels_left, budget).map(Some);
    }
    let inside = files.into_iter().filter_map(|file| {
        let (_, path) = file.path.split_once('/')?;
        Some(ChartFile { path: path.to_owned(), data: file.data })
    });
    load_nested(inside.collect(), levels_left, budget).map(Some)
}
