//! What functions may ask of the rendering they run in.

use std::sync::Arc;

use super::machine::{Machine, STEPS};
use crate::functions::{FunctionError, Host};
use crate::template::format::quote;
use crate::template::{Limits, World, parser};
use crate::value::Value;

/// The name that Helm's root template has, and every text that `tpl` runs.
const ROOT: &str = "gotpl";

impl Host for Machine<'_> {
    fn include(&mut self, name: &str, data: &Value) -> Result<Value, FunctionError> {
        let limit = self.environment.limits.include_depth;
        let depth = self.includes.entry(name.to_owned()).or_default();
        if *depth > limit {
            return Err(FunctionError::Message(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        *depth += 1;
        let text = self.run(name, Some(data.clone()).filter(|data| !data.is_nil()));
        if let Some(depth) = self.includes.get_mut(name) {
            *depth -= 1;
        }
        text.map(Value::from)
            .map_err(|error| FunctionError::Template { context: None, source: Box::new(error) })
    }

    fn tpl(&mut self, text: &str, data: &Value) -> Result<Value, FunctionError> {
        let within = |context: &str, error| FunctionError::Template {
            context: Some(format!("{context} {}", quote(text))),
            source: Box::new(error),
        };
        let parsed = parser::parse(ROOT, text).map_err(|error| within("cannot parse template", error))?;
        let outer = self.set.clone();
        let parsed: Vec<_> = parsed.into_iter().map(Arc::new).collect();
        // The text itself runs even if it is empty and so does not replace an outer one in the set.
        let root = parsed.iter().find(|template| template.name == ROOT).cloned();
        self.set.add(parsed);
        let data = Some(data.clone()).filter(|data| !data.is_nil());
        let result = match root {
            Some(root) => self.run_template(&root, data),
            None => Ok(String::new()),
        };
        // What the text defined is gone when it ends.
        self.set = outer;
        result
            .map(|text| Value::from(text.replace("<no value>", "")))
            .map_err(|error| within("error during tpl function execution for", error))
    }

    fn world(&self) -> &dyn World {
        self.environment.world
    }

    fn limits(&self) -> &Limits {
        &self.environment.limits
    }

    fn charge(&mut self, steps: u64) -> Result<(), FunctionError> {
        if self.takes(steps) {
            return Ok(());
        }
        Err(FunctionError::Limit(STEPS, self.environment.limits.steps))
    }
}
