//! The server's part of an object's metadata.

use serde_json::{Map, Value, json};

use super::{Kind, format_time, kinds, object};

/// Fields that only the server sets.
const SERVER_FIELDS: [&str; 8] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
];

/// Kinds whose generation counts changes of what is wanted.
static COUNTED: [&Kind; 14] = [
    &kinds::CUSTOM_RESOURCE_DEFINITION,
    &kinds::POD,
    &kinds::STATEFUL_SET,
    &kinds::DEPLOYMENT,
    &kinds::REPLICA_SET,
    &kinds::DAEMON_SET,
    &kinds::REPLICATION_CONTROLLER,
    &kinds::JOB,
    &kinds::CRON_JOB,
    &kinds::POD_DISRUPTION_BUDGET,
    &kinds::ENDPOINT_SLICE,
    &kinds::NETWORK_POLICY,
    &kinds::PRIORITY_CLASS,
    &kinds::LIMIT_RANGE,
];

pub(super) fn prepare_new(kind: &Kind, object: &mut Value, now: jiff::Timestamp) {
    let given = object::child(object, "metadata").get("managedFields").cloned();
    let metadata = object::child(object, "metadata");
    for field in SERVER_FIELDS {
        metadata.shift_remove(field);
    }
    if !kind.namespaced {
        metadata.shift_remove("namespace");
    }
    metadata.insert("uid".to_owned(), json!(random_uid()));
    metadata.insert("creationTimestamp".to_owned(), json!(format_time(now)));
    if is_counted(kind) {
        metadata.insert("generation".to_owned(), json!(1));
    }
    if let Some(given) = given {
        metadata.insert("managedFields".to_owned(), given);
    }
    prune(metadata);
    let body = object.as_object_mut().expect("child made it an object");
    body.insert("apiVersion".to_owned(), json!(kind.api_version()));
    body.insert("kind".to_owned(), json!(kind.kind));
}

/// Puts the server's fields of the stored object back over what a writer sent.
pub(super) fn keep_server_fields(kind: &Kind, stored: &Value, written: &mut Value) {
    let before = stored.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let metadata = object::child(written, "metadata");
    for field in SERVER_FIELDS.into_iter().filter(|field| *field != "managedFields").chain([
        "name",
        "namespace",
        "generateName",
    ]) {
        match before.get(field) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.shift_remove(field),
        };
    }
    prune(metadata);
    let body = written.as_object_mut().expect("child made it an object");
    body.insert("apiVersion".to_owned(), json!(kind.api_version()));
    body.insert("kind".to_owned(), json!(kind.kind));
}

/// Drops nulls and empty maps and lists, which the server never stores in metadata.
fn prune(metadata: &mut Map<String, Value>) {
    metadata.retain(|field, value| match value {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => field == "managedFields" || !list.is_empty(),
        _ => true,
    });
}

pub(super) fn is_counted(kind: &Kind) -> bool {
    kind.is_custom || COUNTED.contains(&kind)
}

pub(super) fn bump_generation(object: &mut Value) {
    let generation = object::generation(object);
    if generation > 0 {
        object::child(object, "metadata").insert("generation".to_owned(), json!(generation + 1));
    }
}

pub(super) fn set_revision(object: &mut Value, revision: u64) {
    object::child(object, "metadata").insert("resourceVersion".to_owned(), json!(revision.to_string()));
}

/// A dry run's answer carries no revision.
pub(super) fn strip_revision(object: &mut Value) {
    object::child(object, "metadata").shift_remove("resourceVersion");
}

fn random_uid() -> String {
    let bits: u128 = rand::random();
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Five letters of Kubernetes' alphabet, which has no vowels and nothing that looks like another.
pub(super) fn random_suffix() -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut bits: u64 = rand::random();
    let mut suffix = String::with_capacity(5);
    for _ in 0..5 {
        let index = usize::try_from(bits % 27).expect("below 27");
        suffix.push(char::from(ALPHABET[index]));
        bits /= 27;
    }
    suffix
}
