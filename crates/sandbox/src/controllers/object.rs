//! Reading Kubernetes objects as JSON: the few paths that every controller asks for.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn integer(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn map<'a>(
    object: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    object
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

pub(crate) fn kind(object: &Value) -> &str {
    text(object, "/kind")
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(crate) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

pub(crate) fn is_terminating(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// The owner reference that says `controller: true`.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

pub(crate) fn is_controlled_by(object: &Value, owner_uid: &str) -> bool {
    controller_of(object).is_some_and(|owner| text(owner, "/uid") == owner_uid)
}

/// An owner reference to `owner`, as controllers write it on what they create.
pub(crate) fn controller_reference(owner: &Value) -> Value {
    let mut reference = owner_reference(owner);
    reference["controller"] = json!(true);
    reference["blockOwnerDeletion"] = json!(true);
    reference
}

pub(crate) fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": text(owner, "/apiVersion"),
        "kind": kind(owner),
        "name": name(owner),
        "uid": uid(owner),
    })
}

pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

pub(crate) fn condition_is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| text(condition, "/status") == "True")
}

/// Sets one condition; `lastTransitionTime` moves only when the status does.
pub(crate) fn set_condition(object: &mut Value, mut wanted: Value, now: Timestamp) {
    let kind = text(&wanted, "/type").to_owned();
    let since = condition(object, &kind)
        .filter(|old| text(old, "/status") == text(&wanted, "/status"))
        .and_then(|old| old.get("lastTransitionTime").cloned())
        .unwrap_or_else(|| json!(time_text(now)));
    wanted["lastTransitionTime"] = since;
    let status = entry(object, "status");
    let conditions = status
        .entry("conditions")
        .or_insert_with(|| json!([]))
        .as_array_mut()
        .expect("conditions are a list");
    match conditions.iter_mut().find(|old| text(old, "/type") == kind) {
        Some(old) => *old = wanted,
        None => conditions.push(wanted),
    }
}

/// The map at a top-level key, made if it is missing.
pub(crate) fn entry<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    let slot = object
        .as_object_mut()
        .expect("a Kubernetes object is a JSON object")
        .entry(key)
        .or_insert_with(|| json!({}));
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut().expect("made an object above")
}

/// The map at `metadata.KEY` (labels, annotations), made if it is missing.
pub(crate) fn metadata_entry<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    entry(object, "metadata");
    entry(&mut object["metadata"], key)
}

/// A pod of a controller's template, not yet created.
pub(crate) fn pod_of_template(owner: &Value, pod_name: &str) -> Value {
    let template = &owner["spec"]["template"];
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": template.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "spec": template["spec"],
    });
    let metadata = entry(&mut pod, "metadata");
    metadata.insert("name".to_owned(), json!(pod_name));
    metadata.insert("generateName".to_owned(), json!(format!("{}-", name(owner))));
    metadata.insert("namespace".to_owned(), json!(namespace(owner)));
    metadata.insert("ownerReferences".to_owned(), json!([controller_reference(owner)]));
    metadata_entry(&mut pod, "labels");
    pod
}

pub(crate) fn is_pod_ready(pod: &Value) -> bool {
    text(pod, "/status/phase") == "Running" && condition_is_true(pod, "Ready")
}

/// Ready for at least `min_ready_seconds`; the second value is when it will be, if it is ready now.
pub(crate) fn is_pod_available(
    pod: &Value,
    min_ready_seconds: i64,
    now: Timestamp,
) -> (bool, Option<Timestamp>) {
    if !is_pod_ready(pod) {
        return (false, None);
    }
    if min_ready_seconds == 0 {
        return (true, None);
    }
    let since = condition(pod, "Ready")
        .and_then(|ready| parse_time(text(ready, "/lastTransitionTime")))
        .unwrap_or(now);
    let at = since + jiff::SignedDuration::from_secs(min_ready_seconds);
    (at <= now, (at > now).then_some(at))
}

/// Succeeded or Failed: the pod runs nothing and holds nothing.
pub(crate) fn is_pod_finished(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// RFC 3339 in seconds, as Kubernetes writes `metav1.Time`.
pub(crate) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// RFC 3339 in microseconds, as Kubernetes writes `metav1.MicroTime`.
pub(crate) fn micro_time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_transition_time_while_its_status_stays() {
        let mut pod = json!({"status": {"conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        let now = parse_time("2026-01-02T00:00:00Z").expect("a time");
        set_condition(&mut pod, json!({"type": "Ready", "status": "True", "reason": "A"}), now);
        assert_eq!(
            pod.pointer("/status/conditions/0/lastTransitionTime"),
            Some(&json!("2026-01-01T00:00:00Z"))
        );
        set_condition(&mut pod, json!({"type": "Ready", "status": "False"}), now);
        assert_eq!(
            pod.pointer("/status/conditions/0/lastTransitionTime"),
            Some(&json!("2026-01-02T00:00:00Z"))
        );
    }

    #[test]
    fn a_pod_becomes_available_only_after_its_minimum_ready_time() {
        let pod = json!({"status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        let early = parse_time("2026-01-01T00:00:05Z").expect("a time");
        let late = parse_time("2026-01-01T00:00:10Z").expect("a time");
        assert_eq!(is_pod_available(&pod, 10, early), (false, Some(late)));
        assert_eq!(is_pod_available(&pod, 10, late), (true, None));
    }
}
