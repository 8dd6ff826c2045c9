//! PATCH: JSON patch, merge patch and strategic merge patch; server-side apply is handed on.

use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::request::Call;
use super::respond::{self, Answer};
use super::strategic;
use crate::store::{Kind, Status};

/// How a patch's body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    pub(super) fn parse(content_type: &str) -> Option<Self> {
        match content_type {
            "application/json-patch+json" => Some(Self::Json),
            "application/merge-patch+json" => Some(Self::Merge),
            "application/strategic-merge-patch+json" => Some(Self::Strategic),
            "application/apply-patch+yaml" => Some(Self::Apply),
            _ => None,
        }
    }
}

impl Api {
    pub(super) fn patch(&self, call: &Call) -> Answer {
        let Some(patch_type) = PatchType::parse(call.content_type()) else {
            return Err(Status::new(
                415,
                "UnsupportedMediaType",
                "415: Unsupported Media Type",
                Some(json!({})),
            ));
        };
        if patch_type == PatchType::Apply {
            return self.apply(call);
        }
        if patch_type == PatchType::Strategic && call.kind().is_custom {
            let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            return Err(Status::new(415, "UnsupportedMediaType", message, None));
        }
        let patch = call.json_body()?;
        let mut unknown = Vec::new();
        let patched = self.store.update_with(&call.key(), &call.write_options(), |stored| {
            change(call.kind(), stored, &patch, patch_type)?;
            unknown = call.decode(stored)?;
            call.place(stored)
        })?;
        Ok(respond::warn(respond::json(StatusCode::OK, &patched), &unknown))
    }
}

/// Applies a patch to a value.
pub(super) fn change(
    kind: &Kind,
    value: &mut Value,
    patch: &Value,
    patch_type: PatchType,
) -> Result<(), Status> {
    match patch_type {
        PatchType::Json => {
            let operations: json_patch::Patch = serde_json::from_value(patch.clone())
                .map_err(|source| Status::bad_request(format!("error decoding patch: {source}")))?;
            json_patch::patch(value, &operations).map_err(|_| {
                let message = "the server rejected our request due to an error in our request";
                Status::new(422, "Invalid", message, Some(json!({})))
            })
        }
        PatchType::Merge => {
            if !patch.is_object() {
                return Err(Status::bad_request("error decoding patch: json: a merge patch is an object"));
            }
            json_patch::merge(value, patch);
            Ok(())
        }
        PatchType::Strategic | PatchType::Apply => strategic::merge(kind, value, patch),
    }
}
