//! The Kubernetes API over HTTP: requests and bearer tokens in, objects, watches and byte streams out.
//!
//! Enters: HTTP requests on streams that the launcher accepted; [`NodeAgent`] for what happens inside pods.
//! Leaves: writes to the [`Store`], and a log of verb and URI, never of bodies or of the Authorization header.
//! Deliberately absent: rules about objects (the store's), YAML bodies, answers in protobuf, and controllers.

mod accept;
pub mod access;
mod apply;
mod autoscaling;
mod create;
mod delete;
mod discovery;
mod dispatch;
mod eviction;
mod exec;
mod fault;
mod list;
mod logs;
pub mod node_agent;
mod openapi;
mod patch;
mod port_forward;
mod protobuf;
mod read;
mod request;
mod respond;
mod scale;
mod serve;
mod spdy;
mod strategic;
mod table;
pub mod tls;
mod update;
mod watch;

use std::sync::Arc;

use access::Tokens;
pub use node_agent::NodeAgent;

use crate::faults::{Connection, Faults};
use crate::store::Store;
pub(crate) use table::summarize_pod;
use tls::Token;

/// The version that the sandbox says it is.
pub const KUBERNETES_VERSION: &str = "v1.33.5";

/// The API server: a store, a node agent, the administrator's token, and those of service accounts.
#[derive(Clone)]
pub struct Api {
    store: Store,
    agent: Arc<dyn NodeAgent>,
    token: Token,
    faults: Faults,
    /// The connection that is being served, for a fault that resets it.
    connection: Option<Connection>,
    tokens: Tokens,
}

impl Api {
    pub fn new(store: Store, agent: Arc<dyn NodeAgent>, token: Token) -> Self {
        let tokens = Tokens::new(token.reveal());
        Self { store, agent, token, tokens, faults: Faults::default(), connection: None }
    }

    /// The same API, whose requests meet these faults.
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    fn on(&self, connection: &Connection) -> Self {
        Self { connection: Some(connection.clone()), ..self.clone() }
    }
}
