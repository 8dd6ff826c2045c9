//! The types that a value may have.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// A type of Terraform's. An attribute of an object that is left out is null, never missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Any type, known only with the value.
    Dynamic,
    Bool,
    Number,
    String,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Object(BTreeMap<String, Type>),
    Tuple(Vec<Type>),
}

/// A type constraint that is none of Terraform's.
#[derive(Debug, thiserror::Error)]
pub enum ParseTypeError {
    #[error("a type constraint is no JSON")]
    Json(#[from] serde_json::Error),
    #[error("{0} is no type constraint")]
    Unknown(Json),
}

impl Type {
    #[must_use]
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    #[must_use]
    pub fn set(element: Self) -> Self {
        Self::Set(Box::new(element))
    }

    #[must_use]
    pub fn map(element: Self) -> Self {
        Self::Map(Box::new(element))
    }

    #[must_use]
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, shape)| (name.into(), shape)).collect())
    }

    /// The form in which schemas and dynamic values carry a type: `["list","string"]`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Dynamic => json!("dynamic"),
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Tuple(elements) => json!(["tuple", elements.iter().map(Self::to_json).collect::<Vec<_>>()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> =
                    attributes.iter().map(|(name, shape)| (name.clone(), shape.to_json())).collect();
                json!(["object", attributes])
            }
        }
    }

    /// # Errors
    /// When the bytes are no type constraint.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseTypeError> {
        Self::from_json(&serde_json::from_slice(bytes)?)
    }

    /// # Errors
    /// When the JSON is no type constraint. The list of an object's optional attributes is
    /// accepted and dropped: it matters to conversion only.
    pub fn from_json(json: &Json) -> Result<Self, ParseTypeError> {
        let unknown = || ParseTypeError::Unknown(json.clone());
        if let Some(name) = json.as_str() {
            return match name {
                "dynamic" => Ok(Self::Dynamic),
                "bool" => Ok(Self::Bool),
                "number" => Ok(Self::Number),
                "string" => Ok(Self::String),
                _ => Err(unknown()),
            };
        }
        let parts = json.as_array().ok_or_else(unknown)?;
        let kind = parts.first().and_then(Json::as_str).ok_or_else(unknown)?;
        let argument = parts.get(1).ok_or_else(unknown)?;
        match kind {
            "list" => Ok(Self::list(Self::from_json(argument)?)),
            "set" => Ok(Self::set(Self::from_json(argument)?)),
            "map" => Ok(Self::map(Self::from_json(argument)?)),
            "tuple" => {
                let elements = argument.as_array().ok_or_else(unknown)?;
                Ok(Self::Tuple(elements.iter().map(Self::from_json).collect::<Result<_, _>>()?))
            }
            "object" => {
                let attributes = argument.as_object().ok_or_else(unknown)?;
                let pairs =
                    attributes.iter().map(|(name, shape)| Ok((name.clone(), Self::from_json(shape)?)));
                Ok(Self::Object(pairs.collect::<Result<_, ParseTypeError>>()?))
            }
            _ => Err(unknown()),
        }
    }

    /// Whether a value of the type may hold one whose type is known only with the value.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
        }
    }

    /// What the type is, for an error message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dynamic => "any value",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Tuple(_) => "a tuple",
        }
    }
}
