//! Objects: values with named fields and methods.

use std::any::Any;
use std::fmt::Debug;

use super::{ConvertError, Value};

/// The Go type that a function or method declares for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: anything, nil too.
    Any,
    Bool,
    Int,
    Int64,
    Float,
    String,
    /// `[]interface {}`
    List,
    /// `[]string`
    Strings,
    /// `map[string]interface {}`
    Map,
    /// An object of this Go type.
    Object(&'static str),
}

impl Type {
    /// The Go name, as error messages print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Float => "float64",
            Self::String => "string",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Map => "map[string]interface {}",
            Self::Object(name) => name,
        }
    }
}

/// What a function or method takes: fixed parameters, then any number of `rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub fixed: &'static [Type],
    pub rest: Option<Type>,
}

/// A value with fields and methods, such as `.Files`. Objects are immutable.
///
/// ```
/// use helm::value::{Object, Value};
///
/// #[derive(Debug)]
/// struct Port(u16);
///
/// impl Object for Port {
///     fn type_name(&self) -> &str {
///         "example.Port"
///     }
///     fn field(&self, name: &str) -> Option<Value> {
///         (name == "Number").then(|| Value::Int(self.0.into()))
///     }
///     fn display(&self) -> String {
///         format!(":{}", self.0)
///     }
/// }
///
/// let port = Value::object(Port(6379));
/// assert_eq!(port.kind_name(), "struct");
/// ```
pub trait Object: Any + Debug + Send + Sync {
    /// The Go type, for `%T` and for "can't evaluate field X in type T".
    fn type_name(&self) -> &str;

    /// The Go kind, for `kindOf`.
    fn kind_name(&self) -> &str {
        "struct"
    }

    /// A field by its name.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// The signature of a method, or `None` when there is no such method.
    fn method(&self, _name: &str) -> Option<Signature> {
        None
    }

    /// Calls a method with arguments that were checked against its signature.
    ///
    /// # Errors
    /// What the method reports; it becomes `error calling NAME: …`.
    fn call(&self, name: &str, _arguments: &[Value]) -> Result<Value, String> {
        Err(format!("{} has no method {name}", self.type_name()))
    }

    /// The entries, for an object that is a map or a list underneath: `range`, `index` and `len` use it.
    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        None
    }

    /// Go's truth: a struct is always true, a map or list when it has entries.
    fn is_truthy(&self) -> bool {
        self.entries().is_none_or(|entries| !entries.is_empty())
    }

    /// What `{{ . }}` prints.
    fn display(&self) -> String;

    /// The value as plain data, for `toYaml` and `toJson`.
    ///
    /// # Errors
    /// When the object has no such form.
    fn to_plain(&self) -> Result<Value, ConvertError> {
        Err(ConvertError::NoPlainForm { type_name: self.type_name().to_owned() })
    }
}

/// A Go struct without methods: a fixed set of named fields.
#[derive(Debug, Clone)]
pub struct Struct {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
}

impl Struct {
    pub fn new(type_name: &'static str, fields: Vec<(&'static str, Value)>) -> Self {
        Self { type_name, fields }
    }
}

impl Object for Struct {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    }

    fn display(&self) -> String {
        let values: Vec<String> =
            self.fields.iter().map(|(_, value)| crate::template::format::plain(value)).collect();
        format!("{{{}}}", values.join(" "))
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        let entries = self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Ok(Value::Map(entries.collect()))
    }
}
