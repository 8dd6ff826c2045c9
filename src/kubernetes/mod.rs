//! The cluster: a client, server-side apply, watches, port-forwards, and the few objects that are
//! ours.
//!
//! Enters: connection settings, or an address with a source of access tokens; Kubernetes objects
//! as JSON; deadlines and cancellation. Leaves: objects, what a wait last saw, streams to pods,
//! and one error type that names object, operation and cure.
//! Deliberately absent: Terraform, Helm's logic, Redis. Nothing here decides what should be; the
//! environment is a parameter; no secret is ever logged.

mod password;
mod settings;

pub use password::Password;
pub use settings::{ExecSettings, KubernetesSettings, Lookup};
