//! What may stand in the settings of redis.conf: a server that starts with a value which it does not take
//! ends at once, so that a wrong one is an outage at the next restart of the pods.

use std::collections::BTreeMap;

/// Settings that are written by the chart or made from `auth`.
const OWN: [&str; 8] = [
    "cluster-enabled",
    "daemonize",
    "masterauth",
    "port",
    "replica-announce-ip",
    "replica-announce-port",
    "replicaof",
    "requirepass",
];

const BYTES: [&str; 5] = [
    "auto-aof-rewrite-min-size",
    "client-query-buffer-limit",
    "maxmemory",
    "proto-max-bulk-len",
    "repl-backlog-size",
];

const YES_OR_NO: [&str; 26] = [
    "activedefrag",
    "activerehashing",
    "aof-load-truncated",
    "aof-rewrite-incremental-fsync",
    "aof-use-rdb-preamble",
    "appendonly",
    "crash-log-enabled",
    "crash-memcheck-enabled",
    "dynamic-hz",
    "jemalloc-bg-thread",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "no-appendfsync-on-rewrite",
    "protected-mode",
    "rdb-save-incremental-fsync",
    "rdbchecksum",
    "rdbcompression",
    "repl-disable-tcp-nodelay",
    "repl-diskless-sync",
    "replica-ignore-maxmemory",
    "replica-lazy-flush",
    "replica-read-only",
    "replica-serve-stale-data",
    "stop-writes-on-bgsave-error",
];

const NUMBERS: [&str; 21] = [
    "auto-aof-rewrite-percentage",
    "databases",
    "hz",
    "io-threads",
    "latency-monitor-threshold",
    "lfu-decay-time",
    "lfu-log-factor",
    "maxclients",
    "maxmemory-eviction-tenacity",
    "maxmemory-samples",
    "min-replicas-max-lag",
    "min-replicas-to-write",
    "repl-backlog-ttl",
    "repl-diskless-sync-delay",
    "repl-ping-replica-period",
    "repl-timeout",
    "replica-priority",
    "slowlog-max-len",
    "tcp-backlog",
    "tcp-keepalive",
    "timeout",
];

const POLICIES: [&str; 10] = [
    "noeviction",
    "allkeys-lfu",
    "allkeys-lrm",
    "allkeys-lru",
    "allkeys-random",
    "volatile-lfu",
    "volatile-lrm",
    "volatile-lru",
    "volatile-random",
    "volatile-ttl",
];

/// What is wrong with these lines of redis.conf, a sentence each. Settings that are not known here are left
/// to Redis. `bundled` is the chart that writes some settings itself.
pub fn complaints(settings: &BTreeMap<String, Vec<String>>, bundled: bool) -> Vec<String> {
    let lines = settings.iter().flat_map(|(name, lines)| lines.iter().map(move |line| (name, line)));
    lines.filter_map(|(name, line)| complaint(name, line, bundled)).collect()
}

fn complaint(name: &str, value: &str, bundled: bool) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_word) {
        return Some(format!("{name:?} is no name of a setting of redis.conf, such as maxmemory-policy."));
    }
    if value.contains(['\n', '\r']) {
        return Some(format!(
            "The value of {name} has more than one line; redis.conf would read the rest as others."
        ));
    }
    let canonical = name.to_ascii_lowercase().replace("slave", "replica");
    if bundled && OWN.contains(&canonical.as_str()) {
        let password = ["requirepass", "masterauth"].contains(&canonical.as_str());
        let instead =
            if password { "by auth: the password is kept in a Secret" } else { "by the chart itself" };
        return Some(format!("{name} is set {instead}. Remove it here."));
    }
    let wanted = wanted(&canonical, value.trim().trim_matches(['"', '\'']))?;
    Some(format!("{name} is {value:?}, with which no server starts. Wanted: {wanted}."))
}

/// What the setting takes, where the value is something else.
fn wanted(name: &str, value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let one_of = |words: &[&str]| (!words.contains(&lower.as_str())).then(|| words.join(", "));
    match name {
        "maxmemory-policy" => one_of(&POLICIES),
        "appendfsync" => one_of(&["always", "everysec", "no"]),
        _ if YES_OR_NO.contains(&name) => one_of(&["yes", "no"]),
        _ if BYTES.contains(&name) && !is_bytes(&lower) => {
            Some("bytes, or a number with a unit of redis.conf, such as 100mb or 2gb".into())
        }
        _ if NUMBERS.contains(&name) && value.parse::<i64>().is_err() => Some("a whole number".into()),
        _ => None,
    }
}

fn is_bytes(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && ["", "b", "k", "kb", "m", "mb", "g", "gb"].contains(&unit)
}
