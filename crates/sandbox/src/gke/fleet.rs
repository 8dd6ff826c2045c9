//! The machines: making nodes, draining them under disruption budgets, removing them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Gke;
use super::nodes::{apply_pool_labels, render_node};
use super::pool::{Instance, name_prefix};
use crate::controllers::digest::letters_of;
use crate::controllers::eviction::{Refusal, evict};
use crate::controllers::object::{controller_of, is_pod_finished, is_terminating, name, namespace, text};
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

    /// Evicts the pods of a node and waits until they are gone; after the drain time it goes on without
    /// them, as GKE does after an hour.
    pub(super) async fn drain(&self, node: &str, cancel: &CancellationToken) -> Result<(), String> {
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
                () = cancel.cancelled() => return Err("Operation was aborted.".to_owned()),
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

    /// Drains and removes nodes one by one.
    pub(super) async fn retire(&self, nodes: Vec<String>, cancel: &CancellationToken) -> Result<(), String> {
        for node in &nodes {
            self.cordon(node);
        }
        for node in nodes {
            self.drain(&node, cancel).await?;
            self.remove_node(&node);
        }
        Ok(())
    }

    /// Makes every node of a pool again: with surge a new node first, without it the old one goes first.
    pub(super) async fn roll(&self, pool_name: &str, cancel: &CancellationToken) -> Result<(), String> {
        let old = self.nodes_of(pool_name);
        let has_surge = self.state().pools.get(pool_name).is_some_and(|pool| {
            pool.resource.pointer("/upgradeSettings/maxSurge").and_then(Value::as_i64) > Some(0)
        });
        for node in old {
            if has_surge {
                self.surge(pool_name, &node);
                self.drain(&node, cancel).await?;
                self.remove_node(&node);
            } else {
                self.drain(&node, cancel).await?;
                self.remove_node(&node);
                self.fill_groups(pool_name);
            }
        }
        Ok(())
    }

    /// One more node beside the one that is about to go.
    fn surge(&self, pool_name: &str, beside: &str) {
        let (resource, zone, instance) = {
            let mut state = self.state();
            let number = state.next_instance;
            state.next_instance += 1;
            let Some(pool) = state.pools.get_mut(pool_name) else {
                return;
            };
            let resource = pool.resource.clone();
            let group = pool
                .groups
                .iter_mut()
                .find(|group| group.instances.iter().any(|instance| instance.name == beside));
            let Some(group) = group else {
                return;
            };
            let instance = self.new_instance(pool_name, &group.zone, number);
            group.instances.push(instance.clone());
            (resource, group.zone.clone(), instance)
        };
        self.register(&resource, &zone, &instance);
    }
}
