//! Values as Terraform has them: every type, known, null or unknown.
//!
//! Enters: msgpack or JSON bytes with the type they are of, or a serde model. Leaves: the same.
//! A [`Value`] is always of some [`Type`] that stands beside it; only a dynamic value carries its
//! own. Deliberately absent: marks, capsule types, infinite numbers.

mod conform;
mod deserialize;
mod json;
mod msgpack;
mod number;
mod refinement;
mod serialize;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;

pub use conform::conform;
pub use deserialize::from_value;
pub use json::{from_json, from_state_json, to_json};
pub use msgpack::{from_msgpack, to_msgpack};
pub use number::{Number, ParseNumberError};
pub use refinement::{Bound, Refinements};
pub use serialize::to_value;
pub use types::{ParseTypeError, Type};

use crate::path::{AttributePath, Step};

/// A value of a type that stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Null,
    /// Only apply will tell, within these bounds.
    Unknown(Refinements),
    Bool(bool),
    Number(Number),
    String(String),
    /// A list, a tuple, or a set (then in ascending order, each element once).
    List(Vec<Value>),
    /// A map or an object (then with every attribute of its type).
    Map(BTreeMap<String, Value>),
    /// A value of a dynamic attribute, with the type it turned out to have.
    Dynamic(Type, Box<Value>),
}

impl Value {
    /// A value that only apply will tell.
    #[must_use]
    pub fn unknown() -> Self {
        Self::Unknown(Refinements::default())
    }

    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// An attribute of an object or an element of a map. None for null and unknown objects too.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(name),
            Self::Dynamic(_, value) => value.get(name),
            _ => None,
        }
    }

    /// Where unknown values stand.
    #[must_use]
    pub fn unknown_paths(&self) -> Vec<AttributePath> {
        let mut found = Vec::new();
        self.collect_unknown(&AttributePath::root(), &mut found);
        found
    }

    fn collect_unknown(&self, path: &AttributePath, found: &mut Vec<AttributePath>) {
        match self {
            Self::Unknown(_) => found.push(path.clone()),
            Self::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    element.collect_unknown(&path.clone().index(index), found);
                }
            }
            Self::Map(entries) => {
                for (name, entry) in entries {
                    entry.collect_unknown(&path.clone().attribute(name), found);
                }
            }
            Self::Dynamic(_, value) => value.collect_unknown(path, found),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => {}
        }
    }

    /// The same value with every unknown turned to null: what a state may hold.
    #[must_use]
    pub fn unknown_as_null(self) -> Self {
        self.map_unknown(&|_| Self::Null)
    }

    /// The same value with nothing known of its unknowns but their type.
    #[must_use]
    pub fn unrefined(self) -> Self {
        self.map_unknown(&|_| Self::unknown())
    }

    fn map_unknown(self, change: &dyn Fn(Refinements) -> Self) -> Self {
        match self {
            Self::Unknown(refinements) => change(refinements),
            Self::List(elements) => {
                Self::List(elements.into_iter().map(|element| element.map_unknown(change)).collect())
            }
            Self::Map(entries) => Self::Map(
                entries.into_iter().map(|(name, entry)| (name, entry.map_unknown(change))).collect(),
            ),
            Self::Dynamic(shape, value) => Self::Dynamic(shape, Box::new(value.map_unknown(change))),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => self,
        }
    }

    /// What a value is, for an error message that must not show the value itself.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "unknown",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "an object or map",
            Self::Dynamic(_, value) => value.kind(),
        }
    }
}

/// A value that is not of the type it should be, or bytes that are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(path))]
pub struct ValueError {
    path: AttributePath,
    message: String,
    bug: bool,
}

fn place(path: &AttributePath) -> String {
    if path.is_root() { String::new() } else { format!("{path}: ") }
}

impl ValueError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { path: AttributePath::root(), message: message.into(), bug: false }
    }

    /// A misfit that no configuration can be to blame for.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self { bug: true, ..Self::new(message) }
    }

    /// Whether the provider's model is at fault, whatever the value.
    #[must_use]
    pub fn is_bug(&self) -> bool {
        self.bug
    }

    /// The same error, seen from one step further out.
    pub(crate) fn inside(mut self, step: Step) -> Self {
        self.path.0.insert(0, step);
        self
    }

    /// Where the value stands.
    #[must_use]
    pub fn path(&self) -> &AttributePath {
        &self.path
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}
