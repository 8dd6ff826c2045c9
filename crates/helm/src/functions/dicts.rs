//! Maps. `set`, `unset` and the merges change the map that they are given, for all who hold it.

use super::cast::{is_empty, to_text};
use super::{
    ANY, Answer, Function, Host, MAP, STRING, VALUE_STEPS, boolean, charge_for, fixed, hosted, text_of,
    variadic,
};
use crate::value::{Map, Value};

pub(super) const TABLE: &[Function] = &[
    variadic("dict", &[], ANY, dict),
    fixed("get", &[MAP, STRING], |arguments| {
        Ok(map_of(&arguments[0]).get(text_of(&arguments[1])).unwrap_or_else(|| Value::from("")))
    }),
    fixed("set", &[MAP, STRING, ANY], |arguments| {
        if arguments[0].is_nil() {
            return Err("assignment to entry in nil map".into());
        }
        map_of(&arguments[0]).insert(text_of(&arguments[1]), arguments[2].clone());
        Ok(arguments[0].clone())
    })
    .costing(VALUE_STEPS),
    fixed("unset", &[MAP, STRING], |arguments| {
        let map = map_of(&arguments[0]);
        map.remove(text_of(&arguments[1]));
        Ok(Value::Map(map))
    }),
    fixed("hasKey", &[MAP, STRING], |arguments| {
        boolean(map_of(&arguments[0]).contains_key(text_of(&arguments[1])))
    }),
    variadic("pluck", &[STRING], MAP, |arguments| {
        let maps = arguments[1..].iter().map(map_of);
        Ok(Value::list(maps.filter_map(|map| map.get(text_of(&arguments[0]))).collect()))
    }),
    // Go's order is random; here it is that of the keys.
    variadic("keys", &[], MAP, |arguments| {
        Ok(Value::strings(arguments.iter().flat_map(|map| map_of(map).keys())))
    }),
    fixed("values", &[MAP], |arguments| {
        let entries = map_of(&arguments[0]).entries();
        Ok(Value::list(entries.into_iter().map(|(_, value)| value).collect()))
    }),
    variadic("pick", &[MAP], STRING, |arguments| Ok(filtered(arguments, true))),
    variadic("omit", &[MAP], STRING, |arguments| Ok(filtered(arguments, false))),
    variadic("merge", &[MAP], MAP, |arguments| Ok(merge_all(arguments, false))),
    variadic("mustMerge", &[MAP], MAP, |arguments| Ok(merge_all(arguments, false))),
    variadic("mergeOverwrite", &[MAP], MAP, |arguments| Ok(merge_all(arguments, true))),
    variadic("mustMergeOverwrite", &[MAP], MAP, |arguments| Ok(merge_all(arguments, true))),
    hosted("deepCopy", &[ANY], None, deep_copy),
    hosted("mustDeepCopy", &[ANY], None, deep_copy),
    variadic("dig", &[], ANY, dig),
];

/// Nesting beyond which a merge stops: only maps that contain themselves get there.
const DEPTH_LIMIT: usize = 200;

fn map_of(value: &Value) -> Map {
    value.as_map().cloned().unwrap_or_default()
}

fn dict(arguments: &[Value]) -> Answer {
    let map = Map::new();
    for pair in arguments.chunks(2) {
        map.insert(to_text(&pair[0]), pair.get(1).cloned().unwrap_or_else(|| Value::from("")));
    }
    Ok(Value::Map(map))
}

fn deep_copy(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    charge_for(host, &arguments[0])?;
    Ok(arguments[0].deep_clone())
}

fn filtered(arguments: &[Value], keeps: bool) -> Value {
    let names = &arguments[1..];
    let is_named = |key: &str| names.iter().any(|name| name.as_str() == Some(key));
    let entries = map_of(&arguments[0]).entries().into_iter();
    Value::Map(entries.filter(|(key, _)| is_named(key) == keeps).collect())
}

fn merge_all(arguments: &[Value], overwrites: bool) -> Value {
    let target = map_of(&arguments[0]);
    for source in &arguments[1..] {
        merge(&target, &map_of(source), overwrites, 0);
    }
    // Whatever Go's type was, what comes back is a plain map.
    Value::Map(target.typed(Map::new().type_name()))
}

/// Sprig's merge: what the target has and is not empty stays, unless `overwrites`. Nested maps merge.
fn merge(target: &Map, source: &Map, overwrites: bool, depth: usize) {
    if depth > DEPTH_LIMIT || target.is_same(source) {
        return;
    }
    for (key, value) in source.entries() {
        match (target.get(&key), &value) {
            (Some(Value::Map(inner)), Value::Map(other)) => merge(&inner, other, overwrites, depth + 1),
            (_, Value::Nil) if !overwrites => {}
            (Some(present), _) if !overwrites && !is_empty(&present) => {}
            _ => {
                target.insert(key, value);
            }
        }
    }
}

/// `dig "a" "b" DEFAULT MAP`.
fn dig(arguments: &[Value]) -> Answer {
    let [path @ .., default, map] = arguments else {
        return Err("dig needs at least three arguments".into());
    };
    if path.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut current = map.clone();
    for key in path {
        let Some(map) = current.as_map().filter(|map| map.type_name() == Map::new().type_name()) else {
            let message = format!(
                "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
                if current.is_nil() { "nil" } else { current.type_name() }
            );
            return Err(message.into());
        };
        match map.get(key.as_str().ok_or("interface conversion: interface {} is not string")?) {
            Some(value) => current = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(current)
}
