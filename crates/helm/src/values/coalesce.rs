//! A chart's defaults, its subcharts' defaults and the user's values as one map.
//!
//! The steps and their order mirror Helm 4's coalescing; where it merges (keeps nulls) and where it
//! coalesces (a null deletes) is visible in what templates render.

use super::ValuesError;
use crate::chart::Chart;
use crate::value::{Map, Value};

const GLOBAL: &str = "global";

/// All values of a release.
#[derive(Debug, Clone)]
pub struct Coalesced {
    /// The root chart's values; each subchart's are under its name.
    pub values: Map,
    /// Where the user's values and a chart's defaults do not fit together, as Helm words it.
    pub warnings: Vec<String>,
}

/// Whether a null of the user deletes a default now, or is kept for a later pass to do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Delete,
    Keep,
}

/// Brings the chart's defaults and the user's values together, subcharts and globals included.
/// Neither is changed, and the result shares no map with them.
///
/// # Errors
/// The values hold something other than a map where a subchart's values belong.
pub fn coalesce(chart: &Chart, user_values: &Map) -> Result<Coalesced, ValuesError> {
    run(chart, user_values, Nulls::Delete)
}

/// As [`coalesce`], except that nulls stay.
pub(crate) fn merged(chart: &Chart, user_values: &Map) -> Result<Map, ValuesError> {
    Ok(run(chart, user_values, Nulls::Keep)?.values)
}

/// Fills `over` with what `under` has and it has not. `over` wins, nulls stay.
pub(crate) fn merge_tables(over: &Map, under: &Map) {
    Pass { warnings: Vec::new() }.tables(over, &under.deep_clone(), "", Nulls::Keep);
}

fn run(chart: &Chart, user_values: &Map, nulls: Nulls) -> Result<Coalesced, ValuesError> {
    let values = user_values.deep_clone();
    let mut pass = Pass { warnings: Vec::new() };
    pass.chart(chart, &values, "", nulls)?;
    Ok(Coalesced { values, warnings: pass.warnings })
}

struct Pass {
    warnings: Vec<String>,
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn as_text(value: &Value) -> String {
    value.to_json().map_or_else(|_| value.type_name().to_owned(), |json| json.to_string())
}

impl Pass {
    fn chart(&mut self, chart: &Chart, values: &Map, prefix: &str, nulls: Nulls) -> Result<(), ValuesError> {
        self.defaults(chart, values, prefix, nulls);
        let prefix = join(prefix, chart.name());
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let inner = match values.get(name) {
                None => {
                    let inner = Map::new();
                    values.insert(name, inner.clone());
                    inner
                }
                Some(Value::Map(inner)) => inner,
                Some(other) => {
                    let found = other.noun().to_owned();
                    return Err(ValuesError::SubchartNotAMap { subchart: name.to_owned(), found });
                }
            };
            self.globals(&inner, values, &prefix);
            self.chart(subchart, &inner, &prefix, nulls)?;
        }
        Ok(())
    }

    /// Puts the chart's own defaults under the values.
    fn defaults(&mut self, chart: &Chart, values: &Map, prefix: &str, nulls: Nulls) {
        let prefix = join(prefix, chart.name());
        for (key, default) in chart.values.deep_clone().entries() {
            match (values.get(&key), default) {
                (None, default) => {
                    values.insert(key, default);
                }
                (Some(Value::Nil), _) if nulls == Nulls::Delete => {
                    values.remove(&key);
                }
                (Some(Value::Map(table)), Value::Map(default)) => {
                    // A subchart's nulls are for the subchart's own defaults, which come later.
                    let is_subchart = chart.dependencies.iter().any(|one| one.name() == key);
                    let nulls = if is_subchart { Nulls::Keep } else { nulls };
                    self.tables(&table, &default, &join(&prefix, &key), nulls);
                }
                (Some(Value::Map(_)), default) if !default.is_nil() => {
                    self.warnings.push(format!("skipped value for {}: Not a table.", join(&prefix, &key)));
                }
                _ => {}
            }
        }
    }

    fn tables(&mut self, over: &Map, under: &Map, prefix: &str, nulls: Nulls) {
        for (key, default) in under.entries() {
            let full_key = join(prefix, &key);
            match (over.get(&key), default) {
                (None, default) => {
                    over.insert(key, default);
                }
                // A null against a null, or against nothing, is a value of its own.
                (Some(Value::Nil), default) if nulls == Nulls::Delete && !default.is_nil() => {
                    over.remove(&key);
                }
                (Some(Value::Nil), _) => {}
                (Some(Value::Map(table)), Value::Map(default)) => {
                    self.tables(&table, &default, &full_key, nulls);
                }
                (Some(_), default @ Value::Map(_)) => {
                    let default = as_text(&default);
                    self.warnings
                        .push(format!("cannot overwrite table with non table for {full_key} ({default})"));
                }
                (Some(Value::Map(_)), default) if !default.is_nil() => {
                    let default = as_text(&default);
                    self.warnings.push(format!(
                        "destination for {full_key} is a table. Ignoring non-table value ({default})"
                    ));
                }
                _ => {}
            }
        }
    }

    /// The parent's globals win over the subchart's.
    fn globals(&mut self, inner: &Map, outer: &Map, prefix: &str) {
        let Some(theirs) = table_or_new(inner) else {
            self.warnings.push(format!("skipping globals because destination {GLOBAL} is not a table."));
            return;
        };
        let Some(ours) = table_or_new(outer) else {
            self.warnings.push(format!("skipping globals because source {GLOBAL} is not a table."));
            return;
        };
        for (key, value) in ours.deep_clone().entries() {
            match (theirs.get(&key), value) {
                (Some(Value::Map(their_table)), Value::Map(table)) => {
                    self.tables(&table, &their_table, &join(prefix, &key), Nulls::Keep);
                    theirs.insert(key, table);
                }
                (Some(_), Value::Map(_)) => {
                    self.warnings
                        .push(format!("Conflict: cannot merge map onto non-map for {key:?}. Skipping."));
                }
                (Some(Value::Map(_)), _) => {
                    self.warnings.push(format!("key {key} is table. Skipping"));
                }
                (_, value) => {
                    theirs.insert(key, value);
                }
            }
        }
        inner.insert(GLOBAL, theirs);
    }
}

fn table_or_new(values: &Map) -> Option<Map> {
    match values.get(GLOBAL) {
        None => Some(Map::new()),
        Some(Value::Map(table)) => Some(table),
        Some(_) => None,
    }
}
