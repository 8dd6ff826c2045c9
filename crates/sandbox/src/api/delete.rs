//! DELETE of one object or of a selection.

use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::list::Selection;
use super::request::Call;
use super::respond::{self, Answer};
use crate::store::{DeleteOptions, Deleted, Key, Kind, Preconditions, Propagation, Status, kinds, object};

/// Kinds whose delete answers with the object instead of a Status.
static ANSWERS_WITH_OBJECT: [&Kind; 6] = [
    &kinds::POD,
    &kinds::SERVICE,
    &kinds::PERSISTENT_VOLUME,
    &kinds::PERSISTENT_VOLUME_CLAIM,
    &kinds::RESOURCE_QUOTA,
    &kinds::SERVICE_ACCOUNT,
];

impl Api {
    pub(super) fn delete(&self, call: &Call) -> Answer {
        let options = parse_options(call)?;
        let deleted = self.store.delete(&call.key(), &options)?;
        let body = match &deleted {
            Deleted::Gone(object) if !ANSWERS_WITH_OBJECT.contains(&call.kind()) => {
                respond::deleted(call.kind(), object)
            }
            Deleted::Gone(object) | Deleted::Marked(object) => Value::clone(object),
        };
        Ok(respond::json(StatusCode::OK, &body))
    }

    pub(super) fn delete_collection(&self, call: &Call) -> Answer {
        let options = parse_options(call)?;
        let selection = Selection::parse(call)?;
        let (objects, revision) = self.store.list(call.kind(), call.target.namespace.as_deref());
        let mut gone = Vec::new();
        for object in objects.iter().filter(|object| selection.matches(object)) {
            let key = Key::of(call.kind(), object);
            match self.store.delete(&key, &options) {
                Ok(deleted) => gone.push(Value::clone(deleted.object())),
                Err(status) if status.is_not_found() => {}
                Err(status) => return Err(status),
            }
        }
        let kind = call.kind();
        let body = json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(),
            "metadata": {"resourceVersion": revision.to_string()}, "items": gone});
        Ok(respond::json(StatusCode::OK, &body))
    }
}

/// DeleteOptions stand in the body, in the query, or in neither.
pub(super) fn parse_options(call: &Call) -> Result<DeleteOptions, Status> {
    let body = if call.body.is_empty() { json!({}) } else { call.json_body()? };
    read_options(&body, call)
}

pub(super) fn read_options(body: &Value, call: &Call) -> Result<DeleteOptions, Status> {
    let text =
        |field: &str| Some(object::text(body, field)).filter(|text| !text.is_empty()).map(str::to_owned);
    let policy =
        text("/propagationPolicy").or_else(|| call.query.get("propagationPolicy").map(str::to_owned));
    let orphans = body.get("orphanDependents") == Some(&json!(true)) || call.query.flag("orphanDependents");
    let propagation = match policy.as_deref() {
        Some("Foreground") => Propagation::Foreground,
        Some("Orphan") => Propagation::Orphan,
        None if orphans => Propagation::Orphan,
        None | Some("Background") => Propagation::Background,
        Some(other) => {
            return Err(Status::bad_request(format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: {other:?}: supported values: \"Background\", \"Foreground\", \"Orphan\""
            )));
        }
    };
    let grace = body.get("gracePeriodSeconds").and_then(Value::as_i64);
    let grace = grace.or_else(|| call.query.get("gracePeriodSeconds").and_then(|text| text.parse().ok()));
    let is_dry = call.is_dry_run() || !object::items(body, "/dryRun").is_empty();
    Ok(DeleteOptions {
        propagation,
        preconditions: Preconditions {
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
        },
        grace_period_seconds: grace,
        dry_run: is_dry,
    })
}
