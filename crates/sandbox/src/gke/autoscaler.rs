//! The cluster autoscaler, as far as it grows: pods that no node takes get nodes from pools that may have more.
//!
//! Deliberately absent: shrinking. A pool keeps the nodes that it has until somebody says otherwise.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Gke;
use super::defaults::autoscaling_bounds;
use super::nodes::render_node;
use super::pool::{Group, Instance, Pool};
use crate::controllers::events::{Event, EventKind, record};
use crate::controllers::object::{condition, integer, is_pod_finished, is_terminating, name, text, uid};
use crate::controllers::scheduler::fits;
use crate::controllers::world::World;
use crate::store::kinds;

/// As the real one's scan interval: limits may have changed, which the store does not tell.
const SCAN_PERIOD: Duration = Duration::from_secs(10);
const COMPONENT: &str = "cluster-autoscaler";

/// A node that is about to be made.
struct Planned {
    pool: String,
    zone: String,
    node: Value,
}

impl Gke {
    /// Looks at pods that wait, a while after something changed, until the project ends.
    pub(super) async fn autoscale(self) {
        let shutdown = self.shared.shutdown.clone();
        let mut told = HashSet::new();
        let scans = async {
            let mut changes = self.store().changes();
            loop {
                let _ = tokio::time::timeout(SCAN_PERIOD, changes.changed()).await;
                // Nodes that are being made, and pods that are being placed, are no reason for more.
                tokio::time::sleep(self.settings().operation_time).await;
                changes.mark_unchanged();
                self.scale_up(&mut told);
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = scans => {}
        }
    }

    fn scale_up(&self, told: &mut HashSet<String>) {
        let pools: Vec<Pool> = self.state().pools.values().cloned().collect();
        let can_grow = |pool: &Pool| autoscaling_bounds(&pool.resource["autoscaling"]).is_some();
        if !pools.iter().any(can_grow) {
            return;
        }
        let mut world = self.scheduling_world();
        let waiting: Vec<Value> = world.all("Pod").filter(|pod| is_unschedulable(pod)).cloned().collect();
        let mut planned: Vec<Planned> = Vec::new();
        for pod in waiting {
            let node = world.all("Node").find(|node| fits(&world, &pod, node)).cloned();
            let node = node.or_else(|| {
                let new = self.plan_node(&pools, &planned, &world, &pod)?;
                let node = new.node.clone();
                world.insert(Arc::new(node.clone()));
                self.tell_growth(&pod, &pools, &new, &planned);
                planned.push(new);
                Some(node)
            });
            match node {
                Some(node) => {
                    let mut placed = pod;
                    placed["spec"]["nodeName"] = json!(name(&node));
                    world.insert(Arc::new(placed));
                }
                None if told.insert(uid(&pod).to_owned()) => {
                    let message =
                        "pod didn't trigger scale-up: no node pool that may grow has nodes that fit it";
                    self.tell(&pod, "NotTriggerScaleUp", message.to_owned());
                }
                None => {}
            }
        }
        self.grow(&planned);
    }

    /// What the scheduler reads.
    fn scheduling_world(&self) -> World {
        let mut world = World::new(self.store().now(), "".into());
        let read = [
            &kinds::POD,
            &kinds::NODE,
            &kinds::PERSISTENT_VOLUME_CLAIM,
            &kinds::PERSISTENT_VOLUME,
            &kinds::STORAGE_CLASS,
        ];
        for kind in read {
            self.store().list(kind, None).0.into_iter().for_each(|object| world.insert(object));
        }
        world
    }

    /// A node of the first pool whose nodes fit, in its smallest zone.
    fn plan_node(&self, pools: &[Pool], planned: &[Planned], world: &World, pod: &Value) -> Option<Planned> {
        let running = pools.iter().filter(|pool| text(&pool.resource, "/status") == "RUNNING");
        for pool in running {
            let mut groups: Vec<&Group> = pool.groups.iter().collect();
            groups.sort_by_key(|group| size(pool, group, planned));
            for group in groups.into_iter().filter(|group| has_room(pool, group, planned)) {
                let number = u32::try_from(planned.len()).unwrap_or(u32::MAX);
                let instance = Instance { name: format!("planned-{number}"), number };
                let node =
                    render_node(self.settings(), &pool.resource, &group.zone, &instance, self.store().now());
                if fits(world, pod, &node) {
                    return Some(Planned { pool: pool.name().to_owned(), zone: group.zone.clone(), node });
                }
            }
        }
        None
    }

    fn grow(&self, planned: &[Planned]) {
        let names: HashSet<&str> = planned.iter().map(|new| new.pool.as_str()).collect();
        for name in names {
            if let Some(pool) = self.state().pools.get_mut(name) {
                for group in &mut pool.groups {
                    let more =
                        planned.iter().filter(|new| new.pool == name && new.zone == group.zone).count();
                    group.target_size += u32::try_from(more).unwrap_or(0);
                }
            }
            self.fill_groups(name);
        }
    }

    fn tell_growth(&self, pod: &Value, pools: &[Pool], new: &Planned, planned: &[Planned]) {
        let Some(pool) = pools.iter().find(|pool| pool.name() == new.pool) else { return };
        let Some(group) = pool.groups.iter().find(|group| group.zone == new.zone) else { return };
        let before = size(pool, group, planned);
        let project = &self.settings().project;
        let url = format!(
            "https://www.googleapis.com/compute/v1/projects/{project}/zones/{}/instanceGroups/{}",
            group.zone, group.name
        );
        let most = autoscaling_bounds(&pool.resource["autoscaling"]).map_or(0, |(_, high)| high);
        let message = format!("pod triggered scale-up: [{{{url} {before}->{} (max: {most})}}]", before + 1);
        self.tell(pod, "TriggeredScaleUp", message);
    }

    fn tell(&self, pod: &Value, reason: &'static str, message: String) {
        let event =
            Event { about: pod.clone(), kind: EventKind::Normal, reason, message, component: COMPONENT };
        if let Err(refused) = record(self.store(), &event) {
            tracing::debug!(pod = name(pod), %refused, "an event was refused");
        }
    }
}

fn is_unschedulable(pod: &Value) -> bool {
    let is_refused = |condition: &Value| {
        text(condition, "/status") == "False" && text(condition, "/reason") == "Unschedulable"
    };
    text(pod, "/spec/nodeName").is_empty()
        && !is_pod_finished(pod)
        && !is_terminating(pod)
        && condition(pod, "PodScheduled").is_some_and(is_refused)
}

/// How many nodes a group has or will have.
fn size(pool: &Pool, group: &Group, planned: &[Planned]) -> u32 {
    let more = planned.iter().filter(|new| new.pool == pool.name() && new.zone == group.zone).count();
    group.target_size + u32::try_from(more).unwrap_or(0)
}

/// Limits are for each zone, or for all together.
fn has_room(pool: &Pool, group: &Group, planned: &[Planned]) -> bool {
    let autoscaling = &pool.resource["autoscaling"];
    let Some((_, high)) = autoscaling_bounds(autoscaling) else { return false };
    let total = integer(autoscaling, "/totalMaxNodeCount").filter(|total| *total > 0);
    let all: u32 = pool.groups.iter().map(|group| size(pool, group, planned)).sum();
    size(pool, group, planned) < high && total.is_none_or(|total| i64::from(all) < total)
}
