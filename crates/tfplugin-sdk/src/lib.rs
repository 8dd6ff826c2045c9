//! Terraform plugin protocol 6 for Rust.
//!
//! Enters: RPC bytes on a unix socket, environment and arguments of the process. Leaves: RPC
//! bytes, one handshake line on stdout, hclog JSON lines on stderr. Between them a provider is
//! written against Rust types: [`Provider`], [`Resource`], [`DataSource`], serde structs of [`Attr`]
//! leaves.
//!
//! Layers, outermost first: `serve` (process, TLS, socket) → `wire` (the only room that names
//! prost and tonic) → [`server`] (one file an RPC, values in and out) → native types.
//!
//! Deliberately absent: nested blocks (nested attributes do all that they do), the legacy type
//! system, legacy flatmap state, protocol 5.

#[cfg(test)]
extern crate self as tfplugin_sdk;

pub mod attr;
pub mod context;
pub mod data_source;
pub mod diagnostic;
#[cfg(any(test, feature = "harness"))]
pub mod harness;
pub mod identity;
pub mod list;
pub mod log;
pub mod path;
pub mod private;
pub mod provider;
pub mod resource;
pub mod schema;
pub mod serve;
pub mod server;
pub mod value;
pub mod wire;

pub use attr::Attr;
pub use context::Context;
pub use data_source::{DataSource, ErasedDataSource, Reading, erase_data_source};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use identity::{IdentityAttribute, IdentitySchema};
pub use list::{ErasedList, List, ListRequest, Listed, Listing, erase_list};
pub use path::{AttributePath, Step};
pub use private::Private;
pub use provider::{Configured, Provider};
pub use resource::{
    CreateRequest, DeleteRequest, ErasedResource, MoveSource, Outcome, PlanOutcome, PlanRequest, ReadRequest,
    Resource, UpdateRequest, erase,
};
pub use schema::{Attribute, AttributeType, Nested, Nesting, Schema};
pub use serve::{ServeOptions, serve};
pub use value::{Number, Type, Value};

/// The attribute macro that [`Provider`] and [`Resource`] implementations need.
pub use async_trait::async_trait;
/// The token behind [`Context::stop`].
pub use tokio_util::sync::CancellationToken;
