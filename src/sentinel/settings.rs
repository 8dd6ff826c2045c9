//! When two texts of a setting mean the same. Redis prints a setting otherwise than it was written:
//! `100mb` as 104857600, `min-slaves-to-write` as `min-replicas-to-write`.

use std::collections::{BTreeMap, BTreeSet};

/// Settings whose values are case-sensitive text, beyond those that end in `file`, `dir` or `name`.
const VERBATIM: [&str; 8] = [
    "unixsocket",
    "syslog-ident",
    "proc-title-template",
    "replica-announce-ip",
    "bind",
    "bind-source-addr",
    "notify-keyspace-events",
    "cluster-announce-hostname",
];

/// The classes that `A` stands for in notify-keyspace-events.
const KEYSPACE_ALL: &str = "g$lshzxetd";

/// Settings that are the group's own business or a secret: no claim is made on them.
const UNCLAIMED: [&str; 12] = [
    "replicaof",
    "requirepass",
    "masterauth",
    "masteruser",
    "replica-announce-ip",
    "replica-announce-port",
    "rename-command",
    "user",
    "include",
    "loadmodule",
    "dir",
    "port",
];

/// The name under which Redis 7 knows a setting: `slave` is `replica`, `ziplist` is `listpack`.
pub fn canonical_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace("slave", "replica").replace("ziplist", "listpack");
    if name == "lua-time-limit" { "busy-reply-threshold".into() } else { name }
}

/// Whether a declared value of this setting can be compared with a live one at all.
pub fn is_claimed(name: &str) -> bool {
    !UNCLAIMED.contains(&canonical_name(name).as_str())
}

/// The live value of a setting under any of its names.
pub fn live_value<'a>(config: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    config.get(name).map(String::as_str).or_else(|| {
        let canonical = canonical_name(name);
        config.iter().find(|(live, _)| canonical_name(live) == canonical).map(|(_, value)| value.as_str())
    })
}

/// The declared lines of a setting as CONFIG SET takes them: several lines of `save` and
/// `client-output-buffer-limit` are one value, of any other setting the last line wins.
pub fn joined(name: &str, lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| unquoted(line)).collect();
    if is_cumulative(name) { lines.join(" ") } else { lines.last().copied().unwrap_or_default().to_owned() }
}

fn is_cumulative(name: &str) -> bool {
    matches!(canonical_name(name).as_str(), "save" | "client-output-buffer-limit")
}

/// Whether a declared value and a live one mean the same.
pub fn same(name: &str, declared: &str, live: &str) -> bool {
    let (declared, live) = (unquoted(declared), unquoted(live));
    match canonical_name(name).as_str() {
        "client-output-buffer-limit" => same_buffer_limits(declared, live),
        "notify-keyspace-events" => keyspace_classes(declared) == keyspace_classes(live),
        canonical => {
            words(declared) == words(live)
                || same_bytes(declared, live)
                || (!is_verbatim(canonical) && declared.eq_ignore_ascii_case(live))
        }
    }
}

fn is_verbatim(canonical: &str) -> bool {
    VERBATIM.contains(&canonical)
        || ["file", "dir", "dirname", "filename"].iter().any(|ending| canonical.ends_with(ending))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

fn same_bytes(declared: &str, live: &str) -> bool {
    matches!((parse_bytes(declared), parse_bytes(live)), (Some(a), Some(b)) if a == b)
}

/// `1k` is 1000 and `1kb` 1024, as in redis.conf; a bare number is bytes.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor: u64 = match &text[digits..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(factor)
}

fn keyspace_classes(text: &str) -> BTreeSet<char> {
    text.replace('A', KEYSPACE_ALL).chars().collect()
}

/// Only the classes that were declared are compared; Redis prints all of them.
fn same_buffer_limits(declared: &str, live: &str) -> bool {
    match (buffer_limits(declared), buffer_limits(live)) {
        (Some(declared), Some(live)) => {
            declared.iter().all(|(class, limits)| live.get(class) == Some(limits))
        }
        _ => words(declared) == words(live),
    }
}

fn buffer_limits(text: &str) -> Option<BTreeMap<String, [u64; 3]>> {
    let words = words(text);
    if !words.len().is_multiple_of(4) {
        return None;
    }
    words
        .chunks_exact(4)
        .map(|four| {
            let limits = [parse_bytes(four[1])?, parse_bytes(four[2])?, four[3].parse().ok()?];
            Some((canonical_name(four[0]), limits))
        })
        .collect()
}
