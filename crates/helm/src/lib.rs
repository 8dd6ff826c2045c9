//! Helm in Rust: charts, values, templates, releases and hooks, without a runtime or a client.

pub mod cluster;
pub mod template;
pub mod value;
pub mod version;
pub mod yaml;
