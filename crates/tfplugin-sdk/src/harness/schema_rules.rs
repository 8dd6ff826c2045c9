//! Rules 1 and 2: what a schema may say.

use super::Violation;
use crate::identity::IdentitySchema;
use crate::path::AttributePath;
use crate::schema::{Attribute, AttributeType, Attributes, Nesting, Schema};
use crate::value::Type;

/// Names that Terraform keeps for itself in every resource block.
const RESERVED: [&str; 7] =
    ["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

/// Names that Terraform keeps for itself in a provider block.
const RESERVED_BY_PROVIDERS: [&str; 7] =
    ["alias", "count", "depends_on", "for_each", "lifecycle", "source", "version"];

/// The schema of a resource.
pub(super) fn check(schema: &Schema) -> Vec<Violation> {
    check_names(schema, &RESERVED)
}

/// The schema of the provider block.
pub(super) fn check_provider(schema: &Schema) -> Vec<Violation> {
    check_names(schema, &RESERVED_BY_PROVIDERS)
}

fn check_names(schema: &Schema, reserved: &[&str]) -> Vec<Violation> {
    let mut found = Vec::new();
    for name in reserved.iter().filter(|name| schema.attributes.contains_key(**name)) {
        let path = AttributePath::root().attribute(*name);
        found.push(Violation::new(1, &path, "the name is reserved by Terraform"));
    }
    check_attributes(&schema.attributes, &AttributePath::root(), false, &mut found);
    found
}

/// Nothing of a data source or a list is written anywhere, so nothing of it is write-only.
pub(super) fn check_data_source(schema: &Schema) -> Vec<Violation> {
    let mut found = check(schema);
    for (name, _) in schema.attributes.iter().filter(|(_, one)| one.write_only) {
        let path = AttributePath::root().attribute(name);
        found.push(Violation::new(2, &path, "a data source has no write-only attributes"));
    }
    found
}

/// An identity is compared and shown as text: it holds primitives, and lists of them.
pub(super) fn check_identity(schema: &IdentitySchema) -> Vec<Violation> {
    let primitive = |shape: &Type| matches!(shape, Type::Bool | Type::Number | Type::String);
    let lawful = |shape: &Type| match shape {
        Type::List(element) => primitive(element),
        shape => primitive(shape),
    };
    let wrong = schema.attributes.iter().filter(|(_, one)| !lawful(&one.shape));
    let message = "an identity is of primitives and lists of them";
    wrong.map(|(name, _)| Violation::new(2, &AttributePath::root().attribute(name), message)).collect()
}

fn check_attributes(attributes: &Attributes, at: &AttributePath, in_set: bool, found: &mut Vec<Violation>) {
    for (name, attribute) in attributes {
        let path = at.clone().attribute(name);
        let lawful = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(lawful) {
            found.push(Violation::new(1, &path, "a name is of a-z, 0-9 and _ only"));
        }
        check_flags(attribute, &path, found);
        if in_set && attribute.write_only {
            found.push(Violation::new(2, &path, "a set holds a write-only attribute"));
        }
        match &attribute.shape {
            AttributeType::Plain(plain) => {
                if (in_set && plain.has_dynamic()) || set_of_dynamic(plain) {
                    found.push(Violation::new(2, &path, "a set holds a dynamic type"));
                }
            }
            AttributeType::Nested(nested) => {
                let in_set = in_set || nested.nesting == Nesting::Set;
                check_attributes(&nested.attributes, &path, in_set, found);
            }
        }
    }
}

fn check_flags(attribute: &Attribute, path: &AttributePath, found: &mut Vec<Violation>) {
    let Attribute { required, optional, computed, write_only, .. } = *attribute;
    let wrong = match (required, optional, computed) {
        (false, false, false) => Some("is none of required, optional and computed"),
        (true, true, _) => Some("is both required and optional"),
        (true, _, true) => Some("is both required and computed"),
        _ if write_only && computed => Some("is both write-only and computed"),
        _ => None,
    };
    found.extend(wrong.map(|wrong| Violation::new(1, path, wrong)));
}

fn set_of_dynamic(plain: &Type) -> bool {
    match plain {
        Type::Dynamic | Type::Bool | Type::Number | Type::String => false,
        Type::Set(element) => element.has_dynamic(),
        Type::List(element) | Type::Map(element) => set_of_dynamic(element),
        Type::Object(attributes) => attributes.values().any(set_of_dynamic),
        Type::Tuple(elements) => elements.iter().any(set_of_dynamic),
    }
}
