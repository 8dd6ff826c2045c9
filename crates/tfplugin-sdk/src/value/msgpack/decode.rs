//! From msgpack bytes to a value.

use std::collections::BTreeMap;

use rmp::Marker;
use rmp::decode;

use super::super::conform::set;
use super::super::number::Number;
use super::super::refinement::{Bound, Refinements};
use super::super::types::Type;
use super::super::{Value, ValueError};
use super::{REFINED_UNKNOWN, refinement_key};
use crate::path::Step;

/// The value of the type that the bytes hold.
///
/// # Errors
/// When the bytes are no msgpack, hold a value of another type, or go on after it.
pub fn from_msgpack(bytes: &[u8], shape: &Type) -> Result<Value, ValueError> {
    let mut input = Input(bytes);
    let value = input.value(shape)?;
    if input.0.is_empty() { Ok(value) } else { Err(ValueError::new("has bytes after its end")) }
}

struct Input<'a>(&'a [u8]);

fn broken(error: impl std::fmt::Display) -> ValueError {
    ValueError::new(format!("is no valid msgpack: {error}"))
}

impl<'a> Input<'a> {
    fn marker(&self) -> Result<Marker, ValueError> {
        self.0.first().copied().map(Marker::from_u8).ok_or_else(|| broken("the bytes end early"))
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], ValueError> {
        let length = usize::try_from(length).map_err(broken)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| broken("the bytes end early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn value(&mut self, shape: &Type) -> Result<Value, ValueError> {
        match self.marker()? {
            Marker::Null => {
                self.0 = &self.0[1..];
                return Ok(Value::Null);
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => return self.unknown(),
            _ => {}
        }
        match shape {
            Type::Dynamic => self.dynamic(),
            Type::Bool => decode::read_bool(&mut self.0).map(Value::Bool).map_err(broken),
            Type::Number => self.number().map(Value::Number),
            Type::String => self.text().map(|text| Value::String(text.to_owned())),
            Type::List(element) => self.elements(element).map(Value::List),
            Type::Set(element) => self.elements(element).map(set),
            Type::Tuple(shapes) => self.tuple(shapes),
            Type::Map(element) => self.map(element),
            Type::Object(attributes) => self.object(attributes),
        }
    }

    fn unknown(&mut self) -> Result<Value, ValueError> {
        let meta = decode::read_ext_meta(&mut self.0).map_err(broken)?;
        let payload = self.take(meta.size)?;
        if meta.typeid != REFINED_UNKNOWN {
            return Ok(Value::unknown());
        }
        Input(payload).refinements().map(Value::Unknown)
    }

    /// Refinements of kinds not yet known would be skipped, but their length cannot be told
    /// without reading them, so what stands after one is dropped: all refinements are optional.
    fn refinements(&mut self) -> Result<Refinements, ValueError> {
        let mut found = Refinements::default();
        for _ in 0..decode::read_map_len(&mut self.0).map_err(broken)? {
            match decode::read_int::<u64, _>(&mut self.0).map_err(broken)? {
                refinement_key::NULL => found.null = Some(decode::read_bool(&mut self.0).map_err(broken)?),
                refinement_key::STRING_PREFIX => found.string_prefix = Some(self.text()?.to_owned()),
                refinement_key::NUMBER_MIN => found.number_min = Some(self.bound()?),
                refinement_key::NUMBER_MAX => found.number_max = Some(self.bound()?),
                refinement_key::LENGTH_MIN => {
                    found.length_min = Some(decode::read_int(&mut self.0).map_err(broken)?);
                }
                refinement_key::LENGTH_MAX => {
                    found.length_max = Some(decode::read_int(&mut self.0).map_err(broken)?);
                }
                _ => break,
            }
        }
        Ok(found)
    }

    fn bound(&mut self) -> Result<Bound, ValueError> {
        let length = decode::read_array_len(&mut self.0).map_err(broken)?;
        if length != 2 {
            return Err(broken(format!("a bound has two parts, not {length}")));
        }
        Ok(Bound { number: self.number()?, inclusive: decode::read_bool(&mut self.0).map_err(broken)? })
    }

    fn number(&mut self) -> Result<Number, ValueError> {
        match self.marker()? {
            Marker::F32 => {
                let float = decode::read_f32(&mut self.0).map_err(broken)?;
                Number::from_f64_exact(f64::from(float)).ok_or_else(infinite)
            }
            Marker::F64 => {
                let float = decode::read_f64(&mut self.0).map_err(broken)?;
                Number::from_f64_exact(float).ok_or_else(infinite)
            }
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                self.text()?.parse().map_err(broken)
            }
            Marker::U64 => decode::read_u64(&mut self.0).map(Number::from).map_err(broken),
            _ => decode::read_int::<i64, _>(&mut self.0).map(Number::from).map_err(broken),
        }
    }

    fn text(&mut self) -> Result<&'a str, ValueError> {
        let length = decode::read_str_len(&mut self.0).map_err(broken)?;
        std::str::from_utf8(self.take(length)?).map_err(broken)
    }

    fn array(&mut self) -> Result<u32, ValueError> {
        decode::read_array_len(&mut self.0).map_err(broken)
    }

    fn elements(&mut self, element: &Type) -> Result<Vec<Value>, ValueError> {
        let length = self.array()?;
        (0..length)
            .map(|index| self.value(element).map_err(|error| error.inside(Step::ElementIndex(index.into()))))
            .collect()
    }

    fn tuple(&mut self, shapes: &[Type]) -> Result<Value, ValueError> {
        let length = self.array()?;
        if usize::try_from(length) != Ok(shapes.len()) {
            return Err(ValueError::new(format!("has {length} elements, not {}", shapes.len())));
        }
        let inside = |(index, shape)| self.value(shape).map_err(|error| error.inside(Step::from(index)));
        shapes.iter().enumerate().map(inside).collect::<Result<_, _>>().map(Value::List)
    }

    fn map(&mut self, element: &Type) -> Result<Value, ValueError> {
        let length = decode::read_map_len(&mut self.0).map_err(broken)?;
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let key = self.text()?.to_owned();
            let value = self.value(element).map_err(|error| error.inside(Step::ElementKey(key.clone())))?;
            entries.insert(key, value);
        }
        Ok(Value::Map(entries))
    }

    fn object(&mut self, attributes: &BTreeMap<String, Type>) -> Result<Value, ValueError> {
        let length = decode::read_map_len(&mut self.0).map_err(broken)?;
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let name = self.text()?.to_owned();
            let shape = attributes
                .get(&name)
                .ok_or_else(|| ValueError::new(format!("has no attribute named {name:?}")))?;
            let value = self.value(shape).map_err(|error| error.inside(Step::Attribute(name.clone())))?;
            entries.insert(name, value);
        }
        match attributes.keys().find(|name| !entries.contains_key(*name)) {
            None => Ok(Value::Map(entries)),
            Some(name) => Err(ValueError::new(format!("lacks the attribute {name:?}"))),
        }
    }

    fn dynamic(&mut self) -> Result<Value, ValueError> {
        let length = self.array()?;
        if length != 2 {
            return Err(broken(format!("a dynamic value has two parts, not {length}")));
        }
        let length = match self.marker()? {
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                decode::read_str_len(&mut self.0).map_err(broken)?
            }
            _ => decode::read_bin_len(&mut self.0).map_err(broken)?,
        };
        let actual = Type::parse(self.take(length)?).map_err(broken)?;
        let value = self.value(&actual)?;
        Ok(Value::Dynamic(actual, Box::new(value)))
    }
}

fn infinite() -> ValueError {
    ValueError::new("is an infinite number, which is not supported")
}
