//! Reads the protobuf bodies that kubectl's typed commands send (`create deployment`, `auth can-i`, `drain`, …) into
//! JSON, by the numbers in the field table. Answers are always JSON.
//!
//! A message says nothing of fields that are not set, or zero for those that Go has no better word for; such a zero is
//! left out here, as Go's JSON leaves it out.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use crate::store::schema::{Field, Schema, Type, schema};
use crate::store::{Status, format_time};

pub(super) const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// Every body starts with this, before the envelope.
const MAGIC: &[u8] = b"k8s\0";

/// Reads a body.
pub(super) fn decode(body: &[u8]) -> Result<Value, Status> {
    let broken = || Status::bad_request("the protobuf body ends in the middle of a field, or is none");
    let envelope = body.strip_prefix(MAGIC).ok_or_else(broken)?;
    // The envelope: the object's type (1) and its bytes (2).
    let type_meta = find_bytes(envelope, 1).ok_or_else(broken)?;
    let raw = find_bytes(envelope, 2).ok_or_else(broken)?;
    let text = |number| find_bytes(type_meta, number).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let (version, kind) = (text(1).unwrap_or_default(), text(2).unwrap_or_default());
    let Some(name) = type_of(version, kind) else {
        let why = format!("the sandbox reads no {kind} of {version} as protobuf: send it as JSON");
        return Err(Status::new(415, "UnsupportedMediaType", why, Some(json!({}))));
    };
    let mut object = Map::new();
    read_message(schema(), &name, &[], raw, &mut object).ok_or_else(broken)?;
    object.insert("kind".to_owned(), json!(kind));
    object.insert("apiVersion".to_owned(), json!(version));
    Ok(Value::Object(object))
}

/// The table's name of a kind; delete options come under the version of what they delete.
fn type_of(version: &str, kind: &str) -> Option<String> {
    let (group, version) = version.rsplit_once('/').unwrap_or(("core", version));
    let package = group.split('.').next().unwrap_or(group);
    let own = format!("{package}.{version}.{kind}");
    [own, format!("meta.v1.{kind}")].into_iter().find(|name| schema().get(name).is_some())
}

/// What one field holds on the wire.
#[derive(Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Each field of a message with its number; none when the message ends early.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u32, Wire<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = take_varint(&mut bytes)?;
        let wire = match tag & 7 {
            0 => Wire::Number(take_varint(&mut bytes)?),
            1 => Wire::Number(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
                Wire::Bytes(take(&mut bytes, length)?)
            }
            5 => Wire::Number(u64::from(u32::from_le_bytes(take(&mut bytes, 4)?.try_into().ok()?))),
            _ => return None,
        };
        found.push((u32::try_from(tag >> 3).ok()?, wire));
    }
    Some(found)
}

fn find_bytes(message: &[u8], wanted: u32) -> Option<&[u8]> {
    fields(message)?.into_iter().find_map(|(number, wire)| match wire {
        Wire::Bytes(bytes) if number == wanted => Some(bytes),
        _ => None,
    })
}

/// Reads a message of a type into an object. `inlined` is where the message lies below the object's own.
fn read_message(
    schema: &Schema,
    name: &str,
    inlined: &[u32],
    bytes: &[u8],
    object: &mut Map<String, Value>,
) -> Option<()> {
    let declared = schema.get(name)?;
    for (number, wire) in fields(bytes)? {
        let path = [inlined, &[number]].concat();
        let below = |field: &&Field| field.wire_path.starts_with(&path);
        match (declared.fields.values().find(below), wire) {
            (Some(field), _) if field.wire_path == path => put(schema, field, wire, object)?,
            (Some(_), Wire::Bytes(inner)) => read_message(schema, name, &path, inner, object)?,
            _ => {}
        }
    }
    Some(())
}

fn put(schema: &Schema, field: &Field, wire: Wire<'_>, object: &mut Map<String, Value>) -> Option<()> {
    match (&field.field_type, wire) {
        (Type::List(item, _), wire) => {
            let list = object.entry(&field.name).or_insert_with(|| json!([]));
            list.as_array_mut()?.push(read(schema, item, wire)?);
        }
        (Type::Map(item, _), Wire::Bytes(entry)) => {
            let key = find_bytes(entry, 1).unwrap_or_default();
            let value = find_bytes(entry, 2)
                .map_or(Some(json!("")), |value| read(schema, item, Wire::Bytes(value)))?;
            let map = object.entry(&field.name).or_insert_with(|| json!({}));
            map[std::str::from_utf8(key).ok()?] = value;
        }
        (field_type, wire) => {
            let value = read(schema, field_type, wire)?;
            let says_nothing = value.is_null()
                || value == json!("")
                || (!field.may_be_zero && (value == json!(0) || value == json!(false)));
            if !says_nothing {
                object.insert(field.name.clone(), value);
            }
        }
    }
    Some(())
}

fn read(schema: &Schema, wanted: &Type, wire: Wire<'_>) -> Option<Value> {
    Some(match (wanted, wire) {
        (Type::Integer, Wire::Number(number)) => json!(number.cast_signed()),
        (Type::Boolean, Wire::Number(number)) => json!(number != 0),
        (Type::Number, Wire::Number(number)) => json!(f64::from_bits(number)),
        (Type::Text, Wire::Bytes(bytes)) => json!(std::str::from_utf8(bytes).ok()?),
        (Type::Bytes, Wire::Bytes(bytes)) => {
            json!(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        (Type::Quantity, Wire::Bytes(message)) => {
            json!(std::str::from_utf8(find_bytes(message, 1).unwrap_or_default()).ok()?)
        }
        (Type::IntOrText, Wire::Bytes(message)) => read_int_or_text(message)?,
        (Type::Time, Wire::Bytes(message)) => read_time(message)?,
        // Objects of free form travel as JSON.
        (Type::Any, Wire::Bytes(message)) => {
            find_bytes(message, 1).and_then(|raw| serde_json::from_slice(raw).ok()).unwrap_or_default()
        }
        (Type::Struct(name) | Type::Granular(name), Wire::Bytes(message)) => {
            let mut object = Map::new();
            read_message(schema, name, &[], message, &mut object)?;
            Value::Object(object)
        }
        _ => return None,
    })
}

fn numbers(message: &[u8]) -> Option<Vec<(u32, i64)>> {
    let number = |(at, wire)| match wire {
        Wire::Number(number) => Some((at, number.cast_signed())),
        Wire::Bytes(_) => None,
    };
    Some(fields(message)?.into_iter().filter_map(number).collect())
}

/// Which of the two it is (1), the number (2), the text (3).
fn read_int_or_text(message: &[u8]) -> Option<Value> {
    let numbers = numbers(message)?;
    let number = |wanted| numbers.iter().find(|(at, _)| *at == wanted).map_or(0, |(_, number)| *number);
    if number(1) == 0 {
        return Some(json!(number(2)));
    }
    Some(json!(std::str::from_utf8(find_bytes(message, 3).unwrap_or_default()).ok()?))
}

/// Seconds (1) since 1970; none is no time.
fn read_time(message: &[u8]) -> Option<Value> {
    let Some((_, seconds)) = numbers(message)?.into_iter().find(|(at, _)| *at == 1) else {
        return Some(Value::Null);
    };
    Some(json!(format_time(jiff::Timestamp::from_second(seconds).ok()?)))
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
            json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "k"}, "spec": {}, "status": {}}),
        );
    }

    #[test]
    fn refuses_a_body_that_ends_early() {
        let refused = decode(b"k8s\0\x0a\xff").expect_err("no whole field");
        assert_eq!(refused.code, 400);
    }
}
