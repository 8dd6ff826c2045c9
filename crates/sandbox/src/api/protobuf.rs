//! Reads the protobuf bodies that kubectl's typed commands send (`create namespace`, `create secret`, `auth can-i`,
//! `drain`, …) into JSON. Only the messages that they need are known; answers are always JSON.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use crate::store::Status;

pub(super) const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// Every body starts with this, before the envelope.
const MAGIC: &[u8] = b"k8s\0";

/// What stands in a field.
#[derive(Clone, Copy)]
enum Wire {
    Text,
    Bytes,
    Integer,
    Boolean,
    Message(&'static [Field]),
    /// A map entry is a message with a key (1) and a value (2).
    TextMap,
    BytesMap,
}

/// Number, name, what stands in it, and whether it repeats.
type Field = (u64, &'static str, Wire, bool);

const OWNER: &[Field] = &[
    (1, "kind", Wire::Text, false),
    (3, "name", Wire::Text, false),
    (4, "uid", Wire::Text, false),
    (5, "apiVersion", Wire::Text, false),
    (6, "controller", Wire::Boolean, false),
    (7, "blockOwnerDeletion", Wire::Boolean, false),
];
const METADATA: &[Field] = &[
    (1, "name", Wire::Text, false),
    (2, "generateName", Wire::Text, false),
    (3, "namespace", Wire::Text, false),
    (5, "uid", Wire::Text, false),
    (6, "resourceVersion", Wire::Text, false),
    (11, "labels", Wire::TextMap, false),
    (12, "annotations", Wire::TextMap, false),
    (13, "ownerReferences", Wire::Message(OWNER), true),
    (14, "finalizers", Wire::Text, true),
];
const FINALIZERS: &[Field] = &[(1, "finalizers", Wire::Text, true)];
const NAMESPACE: &[Field] =
    &[(1, "metadata", Wire::Message(METADATA), false), (2, "spec", Wire::Message(FINALIZERS), false)];
const SECRET: &[Field] = &[
    (1, "metadata", Wire::Message(METADATA), false),
    (2, "data", Wire::BytesMap, false),
    (3, "type", Wire::Text, false),
    (4, "stringData", Wire::TextMap, false),
    (5, "immutable", Wire::Boolean, false),
];
const CONFIG_MAP: &[Field] = &[
    (1, "metadata", Wire::Message(METADATA), false),
    (2, "data", Wire::TextMap, false),
    (3, "binaryData", Wire::BytesMap, false),
    (4, "immutable", Wire::Boolean, false),
];
const LOCAL_REFERENCE: &[Field] = &[(1, "name", Wire::Text, false)];
const SERVICE_ACCOUNT: &[Field] = &[
    (1, "metadata", Wire::Message(METADATA), false),
    (3, "imagePullSecrets", Wire::Message(LOCAL_REFERENCE), true),
    (4, "automountServiceAccountToken", Wire::Boolean, false),
];
const RESOURCE_ATTRIBUTES: &[Field] = &[
    (1, "namespace", Wire::Text, false),
    (2, "verb", Wire::Text, false),
    (3, "group", Wire::Text, false),
    (4, "version", Wire::Text, false),
    (5, "resource", Wire::Text, false),
    (6, "subresource", Wire::Text, false),
    (7, "name", Wire::Text, false),
];
const PATH_ATTRIBUTES: &[Field] = &[(1, "path", Wire::Text, false), (2, "verb", Wire::Text, false)];
const ACCESS_SPEC: &[Field] = &[
    (1, "resourceAttributes", Wire::Message(RESOURCE_ATTRIBUTES), false),
    (2, "nonResourceAttributes", Wire::Message(PATH_ATTRIBUTES), false),
];
const ACCESS_REVIEW: &[Field] =
    &[(1, "metadata", Wire::Message(METADATA), false), (2, "spec", Wire::Message(ACCESS_SPEC), false)];
const RULES_SPEC: &[Field] = &[(1, "namespace", Wire::Text, false)];
const RULES_REVIEW: &[Field] =
    &[(1, "metadata", Wire::Message(METADATA), false), (2, "spec", Wire::Message(RULES_SPEC), false)];
const SELF_REVIEW: &[Field] = &[(1, "metadata", Wire::Message(METADATA), false)];
const TOKEN_SPEC: &[Field] =
    &[(1, "audiences", Wire::Text, true), (4, "expirationSeconds", Wire::Integer, false)];
const TOKEN_REQUEST: &[Field] =
    &[(1, "metadata", Wire::Message(METADATA), false), (2, "spec", Wire::Message(TOKEN_SPEC), false)];
const PRECONDITIONS: &[Field] = &[(1, "uid", Wire::Text, false), (2, "resourceVersion", Wire::Text, false)];
const DELETE_OPTIONS: &[Field] = &[
    (1, "gracePeriodSeconds", Wire::Integer, false),
    (2, "preconditions", Wire::Message(PRECONDITIONS), false),
    (3, "orphanDependents", Wire::Boolean, false),
    (4, "propagationPolicy", Wire::Text, false),
    (5, "dryRun", Wire::Text, true),
];
const EVICTION: &[Field] = &[
    (1, "metadata", Wire::Message(METADATA), false),
    (2, "deleteOptions", Wire::Message(DELETE_OPTIONS), false),
];
const TYPE_META: &[Field] = &[(1, "apiVersion", Wire::Text, false), (2, "kind", Wire::Text, false)];
const ENVELOPE: &[Field] =
    &[(1, "typeMeta", Wire::Message(TYPE_META), false), (2, "raw", Wire::Bytes, false)];

fn message_of(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "Namespace" => NAMESPACE,
        "Secret" => SECRET,
        "ConfigMap" => CONFIG_MAP,
        "ServiceAccount" => SERVICE_ACCOUNT,
        "SelfSubjectAccessReview" => ACCESS_REVIEW,
        "SelfSubjectRulesReview" => RULES_REVIEW,
        "SelfSubjectReview" => SELF_REVIEW,
        "TokenRequest" => TOKEN_REQUEST,
        "Eviction" => EVICTION,
        "DeleteOptions" => DELETE_OPTIONS,
        _ => return None,
    })
}

/// Reads a body.
pub(super) fn decode(body: &[u8]) -> Result<Value, Status> {
    let broken = || Status::bad_request("the protobuf body ends in the middle of a field, or is none");
    let envelope =
        body.strip_prefix(MAGIC).and_then(|rest| decode_message(rest, ENVELOPE)).ok_or_else(broken)?;
    let text = |path: &str| envelope.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let kind = text("/typeMeta/kind");
    let Some(fields) = message_of(kind) else {
        let why =
            format!("the sandbox reads no {kind} as protobuf: send it as JSON (kubectl apply and helm do)");
        return Err(Status::new(415, "UnsupportedMediaType", why, Some(json!({}))));
    };
    let raw = base64::engine::general_purpose::STANDARD.decode(text("/raw")).map_err(|_| broken())?;
    let mut object = decode_message(&raw, fields).ok_or_else(broken)?;
    object["kind"] = json!(kind);
    object["apiVersion"] = json!(text("/typeMeta/apiVersion"));
    Ok(object)
}

fn decode_message(mut bytes: &[u8], fields: &[Field]) -> Option<Value> {
    let mut object = Map::new();
    while !bytes.is_empty() {
        let tag = take_varint(&mut bytes)?;
        let (number, wire_type) = (tag >> 3, tag & 7);
        let mut scalar = 0;
        let mut payload: &[u8] = &[];
        match wire_type {
            0 => scalar = take_varint(&mut bytes)?,
            1 => _ = take(&mut bytes, 8)?,
            2 => {
                let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
                payload = take(&mut bytes, length)?;
            }
            5 => _ = take(&mut bytes, 4)?,
            _ => return None,
        }
        let Some((_, name, wire, repeats)) = fields.iter().find(|field| field.0 == number) else { continue };
        put(&mut object, name, *wire, *repeats, scalar, payload)?;
    }
    Some(Value::Object(object))
}

fn put(
    object: &mut Map<String, Value>,
    name: &str,
    wire: Wire,
    repeats: bool,
    scalar: u64,
    payload: &[u8],
) -> Option<()> {
    if let Wire::TextMap | Wire::BytesMap = wire {
        let value = if matches!(wire, Wire::TextMap) { Wire::Text } else { Wire::Bytes };
        let entry = decode_message(payload, &[(1, "key", Wire::Text, false), (2, "value", value, false)])?;
        let map = object.entry(name).or_insert_with(|| json!({}));
        let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
        map[key] = entry.get("value").cloned().unwrap_or_else(|| json!(""));
        return Some(());
    }
    let value = match wire {
        Wire::Integer => json!(scalar.cast_signed()),
        Wire::Boolean => json!(scalar != 0),
        Wire::Bytes => json!(base64::engine::general_purpose::STANDARD.encode(payload)),
        Wire::Message(fields) => decode_message(payload, fields)?,
        Wire::Text | Wire::TextMap | Wire::BytesMap => json!(std::str::from_utf8(payload).ok()?),
    };
    if repeats {
        let list = object.entry(name).or_insert_with(|| json!([]));
        list.as_array_mut()?.push(value);
    } else if value != json!("") {
        // The encoder writes empty text for what is not set.
        object.insert(name.to_owned(), value);
    }
    Some(())
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(head)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_namespace_that_kubectl_creates() {
        let mut body = MAGIC.to_vec();
        body.extend([10, 15, 10, 2]);
        body.extend(b"v1");
        body.extend([18, 9]);
        body.extend(b"Namespace");
        body.extend([18, 9, 10, 3, 10, 1, b'k', 18, 0, 26, 0]);
        let found = decode(&body).expect("a whole body");
        assert_eq!(
            found,
            json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "k"}, "spec": {}}),
        );
    }

    #[test]
    fn refuses_a_body_that_ends_early() {
        let refused = decode(b"k8s\0\x0a\xff").expect_err("no whole field");
        assert_eq!(refused.code, 400);
    }
}
