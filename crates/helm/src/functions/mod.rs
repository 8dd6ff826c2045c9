//! The function table: Go's builtins, Sprig's functions, and Helm's own.
//!
//! In: arguments that the evaluator has checked against a [`Signature`]. Out: a value, or a
//! [`FunctionError`]. One file a subject; each contributes a table. Functions that need more than
//! their arguments ask the [`Host`]. Deliberately absent: `env` and `expandenv`, which Helm removes.
//! What is not in the table is 'not defined' when a template is parsed.

mod case;
mod cast;
mod compare;
mod core;
mod crypto;
mod data;
mod decimal;
mod dicts;
mod encoding;
mod go_regex;
mod helm;
mod lists;
mod math;
mod paths;
mod random;
mod regexes;
mod sequences;
mod strings;
mod time;
mod toml;
mod types;
mod urls;
mod versions;
mod words;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::template::{Limits, TemplateError, World};
use crate::value::{Signature, Type, Value};

/// What a function answers.
pub(crate) type Answer = Result<Value, FunctionError>;

/// Why a function gave no value.
#[derive(Debug)]
pub(crate) enum FunctionError {
    /// Becomes `error calling NAME: …`.
    Message(String),
    /// `fail` and `required`: the chart's own words to its user.
    Refused(String),
    /// A template that the function ran has failed.
    Template { context: Option<String>, source: Box<TemplateError> },
    /// A bound was reached: what, and how much it may be.
    Limit(&'static str, u64),
}

impl From<String> for FunctionError {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<&str> for FunctionError {
    fn from(message: &str) -> Self {
        Self::Message(message.to_owned())
    }
}

/// What a function may ask of the rendering it runs in.
pub(crate) trait Host {
    fn include(&mut self, name: &str, data: &Value) -> Answer;
    fn tpl(&mut self, text: &str, data: &Value) -> Answer;
    fn world(&self) -> &dyn World;
    fn limits(&self) -> &Limits;

    /// Counts steps for work that depends on a value's size.
    ///
    /// # Errors
    /// The limit of steps is reached.
    fn charge(&mut self, steps: u64) -> Result<(), FunctionError>;
}

/// One function of the table.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) body: Body,
    /// Evaluation steps that one call counts for, beside those for the sizes of its values.
    pub(crate) cost: u64,
}

impl Function {
    /// The same function, one call of which counts for `cost` steps.
    const fn costing(self, cost: u64) -> Self {
        Self { cost, ..self }
    }
}

/// Steps of what takes a good part of a second: keys, hashes of passwords.
const COSTLY: u64 = 200_000;

/// How a function is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// `and` and `or`, which stop evaluating at the first argument of this truth.
    Until(bool),
    Pure(fn(&[Value]) -> Answer),
    Host(fn(&mut dyn Host, &[Value]) -> Answer),
}

const ANY: Type = Type::Any;
const BOOL: Type = Type::Bool;
const INT: Type = Type::Int;
const FLOAT: Type = Type::Float;
const STRING: Type = Type::String;
const MAP: Type = Type::Map;

/// A function of fixed parameters.
const fn fixed(name: &'static str, fixed: &'static [Type], body: fn(&[Value]) -> Answer) -> Function {
    Function { name, signature: Signature { fixed, rest: None }, body: Body::Pure(body), cost: 1 }
}

/// A function that takes any number of `rest` after its fixed parameters.
const fn variadic(
    name: &'static str,
    fixed: &'static [Type],
    rest: Type,
    body: fn(&[Value]) -> Answer,
) -> Function {
    Function { name, signature: Signature { fixed, rest: Some(rest) }, body: Body::Pure(body), cost: 1 }
}

/// A function that needs the rendering it runs in.
const fn hosted(
    name: &'static str,
    fixed: &'static [Type],
    rest: Option<Type>,
    body: fn(&mut dyn Host, &[Value]) -> Answer,
) -> Function {
    Function { name, signature: Signature { fixed, rest }, body: Body::Host(body), cost: 1 }
}

static TABLE: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let tables: [&'static [Function]; 20] = [
        case::TABLE,
        compare::TABLE,
        core::TABLE,
        data::TABLE,
        dicts::TABLE,
        encoding::TABLE,
        helm::TABLE,
        lists::TABLE,
        math::TABLE,
        paths::TABLE,
        random::TABLE,
        regexes::TABLE,
        sequences::TABLE,
        strings::TABLE,
        time::TABLE,
        toml::TABLE,
        types::TABLE,
        urls::TABLE,
        versions::TABLE,
        words::TABLE,
    ];
    tables.into_iter().chain(crypto::TABLES).flatten().map(|function| (function.name, function)).collect()
});

/// Finds a function by its name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    TABLE.get(name).copied()
}

/// The text of an argument that its signature says is a string.
fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The number of an argument that its signature says is an integer.
fn integer_of(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        _ => 0,
    }
}

/// Counts a value that was copied, or is about to be; refuses what is too deep to be.
fn charge_for(host: &mut dyn Host, value: &Value) -> Result<(), FunctionError> {
    let size = value.size().map_err(|error| error.to_string())?;
    host.charge(VALUE_STEPS * size as u64)
}

/// Steps for each value in a copied tree: they keep the memory that trees take bounded.
const VALUE_STEPS: u64 = 4;

fn string(text: impl Into<std::sync::Arc<str>>) -> Answer {
    Ok(Value::string(text))
}

fn boolean(value: bool) -> Answer {
    Ok(Value::Bool(value))
}
