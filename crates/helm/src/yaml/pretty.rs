//! The other way to write YAML, of `toYamlPretty`: lists are indented under their keys, no line is
//! folded, and numbers take no way through JSON.

use super::YamlError;
use super::emit::{scalar_document, style_of};
use super::key_order::{self, BehindDigits};
use crate::template::format::{Notation, format_float};
use crate::value::Value;

/// Writes a value as go-yaml v3 does with an indent of 2, with a newline at its end.
///
/// # Errors
/// As [`super::to_yaml`].
///
/// ```
/// use helm::yaml;
///
/// let value = yaml::parse("list: [1, {a: b}]")?;
/// assert_eq!(yaml::to_yaml_pretty(&value)?, "list:\n  - 1\n  - a: b\n");
/// # Ok::<(), yaml::YamlError>(())
/// ```
pub fn to_yaml_pretty(value: &Value) -> Result<String, YamlError> {
    let mut out = String::new();
    node(&mut out, &value.to_plain()?, 0, Place::Start)?;
    Ok(out)
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of a line that is indented already: the document, or behind a dash.
    Start,
    /// Behind a key and its colon.
    Key,
}

fn node(out: &mut String, value: &Value, indent: usize, place: Place) -> Result<(), YamlError> {
    match value {
        Value::List(items) if !items.is_empty() => {
            let indent = if place == Place::Key { indent + 2 } else { indent };
            for (index, item) in items.iter().enumerate() {
                start_line(out, indent, index, place);
                out.push_str("- ");
                node(out, item, indent + 2, Place::Start)?;
            }
        }
        Value::Map(map) if !map.is_empty() => {
            let indent = if place == Place::Key { indent + 2 } else { indent };
            let entries = key_order::sort(map.entries(), BehindDigits::LettersFirst);
            for (index, (key, item)) in entries.iter().enumerate() {
                start_line(out, indent, index, place);
                if is_simple_key(key) {
                    out.push_str(&format!("{}:", scalar(key, indent)?));
                    node(out, item, indent, Place::Key)?;
                } else {
                    out.push_str(&format!("? {}\n{}: ", scalar(key, indent + 2)?, " ".repeat(indent)));
                    node(out, item, indent + 2, Place::Start)?;
                }
            }
        }
        leaf => {
            let text = leaf_text(leaf, if place == Place::Key { indent + 2 } else { indent })?;
            let space = if place == Place::Key { " " } else { "" };
            out.push_str(&format!("{space}{text}\n"));
        }
    }
    Ok(())
}

/// The first line of a block behind a dash is the dash's own.
fn start_line(out: &mut String, indent: usize, index: usize, place: Place) {
    if index == 0 && place == Place::Key {
        out.push('\n');
    }
    if index > 0 || place == Place::Key {
        out.push_str(&" ".repeat(indent));
    }
}

fn leaf_text(value: &Value, indent: usize) -> Result<String, YamlError> {
    Ok(match value {
        Value::Nil => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) | Value::Int64(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => ".nan".to_owned(),
        Value::Float(number) if number.is_infinite() => {
            if *number > 0.0 {
                ".inf".to_owned()
            } else {
                "-.inf".to_owned()
            }
        }
        Value::Float(number) => format_float(*number, Notation::Shortest, None),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
        Value::String(text) => scalar(text, indent)?,
        Value::Bytes(_) | Value::Object(_) => String::new(),
    })
}

/// Whether a key may stand on the line of its value, as libyaml decides it.
fn is_simple_key(key: &str) -> bool {
    key.len() <= SIMPLE_KEY_BYTES_MAX && !key.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

const SIMPLE_KEY_BYTES_MAX: usize = 128;

/// Stands for a tab in a block: v3 leaves tabs there, which our emitter would not.
const TAB: &str = "\u{f8d0}";

/// A string in the style that it needs.
fn scalar(text: &str, indent: usize) -> Result<String, YamlError> {
    let is_block = text.contains('\n');
    let veiled = if is_block { text.replace('\t', TAB) } else { text.to_owned() };
    let written = scalar_document(&veiled, style_of(text))?;
    // What is no block after all, for a space before a line break, has its tabs escaped.
    let written = written.replace(TAB, if written.starts_with('|') { "\t" } else { "\\t" });
    let written = written.strip_suffix('\n').unwrap_or(&written);
    if !written.starts_with('|') {
        return Ok(written.to_owned());
    }
    // The emitter indented the block by 2; here it belongs under its own parent.
    let (header, body) = written.split_once('\n').unwrap_or((written, ""));
    let padding = " ".repeat(indent.max(2));
    let mut block = header.to_owned();
    for line in body.split('\n') {
        block.push('\n');
        if let Some(content) = line.strip_prefix("  ").filter(|content| !content.is_empty()) {
            block.push_str(&padding);
            block.push_str(content);
        }
    }
    Ok(block)
}
