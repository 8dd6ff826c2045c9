//! The template language: Go's `text/template` as Helm uses it.
//!
//! In: template sources by name, one data value, an [`Environment`]. Out: text, or a
//! [`TemplateError`] that says where in Go's words. `lexer` makes tokens, `parser` makes an `ast`,
//! `eval` runs it against the function table of `crate::functions`, `format` prints values as Go's
//! `fmt` does. Deliberately absent: charts, values merging, manifests, the cluster, the clock and
//! randomness (they come in through [`World`]), and any asynchronous code.
//!
//! ```
//! use helm::template::{Environment, TemplateSet, World};
//! use helm::value::{Map, Value};
//!
//! struct Still;
//!
//! impl World for Still {
//!     fn now(&self) -> jiff::Timestamp {
//!         jiff::Timestamp::UNIX_EPOCH
//!     }
//!     fn fill_random(&self, bytes: &mut [u8]) {
//!         bytes.fill(0);
//!     }
//! }
//!
//! let mut set = TemplateSet::new();
//! set.parse("c/_names.tpl", r#"{{ define "name" }}{{ .name | upper }}{{ end }}"#)?;
//! set.parse("c/a.yaml", r#"name: {{ include "name" . | quote }}"#)?;
//! let data = Map::new();
//! data.insert("name", "redis");
//! let environment = Environment::new(&Still);
//! assert_eq!(set.render("c/a.yaml", &Value::Map(data.clone()), &environment)?, r#"name: "REDIS""#);
//!
//! // Errors are in Go's words, and say where.
//! set.parse("c/b.yaml", "\n{{ .name.first }}")?;
//! let error = set.render("c/b.yaml", &Value::Map(data), &environment).unwrap_err();
//! assert!(error.to_string().starts_with("template: c/b.yaml:2:8: executing"), "{error}");
//! # Ok::<(), helm::template::TemplateError>(())
//! ```

mod ast;
mod error;
mod eval;
pub mod format;
mod lexer;
mod parser;
mod token;

pub use error::TemplateError;

use std::collections::HashMap;
use std::sync::Arc;

use crate::value::{Map, Value};
use ast::Template;
use eval::Machine;

/// Stack of the thread that renders. It is reserved, not used, unless a chart nests deeply.
const STACK_BYTES: usize = 256 << 20;

/// A chart may nest a thousand includes; the caller's stack may be a small one.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("helm-render".to_owned()).stack_size(STACK_BYTES);
        let handle = thread.spawn_scoped(scope, work).expect("the system can start a thread");
        handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What a template may reach outside its own data. The caller decides what answers, and can note that
/// a template asked: what it rendered then depends on more than its values.
pub trait World: Sync {
    /// Helm's `lookup`: the object, a list object when `name` is empty, or an empty map when absent.
    ///
    /// # Errors
    /// What the cluster answered, other than 'not found'.
    fn lookup(
        &self,
        _api_version: &str,
        _kind: &str,
        _namespace: &str,
        _name: &str,
    ) -> Result<Value, String> {
        Ok(Value::Map(Map::new()))
    }

    /// The time of `now` and of the date functions.
    fn now(&self) -> jiff::Timestamp;

    /// Fills a buffer with randomness good enough for passwords.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// Bounds that keep any chart from hanging the process or filling its memory.
///
/// ```
/// # use helm::template::{Environment, Limits, TemplateSet, World};
/// # struct Still;
/// # impl World for Still {
/// #     fn now(&self) -> jiff::Timestamp { jiff::Timestamp::UNIX_EPOCH }
/// #     fn fill_random(&self, bytes: &mut [u8]) { bytes.fill(0) }
/// # }
/// let mut set = TemplateSet::new();
/// set.parse("endless", "{{ range 1000000000 }}{{ end }}")?;
/// let limits = Limits { steps: 1_000, ..Limits::default() };
/// let environment = Environment { limits, ..Environment::new(&Still) };
/// let error = set.render("endless", &Default::default(), &environment).unwrap_err();
/// assert!(error.to_string().ends_with("number of evaluation steps exceeds the limit of 1000"));
/// # Ok::<(), helm::template::TemplateError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How often one name may be on the stack of `include` (Helm's own bound, and its error).
    pub include_depth: usize,
    /// Levels of evaluation on the stack, of all constructs together.
    pub nesting: usize,
    /// Nodes and function calls that one rendering may evaluate. Large values and costly functions
    /// count for more than one, so that this also bounds time and memory.
    pub steps: u64,
    /// Bytes of text that one rendering may write, and that any one string may have.
    pub text_bytes: usize,
    /// Elements that any one list may have.
    pub list_length: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            include_depth: 1000,
            nesting: 20_000,
            steps: 20_000_000,
            text_bytes: 64 << 20,
            list_length: 1_000_000,
        }
    }
}

/// What a rendering runs in.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    pub world: &'a dyn World,
    /// Whether an absent key is an error (`helm lint --strict`).
    pub strict: bool,
    pub limits: Limits,
}

impl<'a> Environment<'a> {
    /// Helm's ordinary mode: absent keys are nil.
    pub fn new(world: &'a dyn World) -> Self {
        Self { world, strict: false, limits: Limits::default() }
    }
}

/// Parsed templates by name. A clone is cheap and independent.
#[derive(Clone, Debug, Default)]
pub struct TemplateSet {
    templates: Arc<HashMap<String, Arc<Template>>>,
}

impl TemplateSet {
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses a file; its `define`s join the set, and override those that were parsed before.
    ///
    /// # Errors
    /// Bad syntax, and calls of functions that do not exist.
    pub fn parse(&mut self, name: &str, source: &str) -> Result<(), TemplateError> {
        self.add(parser::parse(name, source)?.into_iter().map(Arc::new));
        Ok(())
    }

    /// Whether a file or a `define` of this name was parsed.
    pub fn contains(&self, name: &str) -> bool {
        self.templates.contains_key(name)
    }

    /// Runs the template `name` on `data`. `<no value>` is removed, as Helm does.
    ///
    /// # Errors
    /// Whatever stops the template, with the place where it happened.
    ///
    /// # Panics
    /// When the system cannot start a thread, or when the engine itself panics.
    pub fn render(
        &self,
        name: &str,
        data: &Value,
        environment: &Environment<'_>,
    ) -> Result<String, TemplateError> {
        on_deep_stack(|| self.render_here(name, data, environment))
    }

    /// As [`Self::render`], for a caller who is [`on_deep_stack`].
    pub(crate) fn render_here(
        &self,
        name: &str,
        data: &Value,
        environment: &Environment<'_>,
    ) -> Result<String, TemplateError> {
        let mut machine = Machine::new(*environment, self.clone());
        let text = machine.run(name, Some(data.clone()))?;
        Ok(text.replace("<no value>", ""))
    }

    fn find(&self, name: &str) -> Option<Arc<Template>> {
        self.templates.get(name).cloned()
    }

    /// Adds templates; one with only space does not replace one with content.
    fn add(&mut self, parsed: impl IntoIterator<Item = Arc<Template>>) {
        let templates = Arc::make_mut(&mut self.templates);
        for template in parsed {
            let keeps_old = template.is_empty() && templates.contains_key(&template.name);
            if !keeps_old {
                templates.insert(template.name.clone(), template);
            }
        }
    }
}
