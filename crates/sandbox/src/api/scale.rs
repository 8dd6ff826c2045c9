//! The scale subresource: replicas of a workload, read and written alone.

use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::patch::{self, PatchType};
use super::request::Call;
use super::respond::{self, Answer};
use crate::store::{Status, object};

impl Api {
    pub(super) fn scale(&self, call: &Call) -> Answer {
        let key = call.key();
        let stored = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        let mut wanted = render_scale(&stored);
        match call.method.as_str() {
            "GET" => return Ok(respond::json(StatusCode::OK, &wanted)),
            "PUT" => wanted = call.json_body()?,
            "PATCH" => match PatchType::parse(call.content_type()) {
                Some(PatchType::Apply) | None => {
                    return Err(Status::new(
                        415,
                        "UnsupportedMediaType",
                        "415: Unsupported Media Type",
                        Some(json!({})),
                    ));
                }
                Some(patch_type) => patch::change(key.kind, &mut wanted, &call.json_body()?, patch_type)?,
            },
            _ => return Err(Status::method_not_allowed()),
        }
        let Some(replicas) = wanted.pointer("/spec/replicas").and_then(Value::as_i64) else {
            return Err(Status::bad_request("Scale: spec.replicas: Required value: a number of replicas"));
        };
        let version = object::text(&wanted, "/metadata/resourceVersion").to_owned();
        let updated = self.store.update_with(&key, &call.write_options(), |object| {
            object::child(object, "spec").insert("replicas".to_owned(), json!(replicas));
            if call.method == "PUT" && !version.is_empty() {
                object::child(object, "metadata").insert("resourceVersion".to_owned(), json!(version));
            }
            Ok(())
        })?;
        Ok(respond::json(StatusCode::OK, &render_scale(&updated)))
    }
}

fn render_scale(workload: &Value) -> Value {
    let field = |name: &str| workload.pointer(&format!("/metadata/{name}")).cloned().unwrap_or_default();
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let mut selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    selector.sort();
    let number = |path: &str| workload.pointer(path).and_then(Value::as_i64).unwrap_or(0);
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": field("name"), "namespace": field("namespace"), "uid": field("uid"),
            "resourceVersion": field("resourceVersion"), "creationTimestamp": field("creationTimestamp")},
        "spec": {"replicas": number("/spec/replicas")},
        "status": {"replicas": number("/status/replicas"), "selector": selector.join(",")},
    })
}
