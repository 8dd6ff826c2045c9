//! Who is master, by most sentinels and by the server's own word; and whether the group has settled.

use super::health::{Finding, findings};
use super::observation::{Address, Observation, PodObservation, Role};

/// The group as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The address that most sentinels name; most of all pods, not of those that answer.
    pub consensus: Option<Address>,
    /// The consensus, when it is one of the pods and that pod's ROLE says master too.
    pub master: Option<Master>,
    /// Pods whose server is a replica, whoever they follow, in the order of the observation.
    pub replicas: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    pub pod: String,
    pub address: Address,
}

impl Topology {
    pub fn consensus_pod<'a>(&self, observation: &'a Observation) -> Option<&'a PodObservation> {
        observation.pod_of(self.consensus.as_ref()?)
    }
}

/// Whether everybody agrees and is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Settled(Topology),
    /// The findings that stand against it; never empty.
    NotSettled(Vec<Finding>),
}

pub fn topology(observation: &Observation) -> Topology {
    let consensus = consensus(observation);
    let master = consensus.as_ref().and_then(|address| {
        let pod = observation.pod_of(address)?;
        let server = pod.server.ok()?;
        matches!(server.role, Role::Master { .. })
            .then(|| Master { pod: pod.pod.clone(), address: address.clone() })
    });
    let is_replica = |pod: &&PodObservation| {
        pod.server.ok().is_some_and(|server| matches!(server.role, Role::Replica { .. }))
    };
    let replicas = observation.pods.iter().filter(is_replica).map(|pod| pod.pod.clone()).collect();
    Topology { consensus, master, replicas }
}

/// Settled: all servers and sentinels answer, every sentinel names the same master, that master says
/// so itself, every replica is linked to it, and each sentinel knows all the others.
pub fn verdict(observation: &Observation) -> Verdict {
    let against: Vec<_> = findings(observation).into_iter().filter(Finding::unsettles).collect();
    if against.is_empty() { Verdict::Settled(topology(observation)) } else { Verdict::NotSettled(against) }
}

/// What each sentinel that answers names as master.
pub(super) fn views(observation: &Observation) -> Vec<(&str, &Address)> {
    observation
        .pods
        .iter()
        .filter_map(|pod| Some((pod.pod.as_str(), &pod.sentinel.ok()?.group.as_ref()?.master)))
        .collect()
}

/// Whether two addresses mean one server: one sentinel may print a name where another prints an IP.
pub(super) fn same_server(observation: &Observation, one: &Address, other: &Address) -> bool {
    one == other
        || matches!((observation.pod_of(one), observation.pod_of(other)), (Some(a), Some(b)) if a.pod == b.pod)
}

fn consensus(observation: &Observation) -> Option<Address> {
    let views = views(observation);
    let majority = observation.pods.len() / 2 + 1;
    views
        .iter()
        .map(|(_, address)| *address)
        .find(|address| {
            views.iter().filter(|(_, other)| same_server(observation, address, other)).count() >= majority
        })
        .cloned()
}

/// The server that the group should follow: the master that most sentinels name, if it says so itself;
/// else the only one that says it is master and has a follower; else, where there is no master at all
/// and every server answers, the replica that has most (the named one, where others have no more).
/// `None` while that cannot be told.
pub fn leader(observation: &Observation) -> Option<&PodObservation> {
    let topology = topology(observation);
    if let Some(master) = &topology.master {
        return observation.pod(&master.pod);
    }
    let servers: Vec<_> =
        observation.pods.iter().filter_map(|pod| Some((pod, &pod.server.ok()?.role))).collect();
    let masters: Vec<_> =
        servers.iter().filter(|(_, role)| matches!(role, Role::Master { .. })).map(|(pod, _)| *pod).collect();
    let follows = |master: &PodObservation| {
        servers.iter().any(|(_, role)| matches!(role, Role::Replica { master: of, .. } if master.serves(of)))
    };
    match masters.as_slice() {
        [only] => follows(only).then_some(*only),
        [] if servers.len() == observation.pods.len() => {
            let named = topology.consensus_pod(observation).map(|pod| pod.pod.as_str());
            let rank =
                |(pod, role): &&(&PodObservation, &Role)| (role.offset(), named == Some(pod.pod.as_str()));
            // The first of equals: `max_by_key` would take the last.
            servers.iter().rev().max_by_key(rank).map(|(pod, _)| *pod)
        }
        _ => None,
    }
}

impl Role {
    fn offset(&self) -> i64 {
        match self {
            Self::Master { offset, .. } | Self::Replica { offset, .. } => *offset,
        }
    }
}
