//! Strings: quoting, trimming, indenting, searching, replacing, splitting.

use super::cast::{to_text, to_texts};
use super::{
    ANY, Answer, Function, INT, STRING, boolean, fixed, hosted, integer_of, string, text_of, variadic,
};
use super::{FunctionError, Host};
use crate::template::format::{plain, quote, sprintf};
use crate::value::{Map, Value, bytes_of_text, text_of_bytes};

pub(super) const TABLE: &[Function] = &[
    variadic("quote", &[], ANY, |arguments| string(each(arguments, |value| quote(&to_text(value))))),
    variadic("squote", &[], ANY, |arguments| string(each(arguments, |value| format!("'{}'", plain(value))))),
    variadic("cat", &[], ANY, cat),
    fixed("trim", &[STRING], |arguments| string(text_of(&arguments[0]).trim())),
    fixed("trimAll", &[STRING, STRING], trim_all),
    fixed("trimall", &[STRING, STRING], trim_all),
    fixed("trimSuffix", &[STRING, STRING], |arguments| {
        let (suffix, text) = (text_of(&arguments[0]), text_of(&arguments[1]));
        string(text.strip_suffix(suffix).unwrap_or(text))
    }),
    fixed("trimPrefix", &[STRING, STRING], |arguments| {
        let (prefix, text) = (text_of(&arguments[0]), text_of(&arguments[1]));
        string(text.strip_prefix(prefix).unwrap_or(text))
    }),
    fixed("trunc", &[INT, STRING], truncate),
    fixed("substr", &[INT, INT, STRING], substring),
    hosted("repeat", &[INT, STRING], None, repeat),
    hosted("indent", &[INT, STRING], None, |host, arguments| string(indent(host, arguments)?)),
    hosted("nindent", &[INT, STRING], None, |host, arguments| {
        string(format!("\n{}", indent(host, arguments)?))
    }),
    fixed("replace", &[STRING, STRING, STRING], |arguments| {
        let [old, new, text] = [0, 1, 2].map(|index| text_of(&arguments[index]));
        string(text.replace(old, new))
    }),
    fixed("contains", &[STRING, STRING], |arguments| {
        boolean(text_of(&arguments[1]).contains(text_of(&arguments[0])))
    }),
    fixed("hasPrefix", &[STRING, STRING], |arguments| {
        boolean(text_of(&arguments[1]).starts_with(text_of(&arguments[0])))
    }),
    fixed("hasSuffix", &[STRING, STRING], |arguments| {
        boolean(text_of(&arguments[1]).ends_with(text_of(&arguments[0])))
    }),
    fixed("plural", &[STRING, STRING, INT], |arguments| {
        Ok(arguments[usize::from(integer_of(&arguments[2]) != 1)].clone())
    }),
    fixed("join", &[STRING, ANY], |arguments| string(to_texts(&arguments[1]).join(text_of(&arguments[0])))),
    fixed("split", &[STRING, STRING], |arguments| {
        Ok(numbered(split(text_of(&arguments[1]), text_of(&arguments[0]), None)))
    }),
    fixed("splitn", &[STRING, INT, STRING], |arguments| {
        let count = integer_of(&arguments[1]);
        let limit = usize::try_from(count).ok();
        Ok(numbered(split(text_of(&arguments[2]), text_of(&arguments[0]), limit)))
    }),
    fixed("splitList", &[STRING, STRING], |arguments| {
        Ok(Value::strings(split(text_of(&arguments[1]), text_of(&arguments[0]), None)))
    }),
];

/// Sprig skips nil arguments and puts spaces between the others.
fn each(arguments: &[Value], show: impl Fn(&Value) -> String) -> String {
    let shown: Vec<String> = arguments.iter().filter(|value| !value.is_nil()).map(show).collect();
    shown.join(" ")
}

fn cat(arguments: &[Value]) -> Answer {
    let present: Vec<Value> = arguments.iter().filter(|value| !value.is_nil()).cloned().collect();
    let format = vec!["%v"; present.len()].join(" ");
    string(sprintf(&format, &present))
}

fn trim_all(arguments: &[Value]) -> Answer {
    let (cut, text) = (text_of(&arguments[0]), text_of(&arguments[1]));
    string(text.trim_matches(|character| cut.contains(character)))
}

/// Cuts by bytes, as Go does.
fn truncate(arguments: &[Value]) -> Answer {
    let (count, bytes) = (integer_of(&arguments[0]), bytes_of_text(text_of(&arguments[1])));
    let length = bytes.len() as i64;
    let kept = if count < 0 && length + count > 0 {
        &bytes[bytes_until(length + count, &bytes)..]
    } else if count >= 0 && length > count {
        &bytes[..bytes_until(count, &bytes)]
    } else {
        &*bytes
    };
    string(text_of_bytes(kept))
}

fn bytes_until(count: i64, bytes: &[u8]) -> usize {
    usize::try_from(count).unwrap_or(0).min(bytes.len())
}

fn substring(arguments: &[Value]) -> Answer {
    let (start, end) = (integer_of(&arguments[0]), integer_of(&arguments[1]));
    let bytes = bytes_of_text(text_of(&arguments[2]));
    let length = bytes.len() as i64;
    let (from, to) = match (start, end) {
        (start, end) if start < 0 => (0, end),
        (start, end) if end < 0 || end > length => (start, length),
        bounds => bounds,
    };
    if to < 0 || to > length {
        return Err(format!("runtime error: slice bounds out of range [:{to}] with length {length}").into());
    }
    if from > to {
        return Err(format!("runtime error: slice bounds out of range [{from}:{to}]").into());
    }
    let kept = &bytes[bytes_until(from, &bytes)..bytes_until(to, &bytes)];
    string(text_of_bytes(kept))
}

fn check_size(host: &dyn Host, bytes: usize) -> Result<(), FunctionError> {
    let limit = host.limits().text_bytes;
    if bytes > limit {
        return Err(FunctionError::Limit("text in one value", limit as u64));
    }
    Ok(())
}

fn repeat(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let (count, text) = (integer_of(&arguments[0]), text_of(&arguments[1]));
    let Ok(count) = usize::try_from(count) else { return Err("strings: negative Repeat count".into()) };
    check_size(host, count.saturating_mul(text.len()))?;
    string(text.repeat(count))
}

fn indent(host: &dyn Host, arguments: &[Value]) -> Result<String, FunctionError> {
    let (count, text) = (integer_of(&arguments[0]), text_of(&arguments[1]));
    let Ok(count) = usize::try_from(count) else { return Err("strings: negative Repeat count".into()) };
    let lines = 1 + text.matches('\n').count();
    check_size(host, count.saturating_mul(lines).saturating_add(text.len()))?;
    let padding = " ".repeat(count);
    Ok(format!("{padding}{}", text.replace('\n', &format!("\n{padding}"))))
}

/// Go's `strings.SplitN`: an empty separator splits characters.
fn split<'t>(text: &'t str, separator: &str, limit: Option<usize>) -> Vec<&'t str> {
    if separator.is_empty() {
        let mut ends: Vec<usize> = text.char_indices().map(|(index, _)| index).chain([text.len()]).collect();
        if let Some(limit) = limit
            && ends.len() > limit + 1
        {
            ends.truncate(limit);
            ends.push(text.len());
        }
        return ends.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
    }
    match limit {
        Some(0) => Vec::new(),
        Some(limit) => text.splitn(limit, separator).collect(),
        None => text.split(separator).collect(),
    }
}

fn numbered(parts: Vec<&str>) -> Value {
    let map = Map::with_type("map[string]string");
    for (index, part) in parts.into_iter().enumerate() {
        map.insert(format!("_{index}"), part);
    }
    Value::Map(map)
}
