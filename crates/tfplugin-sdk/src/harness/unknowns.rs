//! Rule 3: a configuration is checked while some of its values are not known yet.

use super::{Violation, demand};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::schema::{AttributeType, Attributes, Nesting};
use crate::value::Value;

/// Demands that a valid configuration stays valid whichever of its values is unknown.
pub(super) fn demand_tolerance(
    what: &str,
    attributes: &Attributes,
    config: &Value,
    validate: impl Fn(&Value) -> Diagnostics,
) {
    for (path, variant) in with_unknowns(attributes, config) {
        let found = validate(&variant);
        if found.has_errors() {
            let message = format!("a valid configuration is refused while this is unknown: {found:?}");
            demand(&format!("validate of {what}"), &[Violation::new(3, &path, message)]);
        }
    }
}

/// The configuration with each of its values made unknown in turn.
fn with_unknowns(attributes: &Attributes, config: &Value) -> Vec<(AttributePath, Value)> {
    let Value::Map(entries) = config else { return Vec::new() };
    let mut variants = Vec::new();
    for (name, attribute) in attributes {
        let value = &entries[name];
        if value.is_null() {
            continue;
        }
        let mut inner = vec![(AttributePath::root(), Value::unknown())];
        if let AttributeType::Nested(nested) = &attribute.shape {
            inner.extend(inside(nested.nesting, &nested.attributes, value));
        }
        for (path, variant) in inner {
            let mut entries = entries.clone();
            entries.insert(name.clone(), variant);
            let whole = AttributePath::root().attribute(name);
            variants.push((path.0.into_iter().fold(whole, AttributePath::step), Value::Map(entries)));
        }
    }
    variants
}

/// As [`with_unknowns`], of a nested attribute. The elements of a set are left as they are.
fn inside(nesting: Nesting, attributes: &Attributes, value: &Value) -> Vec<(AttributePath, Value)> {
    let mut variants = Vec::new();
    match (nesting, value) {
        (Nesting::Single, object) => variants = with_unknowns(attributes, object),
        (Nesting::List, Value::List(elements)) => {
            for (index, element) in elements.iter().enumerate() {
                for (path, variant) in with_unknowns(attributes, element) {
                    let mut elements = elements.clone();
                    elements[index] = variant;
                    let whole = AttributePath::root().index(index);
                    variants
                        .push((path.0.into_iter().fold(whole, AttributePath::step), Value::List(elements)));
                }
            }
        }
        (Nesting::Map, Value::Map(elements)) => {
            for (key, element) in elements {
                for (path, variant) in with_unknowns(attributes, element) {
                    let mut elements = elements.clone();
                    elements.insert(key.clone(), variant);
                    let whole = AttributePath::root().key(key);
                    variants
                        .push((path.0.into_iter().fold(whole, AttributePath::step), Value::Map(elements)));
                }
            }
        }
        _ => {}
    }
    variants
}
