//! What the pods said, as plain data. Nothing here holds a password: settings that are secrets are
//! dropped while they are read.

use std::collections::BTreeMap;
use std::fmt;

/// Where to ask: one pod of the set, and every address under which the others may know it (the
/// announce Service's ClusterIP, its DNS names, the pod's own address).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub pod: String,
    pub addresses: Vec<String>,
    pub server_port: u16,
    pub sentinel_port: u16,
    /// Of both processes: what the others may know them by as well, as one for TLS beside a plain one.
    pub other_ports: Vec<u16>,
}

/// An address as Redis prints it. IPv6 addresses carry no brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(formatter, "[{}]:{}", self.host, self.port);
        }
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// An answer, or the reason why there was none. A pod that does not answer is an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    Ok(T),
    /// It answers, but not to us: it wants another password, or its user may not be asked.
    Refused(String),
    Silent(String),
}

impl<T> Answer<T> {
    pub fn ok(&self) -> Option<&T> {
        match self {
            Self::Ok(value) => Some(value),
            Self::Refused(_) | Self::Silent(_) => None,
        }
    }

    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// One look at the whole group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    pub master_group: String,
    pub pods: Vec<PodObservation>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodObservation {
    pub pod: String,
    pub addresses: Vec<String>,
    pub server_port: u16,
    pub sentinel_port: u16,
    pub other_ports: Vec<u16>,
    pub server: Answer<ServerView>,
    pub sentinel: Answer<SentinelView>,
    /// The password was changed after the pod was started; see `Credentials::started_with`.
    pub is_outdated: bool,
}

impl PodObservation {
    /// Whether `address` is this pod's server.
    pub fn serves(&self, address: &Address) -> bool {
        self.is_at(address, self.server_port)
    }

    /// Whether `address` is this pod's sentinel.
    pub fn watches(&self, address: &Address) -> bool {
        self.is_at(address, self.sentinel_port)
    }

    fn is_at(&self, address: &Address, port: u16) -> bool {
        let is_port = address.port == port || self.other_ports.contains(&address.port);
        is_port && self.addresses.contains(&address.host)
    }
}

impl Observation {
    /// The pod whose server is known under `address`.
    pub fn pod_of(&self, address: &Address) -> Option<&PodObservation> {
        self.pods.iter().find(|pod| pod.serves(address))
    }

    pub fn pod(&self, name: &str) -> Option<&PodObservation> {
        self.pods.iter().find(|pod| pod.pod == name)
    }
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerView {
    pub role: Role,
    /// `redis_version` of INFO, such as `7.2.4`.
    pub version: String,
    pub loading: bool,
    /// CONFIG GET, without passwords.
    pub config: BTreeMap<String, String>,
    /// What clients have to give.
    pub password: PasswordState,
    /// What it gives to its master.
    pub masterauth: PasswordState,
    /// The rules of the default user, where it may not do everything; from Redis 6.
    pub restricted_user: Option<String>,
    /// Those of the commands asked for that the server knows.
    pub known_commands: Vec<String>,
}

/// A password, told by comparison with the one that we hold: neither is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordState {
    /// Exactly the one that we hold.
    Ours,
    /// Ours, and others beside it.
    Several,
    Other,
    None,
}

/// The answer to ROLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    Master { offset: i64, replicas: Vec<Address> },
    Replica { master: Address, link: Link, offset: i64 },
}

/// The state of a replica's link to its master, as ROLE names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Connect,
    Connecting,
    Handshake,
    Sync,
    Connected,
    /// A word that this version of the provider does not know.
    Unknown,
}

/// What a sentinel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelView {
    /// SENTINEL MYID, from Redis 6.2.
    pub id: Option<String>,
    /// `None` when the sentinel does not watch the group at all.
    pub group: Option<WatchedGroup>,
    pub tilt: bool,
}

/// One sentinel's view of the group: SENTINEL MASTER, REPLICAS and SENTINELS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedGroup {
    pub master: Address,
    pub config_epoch: i64,
    pub flags: Flags,
    /// Since the master last answered this sentinel's PING as it should.
    pub silent_milliseconds: i64,
    /// `failover-state`, while one is running.
    pub failover_state: Option<String>,
    /// Every field of SENTINEL MASTER, such as `quorum` and `down-after-milliseconds`.
    pub fields: BTreeMap<String, String>,
    pub replicas: Vec<KnownReplica>,
    pub peers: Vec<KnownPeer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownReplica {
    pub address: Address,
    pub flags: Flags,
    pub link_up: bool,
    pub priority: i64,
    /// How old the sentinel's last INFO of it is.
    pub info_age_milliseconds: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    pub id: String,
    pub address: Address,
    pub flags: Flags,
}

/// The comma-separated flags of an instance that a sentinel watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub Vec<String>);

impl Flags {
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').filter(|flag| !flag.is_empty()).map(str::to_owned).collect())
    }

    pub fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|own| own == flag)
    }

    /// Subjectively or objectively down, or not connected at all.
    pub fn down(&self) -> bool {
        ["s_down", "o_down", "disconnected"].iter().any(|flag| self.has(flag))
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(","))
    }
}
