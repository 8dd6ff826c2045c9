//! The machines: making nodes, draining them under disruption budgets, removing them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Gke;
use super::nodes::{apply_pool_labels, render_node};
use super::operation::Ongoing;
use super::pool::{Instance, name_prefix};
use crate::controllers::digest::letters_of;
use crate::controllers::eviction::{Refusal, evict};
use crate::controllers::object::{
    controller_of, entry, integer, is_pod_finished, is_terminating, name, namespace, text,
};
use crate::store::{DeleteOptions, Key, kinds};

/// How often a drain tries again what a budget refused; GKE itself polls too.
const RETRY_EVICTION_AFTER: Duration = Duration::from_millis(250);

impl Gke {
    /// Makes the instances that the groups of a pool lack, and registers their nodes.
    pub(super) fn fill_groups(&self, pool_name: &str) {
        let (resource, made) = {
            let mut state = self.state();
            let mut next = state.next_instance;
            let Some(pool) = state.pools.get_mut(pool_name) else {
                return;
            };
            let mut made = Vec::new();
            for group in &mut pool.groups {
                while group.instances.len() < group.target_size as usize {
                    let instance = self.new_instance(pool_name, &group.zone, next);
                    next += 1;
                    group.instances.push(instance.clone());
                    made.push((group.zone.clone(), instance));
                }
            }
            let resource = pool.resource.clone();
            state.next_instance = next;
            (resource, made)
        };
        for (zone, instance) in made {
            self.register(&resource, &zone, &instance);
        }
    }

    fn new_instance(&self, pool: &str, zone: &str, number: u32) -> Instance {
        let prefix = name_prefix(self.settings(), pool, zone);
        let salt: u64 = rand::random();
        let suffix = letters_of(&format!("{salt}/{number}"), 4);
        Instance { name: format!("{prefix}-{suffix}"), number }
    }

    fn register(&self, pool: &Value, zone: &str, instance: &Instance) {
        let node = render_node(self.settings(), pool, zone, instance, self.store().now());
        let kubelet = self.store().acting_as("kubelet");
        if let Err(refused) = kubelet.create(&kinds::NODE, node) {
            tracing::error!(node = instance.name, %refused, "the node could not register");
        }
    }

    /// Puts changed labels and taints of a pool on its nodes.
    pub(super) fn relabel(&self, pool_name: &str) {
        let (resource, names) = {
            let state = self.state();
            let Some(pool) = state.pools.get(pool_name) else {
                return;
            };
            let instances = pool.groups.iter().flat_map(|group| &group.instances);
            let names: Vec<String> = instances.map(|instance| instance.name.clone()).collect();
            (pool.resource.clone(), names)
        };
        for node in names {
            let change = |node: &mut Value| apply_pool_labels(node, &resource);
            let key = Key::cluster(&kinds::NODE, &node);
            if let Err(refused) = self.store().update(&key, change) {
                tracing::warn!(node, %refused, "the labels of the node could not be changed");
            }
        }
    }

    /// The names of a pool's nodes, oldest first.
    pub(super) fn nodes_of(&self, pool_name: &str) -> Vec<String> {
        let state = self.state();
        let groups = state.pools.get(pool_name).into_iter().flat_map(|pool| &pool.groups);
        groups.flat_map(|group| &group.instances).map(|instance| instance.name.clone()).collect()
    }

    /// The names of a pool's nodes, zone by zone.
    fn nodes_by_group(&self, pool_name: &str) -> Vec<Vec<String>> {
        let state = self.state();
        let groups = state.pools.get(pool_name).into_iter().flat_map(|pool| &pool.groups);
        groups.map(|group| group.instances.iter().map(|instance| instance.name.clone()).collect()).collect()
    }

    /// The names of the nodes above the target sizes: the youngest of each group.
    pub(super) fn surplus_of(&self, pool_name: &str) -> Vec<String> {
        let state = self.state();
        let groups = state.pools.get(pool_name).into_iter().flat_map(|pool| &pool.groups);
        groups
            .flat_map(|group| group.instances.iter().skip(group.target_size as usize))
            .map(|instance| instance.name.clone())
            .collect()
    }

    pub(super) fn cordon(&self, node: &str) {
        let change = |node: &mut Value| {
            node["spec"]["unschedulable"] = json!(true);
        };
        if let Err(refused) = self.store().update(&Key::cluster(&kinds::NODE, node), change) {
            tracing::warn!(node, %refused, "the node could not be cordoned");
        }
    }

    fn uncordon(&self, node: &str) {
        let change = |node: &mut Value| {
            entry(node, "spec").shift_remove("unschedulable");
        };
        if let Err(refused) = self.store().update(&Key::cluster(&kinds::NODE, node), change) {
            tracing::debug!(node, %refused, "the node could not be uncordoned");
        }
    }

    /// Evicts the pods of a node and waits until they are gone; after the drain time it goes on without
    /// them, as GKE does after an hour.
    async fn drain(&self, node: &str, ongoing: &Ongoing) -> Result<(), String> {
        self.cordon(node);
        let deadline = Instant::now() + self.settings().drain_time;
        let mut changes = self.store().changes();
        loop {
            changes.mark_unchanged();
            let pods = self.drainable_pods(node);
            if pods.is_empty() {
                return Ok(());
            }
            for pod in pods.iter().filter(|pod| !is_terminating(pod)) {
                match evict(self.store(), namespace(pod), name(pod), &DeleteOptions::default()) {
                    Ok(()) => {}
                    Err(Refusal::Budget(reason)) => {
                        tracing::debug!(pod = name(pod), reason, "eviction refused")
                    }
                    Err(refusal) => tracing::warn!(pod = name(pod), %refusal, "eviction failed"),
                }
            }
            if Instant::now() >= deadline {
                tracing::warn!(node, left = pods.len(), "the drain timed out; the node goes all the same");
                return Ok(());
            }
            tokio::select! {
                () = ongoing.cancel.cancelled() => {
                    self.uncordon(node);
                    return Err("Operation was aborted.".to_owned());
                }
                _ = tokio::time::timeout(RETRY_EVICTION_AFTER, changes.changed()) => {}
            }
        }
    }

    fn drainable_pods(&self, node: &str) -> Vec<std::sync::Arc<Value>> {
        let (pods, _) = self.store().list(&kinds::POD, None);
        let is_daemon =
            |pod: &Value| controller_of(pod).is_some_and(|owner| text(owner, "/kind") == "DaemonSet");
        pods.into_iter()
            .filter(|pod| text(pod, "/spec/nodeName") == node && !is_pod_finished(pod) && !is_daemon(pod))
            .collect()
    }

    /// Takes the machine away; what still runs there dies with it.
    pub(super) fn remove_node(&self, node: &str) {
        for pool in self.state().pools.values_mut() {
            for group in &mut pool.groups {
                group.instances.retain(|instance| instance.name != node);
            }
        }
        let key = Key::cluster(&kinds::NODE, node);
        if let Err(refused) = self.store().delete(&key, &DeleteOptions::default()) {
            tracing::debug!(node, %refused, "the node was gone already");
        }
    }

    /// Drains and removes nodes one by one; those that an abort leaves take pods again.
    pub(super) async fn retire(&self, nodes: Vec<String>, ongoing: &Ongoing) -> Result<(), String> {
        self.expect_nodes(ongoing, nodes.len());
        for node in &nodes {
            self.cordon(node);
        }
        for (at, node) in nodes.iter().enumerate() {
            if let Err(why) = self.drain(node, ongoing).await {
                nodes[at..].iter().for_each(|node| self.uncordon(node));
                return Err(why);
            }
            self.remove_node(node);
            self.count_node(ongoing);
        }
        Ok(())
    }

    /// Makes every node of a pool again, by the strategy of its upgrade settings.
    pub(super) async fn roll(&self, pool_name: &str, ongoing: &Ongoing) -> Result<(), String> {
        let settings = self.state().pools.get(pool_name).map(|pool| pool.resource["upgradeSettings"].clone());
        let settings = settings.unwrap_or_default();
        if text(&settings, "/strategy") == "BLUE_GREEN" {
            return self.roll_blue_green(pool_name, ongoing).await;
        }
        let most = |field: &str| usize::try_from(integer(&settings, field).unwrap_or(0)).unwrap_or(0);
        let (surge, unavailable) = (most("/maxSurge"), most("/maxUnavailable"));
        let groups = self.nodes_by_group(pool_name);
        self.expect_nodes(ongoing, groups.iter().map(Vec::len).sum());
        for batch in groups.iter().flat_map(|nodes| nodes.chunks((surge + unavailable).max(1))) {
            self.roll_batch(pool_name, batch, surge, ongoing).await?;
        }
        Ok(())
    }

    /// Replaces some nodes of a group at once: as many new ones first as may be surplus, the others afterwards.
    async fn roll_batch(
        &self,
        pool_name: &str,
        batch: &[String],
        surge: usize,
        ongoing: &Ongoing,
    ) -> Result<(), String> {
        let extra: Vec<String> =
            batch.iter().take(surge).filter_map(|node| self.surge(pool_name, node)).collect();
        batch.iter().for_each(|node| self.cordon(node));
        let drains = batch.iter().map(async |node| {
            self.drain(node, ongoing).await?;
            self.remove_node(node);
            self.count_node(ongoing);
            Ok(())
        });
        let drained: Vec<Result<(), String>> = futures::future::join_all(drains).await;
        let result: Result<(), String> = drained.into_iter().collect();
        if result.is_err() {
            // An abort keeps what it did not reach, and no more than that.
            let left = self.nodes_of(pool_name);
            let stayed = batch.iter().filter(|node| left.contains(node)).count();
            extra.iter().take(stayed).for_each(|node| self.remove_node(node));
        }
        self.fill_groups(pool_name);
        result
    }

    /// All new nodes first, then no pod goes to an old one, then the old ones are drained, and go together.
    async fn roll_blue_green(&self, pool_name: &str, ongoing: &Ongoing) -> Result<(), String> {
        let blue = self.nodes_of(pool_name);
        self.expect_nodes(ongoing, blue.len());
        let green: Vec<String> = blue.iter().filter_map(|node| self.surge(pool_name, node)).collect();
        blue.iter().for_each(|node| self.cordon(node));
        for node in &blue {
            if let Err(why) = self.drain(node, ongoing).await {
                // An abort goes back to the blue pool.
                blue.iter().for_each(|node| self.uncordon(node));
                green.iter().for_each(|node| self.remove_node(node));
                return Err(why);
            }
            self.count_node(ongoing);
        }
        blue.iter().for_each(|node| self.remove_node(node));
        Ok(())
    }

    /// One more node beside the one that is about to go; its name.
    fn surge(&self, pool_name: &str, beside: &str) -> Option<String> {
        let (resource, zone, instance) = {
            let mut state = self.state();
            let number = state.next_instance;
            state.next_instance += 1;
            let pool = state.pools.get_mut(pool_name)?;
            let resource = pool.resource.clone();
            let group = pool
                .groups
                .iter_mut()
                .find(|group| group.instances.iter().any(|instance| instance.name == beside))?;
            let instance = self.new_instance(pool_name, &group.zone, number);
            group.instances.push(instance.clone());
            (resource, group.zone.clone(), instance)
        };
        self.register(&resource, &zone, &instance);
        Some(instance.name)
    }
}
