//! Passwords, keys and certificates, by aws-lc-rs, rcgen, bcrypt and scrypt.
//!
//! Keys of RSA and ECDSA are made by the cryptography library with randomness of its own; each such
//! function also asks the [`World`](crate::template::World) for randomness (the serial number), so
//! that the world knows that another rendering differs.

mod certificates;
mod keys;
mod passwords;

use super::Function;

pub(super) const TABLES: [&[Function]; 3] = [certificates::TABLE, keys::TABLE, passwords::TABLE];
