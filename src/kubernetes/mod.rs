//! The cluster: a client, server-side apply, watches, port-forwards, and the few objects that are
//! ours.
//!
//! Enters: connection settings, or an address with a source of access tokens; Kubernetes objects
//! as JSON; deadlines and cancellation. Leaves: objects, what a wait last saw, streams to pods,
//! and one error type that names object, operation and cure.
//! Deliberately absent: Terraform, Helm's logic, Redis. Nothing here decides what should be; the
//! environment is a parameter; no secret is ever logged.

mod client;
mod connect;
mod diagnose;
mod discovery;
mod error;
mod exec;
mod mark;
mod namespaces;
mod not_ready;
mod objects;
mod password;
mod recreate;
mod release;
mod request;
mod resources;
mod retry;
mod secrets;
mod settings;
mod sort;
mod stream;
#[cfg(test)]
mod tests;
mod token;
mod watch;
mod workloads;

pub use client::Kubernetes;
pub use discovery::ResourceKind;
pub use error::{Answer, KubernetesError};
pub use mark::{OWNER_ANNOTATION, Owner, own_labels};
pub use namespaces::NamespaceRemoval;
pub use not_ready::{NotReady, Problem, is_ready};
pub use objects::FIELD_MANAGER;
pub use password::Password;
pub use request::{Operation, Verb};
pub use retry::RequestLimits;
pub use secrets::{Made, password_of};
pub use settings::{ExecSettings, KubernetesSettings, Lookup};
pub use stream::{ForwardedStream, Mode, PodStream};
pub use token::TokenSource;
pub use watch::Wait;
pub use workloads::Eviction;
