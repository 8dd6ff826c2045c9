//! What is wrong at this moment without being configuration: findings, never changes.

use super::observation::{Address, Answer, Link, Observation, PodObservation, Role, WatchedGroup};
use super::topology::{self, Topology};

/// Beyond this age a sentinel does not trust what it knows of a replica, and would not promote it.
const INFO_AGE_MILLISECONDS_MAX: i64 = 30_000;

/// One thing that is not as it should be. Display is a sentence for a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    ServerSilent {
        pod: String,
        reason: String,
    },
    SentinelSilent {
        pod: String,
        reason: String,
    },
    /// The server wants another password than the declared one, or lets its user do too little.
    ServerRefuses {
        pod: String,
        reason: String,
    },
    SentinelRefuses {
        pod: String,
        reason: String,
    },
    ServerLoading {
        pod: String,
    },
    /// The sentinel watches no group of this name.
    GroupUnwatched {
        sentinel: String,
    },
    Tilt {
        sentinel: String,
    },
    FailoverRunning {
        sentinel: String,
        state: String,
    },
    /// No address is named by most sentinels; each sentinel's own answer.
    NoMajority {
        views: Vec<(String, Address)>,
    },
    SentinelDisagrees {
        sentinel: String,
        names: Address,
        majority: Address,
    },
    /// Most sentinels name an address that is none of the pods.
    MasterForeign {
        address: Address,
    },
    MasterDown {
        sentinel: String,
        flags: String,
    },
    /// The pod that the sentinels call master follows somebody: nobody takes writes.
    MasterIsReplica {
        pod: String,
        follows: Address,
    },
    SecondMaster {
        pod: String,
        master: String,
    },
    WrongMaster {
        pod: String,
        follows: Address,
        master: String,
    },
    LinkDown {
        pod: String,
        link: Link,
    },
    /// The sentinel does not know the replica, or knows too little of it to promote it.
    ReplicaUnknown {
        sentinel: String,
        pod: String,
    },
    ReplicaDown {
        sentinel: String,
        pod: String,
        flags: String,
    },
    PeerUnknown {
        sentinel: String,
        pod: String,
    },
    PeerDown {
        sentinel: String,
        pod: String,
        flags: String,
    },
    /// A dead replica that the sentinel remembers at an address that is none of the pods.
    GhostReplica {
        sentinel: String,
        address: Address,
    },
    GhostSentinel {
        sentinel: String,
        address: Address,
        id: String,
    },
    /// A living replica that is none of the pods. It may be meant: somebody's copy elsewhere.
    ForeignReplica {
        sentinel: String,
        address: Address,
    },
    /// A living sentinel that is none of the pods: it votes, so two groups may have merged.
    ForeignSentinel {
        sentinel: String,
        address: Address,
        id: String,
    },
}

impl Finding {
    /// Whether the group has not settled while this stands. A ghost is a memory, and a stranger is not
    /// one of the group: they harm a later election but not what runs now.
    pub fn unsettles(&self) -> bool {
        !matches!(
            self,
            Self::GhostReplica { .. }
                | Self::GhostSentinel { .. }
                | Self::ForeignReplica { .. }
                | Self::ForeignSentinel { .. }
        )
    }

    /// Whether the group is changing by itself, so that what differs now may be right in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Tilt { .. } | Self::FailoverRunning { .. } | Self::ServerLoading { .. })
    }
}

/// Everything that is not as it should be, most telling first.
pub fn findings(observation: &Observation) -> Vec<Finding> {
    let topology = topology::topology(observation);
    let mut found = Vec::new();
    for pod in &observation.pods {
        silence(pod, &mut found);
    }
    agreement(observation, &topology, &mut found);
    if let Some(master) = topology.consensus_pod(observation) {
        for pod in &observation.pods {
            replication(observation, pod, master, &mut found);
        }
    }
    for pod in &observation.pods {
        if let Some(group) = pod.sentinel.ok().and_then(|sentinel| sentinel.group.as_ref()) {
            watch(observation, pod, group, &mut found);
        }
    }
    found
}

fn silence(pod: &PodObservation, found: &mut Vec<Finding>) {
    let name = || pod.pod.clone();
    match &pod.server {
        Answer::Silent(reason) => found.push(Finding::ServerSilent { pod: name(), reason: reason.clone() }),
        Answer::Refused(reason) => found.push(Finding::ServerRefuses { pod: name(), reason: reason.clone() }),
        Answer::Ok(server) if server.loading => found.push(Finding::ServerLoading { pod: name() }),
        Answer::Ok(_) => {}
    }
    match &pod.sentinel {
        Answer::Silent(reason) => found.push(Finding::SentinelSilent { pod: name(), reason: reason.clone() }),
        Answer::Refused(reason) => {
            found.push(Finding::SentinelRefuses { pod: name(), reason: reason.clone() });
        }
        Answer::Ok(sentinel) => {
            if sentinel.tilt {
                found.push(Finding::Tilt { sentinel: name() });
            }
            match &sentinel.group {
                None => found.push(Finding::GroupUnwatched { sentinel: name() }),
                Some(group) => found.extend(
                    group
                        .failover_state
                        .clone()
                        .map(|state| Finding::FailoverRunning { sentinel: name(), state }),
                ),
            }
        }
    }
}

fn agreement(observation: &Observation, topology: &Topology, found: &mut Vec<Finding>) {
    let views = topology::views(observation);
    let Some(majority) = &topology.consensus else {
        found.push(Finding::NoMajority {
            views: views.into_iter().map(|(pod, address)| (pod.to_owned(), address.clone())).collect(),
        });
        return;
    };
    for (sentinel, names) in views {
        if !topology::same_server(observation, names, majority) {
            let (sentinel, names, majority) = (sentinel.to_owned(), names.clone(), majority.clone());
            found.push(Finding::SentinelDisagrees { sentinel, names, majority });
        }
    }
    if observation.pod_of(majority).is_none() {
        found.push(Finding::MasterForeign { address: majority.clone() });
    }
}

fn replication(
    observation: &Observation,
    pod: &PodObservation,
    master: &PodObservation,
    found: &mut Vec<Finding>,
) {
    let Some(server) = pod.server.ok() else { return };
    let name = || pod.pod.clone();
    let is_master = pod.pod == master.pod;
    match &server.role {
        Role::Master { .. } if !is_master => {
            found.push(Finding::SecondMaster { pod: name(), master: master.pod.clone() });
        }
        Role::Master { .. } => {}
        Role::Replica { master: follows, .. } if is_master => {
            found.push(Finding::MasterIsReplica { pod: name(), follows: follows.clone() });
        }
        Role::Replica { master: follows, link, .. } => {
            let right = observation.pod_of(follows).is_some_and(|followed| followed.pod == master.pod);
            if !right {
                let master = master.pod.clone();
                found.push(Finding::WrongMaster { pod: name(), follows: follows.clone(), master });
            } else if *link != Link::Connected {
                found.push(Finding::LinkDown { pod: name(), link: *link });
            }
        }
    }
}

fn watch(observation: &Observation, pod: &PodObservation, group: &WatchedGroup, found: &mut Vec<Finding>) {
    let sentinel = || pod.pod.clone();
    if group.flags.down() {
        found.push(Finding::MasterDown { sentinel: sentinel(), flags: group.flags.to_string() });
    }
    for other in &observation.pods {
        if !other.serves(&group.master) {
            watch_replica(pod, other, group, found);
        }
        if other.pod != pod.pod {
            watch_peer(pod, other, group, found);
        }
    }
    strangers(observation, pod, group, found);
}

/// Whom the sentinel knows and who is none of the pods.
fn strangers(
    observation: &Observation,
    pod: &PodObservation,
    group: &WatchedGroup,
    found: &mut Vec<Finding>,
) {
    let sentinel = || pod.pod.clone();
    for replica in group.replicas.iter().filter(|replica| observation.pod_of(&replica.address).is_none()) {
        let (sentinel, address) = (sentinel(), replica.address.clone());
        found.push(match replica.flags.down() {
            true => Finding::GhostReplica { sentinel, address },
            false => Finding::ForeignReplica { sentinel, address },
        });
    }
    let is_pod = |address: &Address| observation.pods.iter().any(|other| other.watches(address));
    for peer in group.peers.iter().filter(|peer| !is_pod(&peer.address)) {
        let (sentinel, address, id) = (sentinel(), peer.address.clone(), peer.id.clone());
        found.push(match peer.flags.down() {
            true => Finding::GhostSentinel { sentinel, address, id },
            false => Finding::ForeignSentinel { sentinel, address, id },
        });
    }
}

fn watch_replica(
    pod: &PodObservation,
    other: &PodObservation,
    group: &WatchedGroup,
    found: &mut Vec<Finding>,
) {
    let (sentinel, name) = (pod.pod.clone(), other.pod.clone());
    match group.replicas.iter().find(|replica| other.serves(&replica.address)) {
        None => found.push(Finding::ReplicaUnknown { sentinel, pod: name }),
        Some(replica) if replica.flags.down() => {
            let flags = replica.flags.to_string();
            found.push(Finding::ReplicaDown { sentinel, pod: name, flags });
        }
        Some(replica) if replica.info_age_milliseconds > INFO_AGE_MILLISECONDS_MAX => {
            found.push(Finding::ReplicaUnknown { sentinel, pod: name });
        }
        Some(_) => {}
    }
}

fn watch_peer(pod: &PodObservation, other: &PodObservation, group: &WatchedGroup, found: &mut Vec<Finding>) {
    let (sentinel, name) = (pod.pod.clone(), other.pod.clone());
    match group.peers.iter().find(|peer| other.watches(&peer.address)) {
        None => found.push(Finding::PeerUnknown { sentinel, pod: name }),
        Some(peer) if peer.flags.down() => {
            let flags = peer.flags.to_string();
            found.push(Finding::PeerDown { sentinel, pod: name, flags });
        }
        Some(_) => {}
    }
}
