//! What a plain scalar means in YAML 1.1.

use std::sync::LazyLock;

use regex::Regex;

/// A plain scalar, resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    String,
    /// A date or a time: read as a string, but quoted when written.
    Timestamp,
    /// `<<`, which merges maps when it is a key.
    Merge,
}

static FLOAT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$").expect("the pattern is constant")
});

static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"^\d{4}-\d{1,2}-\d{1,2}$";
    let moment = r"^\d{4}-\d{1,2}-\d{1,2}([Tt]|[ ])\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[+-]\d\d:\d\d)?$";
    Regex::new(&format!("{date}|{moment}")).expect("the pattern is constant")
});

/// Base-60 numbers of YAML 1.1 (`12:30:45`): read as strings, but quoted when written.
static BASE_60: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$").expect("the pattern is constant")
});

/// Whether a string would be a base-60 number to an old reader.
pub(super) fn is_base_60(text: &str) -> bool {
    BASE_60.is_match(text)
}

/// Resolves a plain scalar.
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        "<<" => return Scalar::Merge,
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Scalar::String;
    }
    resolve_number(text)
}

fn resolve_number(text: &str) -> Scalar {
    if text.len() >= 8 && TIMESTAMP.is_match(text) && is_real_date(text) {
        return Scalar::Timestamp;
    }
    let digits = text.replace('_', "");
    if let Some(number) = integer(&digits) {
        return Scalar::Integer(number);
    }
    if FLOAT.is_match(&digits)
        && let Ok(number) = digits.parse::<f64>()
        && number.is_finite()
    {
        return Scalar::Float(number);
    }
    Scalar::String
}

fn is_real_date(text: &str) -> bool {
    let date = text.split([' ', 'T', 't']).next().unwrap_or(text);
    let mut parts = date.split('-').map(str::parse::<i16>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else { return false };
    jiff::civil::Date::new(year, month, day).is_ok()
}

/// An integer in Go's base-0 notation: `0x`, `0b`, `0o`, and a leading zero for octal. Bounded as Go's
/// `int64` and `uint64` are: what is larger is a float.
fn integer(digits: &str) -> Option<i128> {
    let (is_negative, magnitude) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let radix_of = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| magnitude.strip_prefix(prefix));
    let parsed = if let Some(hexadecimal) = radix_of(["0x", "0X"]) {
        parse_digits(hexadecimal, 16)
    } else if let Some(binary) = radix_of(["0b", "0B"]) {
        parse_digits(binary, 2)
    } else if let Some(octal) = radix_of(["0o", "0O"]) {
        parse_digits(octal, 8)
    } else if magnitude.len() > 1 && magnitude.starts_with('0') {
        parse_digits(&magnitude[1..], 8)
    } else {
        parse_digits(magnitude, 10)
    }?;
    let number = if is_negative { -parsed } else { parsed };
    let limit = if is_negative { i128::from(i64::MIN) } else { i128::from(u64::MAX) };
    let fits = if is_negative { number >= limit } else { number <= limit };
    fits.then_some(number)
}

fn parse_digits(digits: &str, radix: u32) -> Option<i128> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok()
}
