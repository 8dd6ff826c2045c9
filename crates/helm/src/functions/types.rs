//! Types, kinds, defaults and conversions.

use super::cast::{is_empty, to_float, to_integer, to_text, to_texts};
use super::compare::is_deeply_equal;
use super::{ANY, Answer, BOOL, Function, STRING, boolean, fixed, string, text_of, variadic};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    fixed("kindOf", &[ANY], |arguments| string(arguments[0].kind_name())),
    fixed("kindIs", &[STRING, ANY], |arguments| boolean(text_of(&arguments[0]) == arguments[1].kind_name())),
    fixed("typeOf", &[ANY], |arguments| string(arguments[0].type_name())),
    fixed("typeIs", &[STRING, ANY], |arguments| boolean(text_of(&arguments[0]) == arguments[1].type_name())),
    fixed("typeIsLike", &[STRING, ANY], |arguments| {
        let (target, actual) = (text_of(&arguments[0]), arguments[1].type_name());
        boolean(target == actual || actual.strip_prefix('*') == Some(target))
    }),
    fixed("deepEqual", &[ANY, ANY], is_deeply_equal),
    variadic("default", &[ANY], ANY, |arguments| match arguments.get(1) {
        Some(given) if !is_empty(given) => Ok(given.clone()),
        _ => Ok(arguments[0].clone()),
    }),
    fixed("empty", &[ANY], |arguments| boolean(is_empty(&arguments[0]))),
    variadic("coalesce", &[], ANY, |arguments| {
        Ok(arguments.iter().find(|value| !is_empty(value)).cloned().unwrap_or_default())
    }),
    variadic("all", &[], ANY, |arguments| boolean(!arguments.iter().any(is_empty))),
    variadic("any", &[], ANY, |arguments| boolean(!arguments.iter().all(is_empty))),
    fixed("ternary", &[ANY, ANY, BOOL], |arguments| {
        Ok(arguments[usize::from(arguments[2] != Value::Bool(true))].clone())
    }),
    fixed("int", &[ANY], |arguments| Ok(Value::Int(to_integer(&arguments[0])))),
    fixed("int64", &[ANY], |arguments| Ok(Value::Int64(to_integer(&arguments[0])))),
    fixed("float64", &[ANY], |arguments| Ok(Value::Float(to_float(&arguments[0])))),
    fixed("atoi", &[STRING], |arguments| Ok(Value::Int(text_of(&arguments[0]).parse().unwrap_or(0)))),
    fixed("toDecimal", &[ANY], |arguments| {
        Ok(Value::Int64(i64::from_str_radix(&to_text(&arguments[0]), 8).unwrap_or(0)))
    }),
    fixed("toString", &[ANY], |arguments| string(to_text(&arguments[0]))),
    fixed("toStrings", &[ANY], to_strings),
];

fn to_strings(arguments: &[Value]) -> Answer {
    Ok(Value::strings(to_texts(&arguments[0])))
}
