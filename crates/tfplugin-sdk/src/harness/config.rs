//! A configuration as a test writes it, made a value as core makes one of HCL.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::path::AttributePath;
use crate::schema::{AttributeType, Attributes, Schema};
use crate::value::{Value, conform};

const UNKNOWN: &str = "$unknown";

/// What stands for a value that only apply will tell.
#[must_use]
pub fn unknown() -> Json {
    json!({ UNKNOWN: true })
}

/// The value of a configuration.
///
/// # Panics
/// When the configuration is none that core would accept: the test is wrong then.
pub(super) fn value(schema: &Schema, config: &Json) -> Value {
    let value = conform(untyped(config), &schema.implied_type())
        .unwrap_or_else(|error| panic!("the test's configuration does not fit the schema: {error}"));
    check(&schema.attributes, &value, &AttributePath::root());
    value
}

fn untyped(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(number.to_string().parse().expect("a JSON number is a number")),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(elements) => Value::List(elements.iter().map(untyped).collect()),
        Json::Object(entries) if entries.contains_key(UNKNOWN) => Value::unknown(),
        Json::Object(entries) => {
            Value::Map(entries.iter().map(|(name, entry)| (name.clone(), untyped(entry))).collect())
        }
    }
}

/// What core refuses before the provider sees it.
fn check(attributes: &Attributes, config: &Value, at: &AttributePath) {
    let Value::Map(entries) = config else { return };
    for (name, attribute) in attributes {
        let (path, entry) = (at.clone().attribute(name), &entries[name]);
        assert!(
            !attribute.required || !entry.is_null(),
            "the test's configuration lacks {path}, which is required"
        );
        let settable = attribute.required || attribute.optional;
        assert!(settable || entry.is_null(), "the test's configuration sets {path}, which is only computed");
        let AttributeType::Nested(nested) = &attribute.shape else { continue };
        for (path, element) in elements(nested.nesting, entry, &path) {
            check(&nested.attributes, element, &path);
        }
    }
}

/// The objects of a nested attribute, each with its place.
pub(super) fn elements<'v>(
    nesting: crate::schema::Nesting,
    value: &'v Value,
    at: &AttributePath,
) -> Vec<(AttributePath, &'v Value)> {
    match (nesting, value) {
        (crate::schema::Nesting::Single, object) => vec![(at.clone(), object)],
        (_, Value::List(elements)) => {
            elements.iter().enumerate().map(|(index, element)| (at.clone().index(index), element)).collect()
        }
        (_, Value::Map(elements)) => {
            elements.iter().map(|(key, element)| (at.clone().key(key), element)).collect()
        }
        _ => Vec::new(),
    }
}

/// The JSON of a value, unknowns as [`unknown`] writes them.
pub(super) fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Unknown(_) => unknown(),
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => match (number.to_i64(), number.to_u64()) {
            (Some(integer), _) => integer.into(),
            (None, Some(integer)) => integer.into(),
            (None, None) => number.to_f64().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::List(elements) => elements.iter().map(json_of).collect(),
        Value::Map(entries) => {
            let entries: BTreeMap<_, _> =
                entries.iter().map(|(name, entry)| (name.clone(), json_of(entry))).collect();
            Json::Object(entries.into_iter().collect())
        }
        Value::Dynamic(_, value) => json_of(value),
    }
}
