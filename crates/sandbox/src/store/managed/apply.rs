//! Server-side apply: an applied configuration and a live object in, the merged object with its record out.

use serde_json::{Value, json};

use super::merge::{merge, prune};
use super::typed::{compare, fields_of, item_element};
use super::{Entry, FieldSet, parse_entries, strip, without_record, write_entries};
use crate::store::schema::{ListMerge, Schema, Type, schema};
use crate::store::{Kind, Status, format_time, object, structural};

/// Who applies, and how.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    pub manager: String,
    /// Take fields from their managers instead of refusing.
    pub is_forced: bool,
    pub subresource: Option<&'static str>,
    pub now: jiff::Timestamp,
}

/// Merges an applied configuration into the live object (an empty one of its kind at creation).
///
/// Mirrors structured-merge-diff: fields that the manager applied before and does not apply now are removed unless
/// another manager has them; a changed field that another manager has is a conflict.
pub fn apply(kind: &Kind, live: &Value, applied: &Value, options: &ApplyOptions) -> Result<Value, Status> {
    let schema = schema();
    let root = schema.root(kind);
    let before = without_record(live);
    let set = strip(fields_of(schema, &root, &without_record(applied)));
    let mut entries = parse_entries(live);
    let mut mine = Entry {
        manager: options.manager.clone(),
        operation: "Apply".to_owned(),
        api_version: kind.api_version(),
        subresource: options.subresource.unwrap_or_default().to_owned(),
        time: format_time(options.now),
        set,
    };
    let last = entries.iter().position(|entry| entry.is_same_writer(&mine)).map(|at| entries.remove(at));
    if let Some(last) = last.as_ref().filter(|last| last.set == mine.set) {
        mine.time.clone_from(&last.time);
    }
    let mut merged = merge(schema, &root, Some(&before), &without_record(applied));
    if let Some(last) = &last {
        let kept = entries.iter().fold(mine.set.clone(), |kept, entry| kept.union(&entry.set));
        prune(schema, &root, &mut merged, &last.set, &kept);
    }
    let found = compare(schema, &root, &before, &merged);
    let changed = strip(found.added.union(&found.modified));
    settle(&mut entries, &changed, &strip(found.removed), options.is_forced)?;
    entries.push(mine);
    write_entries(&mut merged, entries);
    Ok(merged)
}

/// Refuses a configuration that cannot be merged: unknown fields, or list items that cannot be told apart.
pub fn check(kind: &Kind, applied: &Value) -> Result<(), Status> {
    let root = schema().root(kind);
    check_typed(schema(), &root, applied, "").map_err(|why| not_typed(kind, applied, &why))?;
    let strange = kind.structure.map(|structure| structural::prune(structure, &mut applied.clone()));
    match strange.unwrap_or_default().first() {
        Some(path) => Err(not_typed(kind, applied, &format!(".{path}: field not declared in schema"))),
        None => Ok(()),
    }
}

/// Refuses or takes what others hold of the changed fields.
fn settle(
    entries: &mut [Entry],
    changed: &FieldSet,
    removed: &FieldSet,
    is_forced: bool,
) -> Result<(), Status> {
    let conflicts: Vec<(String, Vec<String>)> = entries
        .iter()
        .map(|entry| (print_manager(entry), entry.set.intersection(changed).printed_paths()))
        .filter(|(_, paths)| !paths.is_empty())
        .collect();
    if !is_forced && !conflicts.is_empty() {
        return Err(conflict(&conflicts));
    }
    for entry in entries {
        entry.set = entry.set.difference(changed).difference(removed);
    }
    Ok(())
}

fn conflict(conflicts: &[(String, Vec<String>)]) -> Status {
    let pairs =
        || conflicts.iter().flat_map(|(manager, paths)| paths.iter().map(move |path| (manager, path)));
    let causes: Vec<_> = pairs()
        .map(|(manager, path)| {
            json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": path})
        })
        .collect();
    let message = match pairs().collect::<Vec<_>>().as_slice() {
        [(manager, path)] => format!("Apply failed with 1 conflict: conflict with {manager}: {path}"),
        all => {
            let lines: Vec<_> = conflicts
                .iter()
                .map(|(manager, paths)| format!("conflicts with {manager}:\n- {}", paths.join("\n- ")))
                .collect();
            format!("Apply failed with {} conflicts: {}", all.len(), lines.join("\n"))
        }
    };
    Status::new(409, "Conflict", message, Some(json!({"causes": causes})))
}

fn print_manager(entry: &Entry) -> String {
    let Entry { manager, operation, api_version, subresource, .. } = entry;
    match (operation.as_str(), subresource.as_str()) {
        ("Update", "") => format!("{manager:?} using {api_version}"),
        ("Update", subresource) => {
            format!("{manager:?} with subresource {subresource:?} using {api_version}")
        }
        _ => format!("{manager:?}"),
    }
}

fn not_typed(kind: &Kind, applied: &Value, why: &str) -> Status {
    let (namespace, name) = (object::namespace(applied), object::name(applied));
    let version = kind.api_version();
    let message = format!(
        "failed to create typed patch object ({namespace}/{name}; {version}, Kind={}): {why}",
        kind.kind
    );
    Status::new(500, "", message, None)
}

/// What merging needs of a configuration: known fields, and list items that can be told apart.
fn check_typed(schema: &Schema, value_type: &Type, value: &Value, path: &str) -> Result<(), String> {
    match (value_type, value) {
        (Type::Struct(name) | Type::Granular(name), Value::Object(map)) => {
            for (key, child) in map {
                let path = format!("{path}.{key}");
                let Some(child_type) = schema.descend(value_type, key) else {
                    if schema.get(name).is_none() {
                        return Ok(());
                    }
                    return Err(format!("{path}: field not declared in schema"));
                };
                check_typed(schema, &child_type, child, &path)?;
            }
            Ok(())
        }
        (Type::Map(item, _), Value::Object(map)) => {
            map.iter().try_for_each(|(key, child)| check_typed(schema, item, child, &format!("{path}.{key}")))
        }
        (Type::List(item, rule), Value::Array(list)) => check_items(schema, item, rule, list, path),
        _ => Ok(()),
    }
}

fn check_items(
    schema: &Schema,
    item: &Type,
    rule: &ListMerge,
    list: &[Value],
    path: &str,
) -> Result<(), String> {
    let mut seen = Vec::new();
    for (index, child) in list.iter().enumerate() {
        if *rule == ListMerge::Atomic {
            check_typed(schema, item, child, &format!("{path}[{index}]"))?;
            continue;
        }
        let element = item_element(rule, child).map_err(|why| format!("{path}: element {index}: {why}"))?;
        let mut alone = FieldSet::default();
        alone.insert(std::slice::from_ref(&element));
        let shown = alone.printed_paths().join("");
        if seen.contains(&element) {
            return Err(format!("{path}: duplicate entries for key {shown}"));
        }
        seen.push(element);
        check_typed(schema, item, child, &format!("{path}{shown}"))?;
    }
    Ok(())
}
