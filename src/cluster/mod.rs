//! The `redis_ha_cluster` resource: a lifecycle over everything that a cluster is made of.
//!
//! Enters: configuration, prior state and private data from Terraform, and clients. Leaves:
//! planned and new state, private data, diagnostics.
//!
//! Pure: `schema`, `model`, `validate`, `resolve` (the only maker of a `Config`), `plan`, `steps`,
//! `claims`, `outputs`. I/O: `charts` and `gather` (chart bytes and capabilities), `observe` (reads), `execute` (writes).
//! Each verb is one thin file. Deliberately absent: how Kubernetes, GKE and Redis are spoken to.

pub mod adopted;
pub mod capacity;
pub mod chart_source;
pub mod charts;
pub mod claims;
pub mod clients;
pub mod clusters;
pub mod config;
pub mod converge;
pub mod create;
pub mod data;
pub mod delete;
pub mod diagnostics;
pub mod digest;
pub mod discover;
pub mod drift;
pub mod duration;
pub mod error;
pub mod execute;
pub mod explain;
pub mod facts;
pub mod fingerprint;
pub mod gather;
pub mod identity;
pub mod immutable;
pub mod import;
pub mod import_id;
pub mod judge;
pub mod model;
pub mod moved;
pub mod objects;
pub mod observe;
pub mod observe_objects;
pub mod observed;
pub mod outputs;
pub mod overlay;
pub mod password;
pub mod plan;
pub mod planning;
pub mod pods;
pub mod read;
pub mod reconstructed;
pub mod refresh;
pub mod repair;
pub mod resolve;
pub mod resource;
pub mod rollout;
pub mod scan;
pub mod schema;
pub mod site;
pub mod steps;
pub mod takeover;
pub mod tls;
pub mod trial;
pub mod typed;
pub mod unrecorded;
pub mod update;
pub mod validate;
pub mod validating;
pub mod values;

pub use charts::Charts;
pub use clients::{Clients, Connection};
pub use clusters::{RedisHaClusterList, RedisHaClusters, clusters_schema};
pub use data::{RedisHaClusterData, data_schema};
pub use duration::parse_duration;
pub use resource::RedisHaCluster;
pub use schema::cluster_schema;
