//! TOML in templates: written as Go's BurntSushi/toml writes it.

use super::time::from_rfc3339;
use super::{ANY, Function, STRING, charge_for, fixed, hosted, string, text_of};
use crate::template::format::{Notation, format_float};
use crate::value::{Map, Value};

pub(super) const TABLE: &[Function] = &[
    // Helm puts an error where the text should be.
    fixed("toToml", &[ANY], |arguments| string(to_toml(&arguments[0]).unwrap_or_else(|error| error))),
    hosted("fromToml", &[STRING], None, |host, arguments| {
        let parsed = text_of(&arguments[0]).parse::<toml::Table>();
        let map = match parsed {
            Ok(table) => map_of(table),
            Err(error) => {
                let map = Map::new();
                map.insert("Error", format!("toml: {}", error.message()));
                map
            }
        };
        let value = Value::Map(map);
        charge_for(host, &value)?;
        Ok(value)
    }),
];

fn map_of(table: toml::Table) -> Map {
    table.into_iter().map(|(key, value)| (key, value_of(value))).collect()
}

fn value_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::Int64(number),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => {
            let text = time.to_string();
            from_rfc3339(&text).unwrap_or_else(|| Value::from(text))
        }
        toml::Value::Array(items) => Value::list(items.into_iter().map(value_of).collect()),
        toml::Value::Table(table) => Value::Map(map_of(table)),
    }
}

fn to_toml(value: &Value) -> Result<String, String> {
    let mut writer = Writer::default();
    match value.to_plain().map_err(|error| error.to_string())? {
        Value::Map(map) => writer.entries(&mut Vec::new(), &map)?,
        Value::Nil => return Err("toml: cannot encode a nil value".to_owned()),
        list if is_array_of_tables(&list)? => {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        other => writer.element(&other)?,
    }
    Ok(writer.out)
}

#[derive(Default)]
struct Writer {
    out: String,
}

fn is_table(value: &Value) -> Result<bool, String> {
    Ok(matches!(value, Value::Map(_)) || is_array_of_tables(value)?)
}

/// A list of nothing but maps; a list may not hold nil at all.
fn is_array_of_tables(value: &Value) -> Result<bool, String> {
    let Value::List(items) = value else { return Ok(false) };
    if items.iter().any(Value::is_nil) {
        return Err("toml: cannot encode array with nil element".to_owned());
    }
    Ok(!items.is_empty() && items.iter().all(|item| item.as_map().is_some()))
}

impl Writer {
    /// A line break in front of a table, unless it is the first line.
    fn break_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, path: &[String]) {
        self.out.push_str(&"  ".repeat(path.len().saturating_sub(1)));
    }

    /// The entries of a table: first those that are no tables themselves.
    fn entries(&mut self, path: &mut Vec<String>, map: &Map) -> Result<(), String> {
        for wants_tables in [false, true] {
            for (key, value) in map.entries() {
                if value.is_nil() || is_table(&value)? != wants_tables {
                    continue;
                }
                path.push(key);
                self.entry(path, &value)?;
                path.pop();
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &mut Vec<String>, value: &Value) -> Result<(), String> {
        let name = |path: &[String]| path.iter().map(|key| key_text(key)).collect::<Vec<_>>().join(".");
        match value {
            Value::Map(map) => {
                if path.len() == 1 {
                    self.break_line();
                }
                self.indent(path);
                self.out.push_str(&format!("[{}]\n", name(path)));
                self.entries(path, map)
            }
            Value::List(items) if is_array_of_tables(value)? => {
                for item in items.iter() {
                    self.break_line();
                    self.indent(path);
                    self.out.push_str(&format!("[[{}]]\n", name(path)));
                    self.entries(path, item.as_map().unwrap_or(&Map::new()))?;
                }
                Ok(())
            }
            scalar => {
                self.indent(path);
                let key = path.last().map(|key| key_text(key)).unwrap_or_default();
                self.out.push_str(&format!("{key} = "));
                self.element(scalar)?;
                self.out.push('\n');
                Ok(())
            }
        }
    }

    fn element(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&float_text(*number)),
            Value::String(text) => self.out.push_str(&quoted(text)),
            Value::List(items) => {
                // The check is for nil; a list of maps inside a list is written inline.
                is_array_of_tables(value)?;
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.out.push_str(if index > 0 { ", " } else { "" });
                    self.element(item)?;
                }
                self.out.push(']');
            }
            Value::Map(map) => self.inline(map)?,
            other => return Err(format!("unsupported type: {}", other.kind_name())),
        }
        Ok(())
    }

    fn inline(&mut self, map: &Map) -> Result<(), String> {
        self.out.push('{');
        let mut is_first = true;
        for wants_tables in [false, true] {
            for (key, value) in map.entries() {
                if value.is_nil() || is_table(&value)? != wants_tables {
                    continue;
                }
                let separator = if is_first { "" } else { ", " };
                self.out.push_str(&format!("{separator}{} = ", key_text(&key)));
                self.element(&value)?;
                is_first = false;
            }
        }
        self.out.push('}');
        Ok(())
    }
}

fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf".to_owned() } else { "inf".to_owned() };
    }
    let text = format_float(number, Notation::Shortest, None);
    if text.contains(['e', '.']) { text } else { format!("{text}.0") }
}

/// A key, bare where TOML allows it.
fn key_text(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.is_empty() {
        return "\"\"".to_owned();
    }
    if key.chars().all(is_bare) { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            control if (control as u32) < 0x20 || control == '\x7f' => {
                out.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
