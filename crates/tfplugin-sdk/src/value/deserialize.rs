//! From a value to a serde model.

use std::collections::btree_map;
use std::fmt::{self, Display};

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::number::NUMBER;
use super::types::Type;
use super::{Value, ValueError, msgpack};
use crate::attr::ATTR;
use crate::path::Step;

/// The newtype name under which a whole value travels as bytes.
pub(super) const VALUE: &str = "$tfplugin_sdk::Value";

/// The value as a model.
///
/// # Errors
/// When the value does not fit the model, or the model has no field for an attribute; the error
/// says where.
pub fn from_value<M: DeserializeOwned>(value: &Value) -> Result<M, ValueError> {
    M::deserialize(FromValue(value))
}

impl de::Error for ValueError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a Terraform value")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        msgpack::from_msgpack(bytes, &Type::Dynamic).map_err(E::custom)
    }

    /// A deserializer that is not ours has kept the bytes as it keeps any.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(byte) = bytes.next_element()? {
            all.push(byte);
        }
        self.visit_bytes(&all)
    }
}

#[derive(Clone, Copy)]
struct FromValue<'a>(&'a Value);

impl FromValue<'_> {
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let Value::Number(number) = self.0 else { return Err(self.misfit("a number")) };
        if let Some(integer) = number.to_u64() {
            visitor.visit_u64(integer)
        } else if let Some(integer) = number.to_i64() {
            visitor.visit_i64(integer)
        } else {
            Err(ValueError::new(format!("is {number}, not a whole number of at most 64 bits")))
        }
    }

    fn misfit(self, wanted: &str) -> ValueError {
        match self.0 {
            Value::Unknown(_) => ValueError::bug(format!("is not known yet, and the model wants {wanted}")),
            value => ValueError::new(format!("is {}, and the model wants {wanted}", value.kind())),
        }
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.integer(visitor)
        })*
    };
}

macro_rules! floats {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self.0 {
                Value::Number(number) => visitor.visit_f64(number.to_f64()),
                _ => Err(self.misfit("a number")),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for FromValue<'de> {
    type Error = ValueError;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    floats! { deserialize_f32 deserialize_f64 }

    forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            Value::Unknown(_) => Err(self.misfit("a value")),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Number(number) => match (number.to_i64(), number.to_f64_exact()) {
                (Some(integer), _) => visitor.visit_i64(integer),
                (None, Some(float)) => visitor.visit_f64(float),
                (None, None) => visitor.visit_string(number.to_string()),
            },
            Value::List(elements) => visitor.visit_seq(Elements { elements: elements.iter(), index: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries::new(entries, Step::ElementKey)),
            Value::Dynamic(_, value) => FromValue(value).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            Value::Unknown(_) => Err(self.misfit("a value or null")),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match (name, self.0) {
            (ATTR, Value::Null) => visitor.visit_none(),
            (ATTR, Value::Unknown(_)) => visitor.visit_unit(),
            (ATTR, _) => visitor.visit_some(self),
            (VALUE, value) => visitor.visit_bytes(&msgpack::to_dynamic_bytes(value)?),
            (NUMBER, Value::Number(number)) => visitor.visit_string(number.to_string()),
            (NUMBER, _) => Err(self.misfit("a number")),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let entries = match self.0 {
            Value::Map(entries) => entries,
            Value::Dynamic(_, value) => return FromValue(value).deserialize_struct(name, fields, visitor),
            _ => return Err(self.misfit("an object")),
        };
        if let Some(attribute) = entries.keys().find(|attribute| !fields.contains(&attribute.as_str())) {
            return Err(ValueError::bug(format!(
                "the model {name} has no field for the attribute {attribute:?}"
            )));
        }
        visitor.visit_map(Entries::new(entries, Step::Attribute))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::String(text) => {
                let variant: StrDeserializer<'_, ValueError> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            _ => Err(self.misfit("a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }
}

struct Elements<'a> {
    elements: std::slice::Iter<'a, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(element) = self.elements.next() else { return Ok(None) };
        let step = Step::from(self.index);
        self.index += 1;
        seed.deserialize(FromValue(element)).map(Some).map_err(|error| error.inside(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

struct Entries<'a> {
    entries: btree_map::Iter<'a, String, Value>,
    current: Option<(&'a String, &'a Value)>,
    step: fn(String) -> Step,
}

impl<'a> Entries<'a> {
    fn new(entries: &'a std::collections::BTreeMap<String, Value>, step: fn(String) -> Step) -> Self {
        Self { entries: entries.iter(), current: None, step }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ValueError> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        let key: StringDeserializer<ValueError> = key.clone().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ValueError> {
        let (key, value) = self.current.expect("serde asks for a key before its value");
        seed.deserialize(FromValue(value)).map_err(|error| error.inside((self.step)(key.clone())))
    }
}
