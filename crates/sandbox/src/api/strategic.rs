//! Strategic merge patch: a merge patch that knows which lists merge by key, and its `$patch` directives.

use serde_json::{Map, Value};

use crate::store::schema::{ListMerge, Schema, Type, schema};
use crate::store::{Kind, Status};

const ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// Merges a patch into an object of a kind.
pub(super) fn merge(kind: &Kind, value: &mut Value, patch: &Value) -> Result<(), Status> {
    let Some(patch) = patch.as_object() else {
        return Err(Status::bad_request("error decoding patch: a strategic merge patch is an object"));
    };
    let root = schema().root(kind);
    merge_maps(schema(), &root, value, patch)
}

fn merge_maps(
    schema: &Schema,
    value_type: &Type,
    value: &mut Value,
    patch: &Map<String, Value>,
) -> Result<(), Status> {
    if patch.get("$patch").is_some_and(|directive| directive == "replace") || !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Some(map) = value.as_object_mut() else { return Ok(()) };
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| retained.iter().any(|kept| kept == key));
    }
    for (key, wanted) in patch {
        if let Some(field) = key.strip_prefix(DELETE_FROM) {
            delete_primitives(map.get_mut(field), wanted);
        }
    }
    for (key, wanted) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
        if wanted.is_null() {
            map.shift_remove(key);
            continue;
        }
        let child_type = schema.descend(value_type, key).unwrap_or(Type::Any);
        let slot = map.entry(key.clone()).or_insert(Value::Null);
        merge_value(schema, &child_type, slot, wanted)?;
        if wanted.get("$patch").is_some_and(|directive| directive == "delete") {
            map.shift_remove(key);
        }
    }
    for (key, order) in patch {
        if let Some(field) = key.strip_prefix(ORDER) {
            let list_type = schema.descend(value_type, field).unwrap_or(Type::Any);
            reorder(&list_type, map.get_mut(field), order);
        }
    }
    Ok(())
}

fn merge_value(schema: &Schema, value_type: &Type, slot: &mut Value, wanted: &Value) -> Result<(), Status> {
    match (value_type, wanted) {
        (Type::List(item_type, ListMerge::Keyed(keys)), Value::Array(patches)) => {
            merge_items(schema, item_type, &keys[0], slot, patches)
        }
        (Type::List(_, ListMerge::Set), Value::Array(added)) => {
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            if let Some(list) = slot.as_array_mut() {
                for item in added {
                    if !list.contains(item) {
                        list.push(item.clone());
                    }
                }
            }
            Ok(())
        }
        // Unlike apply, a strategic patch merges into atomic structs and maps too.
        (_, Value::Object(patch)) => merge_maps(schema, value_type, slot, patch),
        _ => {
            *slot = wanted.clone();
            Ok(())
        }
    }
}

fn merge_items(
    schema: &Schema,
    item_type: &Type,
    key: &str,
    slot: &mut Value,
    patches: &[Value],
) -> Result<(), Status> {
    if !slot.is_array()
        || patches.iter().any(|patch| patch.get("$patch").is_some_and(|what| what == "replace"))
    {
        *slot = Value::Array(Vec::new());
    }
    let Some(list) = slot.as_array_mut() else { return Ok(()) };
    for patch in patches {
        let directive = patch.get("$patch").and_then(Value::as_str).unwrap_or_default();
        let Some(name) = patch.get(key) else {
            if directive == "replace" {
                continue;
            }
            return Err(Status::bad_request(format!(
                "map: {patch} does not contain declared merge key: {key}"
            )));
        };
        let at = list.iter().position(|item| item.get(key) == Some(name));
        match (directive, at) {
            ("delete", Some(at)) => {
                list.remove(at);
            }
            ("delete", None) => {}
            (_, Some(at)) => merge_value(schema, item_type, &mut list[at], patch)?,
            (_, None) => {
                let mut item = Value::Null;
                merge_value(schema, item_type, &mut item, patch)?;
                list.push(item);
            }
        }
    }
    Ok(())
}

fn delete_primitives(list: Option<&mut Value>, gone: &Value) {
    if let (Some(list), Some(gone)) = (list.and_then(Value::as_array_mut), gone.as_array()) {
        list.retain(|item| !gone.contains(item));
    }
}

/// Puts the named items in the patch's order; those it does not name keep their place behind their neighbours.
fn reorder(list_type: &Type, list: Option<&mut Value>, order: &Value) {
    let (Some(list), Some(order)) = (list.and_then(Value::as_array_mut), order.as_array()) else { return };
    let name = |item: &Value| match list_type {
        Type::List(_, ListMerge::Keyed(keys)) => item.get(&keys[0]).cloned().unwrap_or_default(),
        _ => item.clone(),
    };
    let place = |item: &Value| order.iter().position(|wanted| name(wanted) == name(item));
    let mut last = 0;
    let mut ranked: Vec<(usize, Value)> = Vec::new();
    for item in list.drain(..) {
        let rank = place(&item).unwrap_or(last);
        last = rank;
        ranked.push((rank, item));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    list.extend(ranked.into_iter().map(|(_, item)| item));
}
