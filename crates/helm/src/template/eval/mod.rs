//! Running a template: walks its nodes, writes text, and fails where and as Go fails.
//!
//! A value here is an [`Operand`]: `None` is Go's invalid value (what a pipeline makes of nil, whose
//! fields are silently nothing), `Some(Nil)` is a nil interface (an absent key, whose fields are an
//! error). Templates depend on the difference.

mod argument;
mod call;
mod field;
mod host;
mod machine;
mod pipeline;
mod range;

use std::fmt;

use super::ast::{Branch, Command, Expression, Node, Pipeline, Template};
use super::{TemplateError, format};
use crate::value::Value;
pub(super) use machine::Machine;

/// `None` is Go's invalid value.
type Operand = Option<Value>;

type Run<T> = Result<T, TemplateError>;

/// The node being evaluated: where an error says it happened.
#[derive(Clone, Copy)]
enum At<'t> {
    Node(&'t Node),
    Pipeline(&'t Pipeline),
    Command(&'t Command),
    Expression(&'t Expression),
}

impl At<'_> {
    fn position(self) -> usize {
        match self {
            Self::Node(
                Node::Text { position, .. }
                | Node::Action { position, .. }
                | Node::Template { position, .. }
                | Node::Break { position }
                | Node::Continue { position },
            ) => *position,
            Self::Node(Node::If(branch) | Node::With(branch) | Node::Range(branch)) => branch.position,
            Self::Pipeline(pipeline) => pipeline.position,
            Self::Command(command) => command.position,
            Self::Expression(expression) => expression.position,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(formatter),
            Self::Pipeline(pipeline) => pipeline.fmt(formatter),
            Self::Command(command) => command.fmt(formatter),
            Self::Expression(expression) => expression.fmt(formatter),
        }
    }
}

/// One template on the stack: its variables, and where it is.
struct Frame<'t> {
    template: &'t Template,
    variables: Vec<(&'t str, Operand)>,
    at: Option<At<'t>>,
    /// Whether dot is an element of what `range` walks: its static type is then `interface {}`.
    dot_is_element: bool,
}

impl<'t> Frame<'t> {
    fn new(template: &'t Template, data: Operand) -> Self {
        Self { template, variables: vec![("$", data)], at: None, dot_is_element: false }
    }

    fn place(&self) -> (String, String, String) {
        let position = self.at.map_or(0, At::position);
        let at = self.at.map(|at| at.to_string()).unwrap_or_default();
        (self.template.source.location(position), self.template.name.clone(), at)
    }

    /// An error at the current node.
    fn error(&self, message: impl Into<String>) -> TemplateError {
        let (location, executing, at) = self.place();
        TemplateError::Execute { location, executing, at, message: message.into() }
    }

    fn limit(&self, what: &'static str, limit: u64) -> TemplateError {
        let (location, executing, _) = self.place();
        TemplateError::Limit { location, executing, what, limit }
    }

    fn set_variable(&mut self, name: &str, value: Operand) -> Run<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => Err(self.error(format!("undefined variable: {name}"))),
        }
    }
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl Machine<'_> {
    fn walk_list<'t>(&mut self, frame: &mut Frame<'t>, dot: &Operand, nodes: &'t [Node]) -> Run<Flow> {
        self.enter(frame)?;
        let mut flow = Flow::Next;
        for node in nodes {
            flow = self.walk(frame, dot, node)?;
            if flow != Flow::Next {
                break;
            }
        }
        self.leave();
        Ok(flow)
    }

    fn walk<'t>(&mut self, frame: &mut Frame<'t>, dot: &Operand, node: &'t Node) -> Run<Flow> {
        frame.at = Some(At::Node(node));
        self.step(frame)?;
        match node {
            Node::Text { text, .. } => self.write(frame, text)?,
            Node::Action { pipeline, .. } => {
                // Variables stay until the end of the enclosing list; a declaration prints nothing.
                let value = self.pipeline(frame, dot, pipeline)?;
                if pipeline.variables.is_empty() {
                    frame.at = Some(At::Node(node));
                    self.write(frame, &format::printed(value.as_ref()))?;
                }
            }
            Node::If(branch) => return self.walk_branch(frame, dot, branch, false),
            Node::With(branch) => return self.walk_branch(frame, dot, branch, true),
            Node::Range(branch) => return self.walk_range(frame, dot, branch),
            Node::Template { name, pipeline, .. } => {
                self.walk_template(frame, dot, name, pipeline.as_ref())?;
            }
            Node::Break { .. } => return Ok(Flow::Break),
            Node::Continue { .. } => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn walk_branch<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        branch: &'t Branch,
        sets_dot: bool,
    ) -> Run<Flow> {
        let scope = frame.variables.len();
        let value = self.pipeline(frame, dot, &branch.pipeline)?;
        let is_true = value.as_ref().is_some_and(Value::is_truthy);
        let flow = match (is_true, sets_dot) {
            (true, true) => {
                let was_element = std::mem::replace(&mut frame.dot_is_element, false);
                let flow = self.walk_list(frame, &value, &branch.body)?;
                frame.dot_is_element = was_element;
                flow
            }
            (true, false) => self.walk_list(frame, dot, &branch.body)?,
            (false, _) => self.walk_list(frame, dot, &branch.otherwise)?,
        };
        frame.variables.truncate(scope);
        Ok(flow)
    }

    fn walk_template<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        name: &str,
        pipeline: Option<&'t Pipeline>,
    ) -> Run<()> {
        let Some(template) = self.set.find(name) else {
            return Err(frame.error(format!("template {} not defined", format::quote(name))));
        };
        let data = match pipeline {
            Some(pipeline) => self.pipeline(frame, dot, pipeline)?,
            None => None,
        };
        self.enter(frame)?;
        let mut inner = Frame::new(&template, data.clone());
        self.walk_list(&mut inner, &data, &template.body)?;
        self.leave();
        Ok(())
    }
}
