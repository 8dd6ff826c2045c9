//! Holds an object against the schema: wrong types are refused as Kubernetes' decoder refuses them, unknown fields are
//! dropped and named.

use base64::Engine as _;
use serde_json::Value;

use super::{Schema, Type, schema};
use crate::store::{Kind, Status, structural};

/// Checks the object's types and drops its unknown fields, whose paths it returns.
pub fn decode(kind: &Kind, object: &mut Value) -> Result<Vec<String>, Status> {
    let mut unknown = Vec::new();
    let mut walk = Walk { schema: schema(), kind, unknown: &mut unknown };
    let root = walk.schema.root(kind);
    walk.check(&root, object, "", "")?;
    unknown.extend(kind.structure.map(|structure| structural::prune(structure, object)).unwrap_or_default());
    Ok(unknown)
}

struct Walk<'a> {
    schema: &'static Schema,
    kind: &'a Kind,
    unknown: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn check(&mut self, wanted: &Type, value: &mut Value, path: &str, go_path: &str) -> Result<(), Status> {
        if value.is_null() {
            return Ok(());
        }
        match (wanted, &mut *value) {
            (Type::Struct(name) | Type::Granular(name), Value::Object(_)) => {
                self.check_struct(name, value, path, go_path)
            }
            (Type::Map(item, _), Value::Object(map)) => {
                for (key, child) in map.iter_mut() {
                    self.check(item, child, &format!("{path}.{key}"), go_path)?;
                }
                Ok(())
            }
            (Type::List(item, _), Value::Array(list)) => {
                for (index, child) in list.iter_mut().enumerate() {
                    self.check(item, child, &format!("{path}[{index}]"), go_path)?;
                }
                Ok(())
            }
            (Type::Any | Type::Free, _)
            | (Type::Text | Type::Time | Type::IntOrText | Type::Quantity, Value::String(_))
            | (Type::Boolean, Value::Bool(_))
            | (Type::Number | Type::Quantity, Value::Number(_)) => Ok(()),
            (Type::Integer | Type::IntOrText, Value::Number(number)) if number.is_i64() => Ok(()),
            (Type::Bytes, Value::String(text)) => self.check_base64(text),
            (wanted, found) => Err(self.mismatch(wanted, found, go_path)),
        }
    }

    fn check_struct(
        &mut self,
        name: &str,
        value: &mut Value,
        path: &str,
        go_path: &str,
    ) -> Result<(), Status> {
        let Some(declared) = self.schema.get(name) else { return Ok(()) };
        let Some(map) = value.as_object_mut() else { return Ok(()) };
        let is_strange = |key: &&String| !declared.is_open && !declared.fields.contains_key(*key);
        let strange: Vec<_> = map.keys().filter(is_strange).cloned().collect();
        for key in strange {
            map.shift_remove(&key);
            self.unknown.push(join(path, &key));
        }
        for (key, child) in map.iter_mut() {
            if let Some(field) = declared.fields.get(key) {
                let go_path = format!("{}.{key}", if go_path.is_empty() { self.kind.kind } else { go_path });
                self.check(&field.field_type, child, &join(path, key), &go_path)?;
            }
        }
        Ok(())
    }

    fn check_base64(&self, text: &str) -> Result<(), Status> {
        let compact: String = text.split_ascii_whitespace().collect();
        match base64::engine::general_purpose::STANDARD.decode(&compact) {
            Ok(_) => Ok(()),
            Err(wrong) => {
                let at = match wrong {
                    base64::DecodeError::InvalidByte(at, _)
                    | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                    _ => compact.len(),
                };
                Err(self.refuse(&format!("illegal base64 data at input byte {at}")))
            }
        }
    }

    fn mismatch(&self, wanted: &Type, found: &Value, go_path: &str) -> Status {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let wanted = go_type(wanted);
        self.refuse(&format!(
            "json: cannot unmarshal {found} into Go struct field {go_path} of type {wanted}"
        ))
    }

    fn refuse(&self, why: &str) -> Status {
        let Kind { kind, .. } = self.kind;
        let version = self.kind.api_version();
        let version = version.rsplit('/').next().unwrap_or_default();
        Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What Go calls the type.
fn go_type(wanted: &Type) -> String {
    match wanted {
        Type::Text | Type::Quantity | Type::Time | Type::IntOrText | Type::Any | Type::Free => {
            "string".to_owned()
        }
        Type::Integer => "int32".to_owned(),
        Type::Number => "float64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        Type::Struct(name) | Type::Granular(name) => {
            name.split_once('.').map_or(name.clone(), |(_, rest)| rest.to_owned())
        }
        Type::List(item, _) => format!("[]{}", go_type(item)),
        Type::Map(item, _) => format!("map[string]{}", go_type(item)),
    }
}
