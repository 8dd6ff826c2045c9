//! Core's proposed new state: the configuration, with prior values where computed attributes were
//! left out, at every depth.

use std::collections::BTreeMap;

use super::equality::same;
use crate::schema::{Attribute, AttributeType, Attributes, Nested, Nesting};
use crate::value::{Type, Value};

/// The proposal for an object of these attributes.
pub(super) fn proposed(attributes: &Attributes, prior: &Value, config: &Value) -> Value {
    let entries = attributes.iter().map(|(name, attribute)| {
        let before = part(prior, name);
        let wanted = part(config, name);
        (name.clone(), propose(attribute, &before, &wanted))
    });
    Value::Map(entries.collect())
}

/// A part of an object that may be null or unknown as a whole.
fn part(object: &Value, name: &str) -> Value {
    match object {
        Value::Unknown(_) => Value::unknown(),
        object => object.get(name).cloned().unwrap_or(Value::Null),
    }
}

fn propose(attribute: &Attribute, before: &Value, wanted: &Value) -> Value {
    if attribute.computed && wanted.is_null() {
        // A prior that the user must have written, at least in part, goes with its configuration.
        return if was_configured(attribute, before) { Value::Null } else { before.clone() };
    }
    match &attribute.shape {
        AttributeType::Nested(nested) => propose_nested(nested, before, wanted),
        AttributeType::Plain(_) => wanted.clone(),
    }
}

fn propose_nested(nested: &Nested, before: &Value, wanted: &Value) -> Value {
    match (nested.nesting, wanted) {
        (_, Value::Null | Value::Unknown(_)) => wanted.clone(),
        (Nesting::Single, wanted) => proposed(&nested.attributes, before, wanted),
        (Nesting::List, Value::List(elements)) => {
            let pairs = elements.iter().enumerate();
            Value::List(pairs.map(|(index, wanted)| list_element(nested, before, index, wanted)).collect())
        }
        (Nesting::Set, Value::List(elements)) => set(nested, before, elements),
        (Nesting::Map, Value::Map(entries)) => {
            let propose = |(key, wanted): (&String, &Value)| {
                (key.clone(), element(&nested.attributes, &part(before, key), wanted))
            };
            Value::Map(entries.iter().map(propose).collect())
        }
        (_, wanted) => wanted.clone(),
    }
}

fn element(attributes: &Attributes, before: &Value, wanted: &Value) -> Value {
    if wanted.is_null() { Value::Null } else { proposed(attributes, before, wanted) }
}

/// A list's element without a prior is the configuration's as it is.
fn list_element(nested: &Nested, before: &Value, index: usize, wanted: &Value) -> Value {
    match before {
        Value::Unknown(_) => element(&nested.attributes, &Value::unknown(), wanted),
        Value::List(elements) if index < elements.len() => {
            element(&nested.attributes, &elements[index], wanted)
        }
        _ => wanted.clone(),
    }
}

/// Elements of a set have no name, so each takes the first prior that it could have come from.
fn set(nested: &Nested, before: &Value, wanted: &[Value]) -> Value {
    let mut unused: Vec<&Value> = match before {
        Value::List(elements) => elements.iter().collect(),
        _ => Vec::new(),
    };
    let mut proposals = Vec::new();
    for wanted in wanted {
        let found = unused.iter().position(|prior| came_from(&nested.attributes, prior, wanted));
        let prior = found.map_or(Value::Null, |position| unused.remove(position).clone());
        proposals.push(element(&nested.attributes, &prior, wanted));
    }
    Value::List(proposals)
}

/// Whether a nested prior holds anything that only a configuration can have put there.
fn was_configured(attribute: &Attribute, before: &Value) -> bool {
    match &attribute.shape {
        AttributeType::Nested(nested) if attribute.optional => holds_configured(nested, before),
        _ => false,
    }
}

fn holds_configured(nested: &Nested, value: &Value) -> bool {
    let objects: Vec<&Value> = match (nested.nesting, value) {
        (Nesting::Single, object) => vec![object],
        (_, Value::List(elements)) => elements.iter().collect(),
        (_, Value::Map(entries)) => entries.values().collect(),
        _ => Vec::new(),
    };
    objects.into_iter().any(|object| {
        nested.attributes.iter().any(|(name, attribute)| {
            let value = part(object, name);
            if value.is_null() {
                return false;
            }
            let below =
                matches!(&attribute.shape, AttributeType::Nested(nested) if holds_configured(nested, &value));
            !attribute.computed || below
        })
    })
}

/// Whether a prior object can be a configured one with computed values added.
fn came_from(attributes: &Attributes, prior: &Value, config: &Value) -> bool {
    if same(prior, config) {
        return true;
    }
    let (Value::Map(prior), Value::Map(config)) = (prior, config) else { return false };
    attributes.iter().all(|(name, attribute)| part_came_from(attribute, &prior[name], &config[name]))
}

fn part_came_from(attribute: &Attribute, prior: &Value, config: &Value) -> bool {
    if same(prior, config) {
        return true;
    }
    match &attribute.shape {
        _ if matches!(attribute.implied_type(), Type::Set(_)) => false,
        AttributeType::Plain(_) => attribute.computed && config.is_null(),
        AttributeType::Nested(nested) => nested_came_from(nested, prior, config),
    }
}

fn nested_came_from(nested: &Nested, prior: &Value, config: &Value) -> bool {
    let attributes = &nested.attributes;
    let each = |prior: &BTreeMap<String, Value>, config: &BTreeMap<String, Value>| {
        prior
            .iter()
            .all(|(key, prior)| config.get(key).is_some_and(|config| came_from(attributes, prior, config)))
    };
    match (nested.nesting, prior, config) {
        (_, Value::Null, _) => true,
        (Nesting::Single, prior, config) => came_from(attributes, prior, config),
        (_, Value::List(prior), Value::List(config)) => {
            prior.len() <= config.len() && prior.iter().zip(config).all(|(p, c)| came_from(attributes, p, c))
        }
        (_, Value::Map(prior), Value::Map(config)) => each(prior, config),
        _ => false,
    }
}
