//! GET of a collection: selectors, pages, tables.

use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Api;
use super::accept::{Form, metadata_only};
use super::request::Call;
use super::respond::{self, Answer};
use super::table;
use super::watch::FRESHNESS_WAIT;
use crate::store::selector::{FieldSelector, LabelSelector};
use crate::store::{Cause, Status, object};

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
    pub(super) async fn list(&self, call: &Call) -> Answer {
        let form = Form::of(&call.headers, &call.query)?;
        let selection = Selection::parse(call)?;
        let (mut objects, revision) = match call.query.get("continue").filter(|token| !token.is_empty()) {
            Some(token) => self.next_page(call, token)?,
            None => self.first_page(call).await?,
        };
        objects.retain(|object| selection.matches(object));
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

    /// The objects of a new list, at the revision that the client asks for.
    async fn first_page(&self, call: &Call) -> Result<(Vec<Arc<Value>>, u64), Status> {
        let (kind, namespace) = (call.kind(), call.target.namespace.as_deref());
        match Wanted::parse(call)? {
            Wanted::Newest => {}
            Wanted::Since(revision) => self.await_revision(revision).await?,
            Wanted::Exactly(revision) => {
                self.await_revision(revision).await?;
                let expired = || {
                    let why = "The resourceVersion for the provided list is too old.";
                    Status::new(410, "Expired", why, None)
                };
                return Ok((self.store.list_at(kind, namespace, revision).ok_or_else(expired)?, revision));
            }
        }
        Ok(self.store.list(kind, namespace))
    }

    async fn await_revision(&self, revision: u64) -> Result<(), Status> {
        if revision > self.store.revision() && !self.catch_up(revision, Instant::now() + FRESHNESS_WAIT).await
        {
            return Err(Status::too_large(revision, self.store.revision()));
        }
        Ok(())
    }

    /// The rest of a list, as it was at the revision of its first page.
    fn next_page(&self, call: &Call, token: &str) -> Result<(Vec<Arc<Value>>, u64), Status> {
        if call.query.get("resourceVersion").is_some_and(|asked| !matches!(asked, "" | "0")) {
            return Err(Status::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let (kind, namespace) = (call.kind(), call.target.namespace.as_deref());
        let (revision, start) = parse_continue(token)?;
        let (mut objects, revision) = match revision {
            None => self.store.list(kind, namespace),
            Some(revision) => {
                let found = self.store.list_at(kind, namespace, revision);
                (found.ok_or_else(|| continue_expired(&start))?, revision)
            }
        };
        objects.retain(|object| position(call, object) >= start);
        Ok((objects, revision))
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

/// `resourceVersion` and `resourceVersionMatch` of a new list.
enum Wanted {
    Newest,
    Since(u64),
    Exactly(u64),
}

impl Wanted {
    fn parse(call: &Call) -> Result<Self, Status> {
        let asked = call.query.get("resourceVersion").unwrap_or_default();
        let rule = call.query.get("resourceVersionMatch").unwrap_or_default();
        let refuse = |cause: Cause| {
            let message =
                format!("ListOptions.meta.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
            Status::new(422, "Invalid", message, None)
        };
        let forbid = |why: &str| Err(refuse(Cause::forbidden("resourceVersionMatch", why)));
        match (rule, asked) {
            ("" | "Exact" | "NotOlderThan", _) => {}
            (rule, _) => {
                let supported = ["Exact", "NotOlderThan", ""];
                return Err(refuse(Cause::unsupported("resourceVersionMatch", &json!(rule), &supported)));
            }
        }
        if !rule.is_empty() && asked.is_empty() {
            return forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if rule == "Exact" && asked == "0" {
            return forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
        if matches!(asked, "" | "0") {
            return Ok(Self::Newest);
        }
        let revision = asked.parse().map_err(|_| {
            let why = "strconv.ParseUint: parsing \"".to_owned() + asked + "\": invalid syntax";
            refuse(Cause::invalid("resourceVersion", &json!(asked), why))
        })?;
        let has_limit = call.query.number("limit").is_some_and(|limit| limit > 0);
        // A page of a revision without a rule means that very revision, as it did before there were rules.
        let is_exact = rule == "Exact" || (rule.is_empty() && has_limit);
        Ok(if is_exact { Self::Exactly(revision) } else { Self::Since(revision) })
    }
}

/// What lies between two pages is forgotten; the token in the answer goes on with the newest objects.
fn continue_expired(start: &str) -> Status {
    let why = "The provided continue parameter is too old to display a consistent list result. You can start a new list \
        without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
        results. Continuing with the provided token results in an inconsistent list - objects that were created, \
        modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    let mut status = Status::new(410, "Expired", why, None);
    status.resume = Some(encode_continue(-1, start));
    status
}

fn render_continue(revision: u64, last: &str) -> String {
    encode_continue(i64::try_from(revision).unwrap_or(i64::MAX), &format!("{last}\u{0}"))
}

fn encode_continue(revision: i64, start: &str) -> String {
    let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start});
    URL_SAFE_NO_PAD.encode(token.to_string())
}

/// The revision of the list, none for whatever is newest, and where it goes on.
fn parse_continue(token: &str) -> Result<(Option<u64>, String), Status> {
    let refuse = |why: String| {
        Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
    };
    let bytes =
        URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|source| refuse(source.to_string()))?;
    let parsed: Value = serde_json::from_slice(&bytes).map_err(|source| refuse(source.to_string()))?;
    match (parsed.get("rv").and_then(Value::as_i64), parsed.get("start").and_then(Value::as_str)) {
        (Some(revision), Some(start)) => Ok((u64::try_from(revision).ok(), start.to_owned())),
        _ => Err(refuse("it names no place to go on from".to_owned())),
    }
}
