//! Values as JSON, the form in which a state file keeps them.

mod scan;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use scan::{Tree, scan};

use super::conform::set;
use super::types::Type;
use super::{Value, ValueError};
use crate::path::Step;

/// The value of the type that the JSON text holds.
///
/// # Errors
/// When the text is no JSON or holds a value of another type.
pub fn from_json(text: &[u8], shape: &Type) -> Result<Value, ValueError> {
    Reader { lenient: false }.value(scan(text).map_err(broken)?, shape)
}

/// As [`from_json`], of a state that an older release of the provider may have written at the same
/// schema version: attributes that the type lacks are dropped, those that the text lacks are null.
///
/// # Errors
/// When the text is no JSON or holds a value of another type.
pub fn from_state_json(text: &[u8], shape: &Type) -> Result<Value, ValueError> {
    Reader { lenient: true }.value(scan(text).map_err(broken)?, shape)
}

fn broken(error: impl std::fmt::Display) -> ValueError {
    ValueError::new(format!("is no valid JSON: {error}"))
}

struct Reader {
    lenient: bool,
}

impl Reader {
    fn value(&self, tree: Tree<'_>, shape: &Type) -> Result<Value, ValueError> {
        match (tree, shape) {
            (Tree::Null, _) => Ok(Value::Null),
            (Tree::Map(entries), Type::Dynamic) => self.dynamic(entries),
            (Tree::Bool(value), Type::Bool) => Ok(Value::Bool(value)),
            (Tree::Number(digits), Type::Number) => digits.parse().map(Value::Number).map_err(broken),
            (Tree::String(text), Type::String) => Ok(Value::String(text)),
            (Tree::List(elements), Type::List(element)) => self.elements(elements, element).map(Value::List),
            (Tree::List(elements), Type::Set(element)) => self.elements(elements, element).map(set),
            (Tree::List(elements), Type::Tuple(shapes)) => self.tuple(elements, shapes),
            (Tree::Map(entries), Type::Map(element)) => self.map(entries, element),
            (Tree::Map(entries), Type::Object(attributes)) => self.object(entries, attributes),
            (tree, shape) => Err(misfit(&tree, shape)),
        }
    }

    fn elements(&self, elements: Vec<Tree<'_>>, element: &Type) -> Result<Vec<Value>, ValueError> {
        let inside =
            |(index, tree)| self.value(tree, element).map_err(|error| error.inside(Step::from(index)));
        elements.into_iter().enumerate().map(inside).collect()
    }

    fn tuple(&self, elements: Vec<Tree<'_>>, shapes: &[Type]) -> Result<Value, ValueError> {
        if elements.len() != shapes.len() {
            return Err(ValueError::new(format!("has {} elements, not {}", elements.len(), shapes.len())));
        }
        let pairs = elements.into_iter().zip(shapes).enumerate();
        let inside =
            |(index, (tree, shape))| self.value(tree, shape).map_err(|e| e.inside(Step::from(index)));
        pairs.map(inside).collect::<Result<_, _>>().map(Value::List)
    }

    fn map(&self, entries: BTreeMap<String, Tree<'_>>, element: &Type) -> Result<Value, ValueError> {
        let inside = |(key, tree)| match self.value(tree, element) {
            Ok(value) => Ok((key, value)),
            Err(error) => Err(error.inside(Step::ElementKey(key))),
        };
        entries.into_iter().map(inside).collect::<Result<_, _>>().map(Value::Map)
    }

    fn object(
        &self,
        mut entries: BTreeMap<String, Tree<'_>>,
        attributes: &BTreeMap<String, Type>,
    ) -> Result<Value, ValueError> {
        let mut object = BTreeMap::new();
        for (name, shape) in attributes {
            let value = match entries.remove(name) {
                Some(tree) => self.value(tree, shape).map_err(|e| e.inside(Step::Attribute(name.clone())))?,
                None if self.lenient => Value::Null,
                None => return Err(ValueError::new(format!("lacks the attribute {name:?}"))),
            };
            object.insert(name.clone(), value);
        }
        match entries.into_keys().next() {
            Some(name) if !self.lenient => Err(ValueError::new(format!("has no attribute named {name:?}"))),
            _ => Ok(Value::Map(object)),
        }
    }

    /// A dynamic value is an object of its type and of the value itself.
    fn dynamic(&self, mut entries: BTreeMap<String, Tree<'_>>) -> Result<Value, ValueError> {
        let (Some(actual), Some(value)) = (entries.remove("type"), entries.remove("value")) else {
            return Err(ValueError::new("lacks the type or the value of a dynamic value"));
        };
        let actual = Type::from_json(&untyped(actual)).map_err(broken)?;
        let value = self.value(value, &actual)?;
        Ok(Value::Dynamic(actual, Box::new(value)))
    }
}

/// A type constraint is of strings, lists and objects only.
fn untyped(tree: Tree<'_>) -> serde_json::Value {
    match tree {
        Tree::Null => serde_json::Value::Null,
        Tree::Bool(value) => value.into(),
        Tree::Number(digits) => digits.into(),
        Tree::String(text) => text.into(),
        Tree::List(elements) => elements.into_iter().map(untyped).collect(),
        Tree::Map(entries) => entries.into_iter().map(|(name, tree)| (name, untyped(tree))).collect(),
    }
}

/// Never shows the value, which may be a secret.
fn misfit(tree: &Tree<'_>, shape: &Type) -> ValueError {
    let found = match tree {
        Tree::Null => "null",
        Tree::Bool(_) => "a bool",
        Tree::Number(_) => "a number",
        Tree::String(_) => "a string",
        Tree::List(_) => "a list",
        Tree::Map(_) => "an object",
    };
    ValueError::new(format!("is {found}, not {}", shape.kind()))
}

/// The JSON text of a value. Numbers keep all their digits; a dynamic value carries its type.
///
/// # Errors
/// When the value is, or holds, something unknown: JSON has no form for it.
pub fn to_json(value: &Value) -> Result<String, ValueError> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, text: &mut String) -> Result<(), ValueError> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Unknown(_) => return Err(ValueError::new("is unknown, which JSON cannot say")),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write!(text, "{number}").expect("a string takes every text"),
        Value::String(string) => text.push_str(&quoted(string)),
        Value::List(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(element, text).map_err(|error| error.inside(Step::from(index)))?;
            }
            text.push(']');
        }
        Value::Map(entries) => {
            text.push('{');
            for (index, (name, entry)) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&quoted(name));
                text.push(':');
                write(entry, text).map_err(|error| error.inside(Step::Attribute(name.clone())))?;
            }
            text.push('}');
        }
        Value::Dynamic(actual, value) => {
            write!(text, r#"{{"type":{},"value":"#, actual.to_json()).expect("a string takes every text");
            write(value, text)?;
            text.push('}');
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("every string has a JSON form")
}
