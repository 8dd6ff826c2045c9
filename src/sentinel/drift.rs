//! Declared against live: one row for each setting on each process that differs. A setting that the
//! process does not report, or that is the group's own business, gives no row.

use std::collections::BTreeMap;

use super::observation::{Observation, SentinelView, ServerView};
use super::settings;

/// The settings that somebody declared, by the names of redis.conf and of SENTINEL SET.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Such as `quorum` and `down-after-milliseconds`.
    pub sentinel: BTreeMap<String, String>,
    /// Lines of redis.conf by name; `save` and `client-output-buffer-limit` may have several.
    pub server: BTreeMap<String, Vec<String>>,
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

/// One setting of one process. `object` is the pod's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRow {
    pub layer: Layer,
    pub object: String,
    pub setting: String,
    pub declared: String,
    pub live: String,
}

/// All rows: sentinels first, each layer in the order of the pods.
pub fn drift(declared: &Declared, observation: &Observation) -> Vec<DriftRow> {
    let sentinels = observation.pods.iter().filter_map(|pod| Some((pod.pod.as_str(), pod.sentinel.ok()?)));
    let servers = observation.pods.iter().filter_map(|pod| Some((pod.pod.as_str(), pod.server.ok()?)));
    sentinels
        .flat_map(|(pod, sentinel)| sentinel_rows(declared, pod, sentinel))
        .chain(servers.flat_map(|(pod, server)| server_rows(declared, pod, server)))
        .collect()
}

fn sentinel_rows(declared: &Declared, pod: &str, sentinel: &SentinelView) -> Vec<DriftRow> {
    let Some(group) = &sentinel.group else { return Vec::new() };
    let compare = |(setting, declared): (&String, &String)| {
        let live = group.fields.get(setting)?;
        let row = || row(Layer::Sentinel, pod, setting, declared.clone(), live);
        (!settings::same(setting, declared, live)).then(row)
    };
    declared.sentinel.iter().filter_map(compare).collect()
}

fn server_rows(declared: &Declared, pod: &str, server: &ServerView) -> Vec<DriftRow> {
    let compare = |(setting, lines): (&String, &Vec<String>)| {
        let live = settings::live_value(&server.config, setting)?;
        let declared = settings::joined(setting, lines);
        let differs = settings::is_claimed(setting) && !settings::same(setting, &declared, live);
        differs.then(|| row(Layer::Redis, pod, setting, declared, live))
    };
    declared.server.iter().filter_map(compare).collect()
}

fn row(layer: Layer, pod: &str, setting: &str, declared: String, live: &str) -> DriftRow {
    DriftRow { layer, object: pod.to_owned(), setting: setting.to_owned(), declared, live: live.to_owned() }
}
