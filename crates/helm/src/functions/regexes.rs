//! Regular expressions in Go's syntax.

use regex::Regex;

use super::go_regex::compile;
use super::{Answer, Function, FunctionError, INT, STRING, boolean, fixed, integer_of, string, text_of};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    // Sprig swallows the error of a bad pattern here, and only here.
    fixed("regexMatch", &[STRING, STRING], |arguments| boolean(matches(arguments).unwrap_or(false))),
    fixed("mustRegexMatch", &[STRING, STRING], |arguments| boolean(matches(arguments)?)),
    fixed("regexFind", &[STRING, STRING], |arguments| or_panic(find(arguments), arguments)),
    fixed("mustRegexFind", &[STRING, STRING], find),
    fixed("regexFindAll", &[STRING, STRING, INT], |arguments| or_panic(find_all(arguments), arguments)),
    fixed("mustRegexFindAll", &[STRING, STRING, INT], find_all),
    fixed("regexReplaceAll", &[STRING, STRING, STRING], |arguments| {
        or_panic(replace(arguments, false), arguments)
    }),
    fixed("mustRegexReplaceAll", &[STRING, STRING, STRING], |arguments| replace(arguments, false)),
    fixed("regexReplaceAllLiteral", &[STRING, STRING, STRING], |arguments| {
        or_panic(replace(arguments, true), arguments)
    }),
    fixed("mustRegexReplaceAllLiteral", &[STRING, STRING, STRING], |arguments| replace(arguments, true)),
    fixed("regexSplit", &[STRING, STRING, INT], |arguments| or_panic(split(arguments), arguments)),
    fixed("mustRegexSplit", &[STRING, STRING, INT], split),
    fixed("regexQuoteMeta", &[STRING], |arguments| string(quote_meta(text_of(&arguments[0])))),
];

fn pattern_of(arguments: &[Value]) -> Result<Regex, FunctionError> {
    Ok(compile(text_of(&arguments[0]))?)
}

/// Without `must`, Go panics on a bad pattern, and says so at more length.
fn or_panic(answer: Answer, arguments: &[Value]) -> Answer {
    answer.map_err(|error| match error {
        FunctionError::Message(message) => {
            FunctionError::Message(format!("regexp: Compile(`{}`): {message}", text_of(&arguments[0])))
        }
        other => other,
    })
}

fn matches(arguments: &[Value]) -> Result<bool, FunctionError> {
    Ok(pattern_of(arguments)?.is_match(text_of(&arguments[1])))
}

fn find(arguments: &[Value]) -> Answer {
    let found = pattern_of(arguments)?.find(text_of(&arguments[1])).map(|found| found.as_str().to_owned());
    string(found.unwrap_or_default())
}

fn find_all(arguments: &[Value]) -> Answer {
    let limit = usize::try_from(integer_of(&arguments[2])).unwrap_or(usize::MAX);
    let pattern = pattern_of(arguments)?;
    let found = pattern.find_iter(text_of(&arguments[1])).take(limit);
    Ok(Value::strings(found.map(|found| found.as_str())))
}

fn replace(arguments: &[Value], is_literal: bool) -> Answer {
    let pattern = pattern_of(arguments)?;
    let (text, replacement) = (text_of(&arguments[1]), text_of(&arguments[2]));
    let replaced = if is_literal {
        pattern.replace_all(text, regex::NoExpand(replacement))
    } else {
        pattern.replace_all(text, replacement)
    };
    string(replaced.into_owned())
}

/// Go's `Split`: an empty match at the start parts nothing, and one at the end leaves nothing behind.
fn split(arguments: &[Value]) -> Answer {
    let pattern = pattern_of(arguments)?;
    let (text, count) = (text_of(&arguments[1]), integer_of(&arguments[2]));
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::strings([] as [&str; 0]));
    }
    if text.is_empty() && !text_of(&arguments[0]).is_empty() {
        return Ok(Value::strings([""]));
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for found in pattern.find_iter(text) {
        if parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(&text[start..end]);
        }
        start = found.end();
    }
    if end != text.len() {
        parts.push(&text[start..]);
    }
    Ok(Value::strings(parts))
}

fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
