//! `range` over lists, maps, numbers, and objects that are one of these underneath.

use super::{At, Flow, Frame, Machine, Operand, Run};
use crate::template::ast::Branch;
use crate::template::format;
use crate::value::{Elements, Value};

impl Machine<'_> {
    pub(super) fn walk_range<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Operand,
        branch: &'t Branch,
    ) -> Run<Flow> {
        let scope = frame.variables.len();
        let value = self.pipeline(frame, dot, &branch.pipeline)?;
        let is_element = value.as_ref().is_some_and(holds_interfaces);
        let flow = match value {
            None | Some(Value::Nil) => None,
            Some(Value::List(list)) => {
                let entries = list.iter().enumerate();
                let entries = entries.map(|(index, item)| (Some(Value::Int(index as i64)), item.clone()));
                self.iterate(frame, branch, is_element, entries)?
            }
            Some(Value::Map(map)) => {
                let entries = map.entries().into_iter().map(|(key, item)| (Some(Value::from(key)), item));
                self.iterate(frame, branch, is_element, entries)?
            }
            Some(Value::Bytes(bytes)) => {
                let entries = bytes.iter().enumerate();
                let entries = entries
                    .map(|(index, byte)| (Some(Value::Int(index as i64)), Value::Int(i64::from(*byte))));
                self.iterate(frame, branch, is_element, entries)?
            }
            Some(Value::Int(count)) => {
                check_count(frame, branch, count)?;
                self.iterate(frame, branch, is_element, (0..count).map(|number| (None, Value::Int(number))))?
            }
            Some(Value::Int64(count)) => {
                check_count(frame, branch, count)?;
                self.iterate(
                    frame,
                    branch,
                    is_element,
                    (0..count).map(|number| (None, Value::Int64(number))),
                )?
            }
            Some(Value::Object(object)) if object.entries().is_some() => {
                let entries = object.entries().unwrap_or_default();
                self.iterate(
                    frame,
                    branch,
                    is_element,
                    entries.into_iter().map(|(key, item)| (Some(key), item)),
                )?
            }
            Some(other) => {
                return Err(frame.error(format!("range can't iterate over {}", format::plain(&other))));
            }
        };
        let flow = match flow {
            Some(flow) => flow,
            None => self.walk_list(frame, dot, &branch.otherwise)?,
        };
        frame.variables.truncate(scope);
        Ok(flow)
    }

    /// Runs the body for each entry; `None` when there was no entry at all.
    fn iterate<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        branch: &'t Branch,
        is_element: bool,
        entries: impl Iterator<Item = (Option<Value>, Value)>,
    ) -> Run<Option<Flow>> {
        let mut outcome = None;
        let scope = frame.variables.len();
        let was_element = std::mem::replace(&mut frame.dot_is_element, is_element);
        for (key, item) in entries {
            outcome = Some(Flow::Next);
            frame.at = Some(At::Pipeline(&branch.pipeline));
            self.step(frame)?;
            let item = Some(item);
            self.bind(frame, branch, key, &item)?;
            let flow = self.walk_list(frame, &item, &branch.body)?;
            frame.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        frame.dot_is_element = was_element;
        Ok(outcome)
    }

    /// Gives the loop's variables their values: the element, or the index and the element.
    fn bind<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        branch: &'t Branch,
        key: Operand,
        item: &Operand,
    ) -> Run<()> {
        let pipeline = &branch.pipeline;
        let (key_name, item_name) = match pipeline.variables.as_slice() {
            [] => return Ok(()),
            [item] => (None, item),
            [key, item, ..] => (Some(key), item),
        };
        if pipeline.is_assignment {
            if let Some(name) = key_name {
                frame.set_variable(name, key)?;
            }
            return frame.set_variable(item_name, item.clone());
        }
        // The pipeline declared them in this order at the top of the stack.
        let top = frame.variables.len();
        frame.variables[top - 1].1 = item.clone();
        if key_name.is_some() {
            frame.variables[top - 2].1 = key;
        }
        Ok(())
    }
}

/// Whether Go types the elements as `interface {}`; of `[]int` and `map[string]string` it knows more.
fn holds_interfaces(value: &Value) -> bool {
    match value {
        Value::List(list) => list.elements() == Elements::Any,
        Value::Map(map) => map.type_name() != "map[string]string",
        _ => false,
    }
}

fn check_count(frame: &Frame<'_>, branch: &Branch, count: i64) -> Run<()> {
    if branch.pipeline.variables.len() > 1 {
        let message = format!("can't use {count} to iterate over more than one variable");
        return Err(frame.error(message));
    }
    Ok(())
}
