//! Fields, keys and methods: `.A.B`, `$x.A`, `(…).A`.

use super::argument::evaluated_argument;
use super::pipeline::Arguments;
use super::{At, Frame, Machine, Operand, Run};
use crate::functions::FunctionError;
use crate::template::ast::{Expression, ExpressionKind};
use crate::value::Value;

impl Machine<'_> {
    /// Evaluates a field, variable or chain; the last name gets the arguments if it is a method.
    pub(super) fn access<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        expression: &'t Expression,
        arguments: Arguments<'t>,
    ) -> Run<Operand> {
        frame.at = Some(At::Expression(expression));
        let (receiver, names) = match &expression.kind {
            ExpressionKind::Field(names) => (dot.clone(), names.as_slice()),
            ExpressionKind::Chain(inner, names) => {
                if matches!(inner.kind, ExpressionKind::Nil) {
                    return Err(frame.error(format!("indirection through explicit nil in {expression}")));
                }
                (evaluated_argument(self, frame, dot, inner)?, names.as_slice())
            }
            ExpressionKind::Variable(names) => {
                let known = frame.variables.iter().rev().find(|(known, _)| *known == names[0]);
                let Some((_, value)) = known else {
                    return Err(frame.error(format!("undefined variable: {}", names[0])));
                };
                (value.clone(), &names[1..])
            }
            _ => return Err(frame.error(format!("can't evaluate command {expression}"))),
        };
        let Some((last, path)) = names.split_last() else {
            arguments.reject(frame, expression)?;
            return Ok(receiver);
        };
        let is_dot = matches!(expression.kind, ExpressionKind::Field(_));
        let mut receiver = Receiver { is_element: is_dot && frame.dot_is_element, value: receiver };
        for name in path {
            let is_element = matches!(receiver.value, Some(Value::Map(_)));
            let value = self.field(frame, dot, &receiver, (expression, name), Arguments::NONE)?;
            receiver = Receiver { is_element, value };
        }
        self.field(frame, dot, &receiver, (expression, last), arguments)
    }

    fn field<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        receiver: &Receiver,
        (expression, name): (&'t Expression, &str),
        arguments: Arguments<'t>,
    ) -> Run<Operand> {
        let Some(value) = &receiver.value else {
            if self.environment.strict {
                return Err(frame.error(format!("nil data; no entry for key \"{name}\"")));
            }
            return Ok(None);
        };
        match value {
            Value::Nil => Err(frame.error(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Map(map) => {
                if arguments.count() > 0 {
                    return Err(frame.error(format!("{name} is not a method but has arguments")));
                }
                match map.get(name) {
                    Some(value) => Ok(Some(value)),
                    None if self.environment.strict => {
                        Err(frame.error(format!("map has no entry for key \"{name}\"")))
                    }
                    None => Ok(Some(Value::Nil)),
                }
            }
            Value::Object(object) => {
                if let Some(signature) = object.method(name) {
                    let values = self.arguments(frame, dot, name, signature, arguments)?;
                    let call = object.call(name, &values);
                    return self.finish(
                        frame,
                        At::Expression(expression),
                        name,
                        call.map_err(FunctionError::from),
                    );
                }
                let Some(value) = object.field(name) else {
                    let message =
                        format!("can't evaluate field {name} in type {}", receiver.type_name(value));
                    return Err(frame.error(message));
                };
                if arguments.count() > 0 {
                    let message = format!("{name} has arguments but cannot be invoked as function");
                    return Err(frame.error(message));
                }
                Ok(Some(value))
            }
            other => {
                let message = format!("can't evaluate field {name} in type {}", receiver.type_name(other));
                Err(frame.error(message))
            }
        }
    }
}

/// What a name is looked up in.
struct Receiver {
    value: Operand,
    /// Whether it came out of a map or a list, whose elements Go types as `interface {}`.
    is_element: bool,
}

impl Receiver {
    fn type_name<'v>(&self, value: &'v Value) -> &'v str {
        if self.is_element { "interface {}" } else { value.type_name() }
    }
}
