//! A schema as a message.

use super::pb::tfplugin6 as pb;
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
