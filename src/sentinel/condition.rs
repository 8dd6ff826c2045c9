//! Each finding in words: a stable name for machines, where it was seen, and a sentence.

use std::fmt;

use super::health::Finding;
use super::observation::Address;

impl Finding {
    /// A stable name, such as `link_down`.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::ServerSilent { .. } => "server_silent",
            Self::SentinelSilent { .. } => "sentinel_silent",
            Self::ServerRefuses { .. } => "server_refuses",
            Self::SentinelRefuses { .. } => "sentinel_refuses",
            Self::ServerLoading { .. } => "server_loading",
            Self::GroupUnwatched { .. } => "group_unwatched",
            Self::Tilt { .. } => "tilt",
            Self::FailoverRunning { .. } => "failover_running",
            Self::NoMajority { .. } => "no_majority",
            Self::SentinelDisagrees { .. } => "sentinel_disagrees",
            Self::MasterForeign { .. } => "master_foreign",
            Self::MasterDown { .. } => "master_down",
            Self::MasterIsReplica { .. } => "master_is_replica",
            Self::SecondMaster { .. } => "second_master",
            Self::WrongMaster { .. } => "wrong_master",
            Self::LinkDown { .. } => "link_down",
            Self::ReplicaUnknown { .. } => "replica_unknown",
            Self::ReplicaDown { .. } => "replica_down",
            Self::PeerUnknown { .. } => "peer_unknown",
            Self::PeerDown { .. } => "peer_down",
            Self::GhostReplica { .. } => "ghost_replica",
            Self::GhostSentinel { .. } => "ghost_sentinel",
            Self::ForeignReplica { .. } => "foreign_replica",
            Self::ForeignSentinel { .. } => "foreign_sentinel",
        }
    }

    /// The pod or address it was seen at; empty where it is about the whole group.
    pub fn object(&self) -> String {
        match self {
            Self::ServerSilent { pod, .. }
            | Self::SentinelSilent { pod, .. }
            | Self::ServerRefuses { pod, .. }
            | Self::SentinelRefuses { pod, .. }
            | Self::ServerLoading { pod }
            | Self::MasterIsReplica { pod, .. }
            | Self::SecondMaster { pod, .. }
            | Self::WrongMaster { pod, .. }
            | Self::LinkDown { pod, .. }
            | Self::ReplicaUnknown { pod, .. }
            | Self::ReplicaDown { pod, .. }
            | Self::PeerUnknown { pod, .. }
            | Self::PeerDown { pod, .. } => pod.clone(),
            Self::GroupUnwatched { sentinel }
            | Self::Tilt { sentinel }
            | Self::FailoverRunning { sentinel, .. }
            | Self::SentinelDisagrees { sentinel, .. }
            | Self::MasterDown { sentinel, .. } => sentinel.clone(),
            Self::GhostReplica { address, .. }
            | Self::GhostSentinel { address, .. }
            | Self::ForeignReplica { address, .. }
            | Self::ForeignSentinel { address, .. }
            | Self::MasterForeign { address } => address.to_string(),
            Self::NoMajority { .. } => String::new(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerSilent { pod, reason } => write!(f, "the server of {pod} does not answer: {reason}"),
            Self::SentinelSilent { pod, reason } => {
                write!(f, "the sentinel of {pod} does not answer: {reason}")
            }
            Self::ServerRefuses { pod, reason } => {
                write!(f, "the server of {pod} refuses the declared password: {reason}")
            }
            Self::SentinelRefuses { pod, reason } => {
                write!(f, "the sentinel of {pod} refuses the declared password: {reason}")
            }
            Self::ServerLoading { pod } => write!(f, "the server of {pod} is loading its data"),
            Self::GroupUnwatched { sentinel } => says(f, sentinel, format_args!("does not watch the group")),
            Self::Tilt { sentinel } => says(f, sentinel, format_args!("is in TILT mode and takes no action")),
            Self::FailoverRunning { sentinel, state } => {
                says(f, sentinel, format_args!("runs a failover ({state})"))
            }
            Self::NoMajority { views } => f.write_str(&disagreement(views)),
            Self::SentinelDisagrees { sentinel, names, majority } => {
                write!(f, "the sentinel of {sentinel} names {names} as master, most name {majority}")
            }
            Self::MasterForeign { address } => {
                write!(f, "the sentinels name {address} as master, which is none of the pods")
            }
            Self::MasterDown { sentinel, flags } => {
                says(f, sentinel, format_args!("sees the master as {flags}"))
            }
            Self::MasterIsReplica { pod, follows } => {
                write!(f, "the sentinels name {pod} as master, but it is a replica of {follows}")
            }
            Self::SecondMaster { pod, master } => {
                write!(f, "{pod} is a master as well; the sentinels name {master}")
            }
            Self::WrongMaster { pod, follows, master } => {
                write!(f, "{pod} replicates {follows}, the master is {master}")
            }
            Self::LinkDown { pod, link } => {
                write!(f, "the replica {pod} is not linked to its master ({link:?})")
            }
            Self::ReplicaUnknown { sentinel, pod } => {
                says(f, sentinel, format_args!("could not promote {pod} yet"))
            }
            Self::ReplicaDown { sentinel, pod, flags } => {
                write!(f, "the sentinel of {sentinel} sees the replica {pod} as {flags}")
            }
            Self::PeerUnknown { sentinel, pod } => {
                says(f, sentinel, format_args!("does not know that of {pod}"))
            }
            Self::PeerDown { sentinel, pod, flags } => {
                write!(f, "the sentinel of {sentinel} sees that of {pod} as {flags}")
            }
            Self::GhostReplica { sentinel, address } => {
                stranger(f, sentinel, address, format_args!("remembers a replica"))
            }
            Self::GhostSentinel { sentinel, address, id } => {
                stranger(f, sentinel, address, format_args!("remembers a sentinel {id}"))
            }
            Self::ForeignReplica { sentinel, address } => {
                stranger(f, sentinel, address, format_args!("sees a living replica"))
            }
            Self::ForeignSentinel { sentinel, address, id } => {
                stranger(f, sentinel, address, format_args!("counts the sentinel {id}"))?;
                f.write_str(": another release with the same group name may have merged with this one")
            }
        }
    }
}

fn says(f: &mut fmt::Formatter<'_>, sentinel: &str, what: fmt::Arguments<'_>) -> fmt::Result {
    write!(f, "the sentinel of {sentinel} {what}")
}

fn stranger(
    f: &mut fmt::Formatter<'_>,
    sentinel: &str,
    address: &Address,
    what: fmt::Arguments<'_>,
) -> fmt::Result {
    write!(f, "the sentinel of {sentinel} {what} at {address}, which is none of the pods")
}

fn disagreement(views: &[(String, Address)]) -> String {
    if views.is_empty() {
        return "no sentinel names a master".into();
    }
    let each: Vec<_> =
        views.iter().map(|(sentinel, address)| format!("{sentinel} names {address}")).collect();
    format!("the sentinels do not agree on a master: {}", each.join("; "))
}
