//! `printf`: directives and verbs, with Go's marks for what does not fit (`%!d(string=x)`).

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use super::float::{Notation, format_float};
use super::spec::Spec;
use super::{plain, quote, quote_character};
use crate::value::{Value, bytes_of_text, text_of_bytes};

/// Go's own bound for a width or precision.
const WIDTH_LIMIT: usize = 1_000_000;
/// Nesting beyond which a value is cut.
const DEPTH_LIMIT: usize = 200;

/// Where `sprintf` stands among its arguments.
struct Arguments<'a> {
    values: &'a [Value],
    next: usize,
    /// An index such as `%[3]d` was used: then extra arguments are no error.
    reordered: bool,
    bad_index: bool,
}

impl<'a> Arguments<'a> {
    fn take(&mut self) -> Option<&'a Value> {
        let value = self.values.get(self.next);
        self.next += 1;
        value
    }

    /// Reads `[n]`, if there is one.
    fn read_index(&mut self, directive: &mut Peekable<Chars<'_>>) {
        if directive.peek() != Some(&'[') {
            return;
        }
        self.reordered = true;
        let mut ahead = directive.clone();
        ahead.next();
        let text: String = ahead.by_ref().take_while(|character| *character != ']').collect();
        *directive = ahead;
        match text.parse::<usize>() {
            Ok(number) if (1..=self.values.len()).contains(&number) => self.next = number - 1,
            _ => self.bad_index = true,
        }
    }

    fn take_integer(&mut self) -> Option<i64> {
        match self.take() {
            Some(Value::Int(number) | Value::Int64(number)) => Some(*number),
            _ => None,
        }
    }
}

/// Go's `Sprintf`.
pub fn sprintf(format: &str, values: &[Value]) -> String {
    let mut out = String::with_capacity(format.len());
    let mut arguments = Arguments { values, next: 0, reordered: false, bad_index: false };
    let mut rest = format.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '%' {
            directive(&mut out, &mut rest, &mut arguments);
        } else {
            out.push(character);
        }
    }
    if !arguments.reordered && arguments.next < values.len() {
        out.push_str("%!(EXTRA ");
        for (index, value) in values[arguments.next..].iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            match value {
                Value::Nil => out.push_str("<nil>"),
                other => {
                    let _ = write!(out, "{}={}", other.type_name(), plain(other));
                }
            }
        }
        out.push(')');
    }
    out
}

fn directive(out: &mut String, rest: &mut Peekable<Chars<'_>>, arguments: &mut Arguments<'_>) {
    let mut spec = Spec::default();
    arguments.bad_index = false;
    while rest.peek().is_some_and(|character| spec.accept_flag(*character)) {
        rest.next();
    }
    arguments.read_index(rest);
    spec.width = read_number(out, rest, arguments, "%!(BADWIDTH)").map(|width| {
        spec.minus |= width < 0;
        usize::try_from(width.unsigned_abs()).unwrap_or(0)
    });
    if rest.peek() == Some(&'.') {
        rest.next();
        arguments.read_index(rest);
        let precision = read_number(out, rest, arguments, "%!(BADPREC)").unwrap_or(0);
        spec.precision = usize::try_from(precision).ok();
    }
    arguments.read_index(rest);
    let Some(verb) = rest.next() else {
        out.push_str("%!(NOVERB)");
        return;
    };
    if verb == '%' {
        out.push('%');
    } else if arguments.bad_index {
        let _ = write!(out, "%!{verb}(BADINDEX)");
    } else if let Some(value) = arguments.take() {
        format_value(out, spec, verb, value, 0);
    } else {
        arguments.next -= 1;
        let _ = write!(out, "%!{verb}(MISSING)");
    }
}

/// Reads a width or precision: digits, or `*` for the next argument.
fn read_number(
    out: &mut String,
    rest: &mut Peekable<Chars<'_>>,
    arguments: &mut Arguments<'_>,
    complaint: &str,
) -> Option<i64> {
    if rest.peek() == Some(&'*') {
        rest.next();
        let number = arguments.take_integer();
        let fits = number.filter(|number| number.unsigned_abs() <= WIDTH_LIMIT as u64);
        if fits.is_none() {
            out.push_str(complaint);
        }
        return fits;
    }
    let mut digits = String::new();
    while let Some(digit) = rest.peek().filter(|character| character.is_ascii_digit()) {
        digits.push(*digit);
        rest.next();
    }
    digits.parse().ok().filter(|number| *number <= WIDTH_LIMIT as i64)
}

fn format_value(out: &mut String, spec: Spec, verb: char, value: &Value, depth: usize) {
    if depth > DEPTH_LIMIT {
        out.push_str("...");
        return;
    }
    match (verb, value) {
        ('T', _) => out.push_str(&spec.pad(value.type_name(), false)),
        // `%+v` names the fields of structs; on these values the plus says nothing.
        ('v', _) if spec.plus => format_value(out, Spec { plus: false, ..spec }, verb, value, depth),
        ('v', _) if spec.sharp => out.push_str(&go_syntax(value, depth)),
        ('v', Value::Nil) => out.push_str(&spec.pad("<nil>", false)),
        (_, Value::List(list)) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                format_value(out, spec, verb, item, depth + 1);
            }
            out.push(']');
        }
        (_, Value::Map(map)) => {
            out.push_str("map[");
            for (index, (key, item)) in map.entries().iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                format_value(out, spec, verb, &Value::from(key.as_str()), depth + 1);
                out.push(':');
                format_value(out, spec, verb, item, depth + 1);
            }
            out.push(']');
        }
        (_, scalar) => match format_scalar(spec, verb, scalar) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&bad_verb(verb, scalar)),
        },
    }
}

fn bad_verb(verb: char, value: &Value) -> String {
    match value {
        Value::Nil => format!("%!{verb}(<nil>)"),
        other => format!("%!{verb}({}={})", other.type_name(), plain(other)),
    }
}

fn format_scalar(spec: Spec, verb: char, value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => matches!(verb, 't' | 'v').then(|| spec.pad(&value.to_string(), false)),
        Value::Int(number) | Value::Int64(number) => format_integer(spec, verb, *number),
        Value::Float(number) => format_float_verb(spec, verb, *number),
        Value::String(text) => format_text(spec, verb, &bytes_of_text(text)),
        Value::Bytes(bytes) if matches!(verb, 'v' | 'd') => Some(plain(&Value::Bytes(bytes.clone()))),
        Value::Bytes(bytes) => format_text(spec, verb, bytes),
        Value::Object(object) => format_text(spec, verb, object.display().as_bytes()),
        Value::Nil | Value::List(_) | Value::Map(_) => None,
    }
}

fn format_integer(spec: Spec, verb: char, number: i64) -> Option<String> {
    let magnitude = number.unsigned_abs();
    let digits = match verb {
        'd' | 'v' => magnitude.to_string(),
        'b' => format!("{}{magnitude:b}", if spec.sharp { "0b" } else { "" }),
        'o' => format!("{}{magnitude:o}", if spec.sharp { "0" } else { "" }),
        'O' => format!("0o{magnitude:o}"),
        'x' => format!("{}{magnitude:x}", if spec.sharp { "0x" } else { "" }),
        'X' => format!("{}{magnitude:X}", if spec.sharp { "0X" } else { "" }),
        'c' | 'q' | 'U' => return Some(spec.pad(&format_rune(verb, number), false)),
        _ => return None,
    };
    let digits = match spec.precision {
        Some(0) if number == 0 => String::new(),
        Some(precision) => format!("{digits:0>precision$}"),
        None => digits,
    };
    // With a precision, Go ignores the zero flag.
    let spec = Spec { zero: spec.zero && spec.precision.is_none(), ..spec };
    Some(spec.pad(&format!("{}{digits}", spec.sign(number < 0)), true))
}

fn format_rune(verb: char, number: i64) -> String {
    let character = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    match verb {
        'c' => character.to_string(),
        'q' => quote_character(character),
        _ => format!("U+{number:04X}"),
    }
}

fn format_float_verb(spec: Spec, verb: char, number: f64) -> Option<String> {
    let (notation, precision) = match verb {
        'v' | 'g' | 'G' => (Notation::Shortest, spec.precision),
        'e' | 'E' => (Notation::Exponent, Some(spec.precision.unwrap_or(6))),
        'f' | 'F' => (Notation::Fixed, Some(spec.precision.unwrap_or(6))),
        _ => return None,
    };
    let text = format_float(number.abs(), notation, precision);
    let text = text.trim_start_matches('+');
    let text = if verb.is_ascii_uppercase() { text.to_uppercase() } else { text.to_owned() };
    let sign = if number.is_infinite() && number > 0.0 { "+" } else { spec.sign(number.is_sign_negative()) };
    let spec = Spec { zero: spec.zero && number.is_finite(), ..spec };
    Some(spec.pad(&format!("{sign}{text}"), true))
}

fn format_text(spec: Spec, verb: char, bytes: &[u8]) -> Option<String> {
    let text = text_of_bytes(bytes);
    let cut: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text,
    };
    Some(match verb {
        's' | 'v' => spec.pad(&cut, false),
        'q' if spec.sharp && !cut.contains('`') && !cut.contains(char::is_control) => {
            spec.pad(&format!("`{cut}`"), false)
        }
        'q' => spec.pad(&quote(&cut), false),
        'x' | 'X' => {
            let bytes = &bytes[..spec.precision.unwrap_or(bytes.len()).min(bytes.len())];
            spec.pad(&hexadecimal(spec, verb, bytes), false)
        }
        _ => return None,
    })
}

fn hexadecimal(spec: Spec, verb: char, bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for (index, byte) in bytes.iter().enumerate() {
        if spec.space && index > 0 {
            out.push(' ');
        }
        if spec.sharp && (index == 0 || spec.space) {
            out.push_str(if verb == 'x' { "0x" } else { "0X" });
        }
        let _ = if verb == 'x' { write!(out, "{byte:02x}") } else { write!(out, "{byte:02X}") };
    }
    out
}

/// `%#v`: the value as Go source.
fn go_syntax(value: &Value, depth: usize) -> String {
    if depth > DEPTH_LIMIT {
        return "...".to_owned();
    }
    let nested = |item: &Value| match item {
        Value::Nil => "interface {}(nil)".to_owned(),
        other => go_syntax(other, depth + 1),
    };
    match value {
        Value::String(text) => quote(text),
        Value::List(list) => {
            let items: Vec<String> = list.iter().map(nested).collect();
            format!("{}{{{}}}", value.type_name(), items.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<String> =
                map.entries().iter().map(|(key, item)| format!("{}:{}", quote(key), nested(item))).collect();
            format!("{}{{{}}}", value.type_name(), entries.join(", "))
        }
        other => plain(other),
    }
}
