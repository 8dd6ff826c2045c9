//! Lists: building, taking apart, searching. Each exists twice: the `must` form is the same here.

use super::cast::{is_empty, to_texts};
use super::compare::check_comparable;
use super::{ANY, Answer, Function, FunctionError, Host, boolean, fixed, hosted, variadic};
use crate::value::{List, Value};

pub(super) const TABLE: &[Function] = &[
    variadic("list", &[], ANY, |arguments| Ok(Value::list(arguments.to_vec()))),
    variadic("tuple", &[], ANY, |arguments| Ok(Value::list(arguments.to_vec()))),
    fixed("append", &[ANY, ANY], append),
    fixed("mustAppend", &[ANY, ANY], append),
    fixed("push", &[ANY, ANY], append),
    fixed("mustPush", &[ANY, ANY], append),
    fixed("prepend", &[ANY, ANY], prepend),
    fixed("mustPrepend", &[ANY, ANY], prepend),
    fixed("first", &[ANY], first),
    fixed("mustFirst", &[ANY], first),
    fixed("last", &[ANY], last),
    fixed("mustLast", &[ANY], last),
    fixed("rest", &[ANY], rest),
    fixed("mustRest", &[ANY], rest),
    fixed("initial", &[ANY], initial),
    fixed("mustInitial", &[ANY], initial),
    fixed("reverse", &[ANY], reverse),
    fixed("mustReverse", &[ANY], reverse),
    fixed("compact", &[ANY], compact),
    fixed("mustCompact", &[ANY], compact),
    hosted("uniq", &[ANY], None, unique),
    hosted("mustUniq", &[ANY], None, unique),
    variadic("without", &[ANY], ANY, without),
    variadic("mustWithout", &[ANY], ANY, without),
    fixed("has", &[ANY, ANY], has),
    fixed("mustHas", &[ANY, ANY], has),
    fixed("sortAlpha", &[ANY], sort),
];

/// What a Go program says when it looks at the type of nothing.
pub(super) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

pub(super) fn items(value: &Value, complaint: &str) -> Result<List, FunctionError> {
    match value {
        Value::List(list) => Ok(list.clone()),
        // An object that is a list underneath, such as the API versions.
        Value::Object(object) if object.kind_name() == "slice" => {
            let entries = object.entries().unwrap_or_default();
            Ok(List::new(entries.into_iter().map(|(_, item)| item).collect()))
        }
        Value::Nil => Err(NIL_POINTER.into()),
        other => Err(format!("{complaint} {}", other.kind_name()).into()),
    }
}

fn append(arguments: &[Value]) -> Answer {
    let mut list = items(&arguments[0], "Cannot push on type")?.to_vec();
    list.push(arguments[1].clone());
    Ok(Value::list(list))
}

fn prepend(arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "Cannot prepend on type")?;
    Ok(Value::list(std::iter::once(&arguments[1]).chain(list.iter()).cloned().collect()))
}

fn first(arguments: &[Value]) -> Answer {
    Ok(items(&arguments[0], "Cannot find first on type")?.first().cloned().unwrap_or_default())
}

fn last(arguments: &[Value]) -> Answer {
    Ok(items(&arguments[0], "Cannot find last on type")?.last().cloned().unwrap_or_default())
}

fn rest(arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "Cannot find rest on type")?;
    Ok(Value::list(list.iter().skip(1).cloned().collect()))
}

fn initial(arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "Cannot find initial on type")?;
    let kept = list.len().saturating_sub(1);
    Ok(Value::list(list[..kept].to_vec()))
}

fn reverse(arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "Cannot find reverse on type")?;
    Ok(Value::list(list.iter().rev().cloned().collect()))
}

fn compact(arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "Cannot compact on type")?;
    Ok(Value::list(list.iter().filter(|item| !is_empty(item)).cloned().collect()))
}

/// Comparisons of `uniq` that count for one step.
const UNIQUE_PER_STEP: u64 = 16;

fn unique(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "Cannot find uniq on type")?;
    check_comparable(arguments)?;
    host.charge((list.len() as u64).saturating_mul(list.len() as u64) / UNIQUE_PER_STEP)?;
    let mut kept: Vec<Value> = Vec::new();
    for item in list.iter() {
        if !kept.contains(item) {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "Cannot find without on type")?;
    check_comparable(arguments)?;
    let omitted = &arguments[1..];
    Ok(Value::list(list.iter().filter(|item| !omitted.contains(item)).cloned().collect()))
}

fn has(arguments: &[Value]) -> Answer {
    if arguments[1].is_nil() {
        return boolean(false);
    }
    let list = items(&arguments[1], "Cannot find has on type")?;
    check_comparable(arguments)?;
    boolean(list.contains(&arguments[0]))
}

fn sort(arguments: &[Value]) -> Answer {
    let mut texts = to_texts(&arguments[0]);
    texts.sort();
    Ok(Value::strings(texts))
}
