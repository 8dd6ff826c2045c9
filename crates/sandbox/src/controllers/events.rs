//! Events: what happened to an object, told once and counted after that.

use serde_json::{Value, json};

use super::digest::letters_of;
use super::object::{micro_time_text, name, namespace, text, time_text, uid};
use crate::store::{Key, Status, Store, kinds};

/// An event about an object. The same event again raises the count of the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub about: Value,
    pub kind: EventKind,
    pub reason: &'static str,
    pub message: String,
    /// Who tells it: `kubelet`, `default-scheduler`, `statefulset-controller`.
    pub component: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Normal,
    Warning,
}

/// Writes an event, or counts it if it was told before.
///
/// # Errors
/// What the store refuses, such as a namespace that is being terminated.
pub fn record(store: &Store, event: &Event) -> Result<(), Status> {
    let namespace = match namespace(&event.about) {
        "" => "default",
        namespace => namespace,
    };
    let content = format!("{}/{}/{}/{}", uid(&event.about), event.reason, event.message, event.component);
    let event_name = format!("{}.{}", name(&event.about), letters_of(&content, 16));
    let key = Key::namespaced(&kinds::EVENT, namespace, &event_name);
    let now = store.now();
    if store.get(&key).is_some() {
        store.update(&key, |known| count_again(known, now))?;
    } else {
        store.create(&kinds::EVENT, render(event, &event_name, namespace, now))?;
    }
    Ok(())
}

/// The scheduler tells its events in the newer form, with a series instead of a count.
fn is_newer_form(component: &str) -> bool {
    component == "default-scheduler"
}

fn count_again(known: &mut Value, now: jiff::Timestamp) {
    if is_newer_form(text(known, "/reportingComponent")) {
        let count = known.pointer("/series/count").and_then(Value::as_i64).unwrap_or(1);
        known["series"] = json!({"count": count + 1, "lastObservedTime": micro_time_text(now)});
    } else {
        let count = known["count"].as_i64().unwrap_or(1);
        known["count"] = json!(count + 1);
        known["lastTimestamp"] = json!(time_text(now));
    }
}

fn render(event: &Event, event_name: &str, namespace: &str, now: jiff::Timestamp) -> Value {
    let mut rendered = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event_name, "namespace": namespace},
        "involvedObject": {
            "kind": text(&event.about, "/kind"),
            "namespace": text(&event.about, "/metadata/namespace"),
            "name": name(&event.about),
            "uid": uid(&event.about),
            "apiVersion": text(&event.about, "/apiVersion"),
            "resourceVersion": text(&event.about, "/metadata/resourceVersion"),
        },
        "reason": event.reason,
        "message": event.message,
        "type": match event.kind {
            EventKind::Normal => "Normal",
            EventKind::Warning => "Warning",
        },
        "reportingComponent": event.component,
    });
    if is_newer_form(event.component) {
        let action = if event.reason == "Scheduled" { "Binding" } else { "Scheduling" };
        rendered["eventTime"] = json!(micro_time_text(now));
        rendered["action"] = json!(action);
        rendered["source"] = json!({});
        rendered["reportingInstance"] = json!(format!("{}-sandbox", event.component));
    } else {
        let at = time_text(now);
        rendered["source"] = json!({"component": event.component});
        rendered["firstTimestamp"] = json!(at);
        rendered["lastTimestamp"] = json!(at);
        rendered["count"] = json!(1);
        rendered["eventTime"] = Value::Null;
        rendered["reportingInstance"] = json!("");
    }
    rendered
}
