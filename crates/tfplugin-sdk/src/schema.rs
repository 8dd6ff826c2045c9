//! A schema is data: what a provider block or a resource may hold, and what may be said of it.

mod replaced;

use std::collections::BTreeMap;

use crate::value::{Type, Value};

/// Attributes by name.
pub type Attributes = BTreeMap<String, Attribute>;

/// The schema of a provider block or of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Grows by one with each change that older state does not fit.
    pub version: u64,
    pub description: String,
    pub attributes: Attributes,
}

impl Schema {
    #[must_use]
    pub fn new<N: Into<String>>(
        description: impl Into<String>,
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        Self { version: 0, description: description.into(), attributes: named(attributes) }
    }

    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// The object type of a value of this schema.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        object_type(&self.attributes)
    }
}

fn named<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Attributes {
    attributes.into_iter().map(|(name, attribute)| (name.into(), attribute)).collect()
}

pub(crate) fn object_type(attributes: &Attributes) -> Type {
    Type::Object(
        attributes.iter().map(|(name, attribute)| (name.clone(), attribute.implied_type())).collect(),
    )
}

/// One attribute, at any depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub shape: AttributeType,
    /// Markdown, for the registry's pages and for editors.
    pub description: String,
    pub required: bool,
    pub optional: bool,
    pub computed: bool,
    /// Hidden in Terraform's output.
    pub sensitive: bool,
    /// Sent to the provider and never kept in a plan or a state.
    pub write_only: bool,
    /// Why it should no longer be used.
    pub deprecated: Option<String>,
    /// A change replaces the resource. For documents and for [`Schema::replaced`].
    pub replaces: bool,
    /// The default, as the documents tell it.
    pub default: Option<String>,
}

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeType {
    Plain(Type),
    Nested(Nested),
}

/// Attributes within an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested {
    pub nesting: Nesting,
    pub attributes: Attributes,
}

/// How often nested attributes occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    Single,
    List,
    Set,
    Map,
}

impl Attribute {
    #[must_use]
    pub fn of(shape: Type, description: impl Into<String>) -> Self {
        Self::shaped(AttributeType::Plain(shape), description)
    }

    #[must_use]
    pub fn bool(description: impl Into<String>) -> Self {
        Self::of(Type::Bool, description)
    }

    #[must_use]
    pub fn number(description: impl Into<String>) -> Self {
        Self::of(Type::Number, description)
    }

    #[must_use]
    pub fn string(description: impl Into<String>) -> Self {
        Self::of(Type::String, description)
    }

    /// Any type, known only with the value.
    #[must_use]
    pub fn dynamic(description: impl Into<String>) -> Self {
        Self::of(Type::Dynamic, description)
    }

    #[must_use]
    pub fn list(element: Type, description: impl Into<String>) -> Self {
        Self::of(Type::List(Box::new(element)), description)
    }

    #[must_use]
    pub fn set(element: Type, description: impl Into<String>) -> Self {
        Self::of(Type::Set(Box::new(element)), description)
    }

    #[must_use]
    pub fn map(element: Type, description: impl Into<String>) -> Self {
        Self::of(Type::Map(Box::new(element)), description)
    }

    /// One object with attributes of its own.
    #[must_use]
    pub fn single<N: Into<String>>(
        description: impl Into<String>,
        attributes: impl IntoIterator<Item = (N, Self)>,
    ) -> Self {
        Self::nested(Nesting::Single, description, attributes)
    }

    #[must_use]
    pub fn nested_list<N: Into<String>>(
        description: impl Into<String>,
        attributes: impl IntoIterator<Item = (N, Self)>,
    ) -> Self {
        Self::nested(Nesting::List, description, attributes)
    }

    #[must_use]
    pub fn nested_set<N: Into<String>>(
        description: impl Into<String>,
        attributes: impl IntoIterator<Item = (N, Self)>,
    ) -> Self {
        Self::nested(Nesting::Set, description, attributes)
    }

    #[must_use]
    pub fn nested_map<N: Into<String>>(
        description: impl Into<String>,
        attributes: impl IntoIterator<Item = (N, Self)>,
    ) -> Self {
        Self::nested(Nesting::Map, description, attributes)
    }

    fn nested<N: Into<String>>(
        nesting: Nesting,
        description: impl Into<String>,
        attributes: impl IntoIterator<Item = (N, Self)>,
    ) -> Self {
        let nested = Nested { nesting, attributes: named(attributes) };
        Self::shaped(AttributeType::Nested(nested), description)
    }

    fn shaped(shape: AttributeType, description: impl Into<String>) -> Self {
        Self {
            shape,
            description: description.into(),
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            deprecated: None,
            replaces: false,
            default: None,
        }
    }

    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    #[must_use]
    pub fn deprecated(mut self, reason: impl Into<String>) -> Self {
        self.deprecated = Some(reason.into());
        self
    }

    /// Marks that a change replaces the resource.
    #[must_use]
    pub fn replaces(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Tells the documents what holds when it is left out.
    #[must_use]
    pub fn default(mut self, text: impl Into<String>) -> Self {
        self.default = Some(text.into());
        self
    }

    /// The type of a value of this attribute.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        match &self.shape {
            AttributeType::Plain(plain) => plain.clone(),
            AttributeType::Nested(nested) => nested.implied_type(),
        }
    }
}

impl Nested {
    /// The type of a value with these attributes, this often.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        let object = Box::new(object_type(&self.attributes));
        match self.nesting {
            Nesting::Single => *object,
            Nesting::List => Type::List(object),
            Nesting::Set => Type::Set(object),
            Nesting::Map => Type::Map(object),
        }
    }
}

/// Takes write-only values out of a value of these attributes, at every depth.
pub(crate) fn null_write_only(attributes: &Attributes, value: &mut Value) {
    let Value::Map(entries) = value else { return };
    for (name, attribute) in attributes {
        let Some(entry) = entries.get_mut(name) else { continue };
        if attribute.write_only {
            *entry = Value::Null;
        } else if let AttributeType::Nested(nested) = &attribute.shape {
            match (nested.nesting, entry) {
                (Nesting::Single, entry) => null_write_only(&nested.attributes, entry),
                (_, Value::List(elements)) => {
                    elements.iter_mut().for_each(|element| null_write_only(&nested.attributes, element));
                }
                (_, Value::Map(elements)) => {
                    elements.values_mut().for_each(|element| null_write_only(&nested.attributes, element));
                }
                _ => {}
            }
        }
    }
}
