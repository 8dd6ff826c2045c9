//! The token stream, with as much look-ahead as the grammar asks for.

use crate::template::token::{Kind, Token};

pub(super) struct Tokens<'s> {
    tokens: Vec<Token<'s>>,
    /// The token that comes next.
    index: usize,
    /// The furthest token that was looked at: errors name its line, as Go's do.
    latest: usize,
}

impl<'s> Tokens<'s> {
    /// Takes what the lexer made; it always ends with `End` or `Error`.
    pub(super) fn new(tokens: Vec<Token<'s>>) -> Self {
        Self { tokens, index: 0, latest: 0 }
    }

    fn at(&self, index: usize) -> &Token<'s> {
        let last = self.tokens.len() - 1;
        &self.tokens[index.min(last)]
    }

    pub(super) fn next(&mut self) -> Token<'s> {
        let token = self.at(self.index).clone();
        self.latest = self.latest.max(self.index);
        self.index += 1;
        token
    }

    pub(super) fn peek(&mut self) -> &Token<'s> {
        self.latest = self.latest.max(self.index);
        self.at(self.index)
    }

    pub(super) fn next_non_space(&mut self) -> Token<'s> {
        self.skip_space();
        self.next()
    }

    pub(super) fn peek_non_space(&mut self) -> &Token<'s> {
        self.skip_space();
        self.peek()
    }

    fn skip_space(&mut self) {
        while self.at(self.index).kind == Kind::Space {
            self.index += 1;
        }
    }

    /// Takes back the last token.
    pub(super) fn back(&mut self) {
        self.index -= 1;
    }

    /// Where the stream stands, for [`Tokens::rewind`].
    pub(super) fn mark(&self) -> usize {
        self.index
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.index = mark;
    }

    pub(super) fn latest_position(&self) -> usize {
        self.at(self.latest).position
    }
}
