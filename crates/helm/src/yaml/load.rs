//! Reading: events of the parser to values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libyaml_safer::{Encoding, Error as ParserError, ErrorKind, EventData, Parser, ScalarStyle};

use super::YamlError;
use super::scalar::{Scalar, resolve};
use crate::template::format::{Notation, format_float, sprintf};
use crate::value::{Map, Value};

/// Nesting that no honest document reaches.
const DEPTH_LIMIT: usize = 200;
/// Nodes that a document may have once its aliases are spelled out.
const NODE_LIMIT: usize = 1_000_000;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the first document; an empty text is nil.
///
/// # Errors
/// Bad syntax, and what JSON cannot say, in the words of Helm's library.
pub fn parse(text: &str) -> Result<Value, YamlError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let input = terminated(text);
    let mut loader = Loader::new(text, &input);
    Ok(loader.document()?.unwrap_or(Value::Nil))
}

/// Reads all documents of a stream.
///
/// # Errors
/// As [`parse`].
pub fn parse_documents(text: &str) -> Result<Vec<Value>, YamlError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let input = terminated(text);
    let mut loader = Loader::new(text, &input);
    let mut documents = Vec::new();
    while let Some(document) = loader.document()? {
        documents.push(document);
    }
    Ok(documents)
}

/// The scanner wants a line break behind the last line; [`unterminated`] takes it out again.
fn terminated(text: &str) -> Cow<'_, str> {
    if text.ends_with('\n') { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}\n")) }
}

/// The value of a block scalar that reached the line break that [`terminated`] added: without it.
fn unterminated(value: &str, original: &str) -> String {
    let last_line = original.rsplit('\n').next().unwrap_or_default();
    let is_blank = last_line.trim().is_empty();
    match value.strip_suffix('\n') {
        Some(rest) if !is_blank || rest.ends_with('\n') => rest.to_owned(),
        _ => value.to_owned(),
    }
}

struct Loader<'t> {
    parser: Parser<&'t [u8]>,
    /// The text before [`terminated`].
    original: &'t str,
    /// Finished anchors with the number of nodes in each; `None` while one is being read.
    anchors: HashMap<String, Option<(Value, usize)>>,
    nodes: usize,
    depth: usize,
}

impl<'t> Loader<'t> {
    fn new(original: &'t str, input: &'t str) -> Self {
        let mut parser = Parser::new();
        // Told so, the scanner does not take a U+FFFD at the start for half a byte order mark.
        parser.set_encoding(Encoding::Utf8);
        parser.set_input(input.as_bytes());
        Self { parser, original, anchors: HashMap::new(), nodes: 0, depth: 0 }
    }

    fn event(&mut self) -> Result<EventData, YamlError> {
        // The scanner panics on some texts that are no YAML (a tag before a comma in a flow): those
        // are errors of the text, not of this program.
        let event = catch_unwind(AssertUnwindSafe(|| self.parser.parse()))
            .map_err(|_| YamlError::Syntax { message: "the text is beyond the scanner".to_owned() })?
            .map_err(|error| syntax_error(&error, self.original))?;
        let reaches_added_break = event.end_mark.index > self.original.len() as u64;
        Ok(match event.data {
            EventData::Scalar { anchor, tag, value, plain_implicit, quoted_implicit, style }
                if reaches_added_break && matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) =>
            {
                let value = unterminated(&value, self.original);
                EventData::Scalar { anchor, tag, value, plain_implicit, quoted_implicit, style }
            }
            other => other,
        })
    }

    fn document(&mut self) -> Result<Option<Value>, YamlError> {
        loop {
            match self.event()? {
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart { .. } => break,
                _ => {}
            }
        }
        self.anchors.clear();
        let first = self.event()?;
        let value = self.node(first)?;
        // What follows must end the document: `a` and then `b: c` is an error of the text.
        self.event()?;
        Ok(Some(value))
    }

    fn node(&mut self, event: EventData) -> Result<Value, YamlError> {
        self.nodes += 1;
        if self.depth > DEPTH_LIMIT || self.nodes > NODE_LIMIT {
            return Err(YamlError::Syntax { message: "document contains excessive aliasing".to_owned() });
        }
        let before = self.nodes;
        let anchor = match &event {
            EventData::Scalar { anchor, .. }
            | EventData::SequenceStart { anchor, .. }
            | EventData::MappingStart { anchor, .. } => anchor.clone(),
            _ => None,
        };
        if let Some(anchor) = &anchor {
            self.anchors.insert(anchor.clone(), None);
        }
        self.depth += 1;
        let value = self.content(event)?;
        self.depth -= 1;
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Some((value.clone(), self.nodes - before + 1)));
        }
        Ok(value)
    }

    fn content(&mut self, event: EventData) -> Result<Value, YamlError> {
        match event {
            EventData::Scalar { value, tag, style, plain_implicit, .. } => {
                scalar_value(&value, tag.as_deref(), style == ScalarStyle::Plain && plain_implicit)
            }
            EventData::SequenceStart { .. } => self.sequence(),
            EventData::MappingStart { .. } => self.mapping(),
            EventData::Alias { anchor } => self.alias(&anchor),
            other => Err(YamlError::Syntax { message: format!("unexpected event {other:?}") }),
        }
    }

    fn alias(&mut self, anchor: &str) -> Result<Value, YamlError> {
        let message = match self.anchors.get(anchor) {
            Some(Some((value, size))) => {
                self.nodes += size;
                // A copy: aliases in YAML are equal values, not one shared map.
                return Ok(value.deep_clone());
            }
            Some(None) => format!("anchor '{anchor}' value contains itself"),
            None => format!("unknown anchor '{anchor}' referenced"),
        };
        Err(YamlError::Syntax { message })
    }

    fn sequence(&mut self) -> Result<Value, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                EventData::SequenceEnd => return Ok(Value::list(items)),
                other => items.push(self.node(other)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, YamlError> {
        let map = Map::new();
        loop {
            let key = match self.event()? {
                EventData::MappingEnd => break,
                key => key,
            };
            if is_merge(&key) {
                let value = self.event()?;
                merge_into(&map, &self.node(value)?)?;
                continue;
            }
            let key = self.node(key)?;
            let value = self.event()?;
            let value = self.node(value)?;
            map.insert(key_text(&key, &value)?, value);
        }
        Ok(Value::Map(map))
    }
}

fn is_merge(event: &EventData) -> bool {
    matches!(event, EventData::Scalar { value, style: ScalarStyle::Plain, plain_implicit: true, .. }
        if resolve(value) == Scalar::Merge)
}

/// Adds what a `<<` names. It wins over keys before it and loses to keys behind it, as in go-yaml;
/// of several maps, the first wins.
fn merge_into(map: &Map, merge: &Value) -> Result<(), YamlError> {
    match merge {
        Value::Map(source) => {
            for (key, value) in source.entries() {
                map.insert(key, value);
            }
            Ok(())
        }
        Value::List(sources) if sources.iter().all(|source| source.as_map().is_some()) => {
            sources.iter().rev().try_for_each(|source| merge_into(map, source))
        }
        _ => Err(YamlError::Syntax {
            message: "map merge requires map or sequence of maps as the value".into(),
        }),
    }
}

fn key_text(key: &Value, value: &Value) -> Result<String, YamlError> {
    match key {
        Value::String(text) => Ok(text.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => Ok(format!("{number:.0}")),
        Value::Float(number) => Ok(format_float(*number, Notation::Shortest, None)),
        Value::Nil => {
            let value = sprintf("%#v", std::slice::from_ref(value));
            let message = format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {value}");
            Err(YamlError::NotJson { message })
        }
        other => {
            let key = sprintf("%#v", std::slice::from_ref(other));
            Err(YamlError::NotJson { message: format!("yaml: invalid map key: {key}") })
        }
    }
}

fn scalar_value(text: &str, tag: Option<&str>, is_plain: bool) -> Result<Value, YamlError> {
    let resolved = match tag {
        None | Some("!") if is_plain => resolve(text),
        Some("tag:yaml.org,2002:int" | "tag:yaml.org,2002:float" | "tag:yaml.org,2002:bool") => resolve(text),
        Some("tag:yaml.org,2002:null") => Scalar::Null,
        _ => Scalar::String,
    };
    Ok(match resolved {
        Scalar::Null => Value::Nil,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Integer(number) => Value::Float(number as f64),
        Scalar::Float(number) if number.is_finite() => Value::Float(number),
        Scalar::Float(number) => {
            let shown = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(YamlError::NotJson { message: format!("json: unsupported value: {shown}") });
        }
        Scalar::String | Scalar::Timestamp | Scalar::Merge => Value::from(text),
    })
}

/// The parser's complaint with its line, as Helm's library counts lines.
fn syntax_error(error: &ParserError, original: &str) -> YamlError {
    // The line break that `terminated` adds starts no line of the text.
    let last_line = original.matches('\n').count() as u64;
    let is_scanner = error.kind() == ErrorKind::Scanner;
    let problem =
        error.problem_mark().map_or(0, |mark| if is_scanner { mark.line.min(last_line) } else { mark.line });
    let context = error.context_mark().map_or(0, |mark| mark.line);

    let line = match (problem, context) {
        (0, 0) => None,
        (0, context) => Some(context),
        (problem, _) if is_scanner => Some(problem + 1),
        (problem, _) => Some(problem),
    };
    let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    YamlError::Syntax { message: format!("{place}{}", error.problem()) }
}
