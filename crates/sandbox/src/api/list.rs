//! GET of a collection: selectors, pages, tables.

use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::accept::{Form, metadata_only};
use super::request::Call;
use super::respond::{self, Answer};
use super::table;
use crate::store::selector::{FieldSelector, LabelSelector};
use crate::store::{Status, object};

/// What of a collection is wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
    /// A single object's name, when a watch or list goes to its own path.
    name: Option<String>,
    is_partial: bool,
}

impl Selection {
    pub(super) fn parse(call: &Call) -> Result<Self, Status> {
        let (labels, fields) = (call.query.get("labelSelector"), call.query.get("fieldSelector"));
        Ok(Self {
            labels: LabelSelector::parse(labels.unwrap_or_default())?,
            fields: FieldSelector::parse(call.kind(), fields.unwrap_or_default())?,
            name: call.target.name.clone(),
            is_partial: labels.is_some() || fields.is_some(),
        })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.name.as_deref().is_none_or(|name| name == object::name(object))
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}

impl Api {
    pub(super) fn list(&self, call: &Call) -> Answer {
        let form = Form::of(&call.headers, &call.query)?;
        let selection = Selection::parse(call)?;
        let (mut objects, mut revision) = self.store.list(call.kind(), call.target.namespace.as_deref());
        objects.retain(|object| selection.matches(object));
        if let Some(token) = call.query.get("continue") {
            let start;
            (revision, start) = parse_continue(token)?;
            objects.retain(|object| position(call, object) >= start);
        }
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        let limit = call
            .query
            .number("limit")
            .filter(|limit| *limit > 0)
            .and_then(|limit| usize::try_from(limit).ok());
        if let Some(limit) = limit.filter(|limit| *limit < objects.len()) {
            let rest = objects.split_off(limit);
            let last = objects.last().expect("a limit is at least 1");
            metadata["continue"] = json!(render_continue(revision, &position(call, last)));
            if !selection.is_partial {
                metadata["remainingItemCount"] = json!(rest.len());
            }
        }
        Ok(self.render_list(call, form, &objects, &metadata))
    }

    fn render_list(&self, call: &Call, form: Form, objects: &[Arc<Value>], metadata: &Value) -> Response {
        let kind = call.kind();
        let body = match form {
            Form::Table(beside) => {
                let rows: Vec<&Value> = objects.iter().map(AsRef::as_ref).collect();
                table::render(kind, &rows, metadata, beside, self.store.now())
            }
            Form::Metadata => json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata, "items": objects.iter().map(|object| metadata_only(object)).collect::<Vec<_>>()}),
            Form::Object => json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(),
                "metadata": metadata, "items": objects.iter().map(|object| untyped(object)).collect::<Vec<_>>()}),
        };
        respond::json(StatusCode::OK, &body)
    }
}

/// Items of a list do not repeat their kind.
fn untyped(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(body) = object.as_object_mut() {
        body.shift_remove("kind");
        body.shift_remove("apiVersion");
    }
    object
}

/// Where an object stands in the order of a list: its name, behind its namespace when the list spans all.
fn position(call: &Call, object: &Value) -> String {
    if call.target.namespace.is_some() || !call.kind().namespaced {
        object::name(object).to_owned()
    } else {
        format!("{}/{}", object::namespace(object), object::name(object))
    }
}

fn render_continue(revision: u64, last: &str) -> String {
    let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{last}\u{0}")});
    URL_SAFE_NO_PAD.encode(token.to_string())
}

fn parse_continue(token: &str) -> Result<(u64, String), Status> {
    let refuse = |why: String| {
        Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
    };
    let bytes =
        URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|source| refuse(source.to_string()))?;
    let parsed: Value = serde_json::from_slice(&bytes).map_err(|source| refuse(source.to_string()))?;
    match (parsed.get("rv").and_then(Value::as_u64), parsed.get("start").and_then(Value::as_str)) {
        (Some(revision), Some(start)) => Ok((revision, start.to_owned())),
        _ => Err(refuse("it names no place to go on from".to_owned())),
    }
}
