//! Replies to plain data: maps by name, never by position, so that the same code reads 5.0 to 8.0.

use std::collections::BTreeMap;

use redis::Value;

use super::observation::{Address, Flags, KnownPeer, KnownReplica, Link, Role, WatchedGroup};

/// Settings whose values are secrets: they are dropped before anything else sees them.
const SECRET_SETTINGS: [&str; 4] =
    ["requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass"];

pub(super) type Map = BTreeMap<String, String>;

/// What is wrong with a reply; the connection adds who sent it.
pub(super) type Parsed<T> = Result<T, String>;

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Okay => Some("OK".into()),
        Value::Int(number) => Some(number.to_string()),
        Value::VerbatimString { text, .. } => Some(text.clone()),
        _ => None,
    }
}

/// A flat list of names and values, or a RESP3 map.
pub(super) fn map(value: &Value) -> Parsed<Map> {
    let pair = |name: &Value, value: &Value| Some((text(name)?, text(value).unwrap_or_default()));
    let parsed: Option<Map> = match value {
        Value::Array(items) if items.len() % 2 == 0 => {
            items.chunks_exact(2).map(|two| pair(&two[0], &two[1])).collect()
        }
        Value::Map(pairs) => pairs.iter().map(|(name, value)| pair(name, value)).collect(),
        _ => None,
    };
    parsed.ok_or_else(|| format!("wanted names and values, got {}", shape(value)))
}

pub(super) fn maps(value: &Value) -> Parsed<Vec<Map>> {
    match value {
        Value::Array(items) => items.iter().map(map).collect(),
        other => Err(format!("wanted a list of maps, got {}", shape(other))),
    }
}

/// INFO: `name:value` lines, `#` headings.
pub(super) fn info(value: &Value) -> Parsed<Map> {
    let text = text(value).ok_or_else(|| format!("wanted text, got {}", shape(value)))?;
    let pairs = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}

/// CONFIG GET, less the secrets.
pub(super) fn config(value: &Value) -> Parsed<Map> {
    let mut settings = map(value)?;
    for secret in SECRET_SETTINGS {
        settings.remove(secret);
    }
    Ok(settings)
}

pub(super) fn role(value: &Value) -> Parsed<Role> {
    let Value::Array(items) = value else {
        return Err(format!("wanted a list, got {}", shape(value)));
    };
    let field = |index: usize| items.get(index).and_then(text).unwrap_or_default();
    match field(0).as_str() {
        "master" => {
            Ok(Role::Master { offset: number(&field(1))?, replicas: replica_addresses(items.get(2))? })
        }
        "slave" | "replica" => Ok(Role::Replica {
            master: Address { host: field(1), port: number(&field(2))? },
            link: link(&field(3)),
            offset: number(&field(4))?,
        }),
        other => Err(format!("the role is {other:?}; is this a sentinel?")),
    }
}

fn replica_addresses(value: Option<&Value>) -> Parsed<Vec<Address>> {
    let Some(Value::Array(items)) = value else { return Ok(Vec::new()) };
    items.iter().map(address).collect()
}

/// `[host, port, …]`.
pub(super) fn address(value: &Value) -> Parsed<Address> {
    let Value::Array(items) = value else {
        return Err(format!("wanted host and port, got {}", shape(value)));
    };
    let host = items.first().and_then(text).ok_or("an address without a host")?;
    let port = items.get(1).and_then(text).ok_or("an address without a port")?;
    Ok(Address { host, port: number(&port)? })
}

fn link(word: &str) -> Link {
    match word {
        "connect" => Link::Connect,
        "connecting" => Link::Connecting,
        "handshake" => Link::Handshake,
        "sync" => Link::Sync,
        "connected" => Link::Connected,
        _ => Link::Unknown,
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Parsed<T> {
    text.parse().map_err(|_| format!("{text:?} is no number in range"))
}

fn listed_address(fields: &Map) -> Parsed<Address> {
    let field = |name: &str| fields.get(name).ok_or_else(|| format!("an instance without {name}"));
    Ok(Address { host: field("ip")?.clone(), port: number(field("port")?)? })
}

fn flags(fields: &Map) -> Flags {
    Flags::parse(fields.get("flags").map_or("", String::as_str))
}

pub(super) fn group(master: Map, replicas: &[Map], peers: &[Map]) -> Parsed<WatchedGroup> {
    Ok(WatchedGroup {
        master: listed_address(&master)?,
        config_epoch: master.get("config-epoch").map_or(Ok(0), |text| number(text))?,
        flags: flags(&master),
        silent_milliseconds: master.get("last-ok-ping-reply").map_or(Ok(0), |text| number(text))?,
        failover_state: master.get("failover-state").filter(|state| *state != "no_failover").cloned(),
        replicas: replicas.iter().map(known_replica).collect::<Parsed<_>>()?,
        peers: peers.iter().map(known_peer).collect::<Parsed<_>>()?,
        fields: master,
    })
}

fn known_replica(fields: &Map) -> Parsed<KnownReplica> {
    Ok(KnownReplica {
        address: listed_address(fields)?,
        flags: flags(fields),
        link_up: fields.get("master-link-status").is_some_and(|status| status == "ok"),
        priority: fields.get("slave-priority").map_or(Ok(100), |text| number(text))?,
        info_age_milliseconds: fields.get("info-refresh").map_or(Ok(i64::MAX), |text| number(text))?,
    })
}

fn known_peer(fields: &Map) -> Parsed<KnownPeer> {
    Ok(KnownPeer {
        id: fields.get("runid").cloned().unwrap_or_default(),
        address: listed_address(fields)?,
        flags: flags(fields),
    })
}

/// The kind of a reply, for errors: its contents may be anything.
pub(super) fn shape(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nothing",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay | Value::VerbatimString { .. } => "text",
        Value::Array(_) | Value::Set(_) => "a list",
        Value::Map(_) => "a map",
        _ => "a reply of another kind",
    }
}
