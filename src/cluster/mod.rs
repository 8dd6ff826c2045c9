//! The `redis_ha_cluster` resource: a lifecycle over everything that a cluster is made of.
//!
//! Enters: configuration, prior state and private data from Terraform, and clients. Leaves:
//! planned and new state, private data, diagnostics.
//!
//! Pure: `schema`, `model`, `validate`, `resolve` (the only maker of a `Config`), `plan`, `steps`,
//! `outputs`. I/O: `gather` (chart bytes and capabilities), `observe` (reads), `execute` (writes).
//! Each verb is one thin file. Deliberately absent: how Kubernetes, GKE and Redis are spoken to.

mod config;
mod digest;
mod duration;
mod immutable;
mod import_id;
mod model;
mod observed;
mod outputs;
mod overlay;
mod plan;
mod resolve;
mod schema;
mod steps;
mod typed;
mod validate;
mod values;

pub use schema::cluster_schema;
