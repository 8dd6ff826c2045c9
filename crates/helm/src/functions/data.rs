//! YAML and JSON in templates.

use super::{ANY, Answer, Function, Host, STRING, charge_for, fixed, hosted, string, text_of};
use crate::template::format::{Notation, format_float, quote_character};
use crate::value::{ConvertError, List, Map, Value};
use crate::yaml;

pub(super) const TABLE: &[Function] = &[
    // Helm swallows the error: what cannot be written is the empty string.
    fixed("toYaml", &[ANY], |arguments| string(to_yaml(&arguments[0]).unwrap_or_default())),
    fixed("mustToYaml", &[ANY], |arguments| {
        string(to_yaml(&arguments[0]).map_err(|error| error.to_string())?)
    }),
    fixed("toYamlPretty", &[ANY], |arguments| {
        let text = yaml::to_yaml_pretty(&arguments[0]).unwrap_or_default();
        string(text.strip_suffix('\n').unwrap_or(&text))
    }),
    hosted("fromYaml", &[STRING], None, |host, arguments| {
        read(host, or_error(parse_yaml(text_of(&arguments[0])), MAP_YAML))
    }),
    hosted("fromYamlArray", &[STRING], None, |host, arguments| {
        read(host, or_error(parse_yaml(text_of(&arguments[0])), LIST_YAML))
    }),
    hosted("fromJson", &[STRING], None, |host, arguments| {
        read(host, or_error(parse_json(text_of(&arguments[0])), MAP_JSON))
    }),
    hosted("fromJsonArray", &[STRING], None, |host, arguments| {
        read(host, or_error(parse_json(text_of(&arguments[0])), LIST_JSON))
    }),
    hosted("mustFromJson", &[STRING], None, |host, arguments| {
        read(host, parse_json(text_of(&arguments[0]))?)
    }),
    fixed("toJson", &[ANY], |arguments| string(to_json(&arguments[0], true).unwrap_or_default())),
    fixed("mustToJson", &[ANY], |arguments| must(to_json(&arguments[0], true))),
    fixed("toRawJson", &[ANY], |arguments| must(to_json(&arguments[0], false))),
    fixed("mustToRawJson", &[ANY], |arguments| must(to_json(&arguments[0], false))),
    fixed("toPrettyJson", &[ANY], |arguments| must(to_pretty_json(&arguments[0]))),
    fixed("mustToPrettyJson", &[ANY], |arguments| must(to_pretty_json(&arguments[0]))),
];

fn must(text: Result<String, ConvertError>) -> Answer {
    string(text.map_err(|error| error.to_string())?)
}

fn to_yaml(value: &Value) -> Result<String, yaml::YamlError> {
    let text = yaml::to_yaml(value)?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Counts what was read.
fn read(host: &mut dyn Host, value: Value) -> Answer {
    charge_for(host, &value)?;
    Ok(value)
}

fn parse_yaml(text: &str) -> Result<Value, String> {
    yaml::parse(text).map_err(|error| error.to_string())
}

fn parse_json(text: &str) -> Result<Value, String> {
    serde_json::from_str::<serde_json::Value>(text)
        .map(Value::from)
        .map_err(|error| go_json_error(text, &error))
}

/// Go's words for what is wrong with a JSON text.
fn go_json_error(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let message = error.to_string();
    let contexts = [
        ("trailing characters", "after top-level value"),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("key must be a string", "looking for beginning of object key string"),
        ("control character", "in string literal"),
        ("invalid escape", "in string escape code"),
    ];
    let known = contexts.iter().find(|(ours, _)| message.starts_with(ours));
    let context = known.map_or("looking for beginning of value", |(_, context)| context);
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let column = error.column().saturating_sub(1);
    let found = line.get(column..).and_then(|rest| rest.chars().next());
    if message.starts_with("expected ident") {
        let before = line.get(..column).unwrap_or_default();
        let start = before.rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |at| at + 1);
        let literal = ["true", "false", "null"].into_iter().find(|word| word.starts_with(&before[start..]));
        if let Some((literal, wanted)) =
            literal.and_then(|word| Some((word, word[column - start..].chars().next()?)))
        {
            let [found, wanted] = [found.unwrap_or('\n'), wanted].map(quote_character);
            return format!("invalid character {found} in literal {literal} (expecting {wanted})");
        }
    }
    format!("invalid character {} {context}", quote_character(found.unwrap_or('\n')))
}

/// What a reader must return, and how it names itself when it does not.
#[derive(Clone, Copy)]
struct Target {
    is_list: bool,
    /// What the YAML library puts before the error of the JSON library.
    prefix: &'static str,
}

const YAML_PREFIX: &str = "error unmarshaling JSON: while decoding JSON: ";
const MAP_JSON: Target = Target { is_list: false, prefix: "" };
const LIST_JSON: Target = Target { is_list: true, prefix: "" };
const MAP_YAML: Target = Target { is_list: false, prefix: YAML_PREFIX };
const LIST_YAML: Target = Target { is_list: true, prefix: YAML_PREFIX };

/// Helm puts an error into the result: under the key `Error`, or as the only element.
fn or_error(parsed: Result<Value, String>, target: Target) -> Value {
    let message = match parsed {
        Ok(Value::Nil) if target.is_list => return Value::List(List::default()),
        Ok(Value::Nil) => return Value::Map(Map::new()),
        Ok(value @ Value::List(_)) if target.is_list => return value,
        Ok(value @ Value::Map(_)) if !target.is_list => return value,
        Ok(other) => unmarshal_message(&other, target),
        Err(message) => message,
    };
    if target.is_list {
        return Value::list(vec![Value::from(message)]);
    }
    let map = Map::new();
    map.insert("Error", message);
    Value::Map(map)
}

fn unmarshal_message(value: &Value, target: Target) -> String {
    let kind = match value {
        Value::List(_) => "array",
        Value::Map(_) => "object",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        _ => "number",
    };
    let wanted = if target.is_list { "[]interface {}" } else { "map[string]interface {}" };
    format!("{}json: cannot unmarshal {kind} into Go value of type {wanted}", target.prefix)
}

/// JSON as Go writes it: sorted keys, and `<`, `>`, `&` escaped unless raw.
fn to_json(value: &Value, escapes_html: bool) -> Result<String, ConvertError> {
    let mut out = String::new();
    write_json(&mut out, &value.to_plain()?, escapes_html)?;
    Ok(out)
}

fn write_json(out: &mut String, value: &Value, escapes_html: bool) -> Result<(), ConvertError> {
    match value {
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) | Value::Int64(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&json_number(*number)?),
        Value::String(text) => write_json_string(out, text, escapes_html),
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(out, item, escapes_html)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.entries().iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json_string(out, key, escapes_html);
                out.push(':');
                write_json(out, item, escapes_html)?;
            }
            out.push('}');
        }
        Value::Nil | Value::Bytes(_) | Value::Object(_) => out.push_str("null"),
    }
    Ok(())
}

/// Go's JSON numbers: plain digits, with an exponent only below 1e-6 and from 1e21 on.
fn json_number(number: f64) -> Result<String, ConvertError> {
    if !number.is_finite() {
        return Err(ConvertError::NotFinite { value: format_float(number, Notation::Shortest, None) });
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format_float(number, Notation::Exponent, None);
        return Ok(text.replace("e-0", "e-"));
    }
    Ok(format!("{number}"))
}

fn write_json_string(out: &mut String, text: &str, escapes_html: bool) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' if escapes_html => out.push_str(&format!("\\u{:04x}", character as u32)),
            '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", character as u32)),
            control if (control as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn to_pretty_json(value: &Value) -> Result<String, ConvertError> {
    let mut out = String::new();
    write_pretty(&mut out, &value.to_plain()?, 0)?;
    Ok(out)
}

fn write_pretty(out: &mut String, value: &Value, depth: usize) -> Result<(), ConvertError> {
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::List(list) if !list.is_empty() => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                newline(out, depth + 1);
                write_pretty(out, item, depth + 1)?;
            }
            newline(out, depth);
            out.push(']');
        }
        Value::Map(map) if !map.is_empty() => {
            out.push('{');
            for (index, (key, item)) in map.entries().iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                newline(out, depth + 1);
                write_json_string(out, key, true);
                out.push_str(": ");
                write_pretty(out, item, depth + 1)?;
            }
            newline(out, depth);
            out.push('}');
        }
        other => write_json(out, other, true)?,
    }
    Ok(())
}
