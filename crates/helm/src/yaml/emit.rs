//! Writing: values to events of the emitter, with the style of each scalar.

use std::borrow::Cow;

use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};

use super::key_order::{self, BehindDigits};
use super::scalar::{Scalar, is_base_60, resolve};
use super::{YamlError, astral, parse};
use crate::template::format::{Notation, format_float};
use crate::value::{ConvertError, Value};

/// Writes a value as one document, with a newline at its end.
///
/// # Errors
/// Values without a form in YAML: see [`ConvertError`].
pub fn to_yaml(value: &Value) -> Result<String, YamlError> {
    let value = through_json(value.to_plain()?)?;
    document(FOLD_WIDTH, |writer| writer.value(&value))
}

/// Go writes JSON and reads that as YAML, where some characters fold or are refused.
fn through_json(value: Value) -> Result<Value, YamlError> {
    if !holds_text(&value, |text| text.contains(is_no_yaml)) {
        return Ok(value);
    }
    let json = value.to_json()?.to_string();
    // Go's JSON has these two escaped.
    parse(&json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// Control characters beyond ASCII's first 32, among them NEL, which YAML takes for a line break.
fn is_no_yaml(character: char) -> bool {
    ('\u{7f}'..='\u{9f}').contains(&character) || matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn holds_text(value: &Value, accept: fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => accept(text),
        Value::List(items) => items.iter().any(|item| holds_text(item, accept)),
        Value::Map(map) => map.entries().iter().any(|(key, item)| accept(key) || holds_text(item, accept)),
        _ => false,
    }
}

/// The column where long scalars are folded.
const FOLD_WIDTH: i32 = 80;

/// A document of one string that is never folded.
pub(super) fn scalar_document(text: &str, style: ScalarStyle) -> Result<String, YamlError> {
    document(-1, |writer| writer.scalar(text, style))
}

fn document(
    width: i32,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), YamlError>,
) -> Result<String, YamlError> {
    let mut out = Vec::new();
    {
        let mut emitter = Emitter::new();
        emitter.set_output_string(&mut out);
        emitter.set_unicode(true);
        emitter.set_width(width);
        let mut writer = Writer { emitter };
        writer.emit(Event::stream_start(Encoding::Utf8))?;
        writer.emit(Event::document_start(None, &[], true))?;
        write(&mut writer)?;
        writer.emit(Event::document_end(true))?;
        writer.emit(Event::stream_end())?;
        writer.emitter.flush().map_err(|error| emit_error(&error))?;
    }
    let mut text = String::from_utf8(out).map_err(|error| YamlError::Emit { message: error.to_string() })?;
    // The emitter marks the end of a document whose last scalar keeps its empty lines; Go's does not.
    if text.ends_with("\n...\n") {
        text.truncate(text.len() - "...\n".len());
    }
    Ok(astral::unveil(text))
}

fn emit_error(error: &libyaml_safer::Error) -> YamlError {
    YamlError::Emit { message: error.to_string() }
}

struct Writer<'w> {
    emitter: Emitter<'w>,
}

impl Writer<'_> {
    fn emit(&mut self, event: Event) -> Result<(), YamlError> {
        self.emitter.emit(event).map_err(|error| emit_error(&error))
    }

    fn value(&mut self, value: &Value) -> Result<(), YamlError> {
        match value {
            Value::Nil => self.scalar("null", ScalarStyle::Plain),
            Value::Bool(value) => self.scalar(if *value { "true" } else { "false" }, ScalarStyle::Plain),
            Value::Int(number) | Value::Int64(number) => self.scalar(&number.to_string(), ScalarStyle::Plain),
            Value::Float(number) => self.scalar(&number_text(*number)?, ScalarStyle::Plain),
            Value::String(text) => self.scalar(text, style_of(text)),
            Value::List(items) => {
                let style = if items.is_empty() { SequenceStyle::Flow } else { SequenceStyle::Block };
                self.emit(Event::sequence_start(None, None, true, style))?;
                for item in items.iter() {
                    self.value(item)?;
                }
                self.emit(Event::sequence_end())
            }
            Value::Map(map) => {
                let entries = key_order::sort(map.entries(), BehindDigits::LettersLast);
                let style = if entries.is_empty() { MappingStyle::Flow } else { MappingStyle::Block };
                self.emit(Event::mapping_start(None, None, true, style))?;
                for (key, item) in &entries {
                    self.scalar(key, style_of(key))?;
                    self.value(item)?;
                }
                self.emit(Event::mapping_end())
            }
            other @ (Value::Bytes(_) | Value::Object(_)) => {
                Err(ConvertError::NoPlainForm { type_name: other.type_name().to_owned() }.into())
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) -> Result<(), YamlError> {
        let (text, style) = match astral::veil(text) {
            Some(veiled) => (Cow::Owned(veiled), ScalarStyle::DoubleQuoted),
            None => (Cow::Borrowed(text), style),
        };
        let is_plain = style == ScalarStyle::Plain;
        self.emit(Event::scalar(None, None, &text, is_plain, true, style))
    }
}

/// A string with a newline is literal; one that would read as something else is quoted; the rest is
/// plain, where the emitter may still choose quotes.
pub(super) fn style_of(text: &str) -> ScalarStyle {
    if text.contains('\n') {
        ScalarStyle::Literal
    } else if matches!(resolve(text), Scalar::String | Scalar::Merge) && !is_base_60(text) {
        ScalarStyle::Plain
    } else {
        ScalarStyle::DoubleQuoted
    }
}

/// Numbers take the way through JSON: whole ones that fit 64 bits stay whole.
fn number_text(number: f64) -> Result<String, ConvertError> {
    if !number.is_finite() {
        return Err(ConvertError::NotFinite { value: format_float(number, Notation::Shortest, None) });
    }
    if number.fract() == 0.0 {
        // JSON says -0, and YAML reads that as the integer 0.
        let digits = format!("{}", number + 0.0);
        let whole = digits.parse::<i128>().ok();
        if whole.is_some_and(|whole| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&whole)) {
            return Ok(digits);
        }
    }
    Ok(format_float(number, Notation::Shortest, None))
}
