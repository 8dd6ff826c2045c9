//! Source text to tokens. Trim markers and comments end here; the parser never sees them.

use std::borrow::Cow;

use super::token::{Keyword, Kind, Token};

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const DECIMAL: &str = "0123456789_";
/// What a trim marker removes beside it.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Splits a source into tokens. The last one is `End`, or `Error` where the source makes no sense.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, start: 0, position: 0, parentheses: 0, tokens: Vec::new() };
    if let Err(complaint) = lexer.run() {
        let text = Cow::Owned(complaint);
        lexer.tokens.push(Token { kind: Kind::Error, position: lexer.start, text });
    }
    lexer.tokens
}

struct Lexer<'s> {
    source: &'s str,
    /// Where the token being read starts.
    start: usize,
    position: usize,
    parentheses: usize,
    tokens: Vec<Token<'s>>,
}

impl<'s> Lexer<'s> {
    fn run(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            let Some(offset) = rest.find(LEFT) else {
                self.position = self.source.len();
                self.emit_text(rest.len());
                self.emit(Kind::End);
                return Ok(());
            };
            let text = &rest[..offset];
            let trims = has_left_trim(&rest[offset + LEFT.len()..]);
            let kept = if trims { text.trim_end_matches(SPACES).len() } else { text.len() };
            self.position += offset;
            self.emit_text(kept);
            self.left_delimiter(trims)?;
        }
    }

    fn rest(&self) -> &'s str {
        &self.source[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        Some(next)
    }

    fn skip_while(&mut self, accept: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&accept) {
            self.advance();
        }
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.peek().is_some_and(|next| valid.contains(next));
        if accepted {
            self.advance();
        }
        accepted
    }

    fn emit(&mut self, kind: Kind) {
        let text = Cow::Borrowed(&self.source[self.start..self.position]);
        self.tokens.push(Token { kind, position: self.start, text });
        self.start = self.position;
    }

    /// Emits the first `length` bytes of the pending text, and drops the rest.
    fn emit_text(&mut self, length: usize) {
        if length > 0 {
            let text = Cow::Borrowed(&self.source[self.start..self.start + length]);
            self.tokens.push(Token { kind: Kind::Text, position: self.start, text });
        }
        self.start = self.position;
    }

    fn left_delimiter(&mut self, trims: bool) -> Result<(), String> {
        let marker = if trims { 2 } else { 0 };
        let after = &self.rest()[LEFT.len()..];
        if after[marker.min(after.len())..].starts_with("/*") {
            self.position += LEFT.len() + marker;
            self.start = self.position;
            return self.comment();
        }
        self.position += LEFT.len();
        self.emit(Kind::LeftDelimiter);
        self.position += marker;
        self.start = self.position;
        self.parentheses = 0;
        while self.inside_action()? {}
        Ok(())
    }

    fn comment(&mut self) -> Result<(), String> {
        let body = self.rest();
        let Some(end) = body.find("*/") else { return Err("unclosed comment".to_owned()) };
        self.position += end + 2;
        if !self.right_delimiter_ahead() {
            return Err("comment ends before closing delimiter".to_owned());
        }
        self.right_delimiter();
        // A comment leaves no token at all.
        self.tokens.pop();
        Ok(())
    }

    /// Whether `}}` or ` -}}` follows.
    fn right_delimiter_ahead(&self) -> bool {
        self.rest().starts_with(RIGHT) || has_right_trim(self.rest())
    }

    /// Steps over the right delimiter and what its trim marker removes.
    fn right_delimiter(&mut self) {
        let trims = has_right_trim(self.rest());
        if trims {
            self.position += 2;
        }
        self.start = self.position;
        self.position += RIGHT.len();
        self.tokens.push(Token {
            kind: Kind::RightDelimiter,
            position: self.start,
            text: Cow::Borrowed(RIGHT),
        });
        if trims {
            self.position = self.source.len() - self.rest().trim_start_matches(SPACES).len();
        }
        self.start = self.position;
    }

    /// Reads one token of an action; false behind the right delimiter.
    fn inside_action(&mut self) -> Result<bool, String> {
        if self.right_delimiter_ahead() {
            if self.parentheses > 0 {
                return Err("unclosed left paren".to_owned());
            }
            self.right_delimiter();
            return Ok(false);
        }
        let Some(next) = self.advance() else { return Err("unclosed action".to_owned()) };
        match next {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.advance() != Some('=') {
                    return Err("expected :=".to_owned());
                }
                self.emit(Kind::Declare);
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', "unterminated quoted string", Kind::String)?,
            '\'' => self.quoted('\'', "unterminated character constant", Kind::CharacterConstant)?,
            '`' => self.raw_string()?,
            '$' => self.name(Kind::Variable)?,
            '.' if !self.peek().is_some_and(|digit| digit.is_ascii_digit()) => self.name(Kind::Field)?,
            '.' | '+' | '-' | '0'..='9' => {
                self.position -= 1;
                self.number()?;
            }
            '(' => {
                self.emit(Kind::LeftParenthesis);
                self.parentheses += 1;
            }
            ')' => {
                let unexpected = || "unexpected right paren".to_owned();
                self.parentheses = self.parentheses.checked_sub(1).ok_or_else(unexpected)?;
                self.emit(Kind::RightParenthesis);
            }
            letter if is_alphanumeric(letter) => self.word()?,
            printable if printable.is_ascii_graphic() => self.emit(Kind::Character),
            other => return Err(format!("unrecognized character in action: {}", describe(Some(other)))),
        }
        Ok(true)
    }

    /// Spaces, of which the last belongs to a trim marker if one follows.
    fn space(&mut self) {
        while self.peek().is_some_and(|next| SPACES.contains(&next)) && !has_right_trim(self.rest()) {
            self.advance();
        }
        self.emit(Kind::Space);
    }

    fn quoted(&mut self, end: char, complaint: &str, kind: Kind) -> Result<(), String> {
        loop {
            match self.advance() {
                Some('\\') if !matches!(self.advance(), None | Some('\n')) => {}
                Some('\\' | '\n') | None => return Err(complaint.to_owned()),
                Some(character) if character == end => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn raw_string(&mut self) -> Result<(), String> {
        let Some(length) = self.rest().find('`') else {
            return Err("unterminated raw quoted string".to_owned());
        };
        self.position += length + 1;
        self.emit(Kind::RawString);
        Ok(())
    }

    /// A field or a variable behind its `.` or `$`.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        if self.at_terminator() {
            self.emit(if kind == Kind::Field { Kind::Dot } else { kind });
            return Ok(());
        }
        self.skip_while(is_alphanumeric);
        self.expect_terminator()?;
        self.emit(kind);
        Ok(())
    }

    fn word(&mut self) -> Result<(), String> {
        self.skip_while(is_alphanumeric);
        self.expect_terminator()?;
        let word = &self.source[self.start..self.position];
        let kind = match word {
            "true" | "false" => Kind::Bool,
            _ => Keyword::from_word(word).map_or(Kind::Identifier, Kind::Keyword),
        };
        self.emit(kind);
        Ok(())
    }

    fn expect_terminator(&self) -> Result<(), String> {
        if self.at_terminator() {
            return Ok(());
        }
        Err(format!("bad character {}", describe(self.peek())))
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(' | '=') => true,
            Some(space) if SPACES.contains(&space) => true,
            _ => self.rest().starts_with(RIGHT),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let is_number = self.scan_number();
        if !is_number || matches!(self.peek(), Some('+' | '-')) {
            let text = super::format::quote(&self.source[self.start..self.position]);
            return Err(format!("bad number syntax: {text}"));
        }
        self.emit(Kind::Number);
        Ok(())
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let digits = if !self.accept("0") {
            DECIMAL
        } else if self.accept("xX") {
            "0123456789abcdefABCDEF_"
        } else if self.accept("oO") {
            "01234567_"
        } else if self.accept("bB") {
            "01_"
        } else {
            DECIMAL
        };
        self.skip_while(|next| digits.contains(next));
        if self.accept(".") {
            self.skip_while(|next| digits.contains(next));
        }
        if digits == DECIMAL && self.accept("eE") {
            self.accept("+-");
            self.skip_while(|next| DECIMAL.contains(next));
        }
        if self.peek().is_some_and(is_alphanumeric) {
            self.advance();
            return false;
        }
        true
    }
}

/// `- ` behind `{{`.
fn has_left_trim(after: &str) -> bool {
    after.starts_with('-') && after[1..].starts_with(SPACES)
}

/// ` -}}`.
fn has_right_trim(rest: &str) -> bool {
    rest.starts_with(SPACES) && rest[1..].starts_with("-}}")
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphabetic() || character.is_numeric()
}

/// A character as Go's `%#U`.
fn describe(character: Option<char>) -> String {
    match character {
        None => "U+FFFFFFFFFFFFFFFF".to_owned(),
        Some(character) if super::format::is_printable(character) => {
            format!("U+{:04X} '{character}'", character as u32)
        }
        Some(character) => format!("U+{:04X}", character as u32),
    }
}
