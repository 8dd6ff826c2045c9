//! From a value to msgpack bytes.

use std::collections::BTreeMap;

use rmp::encode::{self, ByteBuf};

use super::super::number::Number;
use super::super::refinement::{Bound, Refinements};
use super::super::types::Type;
use super::super::{Value, ValueError};
use super::{PLAIN_UNKNOWN, REFINED_UNKNOWN, refinement_key};
use crate::path::Step;

/// Writing to memory fails only when there is none left.
const MEMORY: &str = "memory takes every byte";

/// The bytes of a value of the type, as Terraform writes them: integers and floats where they are
/// exact, other numbers as decimal text; an unknown without refinements in its older form.
///
/// # Errors
/// When the value is not of the type.
pub fn to_msgpack(value: &Value, shape: &Type) -> Result<Vec<u8>, ValueError> {
    let mut output = Output(ByteBuf::new());
    output.value(value, shape)?;
    Ok(output.0.into_vec())
}

struct Output(ByteBuf);

fn length(count: usize) -> u32 {
    u32::try_from(count).expect("a message of at most 256 MiB has fewer elements")
}

impl Output {
    fn value(&mut self, value: &Value, shape: &Type) -> Result<(), ValueError> {
        match (value, shape) {
            (Value::Null, _) => encode::write_nil(&mut self.0).expect(MEMORY),
            (Value::Unknown(refinements), _) => self.unknown(refinements),
            (Value::Dynamic(actual, value), Type::Dynamic) => {
                encode::write_array_len(&mut self.0, 2).expect(MEMORY);
                encode::write_bin(&mut self.0, actual.to_json().to_string().as_bytes()).expect(MEMORY);
                self.value(value, actual)?;
            }
            (Value::Bool(value), Type::Bool) => encode::write_bool(&mut self.0, *value).expect(MEMORY),
            (Value::Number(number), Type::Number) => self.number(number),
            (Value::String(text), Type::String) => encode::write_str(&mut self.0, text).expect(MEMORY),
            (Value::List(elements), Type::List(element) | Type::Set(element)) => {
                self.elements(elements, std::iter::repeat_n(element.as_ref(), elements.len()))?;
            }
            (Value::List(elements), Type::Tuple(shapes)) if elements.len() == shapes.len() => {
                self.elements(elements, shapes.iter())?;
            }
            (Value::Map(entries), Type::Map(element)) => self.map(entries, element)?,
            (Value::Map(entries), Type::Object(attributes)) => self.object(entries, attributes)?,
            (value, shape) => {
                return Err(ValueError::new(format!("is {}, not {}", value.kind(), shape.kind())));
            }
        }
        Ok(())
    }

    fn number(&mut self, number: &Number) {
        if let Some(integer) = number.to_i64() {
            encode::write_sint(&mut self.0, integer).expect(MEMORY);
        } else if let Some(float) = number.to_f64_exact() {
            encode::write_f64(&mut self.0, float).expect(MEMORY);
        } else {
            encode::write_str(&mut self.0, &number.to_string()).expect(MEMORY);
        }
    }

    fn elements<'a>(
        &mut self,
        elements: &[Value],
        shapes: impl Iterator<Item = &'a Type>,
    ) -> Result<(), ValueError> {
        encode::write_array_len(&mut self.0, length(elements.len())).expect(MEMORY);
        for (index, (element, shape)) in elements.iter().zip(shapes).enumerate() {
            self.value(element, shape).map_err(|error| error.inside(Step::from(index)))?;
        }
        Ok(())
    }

    fn map(&mut self, entries: &BTreeMap<String, Value>, element: &Type) -> Result<(), ValueError> {
        encode::write_map_len(&mut self.0, length(entries.len())).expect(MEMORY);
        for (key, value) in entries {
            encode::write_str(&mut self.0, key).expect(MEMORY);
            self.value(value, element).map_err(|error| error.inside(Step::ElementKey(key.clone())))?;
        }
        Ok(())
    }

    fn object(
        &mut self,
        entries: &BTreeMap<String, Value>,
        attributes: &BTreeMap<String, Type>,
    ) -> Result<(), ValueError> {
        if let Some(name) = entries.keys().find(|name| !attributes.contains_key(*name)) {
            return Err(ValueError::new(format!("has no attribute named {name:?}")));
        }
        encode::write_map_len(&mut self.0, length(attributes.len())).expect(MEMORY);
        for (name, shape) in attributes {
            let value =
                entries.get(name).ok_or_else(|| ValueError::new(format!("lacks the attribute {name:?}")))?;
            encode::write_str(&mut self.0, name).expect(MEMORY);
            self.value(value, shape).map_err(|error| error.inside(Step::Attribute(name.clone())))?;
        }
        Ok(())
    }

    fn unknown(&mut self, refinements: &Refinements) {
        if refinements.is_empty() {
            encode::write_ext_meta(&mut self.0, 1, PLAIN_UNKNOWN).expect(MEMORY);
            self.0.as_mut_vec().push(0);
            return;
        }
        let mut payload = Self(ByteBuf::new());
        payload.refinements(refinements);
        let payload = payload.0.into_vec();
        encode::write_ext_meta(&mut self.0, length(payload.len()), REFINED_UNKNOWN).expect(MEMORY);
        self.0.as_mut_vec().extend(payload);
    }

    fn refinements(&mut self, known: &Refinements) {
        let count = [
            known.null.is_some(),
            known.string_prefix.is_some(),
            known.number_min.is_some(),
            known.number_max.is_some(),
            known.length_min.is_some(),
            known.length_max.is_some(),
        ];
        let count = count.into_iter().filter(|present| *present).count();
        encode::write_map_len(&mut self.0, length(count)).expect(MEMORY);
        if let Some(null) = known.null {
            self.key(refinement_key::NULL);
            encode::write_bool(&mut self.0, null).expect(MEMORY);
        }
        if let Some(prefix) = &known.string_prefix {
            self.key(refinement_key::STRING_PREFIX);
            encode::write_str(&mut self.0, prefix).expect(MEMORY);
        }
        let bounds = [
            (refinement_key::NUMBER_MIN, &known.number_min),
            (refinement_key::NUMBER_MAX, &known.number_max),
        ];
        for (key, bound) in bounds {
            if let Some(Bound { number, inclusive }) = bound {
                self.key(key);
                encode::write_array_len(&mut self.0, 2).expect(MEMORY);
                self.number(number);
                encode::write_bool(&mut self.0, *inclusive).expect(MEMORY);
            }
        }
        let lengths =
            [(refinement_key::LENGTH_MIN, known.length_min), (refinement_key::LENGTH_MAX, known.length_max)];
        for (key, bound) in lengths {
            if let Some(bound) = bound {
                self.key(key);
                encode::write_uint(&mut self.0, bound).expect(MEMORY);
            }
        }
    }

    fn key(&mut self, key: u64) {
        encode::write_uint(&mut self.0, key).expect(MEMORY);
    }
}
