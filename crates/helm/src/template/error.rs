//! Errors in Go's words, so that what users find about Helm applies here too.

use super::format::quote;

/// Why a template could not be parsed or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Bad syntax, or an unknown function.
    #[error("template: {name}:{line}: {message}")]
    Parse { name: String, line: usize, message: String },
    /// A template that no file defines.
    #[error("template: no template {} associated with template \"gotpl\"", quote(name))]
    NotDefined { name: String },
    /// What went wrong while a template ran.
    #[error("template: {location}: executing {} at <{at}>: {message}", quote(executing))]
    Execute {
        /// `FILE:LINE:COLUMN`; the column counts bytes from 0, as Go's does.
        location: String,
        /// The name of the template that ran.
        executing: String,
        /// The source of the node that ran.
        at: String,
        message: String,
    },
    /// As `Execute`, where the function that was called ran a template that failed.
    #[error("template: {location}: executing {} at <{at}>: {message}: {inner}", quote(executing))]
    Nested { location: String, executing: String, at: String, message: String, inner: Box<TemplateError> },
    /// The chart refused its values, by `fail` or `required`; the place is the outermost one.
    #[error("execution error at ({location}): {message}")]
    Refused { location: String, message: String },
    /// A bound of [`super::Limits`] was reached.
    #[error("template: {location}: executing {}: {what} exceeds the limit of {limit}", quote(executing))]
    Limit { location: String, executing: String, what: &'static str, limit: u64 },
}
