//! Words: the conventions that join them, and the widths that wrap or cut them.

use super::{Answer, random};
use super::{Function, FunctionError, Host, INT, STRING, fixed, hosted, integer_of, string, text_of};

pub(super) const TABLE: &[Function] = &[
    fixed("camelcase", &[STRING], |arguments| string(camel_case(text_of(&arguments[0])))),
    fixed("snakecase", &[STRING], |arguments| string(joined_lower(text_of(&arguments[0]), '_'))),
    fixed("kebabcase", &[STRING], |arguments| string(joined_lower(text_of(&arguments[0]), '-'))),
    hosted("shuffle", &[STRING], None, shuffle),
    hosted("wrap", &[INT, STRING], None, |host, arguments| {
        let (width, text) = (integer_of(&arguments[0]), text_of(&arguments[1]));
        wrap(host, text, width, "\n", false)
    }),
    hosted("wrapWith", &[INT, STRING, STRING], None, |host, arguments| {
        let (width, separator) = (integer_of(&arguments[0]), text_of(&arguments[1]));
        let separator = if separator.is_empty() { "\n" } else { separator };
        wrap(host, text_of(&arguments[2]), width, separator, true)
    }),
    fixed("abbrev", &[INT, STRING], |arguments| {
        let (width, text) = (integer_of(&arguments[0]), text_of(&arguments[1]));
        string(abbreviate(text, 0, width))
    }),
    fixed("abbrevboth", &[INT, INT, STRING], |arguments| {
        let (left, width) = (integer_of(&arguments[0]), integer_of(&arguments[1]));
        string(abbreviate(text_of(&arguments[2]), left, width))
    }),
];

fn is_connector(character: char) -> bool {
    character == '-' || character == '_' || character.is_whitespace()
}

fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    upper.next().filter(|_| upper.next().is_none()).unwrap_or(character)
}

fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

/// `some_words` to `SomeWords`; connectors at the start stay.
fn camel_case(text: &str) -> String {
    let mut rest = text.chars();
    let mut out = String::with_capacity(text.len());
    let mut current = None;
    let mut after_upper = false;
    for character in rest.by_ref() {
        current = Some(character);
        if !is_connector(character) {
            after_upper = character.is_uppercase();
            current = Some(upper(character));
            break;
        }
        out.push(character);
    }
    let Some(mut current) = current else { return out };
    for next in rest {
        let previous = std::mem::replace(&mut current, next);
        if is_connector(current) && is_connector(previous) {
            out.push(previous);
            continue;
        }
        if is_connector(previous) {
            after_upper = current.is_uppercase();
            current = upper(current);
            continue;
        }
        if after_upper && current.is_uppercase() {
            current = lower(current);
        } else {
            after_upper = false;
        }
        out.push(previous);
    }
    out.push(current);
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_punctuation(character: char) -> bool {
    // Go's class holds no symbols: `$`, `+`, `<`, `=`, `>`, `^`, `` ` ``, `|` and `~` are none.
    character.is_ascii_punctuation() && !"$+<=>^`|~".contains(character)
}

fn kind_of(character: char) -> Kind {
    match character {
        connector if is_connector(connector) => Kind::Connector,
        mark if is_punctuation(mark) => Kind::Punctuation,
        upper if upper.is_uppercase() => Kind::Upper,
        letter if letter.is_alphabetic() => Kind::Letters,
        number if number.is_numeric() => Kind::Number,
        _ => Kind::Other,
    }
}

/// Takes the next word off a text. `HTTPStatus` is `HTTP` and `Status`.
fn next_word(text: &str) -> Option<(Kind, &str, &str)> {
    let kind = kind_of(text.chars().next()?);
    let run = |from: usize, kind: Kind| {
        from + text[from..].find(|c| kind_of(c) != kind).unwrap_or(text.len() - from)
    };
    let mut end = run(0, kind);
    if kind == Kind::Upper {
        let uppers = text[..end].chars().count();
        let letters_follow = text[end..].chars().next().is_some_and(|next| kind_of(next) == Kind::Letters);
        match (uppers, letters_follow) {
            (1, true) => end = run(end, Kind::Letters),
            (_, true) => end = text[..end].char_indices().next_back().map_or(end, |(last, _)| last),
            _ => {}
        }
    }
    Some((kind, &text[..end], &text[end..]))
}

fn push_lower(out: &mut String, (kind, word): (Kind, &str), connector: char) {
    match kind {
        Kind::Connector => out.extend(word.chars().map(|_| connector)),
        Kind::Upper => out.extend(word.chars().map(lower)),
        _ => out.push_str(word),
    }
}

/// `FirstName` to `first_name`: words in lower case, with a connector between them. A number belongs
/// to the word before it, unless small letters follow: `bld4_floor`, `http_20x_ok`.
fn joined_lower(text: &str, connector: char) -> String {
    let words: Vec<_> = std::iter::successors(next_word(text), |(_, _, rest)| next_word(rest)).collect();
    let kind_at = |index: usize| words.get(index).map(|(kind, ..)| *kind);
    let is_part = |index: usize| {
        kind_at(index).is_some_and(|kind| !matches!(kind, Kind::Connector | Kind::Punctuation))
    };
    let mut out = String::with_capacity(text.len() + 8);
    let push = |out: &mut String, index: usize| {
        if let Some((kind, word, _)) = words.get(index) {
            push_lower(out, (*kind, word), connector);
        }
    };
    let mut index = 0;
    while index < words.len() {
        push(&mut out, index);
        let previous = words[index].0;
        index += 1;
        if matches!(previous, Kind::Connector | Kind::Punctuation) || index == words.len() {
            continue;
        }
        let mut takes_letters = previous == Kind::Number;
        if !takes_letters && kind_at(index) == Some(Kind::Number) {
            if index + 1 == words.len() {
                continue;
            }
            takes_letters = kind_at(index + 1) == Some(Kind::Letters);
            if takes_letters {
                out.push(connector);
            }
            push(&mut out, index);
            index += 1;
        }
        while takes_letters && matches!(kind_at(index), Some(Kind::Letters | Kind::Number)) {
            push(&mut out, index);
            index += 1;
        }
        if is_part(index) {
            out.push(connector);
        }
    }
    out
}

fn shuffle(host: &mut dyn Host, arguments: &[crate::value::Value]) -> Answer {
    let mut characters: Vec<char> = text_of(&arguments[0]).chars().collect();
    for last in (1..characters.len()).rev() {
        characters.swap(last, random::below(host, last as u64 + 1) as usize);
    }
    string(characters.into_iter().collect::<String>())
}

/// Breaks a line at spaces. Words longer than the width are broken only if `breaks_words`.
fn wrap(host: &dyn Host, text: &str, width: i64, separator: &str, breaks_words: bool) -> Answer {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let breaks = (text.len() / width).saturating_add(1);
    if breaks.saturating_mul(separator.len()).saturating_add(text.len()) > host.limits().text_bytes {
        return Err(FunctionError::Limit("text in one value", host.limits().text_bytes as u64));
    }
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + breaks);
    let mut offset = 0;
    while bytes.len() - offset > width {
        if bytes[offset] == b' ' {
            offset += 1;
            continue;
        }
        let end = offset + width;
        let space = bytes[offset..=end].iter().rposition(|byte| *byte == b' ').map(|at| at + offset);
        let later = || bytes[end..].iter().position(|byte| *byte == b' ').map(|at| at + end);
        let (line_end, next) = match space.or_else(|| if breaks_words { None } else { later() }) {
            Some(space) => (space, space + 1),
            None if breaks_words => (end, end),
            None => break,
        };
        out.extend_from_slice(&bytes[offset..line_end]);
        out.extend_from_slice(separator.as_bytes());
        offset = next;
    }
    out.extend_from_slice(&bytes[offset..]);
    string(String::from_utf8_lossy(&out).into_owned())
}

/// Cuts a text to a width in bytes, with dots where something is missing; `offset` stays visible.
fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let is_narrow = width < 4 || (offset > 0 && width < 7);
    let (Ok(width), false) = (usize::try_from(width), is_narrow) else { return text.to_owned() };
    let bytes = text.as_bytes();
    if bytes.len() <= width {
        return text.to_owned();
    }
    let cut = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let kept = width - 3;
    let offset = usize::try_from(offset).unwrap_or(0).min(bytes.len() - kept);
    if offset <= 4 {
        return format!("{}...", cut(&bytes[..kept]));
    }
    if offset + kept < bytes.len() {
        let rest = cut(&bytes[offset..]);
        let inner = width - 3;
        // Go gives up on what is too narrow for dots on both sides.
        return if inner < 4 {
            "...".to_owned()
        } else {
            format!("...{}", abbreviate(&rest, 0, inner as i64))
        };
    }
    format!("...{}", cut(&bytes[bytes.len() - kept..]))
}
