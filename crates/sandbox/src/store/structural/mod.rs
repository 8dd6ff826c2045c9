//! The structural schemas of CustomResourceDefinitions: fields that they do not name are dropped, defaults filled in,
//! and values held against them.
//!
//! Mirrors apiextensions' pruning, defaulting and validation. Deliberately absent: `x-kubernetes-validations` (CEL),
//! `format`, and `allOf`, `anyOf`, `oneOf` and `not`, which Kubernetes evaluates beside the structure.

mod validate;

use serde_json::{Map, Value};

pub(super) use validate::validate;

/// What the server itself keeps of every object, whatever the schema says.
const OF_EVERY_OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Drops fields that a schema does not name; their paths.
pub(crate) fn prune(schema: &Value, object: &mut Value) -> Vec<String> {
    let mut dropped = Vec::new();
    prune_value(schema, object, "", true, &mut dropped);
    dropped
}

fn prune_value(schema: &Value, value: &mut Value, path: &str, is_object: bool, dropped: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let strange: Vec<String> = map
                .keys()
                .filter(|key| !(is_object && OF_EVERY_OBJECT.contains(&key.as_str())))
                .filter(|key| below(schema, key).is_none() && !takes_any(schema))
                .cloned()
                .collect();
            for key in strange {
                map.shift_remove(&key);
                dropped.push(join(path, &key));
            }
            for (key, child) in map.iter_mut() {
                if is_object && OF_EVERY_OBJECT.contains(&key.as_str()) {
                    continue;
                }
                if let Some(inner) = below(schema, key) {
                    let is_embedded = is_set(inner, "x-kubernetes-embedded-resource");
                    prune_value(inner, child, &join(path, key), is_embedded, dropped);
                }
            }
        }
        Value::Array(items) => {
            let Some(inner) = schema.get("items") else { return };
            for (index, item) in items.iter_mut().enumerate() {
                let is_embedded = is_set(inner, "x-kubernetes-embedded-resource");
                prune_value(inner, item, &format!("{path}[{index}]"), is_embedded, dropped);
            }
        }
        _ => {}
    }
}

/// Fills in the defaults of fields that are absent.
pub(super) fn fill_defaults(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in properties(schema) {
                if let Some(default) = inner.get("default").filter(|_| !map.contains_key(key)) {
                    map.insert(key.clone(), default.clone());
                }
            }
            for (key, child) in map.iter_mut() {
                if let Some(inner) = below(schema, key) {
                    fill_defaults(inner, child);
                }
            }
        }
        Value::Array(items) => {
            let Some(inner) = schema.get("items") else { return };
            items.iter_mut().for_each(|item| fill_defaults(inner, item));
        }
        _ => {}
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// The schema of a field: by its name, else that of all others.
fn below<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let named = schema.get("properties").and_then(|properties| properties.get(key));
    named.or_else(|| schema.get("additionalProperties").filter(|others| others.is_object()))
}

/// Whether fields that it does not name are kept.
fn takes_any(schema: &Value) -> bool {
    is_set(schema, "x-kubernetes-preserve-unknown-fields") || is_set(schema, "additionalProperties")
}

fn is_set(schema: &Value, field: &str) -> bool {
    schema.get(field) == Some(&Value::Bool(true))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "size": {"type": "integer", "default": 3},
            "parts": {"type": "array", "items": {"type": "object", "properties": {
                "name": {"type": "string"}, "kind": {"type": "string", "default": "small"}}}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"known": {"type": "object", "properties": {}}}},
            "template": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {}}}}}})
    }

    #[test]
    fn what_the_schema_does_not_name_is_dropped_and_told() {
        let mut object = json!({"apiVersion": "a", "kind": "K", "metadata": {"name": "n", "labels": {"a": "b"}}, "other": 1,
            "spec": {"size": 1, "sise": 2, "parts": [{"name": "a"}, {"nom": "b"}], "labels": {"any": "x"},
                "free": {"any": {"thing": 1}, "known": {"strange": 1}}, "template": {"kind": "Pod", "spec": {}}}});
        let dropped = prune(&schema(), &mut object);
        let wanted =
            ["other", "spec.sise", "spec.parts[1].nom", "spec.free.known.strange", "spec.template.spec"];
        assert_eq!(dropped, wanted);
        let left = json!({"size": 1, "parts": [{"name": "a"}, {}], "labels": {"any": "x"},
            "free": {"any": {"thing": 1}, "known": {}}, "template": {"kind": "Pod"}});
        assert_eq!(object["spec"], left);
        assert_eq!(object["metadata"]["labels"], json!({"a": "b"}));
    }

    #[test]
    fn defaults_are_filled_in_where_their_parent_is() {
        let check = |mut object: Value, expected: Value| {
            fill_defaults(&schema(), &mut object);
            assert_eq!(object, expected);
        };
        check(json!({}), json!({}));
        check(json!({"spec": {}}), json!({"spec": {"size": 3}}));
        let parts = json!({"spec": {"size": 1, "parts": [{}, {"kind": "big"}]}});
        check(parts, json!({"spec": {"size": 1, "parts": [{"kind": "small"}, {"kind": "big"}]}}));
    }
}
