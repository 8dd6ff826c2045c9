//! The name of each finding and where it was seen, for reports that a machine reads.

use super::health::Finding;

impl Finding {
    /// A stable name, such as `link_down`.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::ServerSilent { .. } => "server_silent",
            Self::SentinelSilent { .. } => "sentinel_silent",
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
        }
    }

    /// The pod or address it was seen at; empty where it is about the whole group.
    pub fn object(&self) -> String {
        match self {
            Self::ServerSilent { pod, .. }
            | Self::SentinelSilent { pod, .. }
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
            | Self::MasterForeign { address } => address.to_string(),
            Self::NoMajority { .. } => String::new(),
        }
    }
}
