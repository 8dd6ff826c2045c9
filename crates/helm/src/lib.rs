//! Helm in Rust: charts, values, templates, releases and hooks, without a runtime or a client.

pub mod action;
pub mod chart;
pub mod cluster;
mod functions;
pub mod manifest;
pub mod readiness;
pub mod release;
pub mod render;
pub mod template;
pub mod value;
pub mod values;
pub mod version;
pub mod yaml;
