//! Values: a chart's defaults under what the user gives.
//!
//! Enters: YAML documents, `--set` arguments, charts. Leaves: one map with an entry for each
//! subchart, which holds that subchart's values, and `global` in each of them.
//! The rules are Helm's: a later document wins, maps merge, everything else replaces, null deletes
//! a chart's default, and the parent's values beat the subchart's.
//! Deliberately absent: reading files, and JSON schemas, which a [`crate::chart::Chart`] checks.

mod coalesce;
mod set;

pub use coalesce::{Coalesced, coalesce};
pub(crate) use coalesce::{merge_tables, merged};
pub use set::parse_set_into;

use crate::value::{Map, Value};
use crate::yaml::{self, YamlError};

/// Why values cannot be read or brought together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    #[error("values are no YAML")]
    Yaml(#[from] YamlError),
    #[error("values must be a map, found {found}")]
    NotAMap { found: String },
    #[error("the values of the subchart {subchart} must be a map, found {found}")]
    SubchartNotAMap { subchart: String, found: String },
    #[error("--set {argument}: {reason}")]
    Set { argument: String, reason: String },
}

/// Reads the text of a values file. It may hold several documents, of which later ones win.
///
/// # Errors
/// The text is no YAML, or a document is no map.
pub fn parse(text: &str) -> Result<Map, ValuesError> {
    let mut values = Map::new();
    for document in split_documents(text) {
        match yaml::parse(&document)? {
            Value::Nil => {}
            Value::Map(map) => values = merge(&values, &map),
            other => return Err(ValuesError::NotAMap { found: other.noun().to_owned() }),
        }
    }
    Ok(values)
}

/// Cuts at lines that hold `---` and nothing else, as the reader that Helm uses does.
fn split_documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let is_separator = line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty());
        match documents.last_mut() {
            Some(document) if !is_separator => document.push_str(line),
            _ => documents.push(String::new()),
        }
    }
    documents
}

/// Two documents as one: maps merge, anything else of `over` replaces. Nulls stay, so that they
/// can delete a chart's defaults later. The result shares no map with either.
#[must_use]
pub fn merge(base: &Map, over: &Map) -> Map {
    let merged = base.deep_clone();
    for (key, value) in over.entries() {
        let value = match (merged.get(&key), value) {
            (Some(Value::Map(under)), Value::Map(value)) => merge(&under, &value).into(),
            (_, value) => value.deep_clone(),
        };
        merged.insert(key, value);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::{merge, parse};
    use crate::value::Value;

    fn check(base: &str, over: &str, expected: &str) {
        let [base, over, expected] = [base, over, expected].map(|text| parse(text).expect("values"));
        assert_eq!(merge(&base, &over), expected);
    }

    #[test]
    fn the_later_document_wins() {
        check("{a: {b: 1, c: 2}, d: [1]}", "{a: {b: 3}, d: [2]}", "{a: {b: 3, c: 2}, d: [2]}");
        check("a: {b: 1}", "a: null", "a: null");
        check("a: 1", "a: {b: 1}", "a: {b: 1}");
    }

    #[test]
    fn one_file_may_hold_several_documents() {
        let values = parse("a: 1\nb: 1\n---\nb: 2\n").expect("values");
        assert_eq!(values.get("b"), Some(Value::Float(2.0)));
        assert_eq!(values.get("a"), Some(Value::Float(1.0)));
    }

    #[test]
    fn values_are_a_map() {
        assert!(parse("").expect("no values").is_empty());
        assert!(parse("[1]").is_err());
        assert!(parse("a: [").is_err());
    }
}
