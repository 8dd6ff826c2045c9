//! Passwords that cannot be printed.

use std::collections::BTreeMap;
use std::fmt;

/// A password. Its Debug is redacted and it has no Display: the only way out is [`Password::expose`],
/// which belongs next to the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(redacted)")
    }
}

/// What servers and sentinels ask for. `None` where no password is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    pub server: Option<Password>,
    pub sentinel: Option<Password>,
    /// By pod: what its environment says where that is not `server`, so that its server may still take it
    /// and its probes still use it. Only whoever has looked into the pods knows it.
    pub started_with: BTreeMap<String, Password>,
}
