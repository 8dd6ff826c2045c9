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

/// Lists and maps may nest as deep as a template made them: their parts are dropped one after the
/// other, not one inside the other, so that no depth exhausts the stack.
impl Drop for List {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.take_nested(&mut pending);
        drop_all(pending);
    }
}

impl List {
    /// Moves the elements that hold others out, if no one else has the list.
    fn take_nested(&mut self, into: &mut Vec<Value>) {
        if let Some(items) = Arc::get_mut(&mut self.items) {
            let nested = items.iter_mut().filter(|item| item.is_container());
            into.extend(nested.map(std::mem::take));
        }
    }
}

/// Drops values without recursion.
pub(super) fn drop_all(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(mut list) => list.take_nested(&mut pending),
            Value::Map(mut map) => map.take_nested(&mut pending),
            _ => {}
        }
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
