//! JSON text as a tree that keeps every digit of a number, which a float would lose.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

/// A JSON value; numbers are the text they were written as.
pub(super) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(String),
    List(Vec<Tree<'a>>),
    Map(BTreeMap<String, Tree<'a>>),
}

/// The tree of a text. serde_json judges first whether the text is JSON at all, with its bound on
/// depth, so that the scan only ever sees valid text.
pub(super) fn scan(text: &[u8]) -> Result<Tree<'_>, serde_json::Error> {
    serde_json::from_slice::<IgnoredAny>(text)?;
    let text = std::str::from_utf8(text).map_err(serde::de::Error::custom)?;
    Scanner { rest: text.trim_start() }.tree()
}

struct Scanner<'a> {
    rest: &'a str,
}

const VALID: &str = "serde_json found the text valid";

impl<'a> Scanner<'a> {
    /// Takes so many bytes and the white space after them.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest.trim_start();
        taken
    }

    fn peek(&self) -> u8 {
        *self.rest.as_bytes().first().expect(VALID)
    }

    fn tree(&mut self) -> Result<Tree<'a>, serde_json::Error> {
        match self.peek() {
            b'n' => {
                self.take("null".len());
                Ok(Tree::Null)
            }
            b't' => {
                self.take("true".len());
                Ok(Tree::Bool(true))
            }
            b'f' => {
                self.take("false".len());
                Ok(Tree::Bool(false))
            }
            b'"' => self.string().map(Tree::String),
            b'[' => self.list(),
            b'{' => self.map(),
            _ => {
                let part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
                let length = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
                Ok(Tree::Number(self.take(length)))
            }
        }
    }

    fn string(&mut self) -> Result<String, serde_json::Error> {
        let mut escaped = false;
        let end = self.rest.bytes().enumerate().skip(1).find(|(_, byte)| {
            let closes = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        });
        let (end, _) = end.expect(VALID);
        serde_json::from_str(self.take(end + 1))
    }

    fn list(&mut self) -> Result<Tree<'a>, serde_json::Error> {
        self.take(1);
        let mut elements = Vec::new();
        while self.peek() != b']' {
            elements.push(self.tree()?);
            self.comma();
        }
        self.take(1);
        Ok(Tree::List(elements))
    }

    fn map(&mut self) -> Result<Tree<'a>, serde_json::Error> {
        self.take(1);
        let mut entries = BTreeMap::new();
        while self.peek() != b'}' {
            let name = self.string()?;
            self.take(":".len());
            entries.insert(name, self.tree()?);
            self.comma();
        }
        self.take(1);
        Ok(Tree::Map(entries))
    }

    fn comma(&mut self) {
        if self.peek() == b',' {
            self.take(1);
        }
    }
}
