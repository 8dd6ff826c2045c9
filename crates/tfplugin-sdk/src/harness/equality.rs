//! How two values compare where one of them may be refined or unknown.

use crate::path::{AttributePath, Step};
use crate::value::Value;

/// Whether two values are the same, whatever is known of their unknowns.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    a == b || a.clone().unrefined() == b.clone().unrefined()
}

/// What stands at a path. None where the path leads nowhere.
pub(super) fn at<'v>(value: &'v Value, path: &AttributePath) -> Option<&'v Value> {
    path.0.iter().try_fold(value, |value, step| match (step, value) {
        (Step::Attribute(name) | Step::ElementKey(name), value) => value.get(name),
        (Step::ElementIndex(index), Value::List(elements)) => elements.get(usize::try_from(*index).ok()?),
        (Step::ElementIndex(_), _) => None,
    })
}

/// The places where two values differ, leaf by leaf.
pub(super) fn differences(a: &Value, b: &Value) -> Vec<AttributePath> {
    let mut found = Vec::new();
    differ(a, b, &AttributePath::root(), &mut found);
    found
}

fn differ(a: &Value, b: &Value, at: &AttributePath, found: &mut Vec<AttributePath>) {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => {
            for name in a.keys().chain(b.keys().filter(|name| !a.contains_key(*name))) {
                let side = |entries: &std::collections::BTreeMap<String, Value>| entries.get(name).cloned();
                let (a, b) = (side(a).unwrap_or(Value::Null), side(b).unwrap_or(Value::Null));
                differ(&a, &b, &at.clone().attribute(name), found);
            }
        }
        (Value::List(a), Value::List(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differ(a, b, &at.clone().index(index), found);
            }
        }
        (a, b) if same(a, b) => {}
        _ => found.push(at.clone()),
    }
}
