//! What it takes to change a value of the bundled chart on a running release: one table.

/// The chart reads the same list, so that the checksum of the pod template and this table agree.
const AT_START_ONLY: &str = include_str!("redis-ha/restart-settings.txt");

/// From the lightest to the heaviest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Set on each server or sentinel while it runs (CONFIG SET, SENTINEL SET); the ConfigMap follows.
    Live,
    /// Objects change; no pod restarts.
    Objects,
    /// Every pod restarts, one at a time.
    RollsPods,
    /// Kubernetes refuses it for an existing StatefulSet, or every client would have to be told.
    Immutable,
}

/// Longest prefix wins; what is not in the table is part of the pod template.
const TABLE: [(&str, Effect); 24] = [
    ("replicas", Effect::Objects),
    ("sentinel.quorum", Effect::Live),
    ("sentinel.config.down-after-milliseconds", Effect::Live),
    ("sentinel.config.failover-timeout", Effect::Live),
    ("sentinel.config.parallel-syncs", Effect::Live),
    ("sentinel.config", Effect::RollsPods),
    ("redis.config", Effect::Live),
    ("redis.masterGroupName", Effect::Immutable),
    ("redis.updateStrategy", Effect::Objects),
    ("redis.annotations", Effect::Objects),
    ("podDisruptionBudget", Effect::Objects),
    ("serviceAnnotations", Effect::Objects),
    ("serviceLabels", Effect::Objects),
    ("serviceAccount.annotations", Effect::Objects),
    ("configmap.labels", Effect::Objects),
    ("podManagementPolicy", Effect::Immutable),
    ("fullnameOverride", Effect::Immutable),
    ("nameOverride", Effect::Immutable),
    ("persistentVolume.enabled", Effect::Immutable),
    ("persistentVolume.size", Effect::Immutable),
    ("persistentVolume.storageClass", Effect::Immutable),
    ("persistentVolume.accessModes", Effect::Immutable),
    ("persistentVolume.annotations", Effect::Immutable),
    ("persistentVolume.labels", Effect::Immutable),
];

/// What a change of the value at this dotted path takes, such as `redis.config.maxmemory`.
pub fn effect(path: &str) -> Effect {
    if let Some(setting) = path.strip_prefix("redis.config.")
        && takes_restart(setting)
    {
        return Effect::RollsPods;
    }
    let covers =
        |prefix: &str| path == prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    let rows = TABLE.iter().filter(|(prefix, _)| covers(prefix));
    rows.max_by_key(|(prefix, _)| prefix.len()).map_or(Effect::RollsPods, |(_, effect)| *effect)
}

/// Whether a server takes this setting of redis.conf only when it starts.
pub fn takes_restart(setting: &str) -> bool {
    AT_START_ONLY.lines().any(|line| line == setting)
}
