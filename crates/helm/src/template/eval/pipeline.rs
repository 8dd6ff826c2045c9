//! Pipelines and commands to values.

use super::{At, Frame, Machine, Operand, Run};
use crate::template::ast::{Command, Expression, ExpressionKind, Number, Pipeline};
use crate::value::Value;

impl Machine<'_> {
    /// The value of a pipeline; what is nil becomes nothing. Variables are declared or assigned.
    pub(super) fn pipeline<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        pipeline: &'t Pipeline,
    ) -> Run<Operand> {
        frame.at = Some(At::Pipeline(pipeline));
        self.enter(frame)?;
        let mut last: Option<Operand> = None;
        for command in &pipeline.commands {
            let value = self.command(frame, dot, command, last.take())?;
            last = Some(value.filter(|value| !value.is_nil()));
        }
        self.leave();
        let value = last.flatten();
        for name in &pipeline.variables {
            if pipeline.is_assignment {
                frame.set_variable(name, value.clone())?;
            } else {
                frame.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn command<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        command: &'t Command,
        last: Option<Operand>,
    ) -> Run<Operand> {
        let (first, written) = command.words.split_first().expect("the parser makes no empty command");
        let arguments = Arguments { written, last };
        match &first.kind {
            ExpressionKind::Field(_) | ExpressionKind::Chain(..) | ExpressionKind::Variable(_) => {
                self.access(frame, dot, first, arguments)
            }
            ExpressionKind::Function(function) => {
                frame.at = Some(At::Expression(first));
                self.function(frame, dot, function, At::Command(command), arguments)
            }
            ExpressionKind::Pipeline(inner) => {
                arguments.reject(frame, first)?;
                self.pipeline(frame, dot, inner)
            }
            literal => {
                frame.at = Some(At::Expression(first));
                arguments.reject(frame, first)?;
                match literal {
                    ExpressionKind::Dot => Ok(dot.clone()),
                    ExpressionKind::Nil => Err(frame.error("nil is not a command")),
                    ExpressionKind::Number(Number { integer: None, float: None, text, .. }) => {
                        Err(frame.error(format!("{text} overflows int")))
                    }
                    _ => Ok(literal_value(first)),
                }
            }
        }
    }
}

/// What a command gives to its first word: the words behind it, and the value of the command before.
pub(super) struct Arguments<'t> {
    pub(super) written: &'t [Expression],
    /// The value that is piped in, if this is not the first command.
    pub(super) last: Option<Operand>,
}

impl Arguments<'_> {
    pub(super) const NONE: Self = Self { written: &[], last: None };

    pub(super) fn count(&self) -> usize {
        self.written.len() + usize::from(self.last.is_some())
    }

    /// Fails when there are any: `first` is no function.
    pub(super) fn reject(&self, frame: &Frame<'_>, first: &Expression) -> Run<()> {
        if self.count() == 0 {
            return Ok(());
        }
        Err(frame.error(format!("can't give argument to non-function {first}")))
    }
}

/// The value of a literal where nothing says which type is wanted.
pub(super) fn literal_value(expression: &Expression) -> Operand {
    match &expression.kind {
        ExpressionKind::Bool(value) => Some(Value::Bool(*value)),
        ExpressionKind::Number(Number { integer: Some(integer), is_ideal_integer: true, .. }) => {
            Some(Value::Int(*integer))
        }
        ExpressionKind::Number(number) => number.float.map(Value::Float),
        ExpressionKind::String { text, .. } => Some(Value::String(text.clone())),
        _ => None,
    }
}
