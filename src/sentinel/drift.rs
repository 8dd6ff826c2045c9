//! Declared against live: one row for each setting on each process that differs. A setting that the
//! process does not report, or that is the group's own business, gives no row.

use std::collections::BTreeMap;

use super::health::{Finding, findings};
use super::observation::{
    Answer, KnownPeer, Link, Observation, PasswordState, PodObservation, Role, SentinelView, ServerView,
    WatchedGroup,
};
use super::structure::{self, AUTH_PASS};
use super::{settings, topology};

/// What somebody declared, by the names of redis.conf and of SENTINEL SET.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Such as `quorum` and `down-after-milliseconds`.
    pub sentinel: BTreeMap<String, String>,
    /// Lines of redis.conf by name; `save` and `client-output-buffer-limit` may have several.
    pub server: BTreeMap<String, Vec<String>>,
    /// Where the servers' password is kept, in words; `None` where they have none.
    pub password: Option<String>,
    /// Commands that no server should know.
    pub disabled_commands: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Sentinel,
    Redis,
}

impl Layer {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sentinel => "sentinel",
            Self::Redis => "redis",
        }
    }
}

/// One setting of one process. `object` is the pod's name, or the group's where it is about all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRow {
    pub layer: Layer,
    pub object: String,
    pub setting: String,
    pub declared: String,
    pub live: String,
}

impl DriftRow {
    pub(super) fn new(layer: Layer, object: &str, setting: &str, declared: &str, live: &str) -> Self {
        let text = str::to_owned;
        Self {
            layer,
            object: text(object),
            setting: text(setting),
            declared: text(declared),
            live: text(live),
        }
    }
}

/// All rows: who follows whom first, then sentinels, then servers, each in the order of the pods.
pub fn drift(declared: &Declared, observation: &Observation) -> Vec<DriftRow> {
    let mut rows = structure::rows(observation);
    for pod in &observation.pods {
        if let Some(sentinel) = pod.sentinel.ok() {
            rows.extend(sentinel_rows(declared, &pod.pod, sentinel));
            rows.extend(auth_pass(declared, observation, pod));
        }
    }
    for pod in &observation.pods {
        match &pod.server {
            Answer::Ok(server) => {
                rows.extend(access_rows(declared, pod, server));
                rows.extend(announced(pod, server));
                rows.extend(server_rows(declared, &pod.pod, server));
            }
            Answer::Refused(_) => rows.push(refused(declared, observation, &pod.pod)),
            Answer::Silent(_) => {}
        }
    }
    rows
}

/// What of the group is changing by itself at this moment; nothing is to be concluded meanwhile.
pub fn passing(observation: &Observation) -> Vec<Finding> {
    findings(observation).into_iter().filter(Finding::is_passing).collect()
}

fn sentinel_rows(declared: &Declared, pod: &str, sentinel: &SentinelView) -> Vec<DriftRow> {
    let Some(group) = &sentinel.group else { return Vec::new() };
    let compare = |(setting, declared): (&String, &String)| {
        let live = group.fields.get(setting)?;
        let row = || DriftRow::new(Layer::Sentinel, pod, setting, declared, live);
        (!settings::same(setting, declared, live)).then(row)
    };
    declared.sentinel.iter().filter_map(compare).collect()
}

/// A sentinel that has just met the group connects within this time.
const SILENT_MILLISECONDS_MIN: i64 = 3_000;

/// Whether a sentinel is cut off from a master that is well, but not for long enough to tell why.
pub fn is_undecided(declared: &Declared, observation: &Observation) -> bool {
    let since = |group: &WatchedGroup| group.silent_milliseconds < SILENT_MILLISECONDS_MIN;
    observation
        .pods
        .iter()
        .any(|pod| cut_off(declared, observation, pod).is_some_and(|(_, group)| since(group)))
}

/// No sentinel tells its auth-pass. But one that cannot talk to a master that is well, from a pod whose
/// own server can, gives it a wrong one.
fn auth_pass(declared: &Declared, observation: &Observation, pod: &PodObservation) -> Option<DriftRow> {
    let (master, group) = cut_off(declared, observation, pod)?;
    let live = format!("refused by {master} ({})", group.flags);
    let password = declared.password.as_deref()?;
    (group.silent_milliseconds >= SILENT_MILLISECONDS_MIN)
        .then(|| DriftRow::new(Layer::Sentinel, &pod.pod, AUTH_PASS, password, &live))
}

/// The master, and the group as a sentinel sees it that should be able to talk to it and is not.
fn cut_off<'a>(
    declared: &Declared,
    observation: &'a Observation,
    pod: &'a PodObservation,
) -> Option<(String, &'a WatchedGroup)> {
    declared.password.as_ref()?;
    let group = pod.sentinel.ok()?.group.as_ref().filter(|group| group.flags.down())?;
    let master = topology::topology(observation).master.filter(|master| master.address == group.master)?;
    let is_linked = match &pod.server.ok()?.role {
        Role::Master { .. } => master.pod == pod.pod,
        Role::Replica { link, .. } => *link == Link::Connected,
    };
    // A link is taken for connected for a minute after the network broke. But sentinels, who need no
    // password among themselves, tell at once.
    let is_peer = |peer: &&KnownPeer| {
        let of = observation.pods.iter().find(|other| other.watches(&peer.address));
        of.is_some_and(|other| other.pod == master.pod || master.pod == pod.pod)
    };
    let reaches = group.peers.iter().filter(is_peer).any(|peer| !peer.flags.down());
    (is_linked && reaches).then_some((master.pod, group))
}

const NO_PASSWORD: &str = "no password";

/// Where no server takes the Secret's password, it was the Secret that changed.
fn refused(declared: &Declared, observation: &Observation, pod: &str) -> DriftRow {
    let wanted = declared.password.as_deref().unwrap_or(NO_PASSWORD);
    let by_all = observation.pods.iter().all(|pod| pod.server.ok().is_none());
    let live = if by_all { EARLIER } else { "another password, or a user without rights" };
    DriftRow::new(Layer::Redis, pod, "requirepass", wanted, live)
}

/// What servers have whose Secret was given another password.
pub const EARLIER: &str = "another password, as on every server that answers";

fn access_rows(declared: &Declared, pod: &PodObservation, server: &ServerView) -> Vec<DriftRow> {
    let wanted = declared.password.as_deref().unwrap_or(NO_PASSWORD);
    let mut rows = Vec::new();
    let mut row = |setting: &str, declared: &str, live: &str| {
        rows.push(DriftRow::new(Layer::Redis, &pod.pod, setting, declared, live));
    };
    let right = if declared.password.is_some() { PasswordState::Ours } else { PasswordState::None };
    if server.password != right {
        row("requirepass", wanted, server.password.as_str());
    } else if pod.is_outdated {
        row("requirepass", wanted, "another password in the pod's environment");
    }
    if declared.password.is_some() && server.masterauth != PasswordState::Ours {
        row("masterauth", wanted, server.masterauth.as_str());
    }
    if let Some(rules) = &server.restricted_user
        && !declared.server.contains_key("user")
    {
        row("user default", "on ~* +@all", rules);
    }
    for command in &server.known_commands {
        row(&format!("rename-command {command}"), "\"\"", "not renamed");
    }
    rows
}

/// A server that tells the others an address which is none of its own any more: its Service was made
/// anew. Nobody will find it there.
fn announced(pod: &PodObservation, server: &ServerView) -> Option<DriftRow> {
    let live = settings::live_value(&server.config, ANNOUNCED).filter(|live| !live.is_empty())?;
    let is_ip = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    let own = pod.addresses.iter().find(|address| is_ip(address))?;
    let is_own = !is_ip(live) || pod.addresses.iter().any(|address| address == live);
    (!is_own).then(|| DriftRow::new(Layer::Redis, &pod.pod, ANNOUNCED, own, live))
}

/// What a server tells the others as its address.
pub const ANNOUNCED: &str = "replica-announce-ip";

impl PasswordState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "the one of the Secret",
            Self::Several => "further passwords beside it",
            Self::Other => "another password",
            Self::None => NO_PASSWORD,
        }
    }
}

fn server_rows(declared: &Declared, pod: &str, server: &ServerView) -> Vec<DriftRow> {
    let compare = |(setting, lines): (&String, &Vec<String>)| {
        let live = settings::live_value(&server.config, setting)?;
        let declared = settings::joined(setting, lines);
        let differs = settings::is_claimed(setting) && !settings::same(setting, &declared, live);
        differs.then(|| DriftRow::new(Layer::Redis, pod, setting, &declared, live))
    };
    declared.server.iter().filter_map(compare).collect()
}
