//! Number and string literals by Go's rules.

use crate::template::ast::Number;
use crate::template::format::quote;
use crate::value::text_of_bytes;

/// Reads a number or a character constant.
pub(super) fn number(text: &str) -> Result<Number, String> {
    let make = |integer: Option<i64>, float: Option<f64>, is_ideal_integer| Number {
        text: text.to_owned(),
        integer,
        float,
        is_ideal_integer,
    };
    if text.starts_with('\'') {
        let content =
            unquote_with(text, '\'').ok_or_else(|| format!("malformed character constant: {text}"))?;
        let mut characters = content.chars();
        return match (characters.next(), characters.next()) {
            (Some(character), None) => {
                let code = i64::from(u32::from(character));
                Ok(make(Some(code), Some(code as f64), true))
            }
            _ => Err(format!("malformed character constant: {text}")),
        };
    }
    if let Some(integer) = parse_integer(text) {
        return match i64::try_from(integer) {
            Ok(whole) => Ok(make(Some(whole), Some(whole as f64), true)),
            // Go has room for it as an unsigned integer, and complains when it is used.
            Err(_) if u64::try_from(integer).is_ok() => Ok(make(None, None, true)),
            Err(_) => Err(format!("integer overflow: {}", quote(text))),
        };
    }
    let digits = text.replace('_', "");
    let looks_decimal = !digits.contains(['x', 'X', 'b', 'B', 'o', 'O']);
    match digits.parse::<f64>() {
        Ok(float) if float.is_finite() && looks_decimal && text.contains(['.', 'e', 'E']) => {
            let is_whole = float.fract() == 0.0 && float.abs() < 9.2e18;
            Ok(make(is_whole.then_some(float as i64), Some(float), false))
        }
        _ => Err(format!("illegal number syntax: {}", quote(text))),
    }
}

/// Go's integers with base prefixes, a leading zero for octal, and underscores.
fn parse_integer(text: &str) -> Option<i128> {
    let digits = text.replace('_', "");
    let (is_negative, magnitude) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let lower = magnitude.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    Some(if is_negative { -number } else { number })
}

/// The text that a quoted or raw string stands for.
pub(super) fn unquote(literal: &str) -> Option<String> {
    match literal.strip_prefix('`') {
        // Go drops carriage returns from raw strings.
        Some(rest) => rest.strip_suffix('`').map(|text| text.replace('\r', "")),
        None => unquote_with(literal, '"'),
    }
}

fn unquote_with(literal: &str, delimiter: char) -> Option<String> {
    let body = literal.strip_prefix(delimiter)?.strip_suffix(delimiter)?;
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => escape(&mut rest, delimiter, &mut bytes)?,
            '\n' => return None,
            other => push(&mut bytes, other),
        }
    }
    // A chart may spell bytes that are no text.
    Some(text_of_bytes(&bytes))
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn escape(rest: &mut std::str::Chars<'_>, delimiter: char, bytes: &mut Vec<u8>) -> Option<()> {
    let code = |rest: &mut std::str::Chars<'_>, length: usize, radix: u32| {
        let digits: String = rest.by_ref().take(length).collect();
        (digits.len() == length).then(|| u32::from_str_radix(&digits, radix).ok()).flatten()
    };
    match rest.next()? {
        'a' => bytes.push(0x07),
        'b' => bytes.push(0x08),
        'f' => bytes.push(0x0c),
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        'v' => bytes.push(0x0b),
        '\\' => bytes.push(b'\\'),
        'x' => bytes.push(u8::try_from(code(rest, 2, 16)?).ok()?),
        'u' => push(bytes, char::from_u32(code(rest, 4, 16)?)?),
        'U' => push(bytes, char::from_u32(code(rest, 8, 16)?)?),
        first @ '0'..='7' => {
            let low = code(rest, 2, 8)?;
            bytes.push(u8::try_from(first.to_digit(8)? * 64 + low).ok()?);
        }
        quote if quote == delimiter => push(bytes, quote),
        _ => return None,
    }
    Some(())
}
