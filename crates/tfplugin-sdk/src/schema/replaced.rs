//! Which changes replace a resource, read off its schema.

use serde::Serialize;

use super::{AttributeType, Attributes, Nested, Nesting, Schema};
use crate::path::{AttributePath, Step};
use crate::value::{Value, to_value};

impl Schema {
    /// The attributes marked with [`super::Attribute::replaces`] that differ between prior and
    /// planned, as [`crate::PlanOutcome::replacing`] takes them. An unknown plan differs from any
    /// prior. In sets only the set as a whole can be named.
    ///
    /// # Panics
    /// When a model does not fit the schema.
    #[must_use]
    pub fn replaced<M: Serialize>(&self, prior: &M, planned: &M) -> Vec<AttributePath> {
        let shape = self.implied_type();
        let value = |model| to_value(model, &shape).expect("the model fits its schema");
        let mut found = Vec::new();
        compare(&self.attributes, &value(prior), &value(planned), &AttributePath::root(), &mut found);
        found
    }
}

fn compare(
    attributes: &Attributes,
    prior: &Value,
    planned: &Value,
    at: &AttributePath,
    found: &mut Vec<AttributePath>,
) {
    for (name, attribute) in attributes {
        let before = prior.get(name).unwrap_or(&Value::Null);
        let after = planned.get(name).unwrap_or(&Value::Null);
        if before == after || attribute.write_only {
            continue;
        }
        let path = at.clone().attribute(name);
        if attribute.replaces {
            found.push(path);
        } else if let AttributeType::Nested(nested) = &attribute.shape {
            compare_nested(nested, before, after, &path, found);
        }
    }
}

fn compare_nested(
    nested: &Nested,
    before: &Value,
    after: &Value,
    at: &AttributePath,
    found: &mut Vec<AttributePath>,
) {
    match (nested.nesting, before, after) {
        (Nesting::Single, before, after) => compare(&nested.attributes, before, after, at, found),
        (Nesting::List, Value::List(before), Value::List(after)) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                compare(&nested.attributes, before, after, &at.clone().step(Step::from(index)), found);
            }
        }
        (Nesting::Map, Value::Map(before), Value::Map(after)) => {
            for (key, after) in after {
                let Some(before) = before.get(key) else { continue };
                compare(&nested.attributes, before, after, &at.clone().key(key), found);
            }
        }
        _ => {}
    }
}
