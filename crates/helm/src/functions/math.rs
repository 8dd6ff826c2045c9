//! Arithmetic, by Sprig's lenient conversions. Integers wrap around, as Go's do.

use super::cast::{to_float, to_integer};
use super::decimal::Decimal;
use super::{ANY, Answer, FLOAT, Function, INT, fixed, integer_of, variadic};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    variadic("add", &[], ANY, |arguments| fold(arguments, i64::wrapping_add)),
    fixed("add1", &[ANY], |arguments| whole(to_integer(&arguments[0]).wrapping_add(1))),
    fixed("sub", &[ANY, ANY], |arguments| fold(arguments, i64::wrapping_sub)),
    variadic("mul", &[ANY], ANY, |arguments| fold(arguments, i64::wrapping_mul)),
    fixed("div", &[ANY, ANY], |arguments| divide(arguments, i64::wrapping_div)),
    fixed("mod", &[ANY, ANY], |arguments| divide(arguments, i64::wrapping_rem)),
    variadic("max", &[ANY], ANY, |arguments| fold(arguments, i64::max)),
    variadic("biggest", &[ANY], ANY, |arguments| fold(arguments, i64::max)),
    variadic("min", &[ANY], ANY, |arguments| fold(arguments, i64::min)),
    variadic("addf", &[], ANY, |arguments| fold_decimal(arguments, Decimal::add)),
    fixed("add1f", &[ANY], |arguments| fold_decimal(&[arguments[0].clone(), Value::Int(1)], Decimal::add)),
    variadic("subf", &[ANY], ANY, |arguments| fold_decimal(arguments, Decimal::subtract)),
    variadic("mulf", &[ANY], ANY, |arguments| fold_decimal(arguments, Decimal::multiply)),
    variadic("divf", &[ANY], ANY, |arguments| fold_float(arguments, |a, b| a / b)),
    variadic("maxf", &[ANY], ANY, |arguments| fold_float(arguments, f64::max)),
    variadic("minf", &[ANY], ANY, |arguments| fold_float(arguments, f64::min)),
    fixed("floor", &[ANY], |arguments| Ok(Value::Float(to_float(&arguments[0]).floor()))),
    fixed("ceil", &[ANY], |arguments| Ok(Value::Float(to_float(&arguments[0]).ceil()))),
    variadic("round", &[ANY, INT], FLOAT, round),
];

fn whole(number: i64) -> Answer {
    Ok(Value::Int64(number))
}

fn fold(arguments: &[Value], operation: fn(i64, i64) -> i64) -> Answer {
    whole(arguments.iter().map(to_integer).reduce(operation).unwrap_or(0))
}

fn fold_float(arguments: &[Value], operation: fn(f64, f64) -> f64) -> Answer {
    Ok(Value::Float(arguments.iter().map(to_float).reduce(operation).unwrap_or(0.0)))
}

fn divide(arguments: &[Value], operation: fn(i64, i64) -> i64) -> Answer {
    if to_integer(&arguments[1]) == 0 {
        return Err("runtime error: integer divide by zero".into());
    }
    fold(arguments, operation)
}

/// Sprig computes these in decimals, so that 0.1 and 0.2 are 0.3.
fn fold_decimal(arguments: &[Value], operation: fn(Decimal, Decimal) -> Option<Decimal>) -> Answer {
    let mut numbers = arguments.iter().map(|number| Decimal::parse(to_float(number)));
    let first = numbers.next().unwrap_or_else(|| Decimal::parse(0.0));
    let total = numbers.fold(first, |total, number| operation(total?, number?));
    match total {
        Some(total) => Ok(Value::Float(total.to_float())),
        None => Err("the numbers have more digits than decimal arithmetic has room for".into()),
    }
}

/// Rounds at a number of decimals; what is half or more (or a given share) goes up.
fn round(arguments: &[Value]) -> Answer {
    let places = i32::try_from(integer_of(&arguments[1])).unwrap_or(0);
    let threshold = arguments.get(2).map_or(0.5, to_float);
    let scale = 10f64.powi(places);
    let scaled = scale * to_float(&arguments[0]);
    let rounded = if scaled.fract() >= threshold { scaled.ceil() } else { scaled.floor() };
    Ok(Value::Float(rounded / scale))
}
