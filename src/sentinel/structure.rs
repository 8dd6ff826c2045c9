//! Who follows whom, as rows of drift: what does not heal by itself, or not soon.

use std::time::Duration;

use super::drift::{ANNOUNCED, DriftRow, Layer};
use super::health::{Finding, findings};
use super::observation::{Address, Observation, PodObservation};
use super::topology::{leader, topology};

/// The row of a whole group that has no master.
pub(super) const MASTER: &str = "master";
pub(super) const ROLE: &str = "role";
pub(super) const REPLICAOF: &str = "replicaof";
pub(super) const MONITOR: &str = "monitor";
pub(super) const KNOWN_REPLICA: &str = "known-replica";
pub(super) const KNOWN_SENTINEL: &str = "known-sentinel";
pub(super) const AUTH_PASS: &str = "auth-pass";

impl DriftRow {
    /// How long a look has to show this again and again before it is believed: sentinels mend some of
    /// it by themselves (a second master within 15 s, a lost master within 26 s), and a process that
    /// starts passes through some of it.
    pub fn confirmed_after(&self) -> Duration {
        let seconds = match (self.layer, self.name()) {
            (_, MASTER | ROLE) => 30,
            (_, REPLICAOF | MONITOR) => 15,
            (_, AUTH_PASS | KNOWN_REPLICA | KNOWN_SENTINEL) => 3,
            (Layer::Redis, "requirepass") => 1,
            _ => 0,
        };
        Duration::from_secs(seconds)
    }

    /// Whether a group with this row may never settle.
    pub fn unsettles(&self) -> bool {
        self.is_structural()
            || [ANNOUNCED, AUTH_PASS, "requirepass", "masterauth", "user"].contains(&self.name())
    }

    /// The setting without what it is about: `known-replica` of `known-replica 10.0.0.9:6379`.
    pub fn name(&self) -> &str {
        self.setting.split(' ').next().unwrap_or_default()
    }

    /// Whether the row is about a replica that a sentinel remembers at this host.
    pub fn remembers(&self, host: &str) -> bool {
        let at = self.setting.strip_prefix(KNOWN_REPLICA).map(str::trim_start);
        self.layer == Layer::Sentinel
            && at
                .and_then(|at| at.rsplit_once(':'))
                .is_some_and(|(of, _)| of.trim_matches(['[', ']']) == host)
    }

    /// Whether the row is about who follows whom. The row of a group without a master stands for all of
    /// these: a new master makes every one of them true for a moment.
    pub fn is_structural(&self) -> bool {
        [MASTER, ROLE, REPLICAOF, MONITOR].contains(&self.name())
    }
}

/// The address under which the others should know a pod's server: the one that most sentinels name, or
/// the first that is no name (its announce Service's).
pub(super) fn address_of(observation: &Observation, pod: &PodObservation) -> Address {
    if let Some(named) = topology(observation).consensus.filter(|named| pod.serves(named)) {
        return named;
    }
    let is_ip = |host: &&String| host.parse::<std::net::IpAddr>().is_ok();
    let host = pod.addresses.iter().find(is_ip).or(pod.addresses.first()).cloned().unwrap_or_default();
    Address { host, port: pod.server_port }
}

pub(super) fn rows(observation: &Observation) -> Vec<DriftRow> {
    let found = findings(observation);
    let mut rows: Vec<_> = no_master(observation, &found).into_iter().collect();
    rows.extend(found.iter().filter_map(|finding| row(observation, finding)));
    rows
}

fn no_master(observation: &Observation, found: &[Finding]) -> Option<DriftRow> {
    if topology(observation).master.is_some() || leader(observation).is_none() {
        return None;
    }
    let live = found.iter().find_map(|finding| match finding {
        Finding::MasterIsReplica { pod, follows } => {
            Some(format!("none: the sentinels name {pod}, a replica of {follows}"))
        }
        Finding::NoMajority { .. } => Some("none that most sentinels name".to_owned()),
        _ => None,
    });
    Some(DriftRow::new(Layer::Redis, &observation.master_group, MASTER, "one", &live?))
}

fn row(observation: &Observation, finding: &Finding) -> Option<DriftRow> {
    let topology = topology(observation);
    let master = topology.master.as_ref();
    let target = || Some(address_of(observation, leader(observation)?).to_string());
    match finding {
        Finding::SecondMaster { pod, .. } => {
            let declared = format!("replica of {}", master?.pod);
            Some(DriftRow::new(Layer::Redis, pod, ROLE, &declared, "master"))
        }
        Finding::WrongMaster { pod, follows, .. } => {
            let declared = master?.address.to_string();
            Some(DriftRow::new(Layer::Redis, pod, REPLICAOF, &declared, &follows.to_string()))
        }
        Finding::SentinelDisagrees { sentinel, names, .. } => {
            Some(DriftRow::new(Layer::Sentinel, sentinel, MONITOR, &target()?, &names.to_string()))
        }
        Finding::GroupUnwatched { sentinel } => {
            Some(DriftRow::new(Layer::Sentinel, sentinel, MONITOR, &target()?, "nothing"))
        }
        Finding::GhostReplica { sentinel, address } => {
            let setting = format!("{KNOWN_REPLICA} {address}");
            Some(DriftRow::new(Layer::Sentinel, sentinel, &setting, "absent", "down"))
        }
        Finding::GhostSentinel { sentinel, address, .. } => {
            let setting = format!("{KNOWN_SENTINEL} {address}");
            Some(DriftRow::new(Layer::Sentinel, sentinel, &setting, "absent", "down"))
        }
        _ => None,
    }
}
