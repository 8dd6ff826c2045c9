//! Sprig's conversions: lenient, and zero for what makes no sense.

use crate::template::format;
use crate::value::{Value, text_of_bytes};

/// The text of anything (`toString`).
pub(super) fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => text_of_bytes(bytes),
        other => format::plain(other),
    }
}

/// The integer of anything (`int64`).
pub(super) fn to_integer(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Float(number) => *number as i64,
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => text_to_integer(text).unwrap_or(0),
        _ => 0,
    }
}

/// Go's base-0 notation, without a fraction of zeros.
fn text_to_integer(text: &str) -> Option<i64> {
    let text = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => text,
    };
    let text = text.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// The float of anything (`float64`).
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Int(number) | Value::Int64(number) => *number as f64,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::String(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Sprig's `empty`: as Go's falsehood, but no struct is ever empty.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_truthy()
}

/// The texts of a list's elements, nil ones left out (`join`, `sortAlpha`).
pub(super) fn to_texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list.iter().filter(|item| !item.is_nil()).map(to_text).collect(),
        Value::Nil => Vec::new(),
        Value::Object(object) if object.kind_name() == "slice" => {
            object.entries().unwrap_or_default().iter().map(|(_, item)| to_text(item)).collect()
        }
        other => vec![to_text(other)],
    }
}
