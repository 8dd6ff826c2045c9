//! The bundled redis-ha chart, and what a release's values mean to this provider.
//!
//! Enters: [`Settings`] (what somebody set by typed attributes) or the values of a release. Leaves: the
//! chart's files, values, the [`Effective`] configuration that those values declare, [`Names`] and
//! endpoints that follow from names alone, findings of [`check`](check::check), and what a change takes.
//!
//! Deliberately absent: Terraform, Kubernetes and Redis itself. Everything here is a pure function of its
//! arguments; nothing here holds a password.

pub mod bundled;
pub mod check;
pub mod effective;
pub mod effects;
pub mod names;
pub mod redis_conf;
pub mod settings;

pub use bundled::{bundled, bundled_files};
pub use check::{Facts, Finding, Severity};
pub use effective::{Effective, Ports, SecretKey, TlsFiles};
pub use effects::Effect;
pub use names::{Endpoint, Names};
pub use settings::Settings;

#[cfg(test)]
mod tests;
