//! The room is empty yet.

pub mod sentinel;
