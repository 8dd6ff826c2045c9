//! What tells one instance of a resource type from all others, whatever its state: the names under
//! which the world knows it. Terraform 1.12 and later keep it beside the state and import by it.

use std::collections::BTreeMap;

use crate::value::Type;

/// The schema of an identity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentitySchema {
    /// Grows by one with each change of the attributes.
    pub version: u64,
    pub attributes: BTreeMap<String, IdentityAttribute>,
}

/// One attribute of an identity: a primitive, or a list of primitives.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityAttribute {
    pub shape: Type,
    pub description: String,
    /// Whether an import by identity must name it. One that it may leave out is null where it was.
    pub required_for_import: bool,
}

impl IdentityAttribute {
    /// A text that an import must name.
    #[must_use]
    pub fn required(description: impl Into<String>) -> Self {
        Self { shape: Type::String, description: description.into(), required_for_import: true }
    }

    /// A text that an import may leave out.
    #[must_use]
    pub fn optional(description: impl Into<String>) -> Self {
        Self { required_for_import: false, ..Self::required(description) }
    }
}

impl IdentitySchema {
    #[must_use]
    pub fn new<N: Into<String>>(attributes: impl IntoIterator<Item = (N, IdentityAttribute)>) -> Self {
        let attributes = attributes.into_iter().map(|(name, one)| (name.into(), one)).collect();
        Self { version: 0, attributes }
    }

    /// The object type of an identity.
    #[must_use]
    pub fn implied_type(&self) -> Type {
        Type::Object(self.attributes.iter().map(|(name, one)| (name.clone(), one.shape.clone())).collect())
    }
}
