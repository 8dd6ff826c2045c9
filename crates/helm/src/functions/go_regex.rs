//! Go's regular expressions, translated to the regex crate's.
//!
//! Both are RE2's children and agree on most; what differs: a `-` next to a class such as `\w`, an
//! unescaped `[` and doubled operators in a class, a `{` that starts no repetition, `{,3}` (which Go
//! takes literally), `\Q…\E`, `\C`, and `\z`. Character classes such as `\w` and `\d` are ASCII in Go.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 4 << 20;

/// Compiles a pattern of Go's syntax.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if let Some(operators) = nested_repetition(pattern) {
        return Err(format!("error parsing regexp: invalid nested repetition operator: `{operators}`"));
    }
    RegexBuilder::new(&translate(pattern)).size_limit(SIZE_LIMIT).build().map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        let reason = match reason {
            "unclosed character class" => "missing closing ]",
            "unclosed group" => "missing closing )",
            "unopened group" => "unexpected )",
            "repetition operator missing expression" => "missing argument to repetition operator",
            other => other,
        };
        format!("error parsing regexp: {reason}: `{pattern}`")
    })
}

/// Go refuses `a**`, which the regex crate takes; `a*?` is fine in both.
fn nested_repetition(pattern: &str) -> Option<String> {
    let mut rest = pattern.chars();
    let (mut previous, mut in_class) = (None, false);
    while let Some(character) = rest.next() {
        let current = match character {
            '\\' => {
                rest.next();
                None
            }
            '[' => {
                in_class = true;
                None
            }
            ']' => {
                in_class = false;
                None
            }
            '*' | '+' | '?' if !in_class => Some(character),
            _ => None,
        };
        previous = match (previous, current) {
            (Some(_), Some('?')) => None,
            (Some(first), Some(second)) => return Some(String::from_iter([first, second])),
            _ => current,
        };
    }
    None
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => escape(&mut out, &mut rest),
            '[' => class(&mut out, &mut rest),
            '{' if !starts_repetition(&rest) => out.push_str("\\{"),
            // In Go, `**` and the like are errors as well, except that a `}` stands for itself.
            '}' if !ends_repetition(&out) => out.push_str("\\}"),
            other => out.push(other),
        }
    }
    out
}

/// `{3}`, `{3,}` or `{3,5}`.
fn starts_repetition(rest: &Peekable<Chars<'_>>) -> bool {
    let body: String = rest.clone().take_while(|character| *character != '}').collect();
    let is_closed = rest.clone().any(|character| character == '}');
    let (low, high) = body.split_once(',').unwrap_or((&body, ""));
    let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    is_closed && !low.is_empty() && is_number(low) && is_number(high)
}

fn ends_repetition(out: &str) -> bool {
    out.rfind('{').is_some_and(|open| {
        let is_escaped = out[..open].ends_with('\\');
        !is_escaped && out[open + 1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
    })
}

fn escape(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    match rest.next() {
        None => out.push('\\'),
        Some('Q') => quoted(out, rest),
        Some('C') => out.push_str("(?s:.)"),
        Some(perl @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
            out.push('[');
            out.push_str(ascii_class(perl));
            out.push(']');
        }
        Some('b') => out.push_str("(?-u:\\b)"),
        Some(braced @ ('p' | 'P' | 'x')) => {
            out.push('\\');
            out.push(braced);
            copy_braces(out, rest);
        }
        // An octal escape, and every escaped punctuation, mean the same in both.
        Some(other) => {
            out.push('\\');
            out.push(other);
        }
    }
}

/// What belongs to `\p`, `\P` and `\x`: one character, or all that is in braces.
fn copy_braces(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    if rest.peek() == Some(&'{') {
        out.extend(rest.by_ref().take_while(|character| *character != '}'));
        out.push('}');
    } else {
        out.extend(rest.next());
    }
}

/// `\Q…\E`: everything stands for itself.
fn quoted(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    while let Some(character) = rest.next() {
        if character == '\\' && rest.peek() == Some(&'E') {
            rest.next();
            return;
        }
        out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
    }
}

/// Go's classes are ASCII; its `\s` lacks the vertical tab.
fn ascii_class(perl: char) -> &'static str {
    match perl {
        'd' => "0-9",
        'D' => "^0-9",
        's' => r"\t\n\f\r ",
        'S' => r"^\t\n\f\r ",
        'w' => "0-9A-Za-z_",
        _ => "^0-9A-Za-z_",
    }
}

/// A bracketed class; nothing in it is special but `]`, `\`, `^` in front, ranges and `[:name:]`.
fn class(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    out.push('[');
    if rest.peek() == Some(&'^') {
        rest.next();
        out.push('^');
    }
    let mut is_first = true;
    let mut after_class = false;
    while let Some(character) = rest.next() {
        let mut is_class = false;
        match character {
            ']' if !is_first => {
                out.push(']');
                return;
            }
            '\\' => is_class = class_escape(out, rest),
            '[' if rest.peek() == Some(&':') => {
                is_class = true;
                named_class(out, rest);
            }
            '-' if is_first || after_class || rest.peek() == Some(&']') || class_follows(rest) => {
                out.push_str("\\-");
            }
            // These have meanings of their own in the regex crate.
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
        is_first = false;
        after_class = is_class;
    }
}

/// Whether `\w` and the like follow: then a `-` before it is no range.
fn class_follows(rest: &Peekable<Chars<'_>>) -> bool {
    let mut ahead = rest.clone();
    ahead.next() == Some('\\') && matches!(ahead.next(), Some('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P'))
}

/// An escape inside a class; whether it was a class of its own.
fn class_escape(out: &mut String, rest: &mut Peekable<Chars<'_>>) -> bool {
    match rest.next() {
        Some(perl @ ('d' | 's' | 'w')) => {
            out.push_str(ascii_class(perl));
            true
        }
        Some(negated @ ('D' | 'S' | 'W')) => {
            out.push('[');
            out.push_str(ascii_class(negated));
            out.push(']');
            true
        }
        Some(property @ ('p' | 'P')) => {
            out.push('\\');
            out.push(property);
            copy_braces(out, rest);
            true
        }
        Some('x') => {
            out.push_str("\\x");
            copy_braces(out, rest);
            false
        }
        Some(other) => {
            out.push('\\');
            out.push(other);
            false
        }
        None => {
            out.push('\\');
            false
        }
    }
}

/// `[:alpha:]`, copied to its end.
fn named_class(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    out.push('[');
    for character in rest.by_ref() {
        out.push(character);
        if character == ']' {
            return;
        }
    }
}
