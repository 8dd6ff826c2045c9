//! Walks values along their schema: which fields a value sets, and how two values differ.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::FieldSet;
use crate::store::schema::{ListMerge, Schema, Type};

/// How a new value differs from an old one.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

/// Whether a value of this type is owned as a whole.
pub(super) fn is_leaf(schema: &Schema, field_type: &Type) -> bool {
    schema.is_atomic(field_type)
}

/// The type of a struct's field or a map's value.
pub(super) fn field_type(schema: &Schema, parent: &Type, key: &str) -> Option<Type> {
    schema.descend(parent, key)
}

/// The element that names an item of a keyed list or a set.
pub(super) fn item_element(merge: &ListMerge, item: &Value) -> Result<String, String> {
    match merge {
        ListMerge::Atomic => Err("an atomic list has no elements".to_owned()),
        ListMerge::Set => Ok(format!("v:{item}")),
        ListMerge::Keyed(keys) => {
            let mut shown = Map::new();
            let mut names: Vec<_> = keys.iter().collect();
            names.sort();
            for key in names {
                let value =
                    item.get(key).filter(|value| !value.is_null()).cloned().or_else(|| key_default(key));
                if let Some(value) = value {
                    shown.insert(key.clone(), value);
                }
            }
            if shown.is_empty() {
                let all = keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ");
                return Err(format!(
                    "associative list with keys has an element that omits all key fields {all} (and doesn't have default values for any key fields)"
                ));
            }
            Ok(format!("k:{}", Value::Object(shown)))
        }
    }
}

fn key_default(key: &str) -> Option<Value> {
    (key == "protocol").then(|| json!("TCP"))
}

/// The items of a list by their elements, in order of the elements.
pub(super) fn items_by_element<'a>(
    merge: &ListMerge,
    list: Option<&'a Value>,
) -> BTreeMap<String, &'a Value> {
    let items = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| Some((item_element(merge, item).ok()?, item))).collect()
}

/// Every field that a value sets.
pub(super) fn fields_of(schema: &Schema, field_type: &Type, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(schema, field_type, value, &mut Vec::new(), &mut set);
    set
}

fn collect(schema: &Schema, value_type: &Type, value: &Value, path: &mut Vec<String>, set: &mut FieldSet) {
    if is_leaf(schema, value_type) {
        set.insert(path);
        return;
    }
    match (value_type, value) {
        (Type::List(item_type, merge), Value::Array(list)) => {
            for item in list {
                let Ok(element) = item_element(merge, item) else { continue };
                path.push(element);
                if *merge != ListMerge::Set {
                    collect(schema, item_type, item, path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
        (Type::Struct(_) | Type::Granular(_) | Type::Map(..) | Type::Free, Value::Object(map)) => {
            for (key, child) in map {
                let Some(child_type) = field_type(schema, value_type, key) else { continue };
                path.push(format!("f:{key}"));
                collect(schema, &child_type, child, path, set);
                let is_bare = child.is_null() || child.as_object().is_some_and(Map::is_empty);
                if is_bare || child_type == Type::Free || matches!(value_type, Type::Map(..)) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        (Type::Free, _) => set.insert(path),
        _ => {}
    }
}

/// Compares two values of one type.
pub(super) fn compare(schema: &Schema, root: &Type, old: &Value, new: &Value) -> Comparison {
    let mut walk = Walk { schema, path: Vec::new(), found: Comparison::default() };
    walk.compare(root, Some(old), Some(new));
    walk.found
}

struct Walk<'a> {
    schema: &'a Schema,
    path: Vec<String>,
    found: Comparison,
}

impl Walk<'_> {
    fn compare(&mut self, value_type: &Type, old: Option<&Value>, new: Option<&Value>) {
        if old.is_none() && new.is_none() {
            return;
        }
        let both_empty = is_empty(old) && is_empty(new);
        let is_scalar = match value_type {
            Type::Struct(_) | Type::Granular(_) | Type::List(..) | Type::Map(..) => false,
            Type::Free => [old, new].into_iter().flatten().any(|value| !value.is_object()),
            _ => true,
        };
        if is_scalar || is_leaf(self.schema, value_type) || both_empty {
            return self.compare_leaf(old, new);
        }
        match value_type {
            Type::List(item_type, merge) => {
                let (before, after) = (items_by_element(merge, old), items_by_element(merge, new));
                let elements: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
                for element in elements {
                    let item_type = if *merge == ListMerge::Set { &Type::Any } else { &**item_type };
                    self.below(
                        element.clone(),
                        item_type,
                        before.get(element).copied(),
                        after.get(element).copied(),
                    );
                }
            }
            _ => self.compare_maps(value_type, old, new),
        }
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            _ => {}
        }
    }

    fn compare_maps(&mut self, value_type: &Type, old: Option<&Value>, new: Option<&Value>) {
        let nothing = Map::new();
        let before = old.and_then(Value::as_object).unwrap_or(&nothing);
        let after = new.and_then(Value::as_object).unwrap_or(&nothing);
        for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
            if let Some(child_type) = field_type(self.schema, value_type, key) {
                self.below(format!("f:{key}"), &child_type, before.get(key), after.get(key));
            }
        }
    }

    fn below(&mut self, element: String, value_type: &Type, old: Option<&Value>, new: Option<&Value>) {
        self.path.push(element);
        self.compare(value_type, old, new);
        self.path.pop();
    }

    fn compare_leaf(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, Some(_)) => self.found.added.insert(&self.path),
            (Some(_), None) => self.found.removed.insert(&self.path),
            (old, new) if old != new => self.found.modified.insert(&self.path),
            _ => {}
        }
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    }
}
