//! Calls of functions.

use super::argument::evaluated_argument;
use super::pipeline::Arguments;
use super::{At, Frame, Machine, Operand, Run};
use crate::functions::{Body, Function, FunctionError};
use crate::template::TemplateError;
use crate::value::Value;

/// Text in arguments and results that counts for one step of evaluation.
const BYTES_PER_STEP: u64 = 32;
/// Elements of lists that count for one step.
const ELEMENTS_PER_STEP: u64 = 16;

impl Machine<'_> {
    pub(super) fn function<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        function: &'static Function,
        at: At<'t>,
        arguments: Arguments<'t>,
    ) -> Run<Operand> {
        self.charge_steps(frame, function.cost)?;
        let (name, signature) = (function.name, function.signature);
        let result = match function.body {
            Body::Until(stop) => return self.until(frame, dot, name, stop, arguments),
            Body::Pure(body) => {
                let values = self.arguments(frame, dot, name, signature, arguments)?;
                self.check_sizes(frame, &values)?;
                body(&values)
            }
            Body::Host(body) => {
                let values = self.arguments(frame, dot, name, signature, arguments)?;
                self.check_sizes(frame, &values)?;
                body(self, &values)
            }
        };
        self.finish(frame, at, name, result)
    }

    /// `and` and `or`: arguments are evaluated until one's truth is `stop`.
    fn until<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        name: &str,
        stop: bool,
        arguments: Arguments<'t>,
    ) -> Run<Operand> {
        if arguments.count() == 0 {
            return Err(frame.error(format!("wrong number of args for {name}: want at least 1 got 0")));
        }
        let mut value = None;
        for expression in arguments.written {
            value = evaluated_argument(self, frame, dot, expression)?;
            if value.as_ref().is_some_and(Value::is_truthy) == stop {
                return Ok(value);
            }
        }
        Ok(arguments.last.unwrap_or(value))
    }

    /// Large arguments make larger results: refuses them before they multiply.
    fn check_sizes(&mut self, frame: &Frame<'_>, values: &[Value]) -> Run<()> {
        let limits = self.environment.limits;
        let text: usize = values.iter().filter_map(Value::as_str).map(str::len).sum();
        if text > limits.text_bytes {
            return Err(frame.limit("text in one value", limits.text_bytes as u64));
        }
        let lists = values.iter().filter_map(Value::as_list).map(|list| list.len());
        let (longest, elements) = lists.fold((0, 0), |(most, sum), length| (length.max(most), sum + length));
        if longest > limits.list_length {
            return Err(frame.limit("length of a list", limits.list_length as u64));
        }
        // Work and memory grow with sizes, and so do the steps that they count for.
        self.charge_steps(frame, text as u64 / BYTES_PER_STEP + elements as u64 / ELEMENTS_PER_STEP)
    }

    /// Turns what a function reports into an error at the call.
    pub(super) fn finish<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        at: At<'t>,
        name: &str,
        result: Result<Value, FunctionError>,
    ) -> Run<Operand> {
        let error = match result {
            Ok(value) => {
                self.check_sizes(frame, std::slice::from_ref(&value))?;
                return Ok(Some(value));
            }
            Err(error) => error,
        };
        frame.at = Some(at);
        let (location, executing, at) = frame.place();
        Err(match error {
            FunctionError::Message(message) => frame.error(format!("error calling {name}: {message}")),
            FunctionError::Refused(message) => TemplateError::Refused { location, message },
            FunctionError::Limit(what, limit) => frame.limit(what, limit),
            // The outermost place is where Helm says that a chart refused its values.
            FunctionError::Template { source, .. } if matches!(*source, TemplateError::Refused { .. }) => {
                match *source {
                    TemplateError::Refused { message, .. } => TemplateError::Refused { location, message },
                    other => other,
                }
            }
            FunctionError::Template { source, .. } if matches!(*source, TemplateError::Limit { .. }) => {
                *source
            }
            FunctionError::Template { context, source } => {
                let message = match context {
                    Some(context) => format!("error calling {name}: {context}"),
                    None => format!("error calling {name}"),
                };
                TemplateError::Nested { location, executing, at, message, inner: source }
            }
        })
    }
}
