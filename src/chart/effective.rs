//! What a release's values declare, whichever redis-ha chart they belong to: the bundled one, 3.6.1 or 4.x.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::Names;

/// Settings of a sentinel that SENTINEL MASTER reports, so that a claim on them can be checked.
const SENTINEL_OPTIONS: [&str; 3] = ["down-after-milliseconds", "failover-timeout", "parallel-syncs"];

/// The declared configuration: values with the chart's defaults below them.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    pub replicas: u32,
    pub image_repository: String,
    pub image_tag: String,
    pub image_pull_policy: String,
    pub master_group_name: String,
    /// What the servers listen on.
    pub redis: Ports,
    pub sentinels: Ports,
    /// Where the certificates are kept, where anybody listens for TLS.
    pub tls: Option<TlsFiles>,
    pub exporter_port: Option<u16>,
    /// `quorum`, `down-after-milliseconds`, `failover-timeout`, `parallel-syncs`. Empty under a custom
    /// sentinel.conf, of which nothing is claimed.
    pub sentinel: BTreeMap<String, String>,
    /// Lines of redis.conf by name. Empty under a custom redis.conf.
    pub server: BTreeMap<String, Vec<String>>,
    pub disabled_commands: Vec<String>,
    /// The servers' password; `None` without authentication.
    pub auth: Option<SecretKey>,
    /// The sentinels' own password.
    pub sentinel_auth: Option<SecretKey>,
    pub persistence_enabled: bool,
    pub persistence_size: String,
    /// Empty for the cluster's default.
    pub storage_class: String,
    pub hard_anti_affinity: bool,
    pub memory_limit: Option<String>,
    pub custom_redis_config: bool,
    pub custom_sentinel_config: bool,
}

/// The ports of one kind of process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// 0 where only TLS is spoken.
    pub plain: u16,
    /// 0 without TLS.
    pub tls: u16,
    /// Under TLS the members speak with one another too, so that is the port that they announce.
    pub announces_tls: bool,
}

impl Ports {
    /// What a client connects to that has the choice: plain text where it is spoken.
    pub fn of_clients(self) -> u16 {
        if self.is_tls_only() { self.tls } else { self.plain }
    }

    /// What the others know the process by.
    pub fn announced(self) -> u16 {
        if self.announces_tls && self.tls > 0 { self.tls } else { self.of_clients() }
    }

    /// Every port that is open.
    pub fn all(self) -> Vec<u16> {
        [self.plain, self.tls].into_iter().filter(|port| *port > 0).collect()
    }

    pub fn is_tls_only(self) -> bool {
        self.plain == 0 && self.tls > 0
    }
}

/// The Secret with the certificates, and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub secret: String,
    pub ca: String,
    pub certificate: String,
    pub key: String,
    /// Whether servers or sentinels refuse clients that show no certificate.
    pub asks_for_certificate: bool,
}

/// Where a password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    pub secret: String,
    pub key: String,
    /// The chart renders this Secret itself, so an upgrade that names another one deletes it.
    pub rendered_by_chart: bool,
}

/// The names of a release with these values.
pub fn names(values: &Value, release: &str, namespace: &str) -> Names {
    Names::with_overrides(
        release,
        namespace,
        &text(values, "/nameOverride", ""),
        &text(values, "/fullnameOverride", ""),
    )
}

/// Reads values into which the chart's defaults were merged; what is missing nonetheless (3.6.1 has
/// fewer) counts as Redis's or the chart's default.
pub fn effective(values: &Value, names: &Names) -> Effective {
    let custom_redis_config = is_set(values, "/redis/customConfig");
    let custom_sentinel_config = is_set(values, "/sentinel/customConfig");
    let exporter = values.pointer("/exporter/enabled").and_then(Value::as_bool).unwrap_or(false);
    Effective {
        replicas: number(values, "/replicas", 3),
        image_repository: text(values, "/image/repository", ""),
        image_tag: text(values, "/image/tag", ""),
        image_pull_policy: text(values, "/image/pullPolicy", "IfNotPresent"),
        master_group_name: expanded(&text(values, "/redis/masterGroupName", "mymaster"), names),
        redis: Ports {
            plain: number(values, "/redis/port", 6379),
            tls: number(values, "/redis/tlsPort", 0),
            announces_tls: flag(values, "/redis/tlsReplication", false),
        },
        sentinels: Ports {
            plain: number(values, "/sentinel/port", 26379),
            tls: number(values, "/sentinel/tlsPort", 0),
            // The public charts have sentinels announce the plain port wherever it is open.
            announces_tls: false,
        },
        tls: tls_files(values, names),
        exporter_port: exporter.then(|| number(values, "/exporter/port", 9121)),
        sentinel: if custom_sentinel_config { BTreeMap::new() } else { sentinel_settings(values) },
        server: if custom_redis_config { BTreeMap::new() } else { server_settings(values) },
        disabled_commands: disabled_commands(values),
        auth: secret(values, "/auth", "/existingSecret", "/authKey", ("auth", names.auth_secret()), names),
        sentinel_auth: secret(
            values,
            "/sentinel/auth",
            "/sentinel/existingSecret",
            "/sentinel/authKey",
            ("sentinel-password", names.sentinel_auth_secret()),
            names,
        ),
        persistence_enabled: flag(values, "/persistentVolume/enabled", true),
        persistence_size: text(values, "/persistentVolume/size", "10Gi"),
        storage_class: text(values, "/persistentVolume/storageClass", ""),
        hard_anti_affinity: flag(values, "/hardAntiAffinity", true),
        memory_limit: values.pointer("/redis/resources/limits/memory").and_then(scalar),
        custom_redis_config,
        custom_sentinel_config,
    }
}

fn sentinel_settings(values: &Value) -> BTreeMap<String, String> {
    let config = values.pointer("/sentinel/config").and_then(Value::as_object);
    let mut settings: BTreeMap<_, _> = config
        .into_iter()
        .flatten()
        .filter(|(name, _)| SENTINEL_OPTIONS.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.clone(), scalar(value)?)))
        .collect();
    settings.insert("quorum".into(), text(values, "/sentinel/quorum", "2"));
    settings
}

fn server_settings(values: &Value) -> BTreeMap<String, Vec<String>> {
    let config = values.pointer("/redis/config").and_then(Value::as_object);
    let lines = |value: &Value| match value {
        Value::Array(lines) => lines.iter().filter_map(scalar).collect(),
        other => scalar(other).into_iter().collect::<Vec<_>>(),
    };
    config
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), lines(value)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect()
}

fn disabled_commands(values: &Value) -> Vec<String> {
    let list = values.pointer("/redis/disableCommands").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(scalar).collect()
}

fn tls_files(values: &Value, names: &Names) -> Option<TlsFiles> {
    let port = |pointer: &str| number::<u16>(values, pointer, 0);
    let asks = |pointer: &str| !["no", "optional"].contains(&text(values, pointer, "yes").as_str());
    let secret = expanded(&text(values, "/tls/secretName", ""), names);
    (port("/redis/tlsPort") > 0 || port("/sentinel/tlsPort") > 0).then(|| TlsFiles {
        secret: if secret.is_empty() { names.tls_secret() } else { secret },
        ca: text(values, "/tls/caCertFile", "ca.crt"),
        certificate: text(values, "/tls/certFile", "redis.crt"),
        key: text(values, "/tls/keyFile", "redis.key"),
        asks_for_certificate: asks("/redis/authClients") || asks("/sentinel/authClients"),
    })
}

fn secret(
    values: &Value,
    enabled: &str,
    existing: &str,
    key: &str,
    (default_key, rendered): (&str, String),
    names: &Names,
) -> Option<SecretKey> {
    if !flag(values, enabled, false) {
        return None;
    }
    let existing = expanded(&text(values, existing, ""), names);
    let rendered_by_chart = existing.is_empty();
    let secret = if rendered_by_chart { rendered } else { existing };
    Some(SecretKey { secret, key: text(values, key, default_key), rendered_by_chart })
}

/// The few expressions that values of a redis-ha chart hold in practice; anything else stays as it is,
/// and no group of that name will be found.
fn expanded(text: &str, names: &Names) -> String {
    let known = [("Release.Name", &names.release), ("Release.Namespace", &names.namespace)];
    known.into_iter().fold(text.to_owned(), |text, (field, value)| {
        text.replace(&format!("{{{{ .{field} }}}}"), value).replace(&format!("{{{{.{field}}}}}"), value)
    })
}

fn is_set(values: &Value, pointer: &str) -> bool {
    values.pointer(pointer).and_then(scalar).is_some_and(|text| !text.is_empty())
}

fn flag(values: &Value, pointer: &str, default: bool) -> bool {
    values.pointer(pointer).and_then(Value::as_bool).unwrap_or(default)
}

fn text(values: &Value, pointer: &str, default: &str) -> String {
    values.pointer(pointer).and_then(scalar).unwrap_or_else(|| default.to_owned())
}

fn number<T: std::str::FromStr>(values: &Value, pointer: &str, default: T) -> T {
    values.pointer(pointer).and_then(scalar).and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A scalar as a configuration file shows it: whole numbers have no fraction and no exponent. Null and
/// containers are no scalars.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => Some(format!("{float:.0}")),
            _ => Some(number.to_string()),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
