//! Names that are made from content: canonical JSON, and the letters of generated names.

use serde_json::Value;
use sha2::{Digest, Sha256};

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Bytes in the alphabet that Kubernetes uses for generated names: no vowels, so no words.
pub(crate) fn safe_letters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

/// `count` letters (at most 32) that depend on `content` alone.
pub(crate) fn letters_of(content: &str, count: usize) -> String {
    safe_letters(&Sha256::digest(content)[..count.min(32)])
}

/// JSON text with the keys of every map sorted.
pub(crate) fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
