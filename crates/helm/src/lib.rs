//! Helm in Rust: charts, values, templates, releases and hooks, without a runtime or a client.

pub mod cluster;
pub mod version;
