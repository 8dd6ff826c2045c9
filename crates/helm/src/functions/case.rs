//! Upper and lower case, and the conventions that are made of them.

use super::{Function, STRING, fixed, string, text_of};

pub(super) const TABLE: &[Function] = &[
    fixed("hello", &[], |_| string("Hello!")),
    fixed("upper", &[STRING], |arguments| string(text_of(&arguments[0]).to_uppercase())),
    fixed("lower", &[STRING], |arguments| string(text_of(&arguments[0]).to_lowercase())),
    fixed("title", &[STRING], |arguments| string(title(text_of(&arguments[0])))),
    fixed("untitle", &[STRING], |arguments| string(untitle(text_of(&arguments[0])))),
    fixed("swapcase", &[STRING], |arguments| string(swap_case(text_of(&arguments[0])))),
    fixed("nospace", &[STRING], |arguments| string(without_spaces(text_of(&arguments[0])))),
    fixed("initials", &[STRING], |arguments| string(initials(text_of(&arguments[0])))),
];

/// Go's `strings.Title`: a letter behind what is no letter, digit, underscore or quote.
fn title(text: &str) -> String {
    let mut at_start = true;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if at_start {
            out.extend(character.to_uppercase());
        } else {
            out.push(character);
        }
        at_start = is_separator(character);
    }
    out
}

fn is_separator(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_alphanumeric() && character != '_';
    }
    !character.is_alphanumeric() && character.is_whitespace()
}

fn untitle(text: &str) -> String {
    let mut at_start = true;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if at_start {
            out.extend(character.to_lowercase());
        } else {
            out.push(character);
        }
        at_start = character.is_whitespace();
    }
    out
}

fn swap_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_uppercase() {
            out.extend(character.to_lowercase());
        } else {
            out.extend(character.to_uppercase());
        }
    }
    out
}

/// The bytes of a text as Go's library takes them: each for a character of its own.
fn bytes_as_characters(text: &str) -> impl Iterator<Item = char> {
    text.bytes().map(char::from)
}

fn without_spaces(text: &str) -> String {
    if !bytes_as_characters(text).any(char::is_whitespace) {
        return text.to_owned();
    }
    bytes_as_characters(text).filter(|character| !character.is_whitespace()).collect()
}

fn initials(text: &str) -> String {
    let mut after_gap = true;
    let mut out = String::new();
    for character in bytes_as_characters(text) {
        if !character.is_whitespace() && after_gap {
            out.push(character);
        }
        after_gap = character.is_whitespace();
    }
    out
}
