//! Whether a node pool can hold the servers at all. Pure.

use super::config::Config;
use super::error::Error;
use crate::gke::{NodePoolLive, NodePoolSpec};

/// Hard anti-affinity needs a node for each server: better told before pods wait in vain.
pub fn check_capacity(config: &Config, pool: &NodePoolSpec, live: &NodePoolLive) -> Result<(), Error> {
    let zones = i64::try_from(live.node_locations.len().max(1)).unwrap_or(i64::MAX);
    let per_zone = pool.node_count.unwrap_or(live.initial_node_count);
    let (nodes, replicas) = (zones.saturating_mul(per_zone), config.replicas());
    if !config.effective.hard_anti_affinity || live.autoscaling || nodes >= replicas {
        return Ok(());
    }
    Err(Error::TooFewNodes { replicas, nodes, zones, per_zone })
}
