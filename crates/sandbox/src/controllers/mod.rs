//! Kubernetes' controllers: level-triggered reconcilers over the store.
//!
//! Enters: objects of the store. Leaves: writes to the store. Each reconciler is a pure function from
//! a snapshot ([`world::World`]) to a list of writes ([`world::Plan`]); only [`runner`] and [`apply`]
//! touch the store, so that every rule of a controller is tested as a table. Absent: anything that
//! runs a process or opens a connection (that is the node's), and the life of nodes (that is GKE's).

mod apply;
mod cronjob;
mod daemonset;
mod definitions;
mod deployment;
pub(crate) mod digest;
mod disruption;
mod endpoints;
pub mod events;
pub mod eviction;
mod expansion;
mod garbage;
mod job;
mod load_balancers;
mod namespaces;
mod node_lifecycle;
pub(crate) mod object;
mod pod_gc;
mod replicaset;
mod revisions;
mod runner;
pub(crate) mod scheduler;
mod seed;
mod selector;
mod statefulset;
#[cfg(test)]
mod testing;
mod toleration;
mod volumes;
pub(crate) mod world;

pub use runner::{Settings, spawn};
