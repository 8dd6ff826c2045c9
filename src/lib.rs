//! The room is empty yet.

pub mod chart;
pub mod cluster;
pub mod gke;
pub mod kubernetes;
pub mod sentinel;
