//! A schema as a message.

use super::pb::tfplugin6 as pb;
use crate::identity::IdentitySchema;
use crate::schema::{Attribute, AttributeType, Attributes, Nested, Nesting, Schema};

pub(super) fn schema(schema: &Schema) -> pb::Schema {
    let block = pb::schema::Block {
        version: 0,
        attributes: attributes(&schema.attributes),
        block_types: Vec::new(),
        description: schema.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecated: false,
    };
    let version = i64::try_from(schema.version).expect("schema versions grow by one");
    pb::Schema { version, block: Some(block) }
}

pub(super) fn identity_schema(schema: &IdentitySchema) -> pb::ResourceIdentitySchema {
    let attributes =
        schema.attributes.iter().map(|(name, one)| pb::resource_identity_schema::IdentityAttribute {
            name: name.clone(),
            r#type: one.shape.to_json().to_string().into_bytes(),
            required_for_import: one.required_for_import,
            optional_for_import: !one.required_for_import,
            description: one.description.clone(),
        });
    pb::ResourceIdentitySchema {
        version: i64::try_from(schema.version).expect("identity versions grow by one"),
        identity_attributes: attributes.collect(),
    }
}

fn attributes(attributes: &Attributes) -> Vec<pb::schema::Attribute> {
    attributes.iter().map(|(name, one)| attribute(name, one)).collect()
}

fn attribute(name: &str, one: &Attribute) -> pb::schema::Attribute {
    let (plain, nested_type) = match &one.shape {
        AttributeType::Plain(plain) => (plain.to_json().to_string().into_bytes(), None),
        AttributeType::Nested(nested) => (Vec::new(), Some(object(nested))),
    };
    // The protocol has a flag and no text for a deprecation.
    let description = match &one.deprecated {
        Some(reason) => format!("{} **Deprecated**: {reason}", one.description),
        None => one.description.clone(),
    };
    pb::schema::Attribute {
        name: name.to_owned(),
        r#type: plain,
        description,
        required: one.required,
        optional: one.optional,
        computed: one.computed,
        sensitive: one.sensitive,
        description_kind: pb::StringKind::Markdown.into(),
        deprecated: one.deprecated.is_some(),
        nested_type,
        write_only: one.write_only,
    }
}

fn object(nested: &Nested) -> pb::schema::Object {
    use pb::schema::object::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::schema::Object { attributes: attributes(&nested.attributes), nesting: nesting.into() }
}
