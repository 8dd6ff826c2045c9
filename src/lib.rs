//! The room is empty yet.

pub mod chart;
pub mod gke;
pub mod kubernetes;
pub mod sentinel;
