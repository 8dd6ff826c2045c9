//! GKE and Kubernetes on one machine, with pods as local processes: no root, no image, no container engine.
//!
//! Enters: a directory and a few flags (`cli`), then HTTP requests of kubectl, helm, gcloud and Terraform.
//! Leaves: processes of real redis-server and redis-sentinel in namespaces of their own, and a directory with all
//! that clients need to find them. Deliberately absent: anything that the provider could share.

pub mod api;
pub mod cli;
pub mod controllers;
mod cron;
pub mod faults;
pub mod gke;
mod glob;
pub mod launch;
pub mod node;
pub mod store;
