//! The node agent of every node, and the network they share.
//!
//! Enters: pods that the scheduler bound to a node, Services and Endpoints, from the store; commands and dials from
//! the API through [`Agent`]. Leaves: processes, their logs, pod status and events; DNS answers and proxied
//! connections. Several nodes are one bridge: a node is a name and an address that its pods show.
//!
//! Invariant: every process is spawned by the one thread of [`Spawner`], and secrets reach it by its environment or
//! by files in memory, never by its arguments.
//! Deliberately absent: scheduling, endpoints, claims and every other controller; images: a table maps their names
//! to local programs.

mod agent;
mod api_service;
mod ask;
mod container;
mod cuts;
mod dns;
mod environment;
mod error;
mod events;
mod images;
mod kubelet;
mod lifecycle;
mod link;
mod logs;
mod lost_node;
mod network;
mod outages;
mod pod;
mod probe;
mod programs;
mod proxy;
mod sentinel_debug;
mod spawner;
mod status;
mod timing;
mod volumes;

pub use agent::Agent;
pub(crate) use api_service::listen_for_pods;
pub(crate) use container::render_resolv_conf;
pub use error::NodeError;
pub use images::{ImageTable, ImageTableError};
pub use kubelet::{Kubelet, Settings};
pub use network::Network;
pub use outages::Outages;
pub use spawner::Spawner;
pub(crate) use timing::Timing;
