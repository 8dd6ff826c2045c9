//! From a serde model to a value.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::ser::{
    self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
};
use serde::{Serialize, Serializer};

use super::conform::conform;
use super::deserialize::VALUE;
use super::number::NUMBER;
use super::types::Type;
use super::{Number, Value, ValueError, msgpack};
use crate::attr::UNKNOWN;
use crate::path::Step;

/// The model as a value of the type.
///
/// # Errors
/// When the model does not fit the type; the error says where.
pub fn to_value<M: Serialize + ?Sized>(model: &M, shape: &Type) -> Result<Value, ValueError> {
    conform(model.serialize(ToValue)?, shape)
}

impl ser::Error for ValueError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl Serialize for Value {
    /// The whole value, type and refinements included, travels as bytes in a newtype of ours.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = msgpack::to_dynamic_bytes(self).map_err(ser::Error::custom)?;
        serializer.serialize_newtype_struct(VALUE, &Bytes(bytes))
    }
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

struct ToValue;

macro_rules! integers {
    ($($method:ident: $integer:ty => $wide:ty,)*) => {
        $(fn $method(self, integer: $integer) -> Result<Value, ValueError> {
            Ok(Value::Number(<$wide>::from(integer).into()))
        })*
    };
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Impossible<Value, ValueError>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Impossible<Value, ValueError>;

    integers! {
        serialize_i8: i8 => i64, serialize_i16: i16 => i64, serialize_i32: i32 => i64, serialize_i64: i64 => i64,
        serialize_u8: u8 => u64, serialize_u16: u16 => u64, serialize_u32: u32 => u64, serialize_u64: u64 => u64,
    }

    fn serialize_bool(self, value: bool) -> Result<Value, ValueError> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, float: f32) -> Result<Value, ValueError> {
        let number = float.is_finite().then(|| float.to_string().parse().ok()).flatten();
        number.map(Value::Number).ok_or_else(|| ValueError::new("is an infinite number"))
    }

    fn serialize_f64(self, float: f64) -> Result<Value, ValueError> {
        let number = Number::from_f64_shortest(float);
        number.map(Value::Number).ok_or_else(|| ValueError::new("is an infinite number"))
    }

    fn serialize_char(self, value: char) -> Result<Value, ValueError> {
        Ok(Value::String(value.to_string()))
    }

    fn serialize_str(self, text: &str) -> Result<Value, ValueError> {
        Ok(Value::String(text.to_owned()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, ValueError> {
        msgpack::from_msgpack(bytes, &Type::Dynamic)
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Value, ValueError> {
        Ok(if name == UNKNOWN { Value::unknown() } else { Value::Null })
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, ValueError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        let value = value.serialize(self)?;
        match value {
            Value::String(digits) if name == NUMBER => {
                Ok(Value::Number(digits.parse().map_err(ser::Error::custom)?))
            }
            value => Ok(value),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<Value, ValueError> {
        Err(ValueError::new(format!("{name}::{variant} holds data and has no Terraform value")))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements, ValueError> {
        Ok(Elements(Vec::with_capacity(length.unwrap_or_default())))
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Elements, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, ValueError> {
        Err(ValueError::new(format!("{name}::{variant} holds data and has no Terraform value")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, ValueError> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, ValueError> {
        Ok(Entries::default())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, ValueError> {
        Err(ValueError::new(format!("{name}::{variant} holds data and has no Terraform value")))
    }
}

struct Elements(Vec<Value>);

impl Elements {
    fn push<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), ValueError> {
        let index = self.0.len();
        self.0.push(element.serialize(ToValue).map_err(|error| error.inside(Step::from(index)))?);
        Ok(())
    }
}

macro_rules! elements {
    ($($interface:ident $method:ident,)*) => {
        $(impl $interface for Elements {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), ValueError> {
                self.push(element)
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(Value::List(self.0))
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
}

#[derive(Default)]
struct Entries {
    entries: BTreeMap<String, Value>,
    key: String,
}

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        match key.serialize(ToValue)? {
            Value::String(key) => self.key = key,
            other => return Err(ValueError::new(format!("has {} as a key, not a string", other.kind()))),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = std::mem::take(&mut self.key);
        let value = value.serialize(ToValue).map_err(|e| e.inside(Step::ElementKey(key.clone())))?;
        self.entries.insert(key, value);
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(Value::Map(self.entries))
    }
}

impl SerializeStruct for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        let value = value.serialize(ToValue).map_err(|e| e.inside(Step::Attribute(name.to_owned())))?;
        self.entries.insert(name.to_owned(), value);
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(Value::Map(self.entries))
    }
}
