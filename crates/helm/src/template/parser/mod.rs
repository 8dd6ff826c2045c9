//! Tokens to templates: one for the file, one for each `define` and `block` in it.

mod literal;
mod pipeline;
mod tokens;

use std::sync::Arc;

use super::TemplateError;
use super::ast::{Branch, Node, Source, Template};
use super::lexer;
use super::token::{Keyword, Kind, Token};
use tokens::Tokens;

/// Nesting of control structures and parentheses; nothing readable comes near.
const NESTING_LIMIT: usize = 200;

/// Parses a file. The first template is the file itself.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Template>, TemplateError> {
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let mut parser = Parser {
        name,
        text,
        source: Arc::clone(&source),
        tokens: Tokens::new(lexer::tokens(text)),
        variables: vec!["$".to_owned()],
        range_depth: 0,
        nesting: 0,
        action_start: None,
        templates: Vec::new(),
    };
    let body = parser.file()?;
    parser.add(Template { name: name.to_owned(), source, body })?;
    Ok(parser.templates)
}

struct Parser<'s> {
    name: &'s str,
    text: &'s str,
    source: Arc<Source>,
    tokens: Tokens<'s>,
    /// The variables in scope, with their `$`.
    variables: Vec<String>,
    /// How many `range`s enclose the current node: `break` needs one.
    range_depth: usize,
    nesting: usize,
    /// Where the current action started, for complaints about its end.
    action_start: Option<usize>,
    templates: Vec<Template>,
}

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminator {
    End,
    Else,
}

impl Terminator {
    fn text(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// One node, or the tag that ends the list.
enum Item {
    Node(Node),
    Terminator(Terminator),
    /// A definition, which leaves nothing where it stands.
    Nothing,
}

type Parsed<T> = Result<T, TemplateError>;

impl<'s> Parser<'s> {
    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let line = self.line_of(self.tokens.latest_position());
        Err(TemplateError::Parse { name: self.name.to_owned(), line, message: message.into() })
    }

    fn line_of(&self, position: usize) -> usize {
        1 + self.text[..position.min(self.text.len())].matches('\n').count()
    }

    fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {token} in {context}"));
        }
        let line = self.line_of(token.position);
        let extra = match self.action_start.map(|position| self.line_of(position)) {
            Some(start) if start != line && token.text.ends_with(" action") => {
                format!(" started at {}:{start}", self.name)
            }
            Some(start) if start != line => format!(" in action started at {}:{start}", self.name),
            _ => String::new(),
        };
        self.error(format!("{token}{extra}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token<'s>> {
        let token = self.tokens.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting == NESTING_LIMIT {
            return self.error(format!("nested deeper than {NESTING_LIMIT} levels"));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// Two definitions of one name in a file are an error, unless one has only space.
    fn add(&mut self, template: Template) -> Parsed<()> {
        match self.templates.iter_mut().find(|known| known.name == template.name) {
            None => self.templates.push(template),
            Some(known) if known.is_empty() => *known = template,
            Some(_) if template.is_empty() => {}
            Some(_) => {
                let name = super::format::quote(&template.name);
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    fn file(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.tokens.peek().kind != Kind::End {
            match self.item(true)? {
                Item::Node(node) => nodes.push(node),
                Item::Nothing => {}
                Item::Terminator(terminator) => {
                    return self.error(format!("unexpected {}", terminator.text()));
                }
            }
        }
        Ok(nodes)
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Parsed<(Vec<Node>, Terminator)> {
        let mut nodes = Vec::new();
        while self.tokens.peek_non_space().kind != Kind::End {
            match self.item(false)? {
                Item::Node(node) => nodes.push(node),
                Item::Nothing => {}
                Item::Terminator(terminator) => return Ok((nodes, terminator)),
            }
        }
        self.error("unexpected EOF")
    }

    fn item(&mut self, allow_define: bool) -> Parsed<Item> {
        let token = self.tokens.next_non_space();
        match token.kind {
            Kind::Text => {
                Ok(Item::Node(Node::Text { position: token.position, text: token.text.into_owned().into() }))
            }
            Kind::LeftDelimiter => {
                self.action_start = Some(token.position);
                let item = self.action(allow_define);
                self.action_start = None;
                item
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self, allow_define: bool) -> Parsed<Item> {
        let token = self.tokens.next_non_space();
        let Kind::Keyword(keyword) = token.kind else {
            self.tokens.back();
            return self.plain_action();
        };
        let node = match keyword {
            Keyword::Define if allow_define => {
                self.define()?;
                return Ok(Item::Nothing);
            }
            Keyword::End => {
                self.expect(Kind::RightDelimiter, "end")?;
                return Ok(Item::Terminator(Terminator::End));
            }
            Keyword::Else => return self.else_control(),
            Keyword::Block => self.block()?,
            Keyword::Break | Keyword::Continue => self.loop_control(&token)?,
            Keyword::If => Node::If(self.deeper(|parser| parser.branch(keyword, "if"))?),
            Keyword::With => Node::With(self.deeper(|parser| parser.branch(keyword, "with"))?),
            Keyword::Range => Node::Range(self.deeper(|parser| parser.branch(keyword, "range"))?),
            Keyword::Template => self.template_call()?,
            Keyword::Define | Keyword::Nil => {
                self.tokens.back();
                return self.plain_action();
            }
        };
        Ok(Item::Node(node))
    }

    fn plain_action(&mut self) -> Parsed<Item> {
        let position = self.tokens.peek().position;
        let pipeline = self.pipeline("command", Kind::RightDelimiter)?;
        Ok(Item::Node(Node::Action { position, pipeline }))
    }

    fn else_control(&mut self) -> Parsed<Item> {
        // `else if` and `else with` leave their keyword to the branch.
        let next = self.tokens.peek_non_space().kind;
        if !matches!(next, Kind::Keyword(Keyword::If | Keyword::With)) {
            self.expect(Kind::RightDelimiter, "else")?;
        }
        Ok(Item::Terminator(Terminator::Else))
    }

    fn loop_control(&mut self, token: &Token<'_>) -> Parsed<Node> {
        let word = token.text.clone().into_owned();
        let next = self.tokens.next_non_space();
        if next.kind != Kind::RightDelimiter {
            return self.unexpected(&next, &format!("{{{{{word}}}}}"));
        }
        if self.range_depth == 0 {
            return self.error(format!("{{{{{word}}}}} outside {{{{range}}}}"));
        }
        let position = token.position;
        Ok(if word == "break" { Node::Break { position } } else { Node::Continue { position } })
    }

    fn branch(&mut self, keyword: Keyword, context: &str) -> Parsed<Branch> {
        let scope = self.variables.len();
        let position = self.tokens.peek_non_space().position;
        let pipeline = self.pipeline(context, Kind::RightDelimiter)?;
        let in_range = usize::from(keyword == Keyword::Range);
        self.range_depth += in_range;
        let (body, terminator) = self.list()?;
        self.range_depth -= in_range;
        let otherwise = match terminator {
            Terminator::End => Vec::new(),
            Terminator::Else => self.otherwise(keyword, context)?,
        };
        self.variables.truncate(scope);
        Ok(Branch { position, pipeline, body, otherwise })
    }

    /// What follows `{{else`: another branch of the same kind without an end of its own, or a list.
    fn otherwise(&mut self, keyword: Keyword, context: &str) -> Parsed<Vec<Node>> {
        let chained = matches!(keyword, Keyword::If | Keyword::With)
            && self.tokens.peek_non_space().kind == Kind::Keyword(keyword);
        if chained {
            self.tokens.next_non_space();
            let branch = self.deeper(|parser| parser.branch(keyword, context))?;
            let node = if keyword == Keyword::If { Node::If(branch) } else { Node::With(branch) };
            return Ok(vec![node]);
        }
        let (nodes, terminator) = self.list()?;
        match terminator {
            Terminator::End => Ok(nodes),
            Terminator::Else => self.error("expected end; found {{else}}"),
        }
    }

    fn template_name(&mut self, context: &str) -> Parsed<(usize, String)> {
        let token = self.tokens.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&token, context);
        }
        match literal::unquote(&token.text) {
            Some(name) => Ok((token.position, name)),
            None => self.error("invalid syntax"),
        }
    }

    /// Parses the body of a `define` or `block` in a scope of its own.
    fn definition(&mut self, name: String, context: &str) -> Parsed<()> {
        let outer_variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let outer_ranges = std::mem::take(&mut self.range_depth);
        let (body, terminator) = self.deeper(Self::list)?;
        self.variables = outer_variables;
        self.range_depth = outer_ranges;
        if terminator != Terminator::End {
            return self.error(format!("unexpected {} in {context}", terminator.text()));
        }
        let source = Arc::clone(&self.source);
        self.add(Template { name, source, body })
    }

    fn define(&mut self) -> Parsed<()> {
        let context = "define clause";
        let (_, name) = self.template_name(context)?;
        self.expect(Kind::RightDelimiter, context)?;
        self.definition(name, context)
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let (position, name) = self.template_name(context)?;
        let pipeline = self.pipeline(context, Kind::RightDelimiter)?;
        self.definition(name.clone(), context)?;
        Ok(Node::Template { position, name, pipeline: Some(pipeline) })
    }

    fn template_call(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let (position, name) = self.template_name(context)?;
        let mut pipeline = None;
        if self.tokens.next_non_space().kind != Kind::RightDelimiter {
            self.tokens.back();
            pipeline = Some(self.pipeline(context, Kind::RightDelimiter)?);
        }
        Ok(Node::Template { position, name, pipeline })
    }
}
