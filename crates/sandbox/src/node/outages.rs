//! Faults of pods and nodes, carried out: signals to containers, pods cut off from one another, nodes lost.
//!
//! A cut is a permanent neighbour entry with a hardware address that nobody has, in the network namespaces of both
//! sides: packets vanish without an answer, as on a broken wire, and nothing but `ip` is needed. Services and DNS go
//! through this process, which asks [`Cuts`](super::cuts::Cuts). A cut follows the pod's name: whoever bears it next
//! is cut off too. The node still reaches its pods (probes, exec, port-forward) unless the node itself is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, PoisonError};

use rustix::process::{Pid, Signal};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use super::container::Instance;
use super::cuts::Cut;
use super::kubelet::Running;
use super::lost_node::LostNode;
use super::network::GATEWAY;
use super::pod::{Context, Pod};
use crate::faults::{ContainerFault, Fault, FaultError, Faults, PodName, Recorded};
use crate::store::object::name;
use crate::store::{Key, kinds};

/// A locally administered address that no interface has.
const NOBODY: &str = "02:00:00:00:00:00";

/// The node agent's hand for faults.
pub struct Outages {
    context: Arc<Context>,
    running: Running,
    faults: Faults,
    in_force: Mutex<InForce>,
    /// The list of faults changed.
    changed: Notify,
}

/// What was done by now, so that it can be undone.
#[derive(Default)]
struct InForce {
    /// Network namespace of a pod, and an address that it does not reach.
    blocked: BTreeSet<(String, Ipv4Addr)>,
    lost: BTreeMap<String, LostNode>,
}

/// A pod as far as cuts need it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    pod: PodName,
    node: String,
    namespace: String,
    address: Ipv4Addr,
}

impl Outages {
    pub(super) fn new(context: Arc<Context>, running: Running, faults: Faults) -> Self {
        Self { context, running, faults, in_force: Mutex::default(), changed: Notify::new() }
    }

    fn pods(&self) -> Vec<Arc<Pod>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().map(Arc::clone).collect()
    }

    fn find(&self, wanted: &PodName) -> Result<Arc<Pod>, FaultError> {
        let pods = self.pods();
        pods.iter().find(|pod| pod_name(pod) == *wanted).map(Arc::clone).ok_or_else(|| {
            FaultError::NoSuchPod { pod: wanted.clone(), known: listed(pods.iter().map(|pod| pod_name(pod))) }
        })
    }

    fn instance(&self, target: &ContainerFault) -> Result<Arc<Instance>, FaultError> {
        let pod = self.find(&target.pod)?;
        let instance = pod.instance(&target.container).filter(|instance| !instance.has_ended());
        instance.ok_or_else(|| FaultError::NoSuchContainer {
            pod: target.pod.clone(),
            container: target.container.clone(),
            known: listed(pod.running_containers()),
        })
    }

    /// Fails unless a pod of this name runs.
    pub(crate) fn check_pod(&self, pod: &PodName) -> Result<(), FaultError> {
        self.find(pod).map(drop)
    }

    /// Fails unless the cluster has this node.
    pub(crate) fn check_node(&self, node: &str) -> Result<(), FaultError> {
        let store = &self.context.store;
        if store.get(&Key::cluster(&kinds::NODE, node)).is_some() {
            return Ok(());
        }
        let (nodes, _) = store.list(&kinds::NODE, None);
        let known = listed(nodes.iter().map(|node| name(node).to_owned()));
        Err(FaultError::NoSuchNode { node: node.to_owned(), known })
    }

    /// Stops every process that now runs in a container.
    pub(crate) fn stop(&self, target: &ContainerFault) -> Result<(), FaultError> {
        signal_all(&*self.instance(target)?, Signal::STOP);
        Ok(())
    }

    /// Lets them go on; a container that ended meanwhile needs nothing.
    pub(crate) fn resume(&self, target: &ContainerFault) {
        if let Ok(instance) = self.instance(target) {
            signal_all(&instance, Signal::CONT);
        }
    }

    /// Kills the first process of a container, and with it all others.
    pub(crate) fn kill(&self, target: &ContainerFault) -> Result<(), FaultError> {
        self.instance(target)?.signal(Signal::KILL);
        Ok(())
    }

    /// Follows pods as they come and go until dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut changes = self.context.store.changes();
        loop {
            changes.mark_unchanged();
            if let Err(error) = self.enforce().await {
                tracing::warn!(%error, "a fault could not be carried out");
            }
            let due = self.next_deadline().await;
            let until_due = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = self.changed.notified() => {}
                () = until_due => {}
            }
        }
    }

    async fn next_deadline(&self) -> Option<Instant> {
        self.in_force.lock().await.lost.values().filter_map(LostNode::deadline).min()
    }

    /// Carries out the list of faults as it is now.
    pub(crate) async fn renew(&self) -> Result<(), FaultError> {
        let done = self.enforce().await;
        // A node that was just lost is missed later, which `run` sees to.
        self.changed.notify_one();
        done
    }

    /// Brings partitions and lost nodes in force, and undoes those that were cleared.
    async fn enforce(&self) -> Result<(), FaultError> {
        let mut in_force = self.in_force.lock().await;
        let members: Vec<Member> = self.pods().iter().map(|pod| member(pod)).collect();
        let cut = wanted(&self.faults.list(), &members);
        let lost = cut.lost_nodes.clone();
        let blocked = blocked(&cut, &members);
        self.context.cuts.set(cut);
        self.block(&mut in_force.blocked, blocked, &members).await?;
        self.lose(&mut in_force.lost, &lost);
        Ok(())
    }

    /// Changes the neighbours of the pods' interfaces from what they are to what they are to be.
    async fn block(
        &self,
        now: &mut BTreeSet<(String, Ipv4Addr)>,
        wanted: BTreeSet<(String, Ipv4Addr)>,
        members: &[Member],
    ) -> Result<(), FaultError> {
        let mut batches: BTreeMap<String, String> = BTreeMap::new();
        for (namespace, address) in wanted.difference(now) {
            let line = format!("neigh replace {address} lladdr {NOBODY} dev eth0 nud permanent\n");
            batches.entry(namespace.clone()).or_default().push_str(&line);
        }
        for (namespace, address) in now.difference(&wanted) {
            let line = format!("neigh del {address} dev eth0\n");
            batches.entry(namespace.clone()).or_default().push_str(&line);
        }
        *now = wanted;
        for (namespace, batch) in batches {
            // The namespace of a pod that is gone took its neighbours with it.
            if !members.iter().any(|member| member.namespace == namespace) {
                continue;
            }
            let done = self.context.spawner.run("ip", &["-netns", &namespace, "-batch", "-"], &batch).await;
            if let Err(error) = done
                && self.pods().iter().any(|pod| pod.network.namespace == namespace)
            {
                return Err(FaultError::Failed(error.in_one_line()));
            }
        }
        Ok(())
    }

    fn lose(&self, now: &mut BTreeMap<String, LostNode>, wanted: &BTreeSet<String>) {
        let returned: Vec<_> = now.keys().filter(|node| !wanted.contains(*node)).cloned().collect();
        for node in returned {
            if let Some(lost) = now.remove(&node) {
                lost.come_back(&self.context);
            }
            for pod in self.pods().iter().filter(|pod| pod.node() == node) {
                pod.publish(&self.context);
            }
        }
        for node in wanted {
            let lost = now.entry(node.clone()).or_insert_with(|| LostNode::new(node, self.context.timing));
            lost.miss(&self.context);
        }
    }
}

/// What the faults ask for, among the pods that run.
fn wanted(faults: &[Recorded], members: &[Member]) -> Cut {
    let mut cut = Cut::default();
    for recorded in faults {
        match &recorded.fault {
            Fault::Partition(partition) => {
                for one in members.iter().filter(|member| member.pod == partition.pod) {
                    if partition.from.is_empty() {
                        cut.isolated.insert(one.address);
                    }
                    for other in members.iter().filter(|member| partition.from.contains(&member.pod)) {
                        cut.add_pair(one.address, other.address);
                    }
                }
            }
            Fault::Node(lost) => {
                cut.lost_nodes.insert(lost.node.clone());
                let on_it = members.iter().filter(|member| member.node == lost.node);
                cut.isolated.extend(on_it.map(|member| member.address));
            }
            Fault::Api(_) | Fault::Stop(_) | Fault::Kill(_) => {}
        }
    }
    cut
}

/// Which addresses each pod's namespace must not reach. A lost node does not reach its pods either.
fn blocked(cut: &Cut, members: &[Member]) -> BTreeSet<(String, Ipv4Addr)> {
    let mut blocked = BTreeSet::new();
    for member in members {
        let others = members.iter().filter(|other| cut.severs(member.address, other.address));
        blocked.extend(others.map(|other| (member.namespace.clone(), other.address)));
        if cut.lost_nodes.contains(&member.node) {
            blocked.insert((member.namespace.clone(), GATEWAY));
        }
    }
    blocked
}

fn member(pod: &Pod) -> Member {
    Member {
        pod: pod_name(pod),
        node: pod.node().to_owned(),
        namespace: pod.network.namespace.clone(),
        address: pod.network.address,
    }
}

fn pod_name(pod: &Pod) -> PodName {
    PodName { namespace: pod.key.namespace.clone().unwrap_or_default(), name: pod.key.name.clone() }
}

fn listed(names: impl IntoIterator<Item = impl ToString>) -> String {
    let mut names: Vec<_> = names.into_iter().map(|name| name.to_string()).collect();
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Signals all processes of a container: those of its process namespace, the first one first.
fn signal_all(instance: &Instance, signal: Signal) {
    let Some(first) = instance.pid else { return };
    instance.signal(signal);
    let namespace_of = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(namespace) = namespace_of(first.as_raw_nonzero().get()) else { return };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in numbers.filter(|pid| namespace_of(*pid).as_ref() == Some(&namespace)) {
        if let Some(pid) = Pid::from_raw(pid).filter(|pid| *pid != first) {
            // Gone already is as good as signalled.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{NodeFault, PartitionFault};

    fn members() -> Vec<Member> {
        let member = |name: &str, node: &str, last: u8| Member {
            pod: PodName { namespace: "default".to_owned(), name: name.to_owned() },
            node: node.to_owned(),
            namespace: format!("pod-{name}"),
            address: Ipv4Addr::new(10, 244, 0, last),
        };
        vec![member("a", "n1", 11), member("b", "n2", 12), member("c", "n2", 13)]
    }

    /// The blocked ways as `FROM>LAST-BYTE`.
    fn check(fault: Fault, expected: &[&str]) {
        let members = members();
        let recorded = Recorded { id: 1, fault, fired: 0 };
        let cut = wanted(&[recorded], &members);
        let ways: Vec<_> = blocked(&cut, &members)
            .into_iter()
            .map(|(namespace, address)| format!("{}>{}", &namespace[4..], address.octets()[3]))
            .collect();
        assert_eq!(ways, expected);
    }

    fn partition(pod: &str, from: &[&str]) -> Fault {
        let name = |name: &str| format!("default/{name}").parse::<PodName>().expect("a name");
        Fault::Partition(PartitionFault {
            pod: name(pod),
            from: from.iter().map(|other| name(other)).collect(),
        })
    }

    #[test]
    fn a_partition_blocks_both_ways_between_the_two() {
        check(partition("a", &["b"]), &["a>12", "b>11"]);
    }

    #[test]
    fn a_partition_from_everything_leaves_the_way_to_the_node() {
        check(partition("a", &[]), &["a>12", "a>13", "b>11", "c>11"]);
    }

    #[test]
    fn the_pods_of_a_lost_node_reach_nothing() {
        let lost = Fault::Node(NodeFault { node: "n1".to_owned() });
        check(lost, &["a>1", "a>12", "a>13", "b>11", "c>11"]);
    }

    #[test]
    fn a_pod_that_does_not_run_is_cut_off_from_nobody() {
        check(partition("gone", &["a"]), &[]);
    }
}
