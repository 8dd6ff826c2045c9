//! Values to and from JSON's data model.

use std::borrow::Cow;

use serde_json::Number;

use super::{List, Map, Value, printable};

/// Why a value has no form in JSON or YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    #[error("json: unsupported value: {value}")]
    NotFinite { value: String },
    #[error("json: unsupported type: {type_name}")]
    NoPlainForm { type_name: String },
    #[error("value is nested deeper than {limit} levels; does a map contain itself?")]
    TooDeep { limit: usize },
    #[error("value has more than {limit} elements; is one map contained in it many times over?")]
    TooLarge { limit: usize },
}

/// Nesting that no honest document reaches.
const DEPTH_LIMIT: usize = 500;
/// Elements that no honest document has.
const SIZE_LIMIT: usize = 2_000_000;

impl From<serde_json::Value> for Value {
    /// All numbers become `float64`, as Go's decoder makes them.
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::INFINITY)),
            serde_json::Value::String(text) => Self::from(text),
            serde_json::Value::Array(items) => Self::list(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key, Self::from(value)));
                Self::Map(entries.collect())
            }
        }
    }
}

impl Value {
    /// The value as JSON. Whole floats become JSON integers, as Go writes them.
    ///
    /// # Errors
    /// Infinite and not-a-number floats, objects without a plain form, maps that contain themselves.
    pub fn to_json(&self) -> Result<serde_json::Value, ConvertError> {
        json_of(self, 0, &mut 0)
    }

    /// How many values this one holds, itself included.
    ///
    /// # Errors
    /// The value is nested too deep or too large to be copied or compared: [`ConvertError::TooDeep`],
    /// [`ConvertError::TooLarge`].
    pub fn size(&self) -> Result<usize, ConvertError> {
        let mut elements = 0;
        count(self, 0, &mut elements)?;
        Ok(elements)
    }

    /// The value without objects and bytes: only nil, bools, numbers, strings, plain lists and maps.
    /// The result shares nothing mutable with the original.
    ///
    /// # Errors
    /// As [`Value::to_json`], except that floats are not looked at.
    pub fn to_plain(&self) -> Result<Self, ConvertError> {
        let mut elements = 0;
        plain(self, 0, &mut elements)
    }
}

fn check(depth: usize, elements: &mut usize) -> Result<(), ConvertError> {
    if depth > DEPTH_LIMIT {
        return Err(ConvertError::TooDeep { limit: DEPTH_LIMIT });
    }
    *elements += 1;
    if *elements > SIZE_LIMIT {
        return Err(ConvertError::TooLarge { limit: SIZE_LIMIT });
    }
    Ok(())
}

fn count(value: &Value, depth: usize, elements: &mut usize) -> Result<(), ConvertError> {
    check(depth, elements)?;
    match value {
        Value::List(list) => list.iter().try_for_each(|item| count(item, depth + 1, elements)),
        Value::Map(map) => map.entries().iter().try_for_each(|(_, item)| count(item, depth + 1, elements)),
        _ => Ok(()),
    }
}

fn plain(value: &Value, depth: usize, elements: &mut usize) -> Result<Value, ConvertError> {
    check(depth, elements)?;
    match value {
        Value::List(list) => {
            let items: Result<Vec<Value>, ConvertError> =
                list.iter().map(|item| plain(item, depth + 1, elements)).collect();
            Ok(Value::List(List::new(items?)))
        }
        Value::Map(map) => {
            let copy = Map::new();
            for (key, item) in map.entries() {
                copy.insert(key, plain(&item, depth + 1, elements)?);
            }
            Ok(Value::Map(copy))
        }
        Value::Bytes(bytes) => {
            use base64::Engine as _;
            Ok(Value::from(base64::engine::general_purpose::STANDARD.encode(bytes)))
        }
        Value::Object(object) => plain(&object.to_plain()?, depth + 1, elements),
        Value::String(text) if matches!(printable(text), Cow::Owned(_)) => Ok(Value::string(printable(text))),
        scalar => Ok(scalar.clone()),
    }
}

fn json_of(value: &Value, depth: usize, elements: &mut usize) -> Result<serde_json::Value, ConvertError> {
    check(depth, elements)?;
    Ok(match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(number) | Value::Int64(number) => (*number).into(),
        Value::Float(number) => serde_json::Value::Number(json_number(*number)?),
        Value::String(text) => printable(text).into(),
        Value::List(list) => {
            let items: Result<Vec<_>, _> =
                list.iter().map(|item| json_of(item, depth + 1, elements)).collect();
            serde_json::Value::Array(items?)
        }
        Value::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, item) in map.entries() {
                object.insert(key, json_of(&item, depth + 1, elements)?);
            }
            serde_json::Value::Object(object)
        }
        Value::Bytes(_) | Value::Object(_) => json_of(&plain(value, depth, elements)?, depth, elements)?,
    })
}

/// Integers up to 2^53 are exact in a float, and Go writes them without a fraction.
fn json_number(number: f64) -> Result<Number, ConvertError> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Ok(Number::from(number as i64));
    }
    Number::from_f64(number).ok_or_else(|| ConvertError::NotFinite { value: number.to_string() })
}
