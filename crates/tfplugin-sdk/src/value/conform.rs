//! Makes a value exactly of a type, or says where it is not.

use std::collections::BTreeMap;

use super::types::Type;
use super::{Value, ValueError};
use crate::path::Step;

/// The value as one of the type: objects get their left-out attributes as null, sets are put in
/// order, dynamic values get the type that they have.
///
/// # Errors
/// When the value is of another type. Nothing is converted: `1` is no string.
pub fn conform(value: Value, shape: &Type) -> Result<Value, ValueError> {
    match (value, shape) {
        (Value::Null, _) => Ok(Value::Null),
        (value @ Value::Unknown(_), _) => Ok(value),
        (Value::Dynamic(actual, inner), Type::Dynamic) => {
            let inner = conform(*inner, &actual)?;
            Ok(Value::Dynamic(actual, Box::new(inner)))
        }
        (value, Type::Dynamic) => {
            let actual = infer(&value);
            let inner = conform(value, &actual)?;
            Ok(Value::Dynamic(actual, Box::new(inner)))
        }
        (Value::Dynamic(_, inner), shape) => conform(*inner, shape),
        (value @ Value::Bool(_), Type::Bool)
        | (value @ Value::Number(_), Type::Number)
        | (value @ Value::String(_), Type::String) => Ok(value),
        (Value::List(elements), Type::List(element)) => conform_elements(elements, element).map(Value::List),
        (Value::List(elements), Type::Set(element)) => conform_elements(elements, element).map(set),
        (Value::List(elements), Type::Tuple(shapes)) => conform_tuple(elements, shapes),
        (Value::Map(entries), Type::Map(element)) => conform_map(entries, element),
        (Value::Map(entries), Type::Object(attributes)) => conform_object(entries, attributes),
        (value, shape) => Err(ValueError::new(format!("is {}, not {}", value.kind(), shape.kind()))),
    }
}

/// The elements of a set: in order, each once.
pub(super) fn set(mut elements: Vec<Value>) -> Value {
    elements.sort();
    // Two unknown elements may yet differ, so they are not the same element.
    elements.dedup_by(|a, b| a == b && a.unknown_paths().is_empty());
    Value::List(elements)
}

fn conform_elements(elements: Vec<Value>, element: &Type) -> Result<Vec<Value>, ValueError> {
    let inside = |(index, value)| conform(value, element).map_err(|error| error.inside(Step::from(index)));
    elements.into_iter().enumerate().map(inside).collect()
}

fn conform_tuple(elements: Vec<Value>, shapes: &[Type]) -> Result<Value, ValueError> {
    if elements.len() != shapes.len() {
        return Err(ValueError::new(format!("has {} elements, not {}", elements.len(), shapes.len())));
    }
    let pairs = elements.into_iter().zip(shapes).enumerate();
    let inside = |(index, (value, shape))| conform(value, shape).map_err(|e| e.inside(Step::from(index)));
    pairs.map(inside).collect::<Result<_, _>>().map(Value::List)
}

fn conform_map(entries: BTreeMap<String, Value>, element: &Type) -> Result<Value, ValueError> {
    let inside = |(key, value)| match conform(value, element) {
        Ok(value) => Ok((key, value)),
        Err(error) => Err(error.inside(Step::ElementKey(key))),
    };
    entries.into_iter().map(inside).collect::<Result<_, _>>().map(Value::Map)
}

fn conform_object(
    mut entries: BTreeMap<String, Value>,
    attributes: &BTreeMap<String, Type>,
) -> Result<Value, ValueError> {
    let mut object = BTreeMap::new();
    for (name, shape) in attributes {
        let value = entries.remove(name).unwrap_or(Value::Null);
        let value = conform(value, shape).map_err(|error| error.inside(Step::Attribute(name.clone())))?;
        object.insert(name.clone(), value);
    }
    match entries.into_keys().next() {
        None => Ok(Value::Map(object)),
        Some(name) => Err(ValueError::new(format!("has no attribute named {name:?}"))),
    }
}

/// The type that a value of no declared type has. What is null or unknown stays dynamic.
fn infer(value: &Value) -> Type {
    match value {
        Value::Null | Value::Unknown(_) => Type::Dynamic,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(elements) => Type::Tuple(elements.iter().map(infer).collect()),
        Value::Map(entries) => {
            Type::Object(entries.iter().map(|(name, value)| (name.clone(), infer(value))).collect())
        }
        Value::Dynamic(actual, _) => actual.clone(),
    }
}
