//! Who set which field: managedFields, server-side apply, and its conflicts.

mod apply;
mod field_set;
mod merge;
mod typed;

pub use apply::{ApplyOptions, apply, check};
pub use field_set::FieldSet;

use serde_json::{Map, Value, json};

use super::schema::schema;
use super::update::WriteOptions;
use super::{Kind, format_time, object};

/// Fields that the server owns and managedFields never names.
const STRIPPED: [&[&str]; 11] = [
    &["f:apiVersion"],
    &["f:kind"],
    &["f:metadata"],
    &["f:metadata", "f:name"],
    &["f:metadata", "f:namespace"],
    &["f:metadata", "f:creationTimestamp"],
    &["f:metadata", "f:selfLink"],
    &["f:metadata", "f:uid"],
    &["f:metadata", "f:generation"],
    &["f:metadata", "f:managedFields"],
    &["f:metadata", "f:resourceVersion"],
];

/// One entry of managedFields.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    manager: String,
    operation: String,
    api_version: String,
    subresource: String,
    time: String,
    set: FieldSet,
}

impl Entry {
    fn is_same_writer(&self, other: &Self) -> bool {
        (&self.manager, &self.operation, &self.api_version, &self.subresource)
            == (&other.manager, &other.operation, &other.api_version, &other.subresource)
    }

    fn as_json(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager, "operation": self.operation, "apiVersion": self.api_version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": self.set.as_json(),
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }
}

fn parse_entries(value: &Value) -> Vec<Entry> {
    let text =
        |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let entries = object::items(value, "/metadata/managedFields").iter();
    entries
        .map(|entry| Entry {
            manager: text(entry, "manager"),
            operation: text(entry, "operation"),
            api_version: text(entry, "apiVersion"),
            subresource: text(entry, "subresource"),
            time: text(entry, "time"),
            set: FieldSet::parse(entry.get("fieldsV1").unwrap_or(&Value::Null)),
        })
        .collect()
}

fn write_entries(value: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.set.is_empty());
    entries.sort_by(|a, b| {
        let order = |entry: &Entry| {
            let Entry { manager, operation, api_version, subresource, time, .. } = entry;
            (operation.clone(), time.clone(), manager.clone(), api_version.clone(), subresource.clone())
        };
        order(a).cmp(&order(b))
    });
    let metadata = object::child(value, "metadata");
    if entries.is_empty() {
        metadata.shift_remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), entries.iter().map(Entry::as_json).collect());
    }
}

fn strip(mut set: FieldSet) -> FieldSet {
    for path in STRIPPED {
        set.remove(path);
    }
    set
}

/// Records an update by what it changed: the changed fields are the writer's now, the removed ones nobody's.
pub(super) fn record_update(
    kind: &Kind,
    old: &Value,
    new: &mut Value,
    options: &WriteOptions,
    now: jiff::Timestamp,
) {
    let root = schema().root(kind);
    let found = typed::compare(schema(), &root, &without_record(old), &without_record(new));
    let changed = strip(found.added.union(&found.modified));
    // A writer that sends an empty record resets it, one that sends none leaves it, and one that
    // sends another replaces it: that is how Helm takes over what its older self wrote by updates.
    let is_reset = object::items(new, "/metadata/managedFields").first().is_some_and(is_bare_entry);
    let given = if is_reset { Vec::new() } else { parse_entries(new) };
    let mut entries = if is_reset || !given.is_empty() { given } else { parse_entries(old) };
    for entry in &mut entries {
        entry.set = entry.set.difference(&changed).difference(&found.removed);
    }
    if !changed.is_empty() {
        let mut mine = Entry {
            manager: options.manager.clone(),
            operation: "Update".to_owned(),
            api_version: kind.api_version(),
            subresource: options.subresource.unwrap_or_default().to_owned(),
            time: format_time(now),
            set: changed,
        };
        if let Some(at) = entries.iter().position(|entry| entry.is_same_writer(&mine)) {
            mine.set = mine.set.union(&entries.remove(at).set);
        }
        entries.push(mine);
    }
    write_entries(new, entries);
}

fn is_bare_entry(entry: &Value) -> bool {
    entry.as_object().is_some_and(Map::is_empty)
}

fn without_record(value: &Value) -> Value {
    let mut value = value.clone();
    object::child(&mut value, "metadata").shift_remove("managedFields");
    value
}

/// Puts the old times back when nothing but times changed.
pub(super) fn keep_times(old: &Value, new: &mut Value) {
    let (before, after) = (parse_entries(old), parse_entries(new));
    let same = before.len() == after.len()
        && before
            .iter()
            .all(|entry| after.iter().any(|other| entry.is_same_writer(other) && entry.set == other.set));
    if same && let Some(record) = old.pointer("/metadata/managedFields") {
        object::child(new, "metadata").insert("managedFields".to_owned(), record.clone());
    }
}
