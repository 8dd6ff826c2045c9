//! Rules 4 to 8: what a plan may make of a configuration.

use std::collections::BTreeMap;

use super::Violation;
use super::config::elements;
use super::equality::{at, same};
use crate::path::AttributePath;
use crate::schema::{Attribute, AttributeType, Attributes, Nested, Nesting};
use crate::value::Value;

/// What a plan is made of.
pub(super) struct Change<'v> {
    pub(super) prior: &'v Value,
    pub(super) config: &'v Value,
    pub(super) planned: &'v Value,
}

/// Checks a plan for an existing configuration.
pub(super) fn check(attributes: &Attributes, change: &Change<'_>) -> Vec<Violation> {
    let root = AttributePath::root();
    if change.planned.is_null() {
        return vec![Violation::new(4, &root, "planned for absence, but the configuration wants existence")];
    }
    let mut found = no_write_only(attributes, change.planned);
    check_attributes(attributes, change, &root, &mut found);
    found
}

/// Rule 7: nothing that Terraform keeps holds a write-only value.
pub(super) fn no_write_only(attributes: &Attributes, value: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    collect_write_only(attributes, value, &AttributePath::root(), &mut found);
    found
}

fn collect_write_only(
    attributes: &Attributes,
    value: &Value,
    place: &AttributePath,
    found: &mut Vec<Violation>,
) {
    for (name, attribute) in attributes {
        let Some(part) = value.get(name) else { continue };
        let path = place.clone().attribute(name);
        if attribute.write_only && !part.is_null() {
            found.push(Violation::new(7, &path, "a write-only value was returned"));
        }
        if let AttributeType::Nested(nested) = &attribute.shape {
            for (path, element) in elements(nested.nesting, part, &path) {
                collect_write_only(&nested.attributes, element, &path, found);
            }
        }
    }
}

/// Rule 8: replacement is asked for on attributes that exist.
pub(super) fn check_replacements(prior: &Value, planned: &Value, paths: &[AttributePath]) -> Vec<Violation> {
    let missing = paths.iter().filter(|path| at(prior, path).is_none() && at(planned, path).is_none());
    missing
        .map(|path| Violation::new(8, path, "replacement is asked for on a path that leads nowhere"))
        .collect()
}

fn check_attributes(
    attributes: &Attributes,
    change: &Change<'_>,
    place: &AttributePath,
    found: &mut Vec<Violation>,
) {
    for (name, attribute) in attributes {
        let part = |object: &Value| match object {
            Value::Unknown(_) => Value::unknown(),
            object => object.get(name).cloned().unwrap_or(Value::Null),
        };
        let (prior, config, planned) = (part(change.prior), part(change.config), part(change.planned));
        let change = Change { prior: &prior, config: &config, planned: &planned };
        check_value(attribute, &change, &place.clone().attribute(name), found);
    }
}

fn check_value(attribute: &Attribute, change: &Change<'_>, path: &AttributePath, found: &mut Vec<Violation>) {
    let Change { prior, config, planned } = *change;
    let kept = same(planned, prior) && !prior.is_null() && !config.is_null();
    let free = attribute.computed && (!attribute.optional || config.is_null());
    if same(planned, config) || kept || free || attribute.write_only {
        return;
    }
    let shown =
        |value: &Value| if attribute.sensitive { "(sensitive)".to_owned() } else { format!("{value:?}") };
    match &attribute.shape {
        _ if config.is_null() => {
            let message = format!("planned {} for an attribute that is not computed", shown(planned));
            found.push(Violation::new(5, path, message));
        }
        AttributeType::Nested(nested) => check_nested(nested, change, path, found),
        AttributeType::Plain(_) => {
            let message = format!(
                "planned {} is neither the configuration's {} nor the prior {}",
                shown(planned),
                shown(config),
                shown(prior)
            );
            found.push(Violation::new(5, path, message));
        }
    }
}

fn check_nested(nested: &Nested, change: &Change<'_>, path: &AttributePath, found: &mut Vec<Violation>) {
    let Change { prior, config, planned } = *change;
    match (nested.nesting, planned, config) {
        (_, Value::Null, _) => found.push(Violation::new(6, path, "planned null where configured")),
        (_, Value::Unknown(_), Value::Unknown(_)) => {}
        (_, Value::Unknown(_), _) => {
            found.push(Violation::new(6, path, "planned unknown as a whole where configured"))
        }
        (Nesting::Single, ..) => check_attributes(&nested.attributes, change, path, found),
        // An unknown collection may be planned as anything that its refinements allow.
        (_, _, Value::Unknown(_)) => {}
        (Nesting::Set, Value::List(planned), Value::List(config)) => {
            check_length(planned, config, path, found)
        }
        (Nesting::List, Value::List(planned), Value::List(config)) => {
            check_length(planned, config, path, found);
            for (index, (planned, config)) in planned.iter().zip(config).enumerate() {
                let prior = match prior {
                    Value::List(elements) => elements.get(index).unwrap_or(&Value::Null),
                    _ => &Value::Null,
                };
                let change = Change { prior, config, planned };
                check_attributes(&nested.attributes, &change, &path.clone().index(index), found);
            }
        }
        (Nesting::Map, Value::Map(planned), Value::Map(config)) => {
            check_entries(nested, prior, planned, config, path, found);
        }
        _ => found.push(Violation::new(4, path, "planned a value of another type")),
    }
}

fn check_length(planned: &[Value], config: &[Value], path: &AttributePath, found: &mut Vec<Violation>) {
    if planned.len() != config.len() {
        let message = format!("planned {} elements where {} are configured", planned.len(), config.len());
        found.push(Violation::new(6, path, message));
    }
}

fn check_entries(
    nested: &Nested,
    prior: &Value,
    planned: &BTreeMap<String, Value>,
    config: &BTreeMap<String, Value>,
    path: &AttributePath,
    found: &mut Vec<Violation>,
) {
    for key in planned.keys().filter(|key| !config.contains_key(*key)) {
        found.push(Violation::new(6, &path.clone().key(key), "planned a key that is not configured"));
    }
    for (key, config) in config {
        let path = path.clone().key(key);
        match planned.get(key) {
            None => found.push(Violation::new(6, &path, "a configured key is not planned")),
            Some(planned) => {
                let change = Change { prior: prior.get(key).unwrap_or(&Value::Null), config, planned };
                check_attributes(&nested.attributes, &change, &path, found);
            }
        }
    }
}
