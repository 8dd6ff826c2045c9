//! Arguments of calls: evaluated by, and checked against, the type that the parameter declares.

use super::pipeline::{Arguments, literal_value};
use super::{At, Frame, Machine, Operand, Run};
use crate::template::ast::{Expression, ExpressionKind};
use crate::value::{Elements, List, Signature, Type, Value};

impl Machine<'_> {
    /// All arguments of a call, after their number and types were checked.
    pub(super) fn arguments<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        name: &str,
        signature: Signature,
        arguments: Arguments<'t>,
    ) -> Run<Vec<Value>> {
        check_count(frame, name, signature, &arguments)?;
        let wanted = |index: usize| match signature.fixed.get(index) {
            Some(wanted) => *wanted,
            None => signature.rest.unwrap_or(Type::Any),
        };
        let mut values = Vec::with_capacity(arguments.count());
        for (index, expression) in arguments.written.iter().enumerate() {
            values.push(self.argument(frame, dot, wanted(index), expression)?);
        }
        if let Some(last) = arguments.last {
            values.push(checked(frame, last, wanted(values.len()))?);
        }
        Ok(values)
    }

    pub(super) fn argument<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        wanted: Type,
        expression: &'t Expression,
    ) -> Run<Value> {
        frame.at = Some(At::Expression(expression));
        match &expression.kind {
            ExpressionKind::Nil => match nil_of(wanted) {
                Some(value) => Ok(value),
                None => Err(frame.error(format!("cannot assign nil to {}", wanted.name()))),
            },
            ExpressionKind::Bool(_) | ExpressionKind::Number(_) | ExpressionKind::String { .. } => {
                literal_argument(frame, wanted, expression)
            }
            _ => {
                let value = evaluated_argument(self, frame, dot, expression)?;
                checked(frame, value, wanted)
            }
        }
    }
}

/// The value of an argument whatever its type.
pub(super) fn evaluated_argument<'t>(
    machine: &mut Machine<'_>,
    frame: &mut Frame<'t>,
    dot: &Operand,
    expression: &'t Expression,
) -> Run<Operand> {
    frame.at = Some(At::Expression(expression));
    match &expression.kind {
        ExpressionKind::Dot => Ok(dot.clone()),
        ExpressionKind::Pipeline(inner) => machine.pipeline(frame, dot, inner),
        ExpressionKind::Function(function) => {
            machine.function(frame, dot, function, At::Expression(expression), Arguments::NONE)
        }
        ExpressionKind::Field(_) | ExpressionKind::Variable(_) | ExpressionKind::Chain(..) => {
            machine.access(frame, dot, expression, Arguments::NONE)
        }
        _ => Ok(literal_value(expression)),
    }
}

fn check_count(frame: &Frame<'_>, name: &str, signature: Signature, arguments: &Arguments<'_>) -> Run<()> {
    let (fixed, got) = (signature.fixed.len(), arguments.count());
    if signature.rest.is_some() {
        if got >= fixed {
            return Ok(());
        }
        // Go leaves the piped value out of this count.
        let written = arguments.written.len();
        let message = format!("wrong number of args for {name}: want at least {fixed} got {written}");
        return Err(frame.error(message));
    }
    if got == fixed {
        return Ok(());
    }
    Err(frame.error(format!("wrong number of args for {name}: want {fixed} got {got}")))
}

/// A literal takes the type that the parameter declares, where its syntax allows.
fn literal_argument(frame: &Frame<'_>, wanted: Type, expression: &Expression) -> Run<Value> {
    let expected = |what: &str| Err(frame.error(format!("expected {what}; found {expression}")));
    match (wanted, &expression.kind) {
        (Type::Any, _) => Ok(literal_value(expression).unwrap_or_default()),
        (Type::Bool, ExpressionKind::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Bool, _) => expected("bool"),
        (Type::String, ExpressionKind::String { text, .. }) => Ok(Value::String(text.clone())),
        (Type::String, _) => expected("string"),
        (Type::Int | Type::Int64, ExpressionKind::Number(number)) => match number.integer {
            Some(integer) if wanted == Type::Int => Ok(Value::Int(integer)),
            Some(integer) => Ok(Value::Int64(integer)),
            None => expected("integer"),
        },
        (Type::Int | Type::Int64, _) => expected("integer"),
        (Type::Float, ExpressionKind::Number(number)) => match number.float {
            Some(float) => Ok(Value::Float(float)),
            None => expected("float"),
        },
        (Type::Float, _) => expected("float"),
        (Type::List | Type::Strings | Type::Map | Type::Object(_), _) => {
            Err(frame.error(format!("can't handle {expression} for arg of type {}", wanted.name())))
        }
    }
}

/// Nil as a value of the type, where the type has one.
fn nil_of(wanted: Type) -> Option<Value> {
    match wanted {
        Type::Any => Some(Value::Nil),
        // A struct has no nil; a pointer to one has.
        Type::Object(name) => name.starts_with('*').then_some(Value::Nil),
        Type::List => Some(Value::List(List::default())),
        Type::Strings => Some(Value::List(List::of(Elements::String, Vec::new()))),
        // A nil map reads as an empty one; only `set` can tell.
        Type::Map => Some(Value::Nil),
        Type::Bool | Type::Int | Type::Int64 | Type::Float | Type::String => None,
    }
}

/// Go assigns only what has the very type; there are no conversions.
fn checked(frame: &Frame<'_>, value: Operand, wanted: Type) -> Run<Value> {
    let Some(value) = value else {
        let invalid = || frame.error(format!("invalid value; expected {}", wanted.name()));
        return nil_of(wanted).ok_or_else(invalid);
    };
    let fits = match (wanted, &value) {
        (Type::Any, _)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Int64, Value::Int64(_))
        | (Type::Float, Value::Float(_))
        | (Type::String, Value::String(_))
        | (Type::Map, Value::Map(_)) => true,
        (Type::List, Value::List(list)) => list.elements() == Elements::Any,
        (Type::Strings, Value::List(list)) => list.elements() == Elements::String,
        (Type::Object(name), Value::Object(object)) => object.type_name() == name,
        _ => false,
    };
    if fits {
        return Ok(value);
    }
    let got = if value.is_nil() { "interface {}" } else { value.type_name() };
    Err(frame.error(format!("wrong type for value; expected {}; got {got}", wanted.name())))
}
