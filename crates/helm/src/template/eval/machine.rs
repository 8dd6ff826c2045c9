//! The state of one rendering: the output, the templates in reach, and what is left of the limits.

use std::collections::HashMap;

use super::{Frame, Run};
use crate::template::{Environment, TemplateSet};
use crate::value::Value;

/// What [`Limits::steps`](crate::template::Limits::steps) bounds, in errors.
pub(super) const STEPS: &str = "number of evaluation steps";

pub(in crate::template) struct Machine<'e> {
    pub(super) environment: Environment<'e>,
    /// The templates in reach; `tpl` replaces it by a copy while it runs.
    pub(super) set: TemplateSet,
    pub(super) out: String,
    /// How often each name is on the stack of `include`.
    pub(super) includes: HashMap<String, usize>,
    steps: u64,
    nesting: usize,
    /// Bytes that were written into buffers that are gone again.
    written: usize,
}

impl<'e> Machine<'e> {
    pub(in crate::template) fn new(environment: Environment<'e>, set: TemplateSet) -> Self {
        Self {
            environment,
            set,
            out: String::new(),
            includes: HashMap::new(),
            steps: 0,
            nesting: 0,
            written: 0,
        }
    }

    /// Runs a template and returns what it wrote.
    pub(in crate::template) fn run(&mut self, name: &str, data: Option<Value>) -> Run<String> {
        let template = self
            .set
            .find(name)
            .ok_or_else(|| crate::template::TemplateError::NotDefined { name: name.to_owned() })?;
        self.run_template(&template, data)
    }

    /// As [`Machine::run`], for a template that needs not be in the set.
    pub(super) fn run_template(&mut self, template: &super::Template, data: Option<Value>) -> Run<String> {
        let outer = std::mem::take(&mut self.out);
        let mut frame = Frame::new(template, data.clone());
        let result = self.walk_list(&mut frame, &data, &template.body);
        let written = std::mem::replace(&mut self.out, outer);
        result.map(|_| written)
    }

    pub(super) fn write(&mut self, frame: &Frame<'_>, text: &str) -> Run<()> {
        self.written += text.len();
        let limit = self.environment.limits.text_bytes;
        if self.written > limit {
            return Err(frame.limit("text written", limit as u64));
        }
        self.out.push_str(text);
        Ok(())
    }

    /// Counts one node or call.
    pub(super) fn step(&mut self, frame: &Frame<'_>) -> Run<()> {
        self.charge_steps(frame, 1)
    }

    /// Counts what is worth several nodes.
    pub(super) fn charge_steps(&mut self, frame: &Frame<'_>, steps: u64) -> Run<()> {
        if !self.takes(steps) {
            return Err(frame.limit(STEPS, self.environment.limits.steps));
        }
        Ok(())
    }

    /// Whether the steps were still free.
    pub(super) fn takes(&mut self, steps: u64) -> bool {
        self.steps = self.steps.saturating_add(steps);
        self.steps <= self.environment.limits.steps
    }

    /// Goes one level deeper; after an error the machine is not used again, so only success leaves.
    pub(super) fn enter(&mut self, frame: &Frame<'_>) -> Run<()> {
        self.nesting += 1;
        let limit = self.environment.limits.nesting;
        if self.nesting > limit {
            return Err(frame.limit("depth of evaluation", limit as u64));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }
}
