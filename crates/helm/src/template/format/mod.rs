//! Go's `fmt` for Helm's values: what `{{ . }}`, `print` and `printf` write.
//!
//! ```
//! use helm::template::format::{plain, sprintf};
//! use helm::value::Value;
//!
//! assert_eq!(plain(&Value::Float(1_000_000.0)), "1e+06");
//! assert_eq!(sprintf("%05d|%q|%v", &[Value::Int(42), "a".into(), Value::Nil]), "00042|\"a\"|<nil>");
//! assert_eq!(sprintf("%d", &[Value::Float(1.5)]), "%!d(float64=1.5)");
//! ```

mod float;
mod spec;
mod verbs;

pub use float::{Notation, format_float};
pub use verbs::sprintf;

use std::fmt::Write as _;

use crate::value::{Value, byte_of};

/// Nesting beyond which a value is cut: only a map that contains itself gets there.
const DEPTH_LIMIT: usize = 200;

/// A value as `%v` prints it.
pub fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_plain(&mut out, value, 0);
    out
}

/// A value as an action prints it: nothing at all is `<no value>`.
pub fn printed(value: Option<&Value>) -> String {
    value.map_or_else(|| "<no value>".to_owned(), plain)
}

fn write_plain(out: &mut String, value: &Value, depth: usize) {
    if depth > DEPTH_LIMIT {
        out.push_str("...");
        return;
    }
    match value {
        Value::Nil => out.push_str("<nil>"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) | Value::Int64(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&format_float(*number, Notation::Shortest, None)),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) => {
            let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
            let _ = write!(out, "[{}]", numbers.join(" "));
        }
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_plain(out, item, depth + 1);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, item)) in map.entries().iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write_plain(out, item, depth + 1);
            }
            out.push(']');
        }
        Value::Object(object) => out.push_str(&object.display()),
    }
}

/// Go's `Sprint`: a space between two operands when neither is a string.
pub fn sprint(values: &[Value]) -> String {
    let mut out = String::new();
    let mut after_string = true;
    for value in values {
        let is_string = matches!(value, Value::String(_));
        if !is_string && !after_string {
            out.push(' ');
        }
        out.push_str(&plain(value));
        after_string = is_string;
    }
    out
}

/// Go's `Sprintln`: spaces everywhere, and a newline.
pub fn sprintln(values: &[Value]) -> String {
    let words: Vec<String> = values.iter().map(plain).collect();
    words.join(" ") + "\n"
}

/// A string as a Go literal (`%q`).
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            other => match byte_of(other) {
                Some(byte) => {
                    let _ = write!(out, "\\x{byte:02x}");
                }
                None => escape_into(&mut out, other),
            },
        }
    }
    out.push('"');
    out
}

/// A character as a Go literal (`%q` of an integer).
pub fn quote_character(character: char) -> String {
    let mut out = String::from("'");
    match character {
        '\'' => out.push_str("\\'"),
        other => escape_into(&mut out, other),
    }
    out.push('\'');
    out
}

fn escape_into(out: &mut String, character: char) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        printable if is_printable(printable) => out.push(printable),
        control if (control as u32) < 0x80 => {
            let _ = write!(out, "\\x{:02x}", control as u32);
        }
        basic if (basic as u32) < 0x1_0000 => {
            let _ = write!(out, "\\u{:04x}", basic as u32);
        }
        other => {
            let _ = write!(out, "\\U{:08x}", other as u32);
        }
    }
}

/// Go's `unicode.IsPrint`, by the standard library's table: behind a letter, `escape_debug` leaves
/// exactly the printable characters alone.
pub fn is_printable(character: char) -> bool {
    if matches!(character, '"' | '\'' | '\\') {
        return true;
    }
    let pair = String::from_iter(['a', character]);
    pair.escape_debug().count() == 2
}
