//! Go's truth and comparison: `eq`, `lt`, `and`, `not`.

use std::cmp::Ordering;

use super::{ANY, Answer, Body, Function, FunctionError, boolean, fixed, variadic};
use crate::template::format::plain;
use crate::value::{Signature, Value};

const LOGIC: Signature = Signature { fixed: &[ANY], rest: Some(ANY) };

pub(super) const TABLE: &[Function] = &[
    Function { name: "and", signature: LOGIC, body: Body::Until(false), cost: 1 },
    Function { name: "or", signature: LOGIC, body: Body::Until(true), cost: 1 },
    fixed("not", &[ANY], |arguments| boolean(!arguments[0].is_truthy())),
    variadic("eq", &[ANY], ANY, |arguments| boolean(equals_any(arguments)?)),
    fixed("ne", &[ANY, ANY], |arguments| boolean(!equal(&arguments[0], &arguments[1])?)),
    fixed("lt", &[ANY, ANY], |arguments| boolean(order(arguments)? == Some(Ordering::Less))),
    fixed("le", &[ANY, ANY], |arguments| {
        boolean(order(arguments)?.is_some_and(|order| order != Ordering::Greater))
    }),
    fixed("gt", &[ANY, ANY], |arguments| {
        // Go defines it as the negation of `le`, and so it is true for not-a-number.
        boolean(order(arguments)?.is_none_or(|order| order == Ordering::Greater))
    }),
    fixed("ge", &[ANY, ANY], |arguments| boolean(order(arguments)? != Some(Ordering::Less))),
];

fn incompatible(left: &Value, right: &Value) -> FunctionError {
    let (left, right) = (left.type_name(), right.type_name());
    format!("incompatible types for comparison: {left} and {right}").into()
}

fn equals_any(arguments: &[Value]) -> Result<bool, FunctionError> {
    let Some((first, others)) = arguments.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err("missing argument for comparison".into());
    };
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(left: &Value, right: &Value) -> Result<bool, FunctionError> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a) | Value::Int64(a), Value::Int(b) | Value::Int64(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        (Value::Nil, other) | (other, Value::Nil) => Ok(other.is_nil()),
        (
            Value::List(_) | Value::Map(_) | Value::Bytes(_),
            Value::List(_) | Value::Map(_) | Value::Bytes(_),
        ) => {
            let message = format!("non-comparable type {}: {}", plain(left), left.type_name());
            Err(message.into())
        }
        (Value::Object(_), Value::Object(_)) => Ok(left == right),
        _ => Err(incompatible(left, right)),
    }
}

/// The order of two scalars; `None` when one is not a number.
fn order(arguments: &[Value]) -> Result<Option<Ordering>, FunctionError> {
    match (&arguments[0], &arguments[1]) {
        (Value::Int(a) | Value::Int64(a), Value::Int(b) | Value::Int64(b)) => Ok(Some(a.cmp(b))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (left, right) if is_basic(left) && is_basic(right) && !same_kind_of_bool(left, right) => {
            Err(incompatible(left, right))
        }
        _ => Err("invalid type for comparison".into()),
    }
}

fn is_basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Int64(_) | Value::Float(_) | Value::String(_))
}

fn same_kind_of_bool(left: &Value, right: &Value) -> bool {
    matches!((left, right), (Value::Bool(_), Value::Bool(_)))
}

/// Refuses to compare what contains itself: there would be no end.
pub(super) fn check_comparable(values: &[Value]) -> Result<(), FunctionError> {
    values.iter().try_for_each(|value| value.size().map(drop)).map_err(|error| error.to_string().into())
}

/// For functions of other subjects that compare deeply.
pub(super) fn is_deeply_equal(values: &[Value]) -> Answer {
    check_comparable(values)?;
    boolean(values[0] == values[1])
}
