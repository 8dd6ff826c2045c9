//! Lists: immutable, shared, with the Go type of their elements.

use std::ops::Deref;
use std::sync::Arc;

use super::Value;

/// What a Go slice declares its elements to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Elements {
    /// `[]interface {}`
    #[default]
    Any,
    /// `[]string`
    String,
    /// `[]int`
    Int,
    /// `[]map[string]interface {}`
    Map,
}

impl Elements {
    /// The Go name of a slice of these.
    pub fn list_type_name(self) -> &'static str {
        match self {
            Self::Any => "[]interface {}",
            Self::String => "[]string",
            Self::Int => "[]int",
            Self::Map => "[]map[string]interface {}",
        }
    }
}

/// An immutable list. Equality is of the elements.
#[derive(Clone, Debug, Default)]
pub struct List {
    elements: Elements,
    items: Arc<[Value]>,
}

impl List {
    /// Makes a `[]interface {}`.
    pub fn new(items: Vec<Value>) -> Self {
        Self::of(Elements::Any, items)
    }

    /// Makes a list whose Go type declares its elements.
    pub fn of(elements: Elements, items: Vec<Value>) -> Self {
        Self { elements, items: items.into() }
    }

    pub fn elements(&self) -> Elements {
        self.elements
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements && self.items == other.items
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        Self::new(items)
    }
}
