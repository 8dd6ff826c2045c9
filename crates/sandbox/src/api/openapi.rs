//! OpenAPI, rendered from the field table: enough for kubectl to validate, diff, apply and explain.

use std::collections::BTreeSet;

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};

use super::KUBERNETES_VERSION;
use super::discovery::named_groups;
use super::respond::{self, Answer};
use crate::store::Kind;
use crate::store::schema::{Field, ListMerge, Schema, Type, schema, type_name};

const REFERENCE: &str = "#/components/schemas/";

/// Answers below /openapi.
pub(super) fn answer(kinds: &[&'static Kind], parts: &[&str], headers: &HeaderMap) -> Answer {
    let document = match parts {
        ["v3"] => Some(index(kinds)),
        ["v3", "api", version] => document(kinds, "", version),
        ["v3", "apis", group, version] => document(kinds, group, version),
        ["v2"] if wants_protobuf(headers) => {
            return Ok(respond::typed(StatusCode::OK, PROTOBUF, empty_document_in_protobuf()));
        }
        ["v2"] => Some(json!({"swagger": "2.0", "info": info(), "paths": {}, "definitions": {}})),
        _ => None,
    };
    Ok(document.map_or_else(not_found, |document| {
        respond::cached("application/json", document.to_string(), headers.get(header::IF_NONE_MATCH))
    }))
}

const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

fn wants_protobuf(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("proto-openapi")
}

/// kubectl asks the older version, and only in this form, about kinds that the newer one does not know: here there are
/// none. Version (1), title and version of the API (2), paths (8).
fn empty_document_in_protobuf() -> Vec<u8> {
    let field = |number: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("short texts");
        [&[number << 3 | 2, length], content].concat()
    };
    let info = [field(1, b"Kubernetes"), field(2, KUBERNETES_VERSION.as_bytes())].concat();
    [field(1, b"2.0"), field(2, &info), field(8, b"")].concat()
}

fn not_found() -> Response {
    respond::plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": KUBERNETES_VERSION})
}

fn index(kinds: &[&'static Kind]) -> Value {
    let mut paths = Map::new();
    let all = std::iter::once(("", "v1")).chain(named_groups(kinds));
    for (group, version) in all {
        let path =
            if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        if let Some(document) = document(kinds, group, version) {
            let hash = respond::hash(document.to_string().as_bytes());
            paths.insert(
                path.clone(),
                json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}),
            );
        }
    }
    json!({"paths": paths})
}

/// The document of one group and version.
fn document(kinds: &[&'static Kind], group: &str, version: &str) -> Option<Value> {
    let served: Vec<&Kind> =
        kinds.iter().copied().filter(|kind| kind.group == group && kind.version == version).collect();
    if served.is_empty() {
        return None;
    }
    let mut paths = Map::new();
    let mut wanted = BTreeSet::new();
    for kind in &served {
        add_paths(kind, &mut paths);
        collect_types(schema(), &type_name(kind), &mut wanted);
    }
    let mut schemas = Map::new();
    for name in &wanted {
        schemas.insert(definition_name(name), render_struct(schema(), name));
    }
    for kind in &served {
        let shown = json!([{"group": kind.group, "version": kind.version, "kind": kind.kind}]);
        if kind.is_custom {
            schemas.insert(definition_of(kind), render_custom(kind));
        }
        if let Some(definition) = schemas.get_mut(&definition_of(kind)) {
            definition["x-kubernetes-group-version-kind"] = shown;
        }
    }
    Some(json!({"openapi": "3.0.0", "info": info(), "paths": paths, "components": {"schemas": schemas}}))
}

/// A definition's own schema, with what all objects have.
fn render_custom(kind: &Kind) -> Value {
    let every = render_struct(schema(), &type_name(kind));
    let Some(structure) = kind.structure else { return every };
    let mut body = structure.clone();
    for field in ["apiVersion", "kind", "metadata"] {
        body["properties"][field] = every["properties"][field].clone();
    }
    body
}

/// The name of a kind's type.
fn definition_of(kind: &Kind) -> String {
    if kind.is_custom {
        return format!("{}.{}.{}", kind.group, kind.version, kind.kind);
    }
    definition_name(&type_name(kind))
}

/// Kubernetes' own names of the types.
fn definition_name(name: &str) -> String {
    match name.strip_prefix("meta.") {
        Some(rest) => format!("io.k8s.apimachinery.pkg.apis.meta.{rest}"),
        None => format!("io.k8s.api.{name}"),
    }
}

fn add_paths(kind: &Kind, paths: &mut Map<String, Value>) {
    let place = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{}{place}/{}", kind.api_path(), kind.plural);
    let one = format!("{collection}/{{name}}");
    let shown = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let query =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let parameters = json!([query("dryRun"), query("fieldManager"), query("fieldValidation")]);
    let body = json!({"content": {"application/json": {"schema": {
        "$ref": format!("{REFERENCE}{}", definition_of(kind))}}}});
    let operation = |action: &str, writes: bool| {
        let mut operation = json!({"x-kubernetes-action": action, "x-kubernetes-group-version-kind": shown,
            "responses": {"200": {"description": "OK", "content": body["content"]}}});
        if writes {
            operation["parameters"] = parameters.clone();
            operation["requestBody"] = body.clone();
        }
        operation
    };
    paths.insert(collection, json!({"get": operation("list", false), "post": operation("post", true)}));
    paths.insert(
        one,
        json!({"get": operation("get", false), "put": operation("put", true),
        "patch": operation("patch", true), "delete": operation("delete", false)}),
    );
}

fn collect_types(schema: &Schema, name: &str, found: &mut BTreeSet<String>) {
    let Some(declared) = schema.get(name) else { return };
    if !found.insert(name.to_owned()) {
        return;
    }
    for field in declared.fields.values() {
        let mut inner = &field.field_type;
        while let Type::List(item, _) | Type::Map(item, _) = inner {
            inner = item;
        }
        if let Type::Struct(name) | Type::Granular(name) = inner {
            collect_types(schema, name, found);
        }
    }
}

fn render_struct(schema: &Schema, name: &str) -> Value {
    let mut body = json!({"type": "object"});
    let Some(declared) = schema.get(name) else { return body };
    let properties: Map<String, Value> =
        declared.fields.iter().map(|(name, field)| (name.clone(), render_field(field))).collect();
    let required: Vec<_> =
        declared.fields.values().filter(|field| field.is_required).map(|field| &field.name).collect();
    body["properties"] = Value::Object(properties);
    if !required.is_empty() {
        body["required"] = json!(required);
    }
    if declared.is_open {
        body["x-kubernetes-preserve-unknown-fields"] = json!(true);
    }
    if declared.is_atomic {
        body["x-kubernetes-map-type"] = json!("atomic");
    }
    body
}

fn render_field(field: &Field) -> Value {
    let mut body = render_type(&field.field_type);
    match &field.field_type {
        Type::List(_, ListMerge::Atomic) => body["x-kubernetes-list-type"] = json!("atomic"),
        Type::List(_, ListMerge::Set) => {
            body["x-kubernetes-list-type"] = json!("set");
            body["x-kubernetes-patch-strategy"] = json!("merge");
        }
        Type::List(_, ListMerge::Keyed(keys)) => {
            body["x-kubernetes-list-type"] = json!("map");
            body["x-kubernetes-list-map-keys"] = json!(keys);
            body["x-kubernetes-patch-strategy"] = json!("merge");
            body["x-kubernetes-patch-merge-key"] = json!(keys[0]);
        }
        Type::Map(_, true) => body["x-kubernetes-map-type"] = json!("atomic"),
        _ => {}
    }
    body
}

fn render_type(field_type: &Type) -> Value {
    match field_type {
        Type::Text => json!({"type": "string"}),
        Type::Time => json!({"type": "string", "format": "date-time"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Integer => json!({"type": "integer", "format": "int32"}),
        Type::Number => json!({"type": "number", "format": "double"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::IntOrText => {
            json!({"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"})
        }
        Type::Quantity => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        Type::Any => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        Type::Free => json!({"x-kubernetes-preserve-unknown-fields": true}),
        Type::Struct(name) | Type::Granular(name) => {
            json!({"allOf": [{"$ref": format!("{REFERENCE}{}", definition_name(name))}]})
        }
        Type::List(item, _) => json!({"type": "array", "items": render_type(item)}),
        Type::Map(item, _) => json!({"type": "object", "additionalProperties": render_type(item)}),
    }
}
