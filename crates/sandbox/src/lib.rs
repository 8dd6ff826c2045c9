//! GKE and Kubernetes on one machine, pods as local processes.

pub mod api;
pub mod controllers;
pub mod gke;
pub mod store;
