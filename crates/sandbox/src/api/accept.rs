//! Content negotiation: objects as they are, their metadata alone, or rows of a table.

use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::request::Query;
use super::table;
use crate::store::{Kind, Status};

/// The form that a client wants objects in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Object,
    Metadata,
    Table(RowObject),
}

/// What stands beside a table's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowObject {
    None,
    Metadata,
    Object,
}

impl Form {
    /// The first form in the Accept header that is served.
    pub(super) fn of(headers: &HeaderMap, query: &Query) -> Result<Self, Status> {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accept.is_empty() {
            return Ok(Self::Object);
        }
        for choice in accept.split(',') {
            let mut parts = choice.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "*/*" | "application/*") {
                continue;
            }
            let wanted = parts.find_map(|part| part.strip_prefix("as="));
            match wanted {
                None => return Ok(Self::Object),
                Some("Table") => {
                    return Ok(Self::Table(match query.get("includeObject") {
                        Some("None") => RowObject::None,
                        Some("Object") => RowObject::Object,
                        _ => RowObject::Metadata,
                    }));
                }
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Self::Metadata),
                Some(_) => {}
            }
        }
        let message = "only the following media types are accepted: application/json";
        Err(Status::new(406, "NotAcceptable", message, Some(json!({}))))
    }

    /// One object in this form.
    pub(super) fn one(self, kind: &Kind, object: &Value, now: jiff::Timestamp) -> Value {
        match self {
            Self::Object => object.clone(),
            Self::Metadata => metadata_only(object),
            Self::Table(beside) => {
                let revision = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                table::render(kind, &[object], &json!({"resourceVersion": revision}), beside, now)
            }
        }
    }
}

pub(super) fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_default(),
    })
}
