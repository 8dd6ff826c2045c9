//! The Terraform provider `redis`: highly available Redis on GKE by one resource.
//!
//! Rooms, from the door inwards: `provider` configures clients, `cluster` is the resource, and it
//! works with `gke`, `kubernetes`, `sentinel` and `chart`, which know nothing of Terraform or of one
//! another. See docs/internals/architecture.md.

pub mod chart;
pub mod cluster;
pub mod gke;
pub mod kubernetes;
pub mod provider;
pub mod sentinel;
