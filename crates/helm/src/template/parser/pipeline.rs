//! Pipelines, commands and operands.

use super::{Parsed, Parser, literal};
use crate::functions;
use crate::template::ast::{Command, Expression, ExpressionKind, Pipeline};
use crate::template::format::quote;
use crate::template::token::{Keyword, Kind};

impl Parser<'_> {
    /// `[$x[, $y] :=] command | command …` up to `end`, which is consumed.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipeline> {
        let position = self.tokens.peek_non_space().position;
        let (variables, is_assignment) = self.declarations(context)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            let token = self.tokens.next_non_space();
            if token.kind == end {
                break;
            }
            if !starts_operand(token.kind) {
                return self.unexpected(&token, context);
            }
            self.tokens.back();
            commands.push(self.command()?);
        }
        if commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in commands.iter().enumerate().skip(1) {
            if is_literal(&command.words[0].kind) {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(Pipeline { position, variables, is_assignment, commands })
    }

    fn declarations(&mut self, context: &str) -> Parsed<(Vec<String>, bool)> {
        let mut names: Vec<String> = Vec::new();
        loop {
            self.tokens.peek_non_space();
            let mark = self.tokens.mark();
            if self.tokens.peek().kind != Kind::Variable {
                return Ok((names, false));
            }
            let name = self.tokens.next().text.into_owned();
            let next = self.tokens.peek_non_space().clone();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    self.tokens.next_non_space();
                    names.push(name.clone());
                    self.variables.push(name);
                    return Ok((names, next.kind == Kind::Assign));
                }
                Kind::Character if next.text == "," => {
                    self.tokens.next_non_space();
                    names.push(name.clone());
                    self.variables.push(name);
                    if context != "range" || names.len() > 1 {
                        return self.error(format!("too many declarations in {context}"));
                    }
                    let follows = self.tokens.peek_non_space().kind;
                    if !matches!(follows, Kind::Variable | Kind::RightDelimiter | Kind::RightParenthesis) {
                        return self.error("range can only initialize variables");
                    }
                }
                _ => {
                    self.tokens.rewind(mark);
                    return Ok((names, false));
                }
            }
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let position = self.tokens.peek_non_space().position;
        let mut words = Vec::new();
        loop {
            self.tokens.peek_non_space();
            if let Some(operand) = self.operand()? {
                words.push(operand);
            }
            let token = self.tokens.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelimiter | Kind::RightParenthesis => self.tokens.back(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if words.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { position, words })
    }

    /// A term, and the fields behind it.
    fn operand(&mut self) -> Parsed<Option<Expression>> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.tokens.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let position = self.tokens.peek().position;
        let mut fields = Vec::new();
        while self.tokens.peek().kind == Kind::Field {
            fields.push(self.tokens.next().text[1..].to_owned());
        }
        let kind = match term.kind {
            ExpressionKind::Field(mut names) => {
                names.extend(fields);
                ExpressionKind::Field(names)
            }
            ExpressionKind::Variable(mut names) => {
                names.extend(fields);
                ExpressionKind::Variable(names)
            }
            kind if is_literal(&kind) => {
                let shown = Expression { position, kind };
                return self.error(format!("unexpected . after term {}", quote(&shown.to_string())));
            }
            kind => {
                let inner = Expression { position: term.position, kind };
                ExpressionKind::Chain(Box::new(inner), fields)
            }
        };
        Ok(Some(Expression { position, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Expression>> {
        let token = self.tokens.next_non_space();
        let position = token.position;
        let kind = match token.kind {
            Kind::Error => return self.unexpected(&token, "operand"),
            Kind::Identifier => match functions::find(&token.text) {
                Some(function) => ExpressionKind::Function(function),
                None => return self.error(format!("function {} not defined", quote(&token.text))),
            },
            Kind::Dot => ExpressionKind::Dot,
            Kind::Keyword(Keyword::Nil) => ExpressionKind::Nil,
            Kind::Variable => {
                if !self.variables.iter().any(|known| *known == token.text) {
                    return self.error(format!("undefined variable {}", quote(&token.text)));
                }
                ExpressionKind::Variable(vec![token.text.into_owned()])
            }
            Kind::Field => ExpressionKind::Field(vec![token.text[1..].to_owned()]),
            Kind::Bool => ExpressionKind::Bool(token.text == "true"),
            Kind::Number | Kind::CharacterConstant => match literal::number(&token.text) {
                Ok(number) => ExpressionKind::Number(number),
                Err(message) => return self.error(message),
            },
            Kind::LeftParenthesis => {
                let pipeline =
                    self.deeper(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParenthesis))?;
                ExpressionKind::Pipeline(pipeline)
            }
            Kind::String | Kind::RawString => match literal::unquote(&token.text) {
                Some(text) => ExpressionKind::String { quoted: token.text.into_owned(), text: text.into() },
                None => return self.error("invalid syntax"),
            },
            _ => {
                self.tokens.back();
                return Ok(None);
            }
        };
        Ok(Some(Expression { position, kind }))
    }
}

fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharacterConstant
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Keyword(Keyword::Nil)
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParenthesis
    )
}

/// Literals take no arguments and have no fields.
fn is_literal(kind: &ExpressionKind) -> bool {
    matches!(
        kind,
        ExpressionKind::Bool(_)
            | ExpressionKind::Dot
            | ExpressionKind::Nil
            | ExpressionKind::Number(_)
            | ExpressionKind::String { .. }
    )
}
