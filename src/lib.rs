//! The room is empty yet.

pub mod chart;
pub mod sentinel;
