//! The Kubernetes API over HTTP: requests and bearer tokens in, objects, watches and byte streams out.
//!
//! Enters: HTTP requests on streams that the launcher accepted; [`NodeAgent`] for what happens inside pods.
//! Leaves: writes to the [`Store`](crate::store::Store), and a log of verb and URI.
//! Deliberately absent: rules about objects (the store's), RBAC (whoever holds the token may do everything), and
//! controllers.

pub mod node_agent;
pub mod tls;

pub use node_agent::NodeAgent;
