//! Rules that need nothing but the configuration. A finding names the place in the values by its dotted
//! path; the caller knows which attribute that is.

use std::collections::BTreeMap;

use super::effective::Effective;
use super::names::Names;
use super::redis_conf;

/// Kubernetes allows 63 characters in a name; the longest suffix and a revision's hash take the rest.
const FULLNAME_LENGTH_MAX: usize = 45;
const DOWN_AFTER_MILLISECONDS_ADVISED: i64 = 2_000;
const PASSWORD_LENGTH_MIN: usize = 16;
/// Sentinels, replication and the probes need these.
const NEEDED_COMMANDS: [&str; 15] = [
    "AUTH",
    "CLIENT",
    "CONFIG",
    "EXEC",
    "INFO",
    "MULTI",
    "PING",
    "PSYNC",
    "PUBLISH",
    "REPLCONF",
    "REPLICAOF",
    "ROLE",
    "SCRIPT",
    "SLAVEOF",
    "SUBSCRIBE",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// Such as `sentinel.quorum` or `redis.config.min-replicas-to-write`.
    pub field: &'static str,
    pub message: String,
}

/// What is known of a configuration; `None` where it is not known yet, and then nothing is said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub fullname: Option<String>,
    pub replicas: Option<i64>,
    pub quorum: Option<i64>,
    pub down_after_milliseconds: Option<i64>,
    pub failover_timeout_milliseconds: Option<i64>,
    pub parallel_syncs: Option<i64>,
    pub master_group_name: Option<String>,
    pub min_replicas_to_write: Option<i64>,
    pub maxmemory_bytes: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    pub disabled_commands: Vec<String>,
    /// Lines of redis.conf by name.
    pub server: BTreeMap<String, Vec<String>>,
    pub image_tag: Option<String>,
    /// Whether the bundled chart is used, which needs Redis 6.2.
    pub bundled: bool,
    pub custom_config: bool,
}

impl Facts {
    pub fn of(effective: &Effective, names: &Names, bundled: bool) -> Self {
        let option = |name: &str| effective.sentinel.get(name)?.parse().ok();
        let setting = |name: &str| effective.server.get(name)?.last().cloned();
        let writers = setting("min-replicas-to-write").or_else(|| setting("min-slaves-to-write"));
        Self {
            fullname: Some(names.fullname.clone()),
            replicas: Some(effective.replicas.into()),
            quorum: option("quorum"),
            down_after_milliseconds: option("down-after-milliseconds"),
            failover_timeout_milliseconds: option("failover-timeout"),
            parallel_syncs: option("parallel-syncs"),
            master_group_name: Some(effective.master_group_name.clone()),
            min_replicas_to_write: if effective.custom_redis_config {
                None
            } else {
                Some(writers.and_then(|text| text.parse().ok()).unwrap_or(0))
            },
            maxmemory_bytes: setting("maxmemory").and_then(|text| bytes(&text)),
            memory_limit_bytes: effective.memory_limit.as_deref().and_then(quantity),
            disabled_commands: effective.disabled_commands.clone(),
            server: effective.server.clone(),
            image_tag: Some(effective.image_tag.clone()),
            bundled,
            custom_config: effective.custom_redis_config || effective.custom_sentinel_config,
        }
    }
}

/// Everything that is wrong or unwise, in the order of the rules.
pub fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    check_size(facts, &mut found);
    check_quorum(facts, &mut found);
    check_writers(facts, &mut found);
    check_times(facts, &mut found);
    check_memory(facts, &mut found);
    check_names(facts, &mut found);
    check_commands(facts, &mut found);
    let complaints = redis_conf::complaints(&facts.server, facts.bundled);
    found.extend(complaints.into_iter().map(|complaint| error("redis.config", complaint)));
    check_image(facts, &mut found);
    if facts.custom_config {
        let message = "A custom configuration file replaces the rendered one: what it declares is not compared \
                       with what is live.";
        found.push(warning("redis.customConfig", message));
    }
    found
}

/// What is wrong with a password, without the password. Other characters break redis.conf and haproxy.
pub fn check_password(password: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if password.chars().count() < PASSWORD_LENGTH_MIN {
        return Err(format!("The password is shorter than {PASSWORD_LENGTH_MIN} characters."));
    }
    if !password.chars().all(allowed) {
        return Err("The password has characters other than letters, digits, '_', '.' and '-'.".into());
    }
    Ok(())
}

fn error(field: &'static str, message: impl Into<String>) -> Finding {
    Finding { severity: Severity::Error, field, message: message.into() }
}

fn warning(field: &'static str, message: impl Into<String>) -> Finding {
    Finding { severity: Severity::Warning, field, message: message.into() }
}

fn check_size(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(replicas) = facts.replicas else { return };
    if replicas < 1 {
        found.push(error("replicas", format!("There are {replicas} replicas; at least 1 is needed.")));
    } else if replicas < 3 {
        let message =
            format!("With {replicas} replicas no majority is left when one is lost; 3 are advised.");
        found.push(warning("replicas", message));
    } else if replicas % 2 == 0 {
        let message = format!(
            "{replicas} replicas survive no more losses than {}; an odd number is advised.",
            replicas - 1
        );
        found.push(warning("replicas", message));
    }
}

fn check_quorum(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(quorum) = facts.quorum else { return };
    if quorum < 1 {
        found.push(error("sentinel.quorum", format!("The quorum is {quorum}; at least 1 is needed.")));
    }
    let Some(replicas) = facts.replicas.filter(|replicas| *replicas >= 1) else { return };
    let majority = replicas / 2 + 1;
    if quorum > replicas {
        let message = format!(
            "The quorum of {quorum} is above the {replicas} replicas, each with one sentinel: no failover could start."
        );
        found.push(error("sentinel.quorum", message));
    } else if quorum >= 1 && quorum < majority {
        let message = format!(
            "A quorum of {quorum} is less than a majority ({majority} of {replicas}): a minority that is cut off \
             would take the master for down."
        );
        found.push(warning("sentinel.quorum", message));
    }
}

fn check_writers(facts: &Facts, found: &mut Vec<Finding>) {
    const FIELD: &str = "redis.config.min-replicas-to-write";
    let (Some(replicas), Some(writers)) = (facts.replicas, facts.min_replicas_to_write) else { return };
    if replicas < 1 {
        return;
    }
    if writers < 0 || writers > replicas - 1 {
        let message = format!(
            "min-replicas-to-write is {writers}, but {replicas} replicas have only {} besides the master: no write \
             would be taken.",
            replicas - 1
        );
        found.push(error(FIELD, message));
    } else if writers == 0 && replicas > 1 {
        let message = "With min-replicas-to-write 0 a master that is cut off goes on acknowledging writes that are lost \
                       when another is elected.";
        found.push(warning(FIELD, message));
    } else if writers == replicas - 1 && replicas > 1 {
        let message = format!(
            "With min-replicas-to-write {writers} of {replicas} replicas, losing one stops all writes."
        );
        found.push(warning(FIELD, message));
    }
}

fn check_times(facts: &Facts, found: &mut Vec<Finding>) {
    const DOWN_AFTER: &str = "sentinel.config.down-after-milliseconds";
    const TIMEOUT: &str = "sentinel.config.failover-timeout";
    if let Some(down_after) = facts.down_after_milliseconds {
        if down_after < 1 {
            found.push(error(DOWN_AFTER, format!("It is {down_after}; at least 1 is needed.")));
        } else if down_after < DOWN_AFTER_MILLISECONDS_ADVISED {
            let message =
                format!("{down_after} ms: a short pause of the master would already start a failover.");
            found.push(warning(DOWN_AFTER, message));
        }
        if let Some(timeout) = facts.failover_timeout_milliseconds.filter(|timeout| *timeout <= down_after) {
            let message = format!(
                "The failover timeout of {timeout} ms is not above the {down_after} ms after which a master is down."
            );
            found.push(error(TIMEOUT, message));
        }
    }
    if let Some(syncs) = facts.parallel_syncs.filter(|syncs| *syncs < 1) {
        found.push(error("sentinel.config.parallel-syncs", format!("It is {syncs}; at least 1 is needed.")));
    }
}

fn check_memory(facts: &Facts, found: &mut Vec<Finding>) {
    const FIELD: &str = "redis.config.maxmemory";
    let Some(limit) = facts.memory_limit_bytes.filter(|_| !facts.custom_config) else { return };
    match facts.maxmemory_bytes.unwrap_or(0) {
        0 => found.push(error(
            FIELD,
            "There is a memory limit but no maxmemory: the server would be killed when it reaches the limit. Set \
             maxmemory to at most 75 % of it.",
        )),
        maxmemory if u128::from(maxmemory) * 4 > u128::from(limit) * 3 => {
            let message = format!(
                "maxmemory is {maxmemory} bytes, more than 75 % of the memory limit of {limit}: saving and replication need the rest."
            );
            found.push(error(FIELD, message));
        }
        _ => {}
    }
}

fn check_names(facts: &Facts, found: &mut Vec<Finding>) {
    if let Some(fullname) = facts.fullname.as_ref().filter(|name| name.len() > FULLNAME_LENGTH_MAX) {
        let message = format!(
            "The objects' name {fullname:?} has {} characters; at most {FULLNAME_LENGTH_MAX} are possible.",
            fullname.len()
        );
        found.push(error("fullnameOverride", message));
    }
    if let Some(fullname) = facts.fullname.as_ref().filter(|name| name.contains('.')) {
        let message =
            format!("The objects' name {fullname:?} has a dot, which Kubernetes takes in no Service's name.");
        found.push(error("name", message));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if let Some(group) = &facts.master_group_name
        && (group.is_empty() || !group.chars().all(allowed))
    {
        let message =
            format!("The master group name {group:?} may hold letters, digits, '_', '.' and '-' only.");
        found.push(error("redis.masterGroupName", message));
    }
}

fn check_commands(facts: &Facts, found: &mut Vec<Finding>) {
    for command in &facts.disabled_commands {
        if NEEDED_COMMANDS.contains(&command.to_ascii_uppercase().as_str())
            || command.eq_ignore_ascii_case("SHUTDOWN")
        {
            let message =
                format!("{command} cannot be disabled: sentinels, replication or the probes need it.");
            found.push(error("redis.disableCommands", message));
        }
    }
}

/// A tag that does not begin with a version says nothing.
fn check_image(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(tag) = facts.image_tag.as_ref().filter(|_| facts.bundled) else { return };
    let mut numbers = tag.split(['.', '-']).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return };
    if (major, minor) < (6, 2) {
        let message = format!("The bundled chart needs Redis 6.2 or later; the image's tag is {tag}.");
        found.push(error("image.tag", message));
    }
}

/// A size as redis.conf writes it: `1k` is 1000, `1kb` 1024.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().trim_matches('"').to_ascii_lowercase();
    let units = [
        ("kb", 1 << 10),
        ("mb", 1 << 20),
        ("gb", 1 << 30),
        ("k", 1000),
        ("m", 1_000_000),
        ("g", 1_000_000_000),
        ("b", 1),
    ];
    suffixed(&text, &units)
}

/// A Kubernetes quantity of memory, such as `700Mi`.
fn quantity(text: &str) -> Option<u64> {
    let units = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
    ];
    suffixed(text.trim(), &units)
}

fn suffixed(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit = units.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, 1));
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
