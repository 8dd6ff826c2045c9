//! Go's other builtins: printing, `len`, `index`, escaping. (Sprig's `slice` hides Go's.)

use super::{ANY, Answer, Function, FunctionError, STRING, fixed, string, text_of, variadic};
use crate::template::format;
use crate::value::{Value, bytes_of_text};

pub(super) const TABLE: &[Function] = &[
    variadic("print", &[], ANY, |arguments| string(format::sprint(arguments))),
    variadic("println", &[], ANY, |arguments| string(format::sprintln(arguments))),
    variadic("printf", &[STRING], ANY, |arguments| {
        string(format::sprintf(text_of(&arguments[0]), &arguments[1..]))
    }),
    variadic("call", &[ANY], ANY, call),
    fixed("len", &[ANY], length),
    variadic("index", &[ANY], ANY, index),
    variadic("html", &[], ANY, |arguments| string(escape_html(&format::sprint(arguments)))),
    variadic("js", &[], ANY, |arguments| string(escape_js(&format::sprint(arguments)))),
    variadic("urlquery", &[], ANY, |arguments| string(escape_query(&format::sprint(arguments)))),
];

/// No value of Helm's is a function, so there is nothing to call.
fn call(arguments: &[Value]) -> Answer {
    match &arguments[0] {
        Value::Nil => Err("call of nil".into()),
        other => {
            let shown = format::sprintf("%#v", std::slice::from_ref(other));
            Err(format!("non-function {shown} of type {}", other.type_name()).into())
        }
    }
}

fn length(arguments: &[Value]) -> Answer {
    let length = match &arguments[0] {
        Value::String(text) => bytes_of_text(text).len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err("len of nil pointer".into()),
        Value::Object(object) if object.entries().is_some() => {
            object.entries().map_or(0, |entries| entries.len())
        }
        other => return Err(format!("len of type {}", other.type_name()).into()),
    };
    Ok(Value::Int(length as i64))
}

fn index(arguments: &[Value]) -> Answer {
    let (first, keys) = arguments.split_first().ok_or("missing argument")?;
    if first.is_nil() {
        return Err("index of untyped nil".into());
    }
    let mut current = first.clone();
    for key in keys {
        current = index_once(&current, key)?;
    }
    Ok(current)
}

fn index_once(value: &Value, key: &Value) -> Answer {
    match value {
        Value::Nil => Err("index of nil pointer".into()),
        Value::Map(map) => match key {
            Value::String(key) => Ok(map.get(key).unwrap_or_default()),
            Value::Nil => Err("value is nil; should be of type string".into()),
            other => Err(format!("value has type {}; should be string", other.type_name()).into()),
        },
        Value::List(list) => Ok(list[position(key, list.len())?].clone()),
        Value::String(text) => Ok(Value::Int(i64::from(text.as_bytes()[position(key, text.len())?]))),
        Value::Bytes(bytes) => Ok(Value::Int(i64::from(bytes[position(key, bytes.len())?]))),
        Value::Object(object) if object.entries().is_some() => {
            let entries = object.entries().unwrap_or_default();
            Ok(entries.into_iter().find(|(known, _)| known == key).map(|(_, item)| item).unwrap_or_default())
        }
        other => Err(format!("can't index item of type {}", other.type_name()).into()),
    }
}

fn position(key: &Value, length: usize) -> Result<usize, FunctionError> {
    let number = match key {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Nil => return Err("cannot index slice/array with nil".into()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name()).into()),
    };
    match usize::try_from(number) {
        Ok(position) if position < length => Ok(position),
        _ => Err(format!("index out of range: {number}").into()),
    }
}

fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    out
}

fn escape_js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", character as u32)),
            control if (control as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", control as u32)),
            other if !format::is_printable(other) => out.push_str(&format!("\\u{:04X}", other as u32)),
            other => out.push(other),
        }
    }
    out
}

fn escape_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            plain if plain.is_ascii_alphanumeric() => out.push(char::from(plain)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
