//! What fields each kind has and how they merge: read once from `fields.txt`.
//!
//! One table serves strict decoding, protobuf, server-side apply, strategic merge patches, managed fields and OpenAPI,
//! so that they cannot disagree.

pub mod decode;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::Kind;

/// The type of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Text,
    Integer,
    Number,
    Boolean,
    /// Base64 text.
    Bytes,
    /// Text or integer.
    IntOrText,
    /// Text or number, such as `10Gi`.
    Quantity,
    /// RFC 3339 text or null.
    Time,
    /// Whatever is there, replaced as a whole.
    Any,
    /// Whatever is there; maps merge key by key, anything else is replaced as a whole.
    Free,
    Struct(String),
    /// A struct that merges field by field here although its type says otherwise.
    Granular(String),
    List(Box<Type>, ListMerge),
    /// Keys are free.
    Map(Box<Type>, bool),
}

/// How a list merges.
#[derive(Clone, Debug, PartialEq)]
pub enum ListMerge {
    Atomic,
    Set,
    /// Items are told apart by these fields.
    Keyed(Vec<String>),
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub field_type: Type,
    pub is_required: bool,
    /// Whether zero or false says something; elsewhere it stands for a field that is not set.
    pub may_be_zero: bool,
    /// The field's number in protobuf, from the object inwards through the messages that JSON inlines.
    pub wire_path: Vec<u32>,
}

#[derive(Debug, Default)]
pub struct StructType {
    pub is_atomic: bool,
    /// Whether it may have fields that are not declared.
    pub is_open: bool,
    pub fields: BTreeMap<String, Field>,
}

/// All types by their name, such as `core.v1.Container`.
#[derive(Debug, Default)]
pub struct Schema {
    types: BTreeMap<String, StructType>,
}

static FIELDS: &str = include_str!("fields.txt");

/// The one schema.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| parse_schema(FIELDS))
}

impl Schema {
    pub fn get(&self, name: &str) -> Option<&StructType> {
        self.types.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// The type of a whole object of a kind.
    pub fn root(&self, kind: &Kind) -> Type {
        Type::Struct(type_name(kind))
    }

    /// The type below a field of a value of a type; None where the field is unknown.
    pub fn descend(&self, parent: &Type, field: &str) -> Option<Type> {
        match parent {
            Type::Struct(name) | Type::Granular(name) => {
                let declared = self.get(name)?;
                let found = declared.fields.get(field).map(|field| field.field_type.clone());
                found.or_else(|| declared.is_open.then_some(Type::Free))
            }
            Type::Free => Some(Type::Free),
            Type::Map(item, _) => Some(Type::clone(item)),
            _ => None,
        }
    }

    /// Whether a value of this type is owned and replaced as a whole.
    pub fn is_atomic(&self, field_type: &Type) -> bool {
        match field_type {
            Type::Struct(name) => self.get(name).is_none_or(|found| found.is_atomic),
            Type::Granular(_) | Type::Free => false,
            Type::List(_, merge) => *merge == ListMerge::Atomic,
            Type::Map(_, atomic) => *atomic,
            _ => true,
        }
    }
}

/// `rbac.authorization.k8s.io` is the package `rbac`, as in Kubernetes' own type names.
pub fn type_name(kind: &Kind) -> String {
    if kind.is_custom {
        return "custom.v1.Resource".to_owned();
    }
    let package = match kind.group {
        "" => "core",
        group => group.split('.').next().unwrap_or(group),
    };
    format!("{package}.{}.{}", kind.version, kind.kind)
}

fn parse_schema(text: &str) -> Schema {
    let mut schema = Schema::default();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(field) = line.strip_prefix("  ") {
            let field = parse_field(field);
            let owner = schema.types.get_mut(&current).expect("a field follows its type");
            owner.fields.insert(field.name.clone(), field);
        } else {
            let mut words = line.split(' ');
            words.next().expect("a line has a word").clone_into(&mut current);
            let word = words.next();
            let (is_atomic, is_open) = (word == Some("atomic"), word == Some("open"));
            schema.types.insert(current.clone(), StructType { is_atomic, is_open, fields: BTreeMap::new() });
        }
    }
    schema
}

fn parse_field(line: &str) -> Field {
    let mut words = line.split(' ');
    let name = words.next().expect("a field has a name").to_owned();
    let mut field_type = parse_type(words.next().expect("a field has a type"));
    let (mut is_required, mut may_be_zero, mut wire_path) = (false, false, Vec::new());
    for word in words {
        if let Some(numbers) = word.strip_prefix('@') {
            wire_path = numbers.split('.').map(|number| number.parse().expect("a number")).collect();
            continue;
        }
        match (word, &mut field_type) {
            ("!", _) => is_required = true,
            ("?", _) => may_be_zero = true,
            ("granular", Type::Struct(name)) => field_type = Type::Granular(std::mem::take(name)),
            ("set", Type::List(_, merge)) => *merge = ListMerge::Set,
            ("atomic", Type::Map(_, atomic)) => *atomic = true,
            (word, Type::List(_, merge)) => {
                let keys = word.strip_prefix("keys=").expect("a list is a set or has keys");
                *merge = ListMerge::Keyed(keys.split(',').map(str::to_owned).collect());
            }
            (word, _) => panic!("fields.txt: {name}: {word} means nothing here"),
        }
    }
    Field { name, field_type, is_required, may_be_zero, wire_path }
}

fn parse_type(text: &str) -> Type {
    if let Some(item) = text.strip_prefix('[') {
        return Type::List(Box::new(parse_type(item.trim_end_matches(']'))), ListMerge::Atomic);
    }
    if let Some(item) = text.strip_prefix('{') {
        return Type::Map(Box::new(parse_type(&item[..item.len() - 1])), false);
    }
    match text {
        "string" => Type::Text,
        "int" => Type::Integer,
        "number" => Type::Number,
        "bool" => Type::Boolean,
        "bytes" => Type::Bytes,
        "intstr" => Type::IntOrText,
        "quantity" => Type::Quantity,
        "time" => Type::Time,
        "any" => Type::Any,
        name => Type::Struct(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds;
    use super::*;

    #[test]
    fn every_kind_and_every_named_type_is_declared() {
        let schema = schema();
        for kind in kinds::ALL {
            assert!(schema.get(&type_name(kind)).is_some(), "{} is not in fields.txt", type_name(kind));
        }
        for name in schema.names() {
            for field in schema.get(name).into_iter().flat_map(|found| found.fields.values()) {
                let mut inner = &field.field_type;
                while let Type::List(item, _) | Type::Map(item, _) = inner {
                    inner = item;
                }
                if let Type::Struct(named) | Type::Granular(named) = inner {
                    assert!(schema.get(named).is_some(), "{name}.{} names {named}", field.name);
                }
            }
        }
    }
}
