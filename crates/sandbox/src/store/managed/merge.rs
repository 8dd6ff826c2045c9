//! Puts an applied configuration over a live object, and takes out what its manager no longer sets.

use serde_json::Value;

use super::FieldSet;
use super::typed::{field_type, is_leaf, item_element, items_by_element};
use crate::store::schema::{ListMerge, Schema, Type};

/// The live value with the applied one merged over it.
pub(super) fn merge(schema: &Schema, value_type: &Type, live: Option<&Value>, applied: &Value) -> Value {
    let Some(live) = live.filter(|_| !is_leaf(schema, value_type)) else { return applied.clone() };
    match (value_type, live, applied) {
        (Type::List(item_type, merge_rule), Value::Array(_), Value::Array(list)) => {
            merge_lists(schema, item_type, merge_rule, live, list)
        }
        (_, Value::Object(before), Value::Object(after)) => {
            let mut merged = before.clone();
            for (key, wanted) in after {
                let value = match field_type(schema, value_type, key) {
                    Some(child_type) => merge(schema, &child_type, before.get(key), wanted),
                    None => wanted.clone(),
                };
                merged.insert(key.clone(), value);
            }
            Value::Object(merged)
        }
        _ => applied.clone(),
    }
}

/// The applied order, with each item that only the live list has before the shared item that followed it.
fn merge_lists(
    schema: &Schema,
    item_type: &Type,
    rule: &ListMerge,
    live: &Value,
    applied: &[Value],
) -> Value {
    let before = items_by_element(rule, Some(live));
    let live_order: Vec<String> =
        live.as_array().into_iter().flatten().filter_map(|item| item_element(rule, item).ok()).collect();
    let wanted: Vec<String> = applied.iter().filter_map(|item| item_element(rule, item).ok()).collect();
    let mut merged = Vec::new();
    let mut cursor = 0;
    for (element, item) in wanted.iter().zip(applied) {
        if let Some(at) = live_order.iter().skip(cursor).position(|known| known == element) {
            for known in &live_order[cursor..cursor + at] {
                if !wanted.contains(known) {
                    merged.extend(before.get(known).map(|item| Value::clone(item)));
                }
            }
            cursor += at + 1;
        }
        let live_item = before.get(element).copied();
        merged.push(if *rule == ListMerge::Set {
            item.clone()
        } else {
            merge(schema, item_type, live_item, item)
        });
    }
    for known in live_order.iter().skip(cursor).filter(|known| !wanted.contains(known)) {
        merged.extend(before.get(known).map(|item| Value::clone(item)));
    }
    Value::Array(merged)
}

/// Takes out of a value what `last` set and nobody in `kept` sets any more.
pub(super) fn prune(schema: &Schema, value_type: &Type, value: &mut Value, last: &FieldSet, kept: &FieldSet) {
    prune_below(schema, value_type, value, last, kept, true);
}

fn prune_below(
    schema: &Schema,
    value_type: &Type,
    value: &mut Value,
    last: &FieldSet,
    kept: &FieldSet,
    is_root: bool,
) {
    let nothing = FieldSet::default();
    for (element, node) in &last.children {
        let stays = kept.children.get(element);
        // The halves of an object are never taken out whole: they hold what the server filled in.
        if stays.is_none() && !is_root {
            remove_element(value_type, value, element);
            continue;
        }
        let below = stays.map_or(&nothing, |stays| &stays.below);
        let (child, child_type) = match (value_type, element.split_at(2)) {
            (Type::List(item_type, rule), _) => {
                let list = value.as_array_mut();
                let found =
                    list.into_iter().flatten().find(|item| item_element(rule, item).as_ref() == Ok(element));
                (found, Some(Type::clone(item_type)))
            }
            (_, ("f:", key)) => (value.get_mut(key), field_type(schema, value_type, key)),
            _ => (None, None),
        };
        if let (Some(child), Some(child_type)) = (child, child_type) {
            prune_below(schema, &child_type, child, &node.below, below, false);
        }
    }
}

fn remove_element(value_type: &Type, value: &mut Value, element: &str) {
    match (value_type, value) {
        (Type::List(_, rule), Value::Array(list)) => {
            list.retain(|item| item_element(rule, item).as_deref() != Ok(element));
        }
        (_, Value::Object(map)) => {
            map.shift_remove(element.strip_prefix("f:").unwrap_or(element));
        }
        _ => {}
    }
}
