//! Sequences of numbers, and lists cut and joined.

use super::cast::to_integer;
use super::lists::items;
use super::{ANY, Answer, Function, FunctionError, Host, INT, fixed, hosted, integer_of, string, variadic};
use crate::value::{Elements, List, Value};

pub(super) const TABLE: &[Function] = &[
    hosted("until", &[INT], None, |host, arguments| {
        let stop = integer_of(&arguments[0]);
        integers(steps(host, 0, stop, if stop < 0 { -1 } else { 1 })?)
    }),
    hosted("untilStep", &[INT, INT, INT], None, |host, arguments| {
        let [start, stop, step] = [0, 1, 2].map(|index| integer_of(&arguments[index]));
        integers(steps(host, start, stop, step)?)
    }),
    hosted("seq", &[], Some(INT), sequence),
    variadic("slice", &[ANY], ANY, slice),
    variadic("mustSlice", &[ANY], ANY, slice),
    variadic("concat", &[], ANY, concat),
    fixed("chunk", &[INT, ANY], chunk),
    fixed("mustChunk", &[INT, ANY], chunk),
];

fn integers(numbers: Vec<i64>) -> Answer {
    let items = numbers.into_iter().map(Value::Int).collect();
    Ok(Value::List(List::of(Elements::Int, items)))
}

/// From `start` until before `stop`; nothing when the step leads away from it.
fn steps(host: &dyn Host, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FunctionError> {
    let leads_there = if stop < start { step < 0 } else { step > 0 };
    if !leads_there {
        return Ok(Vec::new());
    }
    let limit = host.limits().list_length;
    if stop.abs_diff(start) / step.unsigned_abs() >= limit as u64 {
        return Err(FunctionError::Limit("length of a list", limit as u64));
    }
    let next =
        |number: &i64| number.checked_add(step).filter(|next| (*next < stop) == (step > 0) && *next != stop);
    Ok(std::iter::successors(Some(start).filter(|start| *start != stop), next).collect())
}

fn sequence(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let numbers: Vec<i64> = arguments.iter().map(integer_of).collect();
    let (start, step, end) = match numbers.as_slice() {
        [end] => (1, if *end < 1 { -1 } else { 1 }, *end),
        [start, end] => (*start, if end < start { -1 } else { 1 }, *end),
        [start, step, end] if end < start && *step > 0 => (*start, *step, *start),
        [start, step, end] => (*start, *step, *end),
        _ => return string(""),
    };
    if numbers.len() == 3 && start == end && numbers[2] < numbers[0] {
        return string("");
    }
    let beyond = if end < start { end - 1 } else { end + 1 };
    let shown: Vec<String> = steps(host, start, beyond, step)?.iter().map(i64::to_string).collect();
    string(shown.join(" "))
}

fn slice(arguments: &[Value]) -> Answer {
    let list = items(&arguments[0], "list should be type of slice or array but")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let length = list.len() as i64;
    let start = arguments.get(1).map_or(0, to_integer);
    let end = arguments.get(2).map_or(length, to_integer);
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) if from <= to && to <= list.len() => {
            Ok(Value::List(List::of(list.elements(), list[from..to].to_vec())))
        }
        _ => Err("reflect.Value.Slice: slice index out of bounds".into()),
    }
}

fn concat(arguments: &[Value]) -> Answer {
    let mut joined = Vec::new();
    for list in arguments {
        joined.extend(items(list, "Cannot concat type")?.iter().cloned());
    }
    Ok(Value::list(joined))
}

fn chunk(arguments: &[Value]) -> Answer {
    let list = items(&arguments[1], "Cannot chunk type")?;
    let Some(size) = usize::try_from(integer_of(&arguments[0])).ok().filter(|size| *size > 0) else {
        return Err("runtime error: makeslice: len out of range".into());
    };
    Ok(Value::list(list.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect()))
}
