//! What surrounds a call.

use tokio_util::sync::CancellationToken;

/// Handed to every verb that may do I/O.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Cancelled when the user interrupts Terraform. A verb that waits or writes looks at it, stops
    /// at the next safe place, and returns what it has made so far with an error.
    pub stop: CancellationToken,
    /// The version of Terraform that configured the provider, empty before that.
    pub terraform_version: String,
}
