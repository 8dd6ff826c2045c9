//! The values that templates compute with, and that charts are configured by.
//!
//! In: parsed YAML, JSON, `--set` arguments, the built-in objects. Out: rendered text, YAML, JSON.
//! The kinds follow Go's, because templates can tell them apart (`kindOf`, `printf "%T"`): `int`,
//! `int64` and `float64` are three types, lists know the type of their elements, and maps are shared
//! and mutable (`set` changes the map that every other holder sees). Lists are immutable.
//! Deliberately absent: parsing, printing, and any knowledge of templates.
//!
//! ```
//! use helm::value::{Map, Value};
//!
//! let inner = Map::new();
//! let outer = Map::new();
//! outer.insert("inner", inner.clone());
//! // A clone of a map is the same map.
//! inner.insert("port", Value::Int(6379));
//! let outer = Value::Map(outer);
//! assert_eq!(outer.path(["inner", "port"]), Some(Value::Int(6379)));
//! assert_eq!(outer.type_name(), "map[string]interface {}");
//! assert_eq!(outer.to_json()?.to_string(), r#"{"inner":{"port":6379}}"#);
//! # Ok::<(), helm::value::ConvertError>(())
//! ```

mod binary;
mod convert;
mod list;
mod map;
mod object;

pub(crate) use binary::{byte_of, bytes_of_text, printable, text_of_bytes};
pub use convert::ConvertError;
pub use list::{Elements, List};
pub use map::Map;
pub use object::{Object, Signature, Struct, Type};

use std::sync::Arc;

/// One value. Cloning is cheap; a cloned map is the same map.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Go's nil interface: an absent key, YAML's null.
    #[default]
    Nil,
    Bool(bool),
    /// Go's `int`: literals in templates, `len`, `int`, indexes.
    Int(i64),
    /// Go's `int64`: `--set n=1`, `add`, `int64`.
    Int64(i64),
    /// Go's `float64`: every number that came from YAML or JSON.
    Float(f64),
    String(Arc<str>),
    /// Go's `[]byte`.
    Bytes(Arc<[u8]>),
    List(List),
    Map(Map),
    /// A value with fields or methods of its own: `.Files`, `.Capabilities`, a semantic version.
    Object(Arc<dyn Object>),
}

impl Value {
    /// Makes a string value.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// Makes a `[]string`.
    pub fn strings<I, S>(items: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<Arc<str>>,
    {
        let items = items.into_iter().map(|item| Self::String(item.into())).collect();
        Self::List(List::of(Elements::String, items))
    }

    /// Makes a `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(items))
    }

    /// Wraps an object.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Follows keys through nested maps; `None` where a key is absent or a step is no map.
    pub fn path<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<Self> {
        let mut current = self.clone();
        for key in keys {
            current = current.as_map()?.get(key)?;
        }
        Some(current)
    }

    /// Copies the whole tree, so that changes to the copy do not reach the original.
    /// Objects stay shared: they are immutable.
    pub fn deep_clone(&self) -> Self {
        match self {
            Self::List(list) => {
                let items = list.iter().map(Self::deep_clone).collect();
                Self::List(List::of(list.elements(), items))
            }
            Self::Map(map) => Self::Map(map.deep_clone()),
            other => other.clone(),
        }
    }

    fn is_container(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// The name of the value's Go type, as `%T` and error messages print it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Float(_) => "float64",
            Self::String(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.elements().list_type_name(),
            Self::Map(map) => map.type_name(),
            Self::Object(object) => object.type_name(),
        }
    }

    /// The name of the value's Go kind (`kindOf`).
    pub fn kind_name(&self) -> &str {
        match self {
            Self::Nil => "invalid",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind_name(),
            scalar => scalar.type_name(),
        }
    }

    /// What the value is, in words for a message.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Nil => "nothing",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Int64(_) | Self::Float(_) => "a number",
            Self::String(_) | Self::Bytes(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Object(_) => "a map",
        }
    }

    /// Go's notion of an empty value: false, 0, "", nil, and what has no elements.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(number) | Self::Int64(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.is_truthy(),
        }
    }
}

/// Deep equality of values of the same type, as Go's `reflect.DeepEqual`. Objects are equal when
/// they are the same one, or print the same under the same type.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) | (Self::Int64(a), Self::Int64(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => {
                Arc::ptr_eq(a, b) || (a.type_name() == b.type_name() && a.display() == b.display())
            }
            _ => false,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}
