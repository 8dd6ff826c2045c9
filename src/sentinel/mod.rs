//! What is really running: servers and sentinels, asked over streams that the caller opens.
//!
//! Enters: a [`Dialer`] that opens a byte stream to a pod's port, [`Credentials`], and the settings
//! that were declared. Leaves: an [`Observation`], and from it (pure functions) the topology, the
//! verdict whether the group has settled, health findings, drift rows and an ordered list of repairs;
//! each repair is one command that [`execute`](execute::execute) runs.
//!
//! Deliberately absent: Kubernetes, Helm and Terraform. How a pod is reached is the dialer's business;
//! which settings were declared is the chart room's. Nothing that observes or compares ever writes.

mod access;
pub mod client;
mod condition;
pub mod connection;
pub mod credentials;
pub mod dialer;
pub mod drift;
pub mod error;
pub mod execute;
pub mod failover;
pub mod health;
pub mod observation;
pub mod observe;
pub mod repairs;
mod replies;
pub mod settings;
mod structure;
pub mod tls;
pub mod topology;

pub use client::{SentinelClient, ServerClient};
pub use credentials::{Credentials, Password};
pub use dialer::{ByteStream, DialError, Dialer};
pub use drift::{Declared, DriftRow, Layer};
pub use error::Error;
pub use health::Finding;
pub use observation::{
    Address, Answer, Observation, PasswordState, PodObservation, Role, SentinelView, ServerView, Target,
};
pub use observe::Question;
pub use repairs::{Next, Repair};
pub use tls::{Tls, Trust};
pub use topology::{Topology, Verdict};

#[cfg(test)]
mod tests;
