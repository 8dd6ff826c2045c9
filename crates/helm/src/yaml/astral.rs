//! Characters beyond U+FFFF, which Go's emitter takes for unprintable and escapes as `\U0001F600`.
//!
//! Our emitter would write them as they are. So they pass it in disguise: as many private characters
//! as the escape has, which folds lines where Go folds them, and are written out behind it.

/// Stands for `\U`, in two halves.
const START: [char; 2] = ['\u{f8f0}', '\u{f8f1}'];
/// Stands for the digit 0; the others follow.
const ZERO: u32 = 0xf8e0;
const DIGITS: u32 = 8;

/// The text with each such character in disguise; `None` when it has none.
pub(super) fn veil(text: &str) -> Option<String> {
    if !text.chars().any(is_astral) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 32);
    for character in text.chars() {
        if is_astral(character) {
            out.extend(START);
            let digits = (0..DIGITS).rev().map(|place| (character as u32) >> (4 * place) & 0xf);
            out.extend(digits.filter_map(|digit| char::from_u32(ZERO + digit)));
        } else {
            out.push(character);
        }
    }
    Some(out)
}

fn is_astral(character: char) -> bool {
    character > '\u{ffff}'
}

/// The written text with the escapes in place.
pub(super) fn unveil(text: String) -> String {
    let start = String::from_iter(START);
    if !text.contains(&start) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(start.as_str());
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str("\\U");
        let digit = |character: char| (character as u32).checked_sub(ZERO).filter(|digit| *digit < 16);
        for (place, character) in (0..).zip(part.chars()) {
            match digit(character).filter(|_| place < DIGITS).and_then(|digit| char::from_digit(digit, 16)) {
                Some(digit) => out.push(digit.to_ascii_uppercase()),
                None => out.push(character),
            }
        }
    }
    out
}
