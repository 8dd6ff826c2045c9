//! The tree of a parsed template. Every node knows where it stands, and prints as Go prints it in errors.

use std::fmt;
use std::sync::Arc;

use super::format::quote;
use crate::functions::Function;

/// A source text and the name that errors give it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

impl Source {
    /// `NAME:LINE:COLUMN` of a byte; lines count from 1 and columns from 0, as in Go.
    pub(super) fn location(&self, position: usize) -> String {
        let before = &self.text[..position.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.matches('\n').count();
        format!("{}:{line}:{}", self.name, before.len() - line_start)
    }
}

/// A named template: a file, or a `define` in one.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) name: String,
    pub(super) source: Arc<Source>,
    pub(super) body: Vec<Node>,
}

impl Template {
    /// Whether it has nothing but space: such a definition does not replace another.
    pub(super) fn is_empty(&self) -> bool {
        self.body.iter().all(|node| match node {
            Node::Text { text, .. } => text.trim().is_empty(),
            _ => false,
        })
    }
}

#[derive(Debug)]
pub(super) enum Node {
    Text { position: usize, text: Box<str> },
    Action { position: usize, pipeline: Pipeline },
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { position: usize, name: String, pipeline: Option<Pipeline> },
    Break { position: usize },
    Continue { position: usize },
}

/// A control structure: its condition, its body, and what runs otherwise.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) position: usize,
    pub(super) pipeline: Pipeline,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) position: usize,
    /// The variables that it declares or assigns, with their `$`.
    pub(super) variables: Vec<String>,
    pub(super) is_assignment: bool,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug)]
pub(super) struct Command {
    pub(super) position: usize,
    /// The operand or function, and its arguments.
    pub(super) words: Vec<Expression>,
}

#[derive(Debug)]
pub(super) struct Expression {
    pub(super) position: usize,
    pub(super) kind: ExpressionKind,
}

#[derive(Debug)]
pub(super) enum ExpressionKind {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    /// The literal as written, and the text it stands for.
    String {
        quoted: String,
        text: Arc<str>,
    },
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`; the first name has its `$`.
    Variable(Vec<String>),
    /// `(…).A.B`
    Chain(Box<Expression>, Vec<String>),
    Function(&'static Function),
    Pipeline(Pipeline),
}

/// A number literal, with each type that it could have.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) text: String,
    pub(super) integer: Option<i64>,
    pub(super) float: Option<f64>,
    /// Whether it is an integer where nothing says which type is wanted.
    pub(super) is_ideal_integer: bool,
}

impl fmt::Display for Pipeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let operator = if self.is_assignment { "=" } else { ":=" };
            write!(formatter, "{} {operator} ", self.variables.join(", "))?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            let separator = if index > 0 { " | " } else { "" };
            write!(formatter, "{separator}{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            let separator = if index > 0 { " " } else { "" };
            match &word.kind {
                ExpressionKind::Pipeline(pipeline) => write!(formatter, "{separator}({pipeline})")?,
                _ => write!(formatter, "{separator}{word}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExpressionKind::Bool(value) => write!(formatter, "{value}"),
            ExpressionKind::Dot => formatter.write_str("."),
            ExpressionKind::Nil => formatter.write_str("nil"),
            ExpressionKind::Number(number) => formatter.write_str(&number.text),
            ExpressionKind::String { quoted, .. } => formatter.write_str(quoted),
            ExpressionKind::Field(names) => write!(formatter, ".{}", names.join(".")),
            ExpressionKind::Variable(names) => formatter.write_str(&names.join(".")),
            ExpressionKind::Chain(inner, names) => match &inner.kind {
                ExpressionKind::Pipeline(pipeline) => write!(formatter, "({pipeline}).{}", names.join(".")),
                _ => write!(formatter, "{inner}.{}", names.join(".")),
            },
            ExpressionKind::Function(function) => formatter.write_str(function.name),
            ExpressionKind::Pipeline(pipeline) => write!(formatter, "{pipeline}"),
        }
    }
}

/// The tag alone, as far as errors show nodes at all.
impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { text, .. } => formatter.write_str(&quote(text)),
            Self::Action { pipeline, .. } => write!(formatter, "{{{{{pipeline}}}}}"),
            Self::If(branch) => write!(formatter, "{{{{if {}}}}}", branch.pipeline),
            Self::With(branch) => write!(formatter, "{{{{with {}}}}}", branch.pipeline),
            Self::Range(branch) => write!(formatter, "{{{{range {}}}}}", branch.pipeline),
            Self::Template { name, pipeline: Some(pipeline), .. } => {
                write!(formatter, "{{{{template {} {pipeline}}}}}", quote(name))
            }
            Self::Template { name, .. } => write!(formatter, "{{{{template {}}}}}", quote(name)),
            Self::Break { .. } => formatter.write_str("{{break}}"),
            Self::Continue { .. } => formatter.write_str("{{continue}}"),
        }
    }
}
