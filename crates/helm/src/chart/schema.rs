//! Whether values are what the `values.schema.json` of each chart wants.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Write as _;

use boon::{Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value as Json;

use super::{Chart, ChartError};

const SCHEMA_URL: &str = "file:///values.schema.json";

/// Holds the coalesced values of a chart and of each subchart against their schemas, and tells all
/// that is wrong at once.
pub(super) fn check(chart: &Chart, values: &Json) -> Result<(), ChartError> {
    let mut findings = String::new();
    collect(chart, values, &mut findings)?;
    if findings.is_empty() { Ok(()) } else { Err(ChartError::Values { findings }) }
}

fn collect(chart: &Chart, values: &Json, findings: &mut String) -> Result<(), ChartError> {
    if let Some(schema) = &chart.schema {
        let found = validate(schema, values).map_err(|source| ChartError::Yaml {
            path: format!("values.schema.json of {}", chart.name()),
            source,
        })?;
        if !found.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(findings, "\n{}:{found}", chart.name());
        }
    }
    for subchart in &chart.dependencies {
        if let Some(values) = values.get(subchart.name()).filter(|values| !values.is_null()) {
            collect(subchart, values, findings)?;
        }
    }
    Ok(())
}

/// A schema of a chart stands alone: what it would load from files or the network is refused.
struct Alone;

impl UrlLoader for Alone {
    fn load(&self, url: &str) -> Result<Json, Box<dyn Error>> {
        Err(format!("it refers to {url}, which is not in the chart").into())
    }
}

struct Compiled {
    text: Vec<u8>,
    schemas: Schemas,
    index: SchemaIndex,
}

thread_local! {
    /// The schema that was compiled last: charts are rendered many times over, and to compile is what costs.
    static LAST: RefCell<Option<Compiled>> = const { RefCell::new(None) };
}

/// What is wrong, a line for each finding.
fn validate(schema: &[u8], values: &Json) -> Result<String, Box<dyn Error + Send + Sync>> {
    let last = LAST.take().filter(|last| last.text == schema);
    let compiled = last.map_or_else(|| compile(schema), Ok)?;
    let mut lines = String::new();
    if let Err(error) = compiled.schemas.validate(values, compiled.index) {
        describe(&error, &mut lines);
    }
    LAST.set(Some(compiled));
    Ok(lines)
}

fn compile(text: &[u8]) -> Result<Compiled, Box<dyn Error + Send + Sync>> {
    let schema: Json = serde_json::from_slice(text)?;
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Alone));
    // boon's errors cannot be sent to another thread, so that only their text goes on.
    let unusable = |error: boon::CompileError| format!("{error:#}");
    compiler.add_resource(SCHEMA_URL, schema).map_err(unusable)?;
    let mut schemas = Schemas::new();
    let index = compiler.compile(SCHEMA_URL, &mut schemas).map_err(unusable)?;
    Ok(Compiled { text: text.to_vec(), schemas, index })
}

/// The innermost causes, each at its place. Values themselves are never told.
fn describe(error: &ValidationError<'_, '_>, lines: &mut String) {
    for cause in &error.causes {
        describe(cause, lines);
    }
    if !error.causes.is_empty() {
        return;
    }
    let what = match &error.kind {
        ErrorKind::Pattern { want, .. } => format!("does not match the pattern {want:?}"),
        ErrorKind::Format { want, .. } => format!("is no {want}"),
        kind => kind.to_string(),
    };
    let _ = write!(lines, "\n- at '{}': {what}", error.instance_location);
}
