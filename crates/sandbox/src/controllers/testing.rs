//! What the tables of the controllers' tests are made of.

use std::sync::Arc;

use serde_json::{Value, json};

use super::object::{controller_reference, kind, name, parse_time};
use super::world::{Plan, Propagation, World, Write};

pub(crate) const NOW: &str = "2026-01-01T00:10:00Z";

pub(crate) fn world(objects: impl IntoIterator<Item = Value>) -> World {
    let now = parse_time(NOW).expect("NOW is a time");
    let mut world = World::new(now, "PEM".into());
    for object in objects {
        world.insert(Arc::new(object));
    }
    world
}

pub(crate) fn deleted(mut object: Value) -> Value {
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:09:00Z");
    object
}

pub(crate) fn owned_by(mut object: Value, owner: &Value) -> Value {
    object["metadata"]["ownerReferences"] = json!([controller_reference(owner)]);
    object
}

pub(crate) fn ready(mut pod: Value) -> Value {
    pod["status"] = json!({"phase": "Running", "podIP": "10.244.0.5", "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
    pod
}

/// The writes of a plan as sentences, events left out.
pub(crate) fn summary(plan: &Plan) -> Vec<String> {
    let line = |verb: &str, object: &Value| format!("{verb} {} {}", kind(object), name(object));
    plan.writes
        .iter()
        .filter_map(|write| match write {
            Write::Create(object) => Some(line("create", object)),
            Write::Update(object) => Some(line("update", object)),
            Write::UpdateStatus(object) => Some(line("status", object)),
            Write::Delete { object, grace_seconds, propagation } => {
                let now = if *grace_seconds == Some(0) { " now" } else { "" };
                let how = match propagation {
                    Propagation::Background => "",
                    Propagation::Foreground => " in the foreground",
                };
                Some(line("delete", object) + now + how)
            }
            Write::Event(_) => None,
        })
        .collect()
}

/// The messages of a plan's events.
pub(crate) fn messages(plan: &Plan) -> Vec<&str> {
    plan.writes
        .iter()
        .filter_map(|write| match write {
            Write::Event(event) => Some(event.message.as_str()),
            _ => None,
        })
        .collect()
}

/// The status that a plan writes on the object of this name.
pub(crate) fn status_of<'a>(plan: &'a Plan, wanted: &str) -> Option<&'a Value> {
    plan.writes.iter().find_map(|write| match write {
        Write::UpdateStatus(object) if name(object) == wanted => object.get("status"),
        _ => None,
    })
}
