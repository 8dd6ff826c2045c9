//! Faults on demand: what `fault add` asks for, and how requests to the APIs meet it.
//!
//! Enters: faults from the command line (`control`), and every request to the Kubernetes, Container and Compute
//! APIs. Leaves: refusals, delays, silences, resets and torn watches; for pods and nodes, the list that the node
//! agent enforces (`node::outages`). Deliberately absent: how a pod is stopped or cut off (`node`), and faults that
//! come by themselves: nothing fails here unless somebody asked for it.

mod connection;
mod control;
mod error;
mod fault;
mod registry;
mod serve;
mod strike;

pub(crate) use connection::Connection;
pub use control::{CONTROL_PATH, Control};
pub use error::FaultError;
pub use fault::{ApiFault, ContainerFault, Effect, Fault, NodeFault, PartitionFault, PodName, Service, Verb};
pub use registry::{Faults, Recorded};
pub use serve::serve;
pub(crate) use strike::Call;
