use helm::render::{Rendered, Request, offline_capabilities, render};
use helm::template::World;
use serde_json::{Value, json};

use super::check::{check, check_password};
use super::effective::{self, effective};
use super::effects::effect;
use super::settings::{Auth, Image, Redis, Scheduling, Sentinel};
use super::{Effect, Facts, Names, Settings, Severity, bundled};

/// The bundled chart's own values.
fn defaults() -> Value {
    helm::value::Value::from(bundled().values).to_json().expect("values are JSON")
}

fn merged(over: &Value) -> Value {
    fn merge(base: &mut Value, over: &Value) {
        match (base, over) {
            (Value::Object(base), Value::Object(over)) => {
                for (key, value) in over {
                    merge(base.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (base, over) => *base = over.clone(),
        }
    }
    let mut values = defaults();
    merge(&mut values, over);
    values
}

/// The findings of the bundled chart with these values over its defaults, as `severity field`.
fn check_values(over: &Value, expected: &[&str]) {
    let values = merged(over);
    let names = effective::names(&values, "redis-1", "default");
    let facts = Facts::of(&effective(&values, &names), &names, true);
    let found: Vec<_> =
        check(&facts).iter().map(|finding| format!("{:?} {}", finding.severity, finding.field)).collect();
    assert_eq!(found, expected, "for {over}");
}

#[test]
fn the_defaults_are_sound() {
    check_values(&json!({}), &[]);
}

#[test]
fn every_rule_names_the_value_at_fault() {
    check_values(&json!({"sentinel": {"quorum": 4}}), &["Error sentinel.quorum"]);
    check_values(&json!({"sentinel": {"quorum": 0}}), &["Error sentinel.quorum"]);
    check_values(&json!({"sentinel": {"quorum": 1}}), &["Warning sentinel.quorum"]);
    check_values(&json!({"replicas": 4}), &["Warning replicas", "Warning sentinel.quorum"]);
    check_values(
        &json!({"replicas": 2}),
        &["Warning replicas", "Warning redis.config.min-replicas-to-write"],
    );
    let writers = |count: u32| json!({"redis": {"config": {"min-replicas-to-write": count}}});
    check_values(&writers(3), &["Error redis.config.min-replicas-to-write"]);
    check_values(&writers(2), &["Warning redis.config.min-replicas-to-write"]);
    check_values(&writers(0), &["Warning redis.config.min-replicas-to-write"]);
    let times = |after: u32| json!({"sentinel": {"config": {"down-after-milliseconds": after}}});
    check_values(&times(500), &["Warning sentinel.config.down-after-milliseconds"]);
    check_values(&times(90_000), &["Error sentinel.config.failover-timeout"]);
    let memory = |maxmemory: &str| json!({"redis": {"resources": {"limits": {"memory": "1Gi"}}, "config": {"maxmemory": maxmemory}}});
    check_values(&memory("0"), &["Error redis.config.maxmemory"]);
    check_values(&memory("900mb"), &["Error redis.config.maxmemory"]);
    check_values(&memory("700mb"), &[]);
    check_values(&json!({"fullnameOverride": "f".repeat(46)}), &["Error fullnameOverride"]);
    check_values(&json!({"redis": {"masterGroupName": "my master"}}), &["Error redis.masterGroupName"]);
    check_values(
        &json!({"redis": {"disableCommands": ["config", "KEYS"]}}),
        &["Error redis.disableCommands"],
    );
    check_values(&json!({"fullnameOverride": "a.b"}), &["Error name"]);
    check_values(&json!({"image": {"tag": "6.0.16-alpine"}}), &["Error image.tag"]);
    check_values(&json!({"image": {"tag": "latest"}}), &[]);
    check_values(&json!({"redis": {"customConfig": "port 6379"}}), &["Warning redis.customConfig"]);
}

#[test]
fn settings_that_no_server_starts_with_are_errors() {
    let check_setting = |name: &str, value: Value, is_right: bool| {
        let expected: &[&str] = if is_right { &[] } else { &["Error redis.config"] };
        check_values(&json!({"redis": {"config": {name: value}}}), expected);
    };
    for right in ["0", "104857600", "100mb", "2GB", "\"1k\""] {
        check_setting("maxmemory", json!(right), true);
    }
    for wrong in ["2Gi", "100 mb", "50%", "lots", "", "1mb\nrequirepass x"] {
        check_setting("maxmemory", json!(wrong), false);
    }
    check_setting("appendonly", json!("yes"), true);
    check_setting("appendonly", json!(true), false);
    check_setting("AppendOnly", json!("true"), false);
    check_setting("slave-read-only", json!("1"), false);
    check_setting("maxmemory-policy", json!("lru"), false);
    check_setting("appendfsync", json!("everysec"), true);
    check_setting("timeout", json!("5s"), false);
    check_setting("databases", json!(32), true);
    for own in ["requirepass", "port", "slaveof", "masterauth"] {
        check_setting(own, json!("1234"), false);
    }
    check_setting("max memory", json!("1mb"), false);
    check_setting("search-timeout", json!("anything"), true);
    check_setting("save", json!(["900 1", "60 1000"]), true);
}

#[test]
fn what_is_not_known_is_not_judged() {
    let facts = Facts { quorum: Some(5), ..Facts::default() };
    assert_eq!(check(&facts), []);
    let facts = Facts { quorum: Some(0), ..Facts::default() };
    assert!(matches!(check(&facts)[..], [ref finding] if finding.severity == Severity::Error));
}

#[test]
fn passwords_have_an_alphabet_and_a_length() {
    assert!(check_password("abcdefghijklmno_.-9").is_ok());
    for wrong in ["tiny", "sixteen characters!", "quote\"quote\"quote\""] {
        let message = check_password(wrong).expect_err("refused");
        assert!(!message.contains(wrong));
    }
}

#[test]
fn settings_become_values_of_the_public_chart() {
    assert_eq!(Settings::default().to_values(), json!({}));
    let settings = Settings {
        replicas: Some(5),
        image: Image { tag: Some("7.2.4".into()), ..Image::default() },
        redis: Redis {
            config: Some([("save".into(), String::new()), ("maxmemory".into(), "1gb".into())].into()),
            ..Redis::default()
        },
        sentinel: Sentinel {
            quorum: Some(3),
            master_group_name: Some("cache".into()),
            down_after_milliseconds: Some(5000),
            ..Sentinel::default()
        },
        auth: Auth { enabled: Some(true), existing_secret: Some("creds".into()), secret_key: None },
        scheduling: Scheduling { hard_anti_affinity: Some(false), ..Scheduling::default() },
        ..Settings::default()
    };
    let values = settings.to_values();
    let expected = json!({
        "replicas": 5,
        "image": {"tag": "7.2.4"},
        "redis": {"config": {"maxmemory": "1gb", "save": "\"\""}, "masterGroupName": "cache"},
        "sentinel": {"quorum": 3, "config": {"down-after-milliseconds": 5000}},
        "auth": true,
        "existingSecret": "creds",
        "hardAntiAffinity": false,
    });
    assert_eq!(values, expected);
}

#[test]
fn values_declare_what_is_compared_with_live() {
    let names = Names::new("redis-1", "default");
    let over = json!({
        "auth": true,
        "existingSecret": "{{ .Release.Name }}-creds",
        "redis": {"masterGroupName": "{{ .Release.Name }}", "config": {"save": ["900 1", "300 10"]}},
        "sentinel": {"config": {"failover-timeout": 1_000_000.0}},
    });
    let declared = effective(&merged(&over), &names);
    assert_eq!(declared.master_group_name, "redis-1");
    assert_eq!(declared.server["save"], ["900 1", "300 10"]);
    assert_eq!(declared.sentinel["failover-timeout"], "1000000");
    assert_eq!(declared.sentinel["quorum"], "2");
    assert!(!declared.sentinel.contains_key("maxclients"));
    let secret = declared.auth.expect("auth is on");
    assert_eq!((secret.secret.as_str(), secret.rendered_by_chart), ("redis-1-creds", false));
}

#[test]
fn old_public_charts_are_read_by_the_same_names() {
    // What 3.6.1 declares by itself, less what does not matter here.
    let values = json!({
        "image": {"repository": "redis", "tag": "5.0.5-alpine", "pullPolicy": "IfNotPresent"},
        "replicas": 3,
        "redis": {"port": 6379, "masterGroupName": "mymaster", "config": {"min-slaves-to-write": 1, "maxmemory": "0"}},
        "sentinel": {"port": 26379, "quorum": 2, "config": {"down-after-milliseconds": 10000}},
        "auth": true, "authKey": "auth",
        "persistentVolume": {"enabled": true, "size": "10Gi"},
    });
    let names = effective::names(&values, "redis-1", "default");
    let declared = effective(&values, &names);
    assert_eq!(declared.server["min-slaves-to-write"], ["1"]);
    let secret = declared.auth.expect("auth is on");
    assert_eq!((secret.secret.as_str(), secret.rendered_by_chart), ("redis-1-redis-ha", true));
    assert_eq!(check(&Facts::of(&effective(&values, &names), &names, false)), []);
}

#[test]
fn names_follow_the_charts_rules() {
    let table = [
        (("redis-1", "", ""), ("redis-1-redis-ha", "redis-ha")),
        (("my-redis-ha", "", ""), ("my-redis-ha", "redis-ha")),
        (("cache", "redis", ""), ("cache-redis", "redis")),
        (("cache", "", "kv"), ("kv", "redis-ha")),
    ];
    for ((release, name, fullname), expected) in table {
        let names = Names::with_overrides(release, "default", name, fullname);
        assert_eq!((names.fullname.as_str(), names.name.as_str()), expected);
    }
    let long = Names::new(&format!("{}-{}", "r".repeat(62), "x"), "default");
    assert_eq!(long.fullname, "r".repeat(62));
    let names = Names::new("redis-1", "cache");
    assert_eq!(names.pod_index("redis-1-redis-ha-server-2"), Some(2));
    assert_eq!(names.pod_index("other-server-2"), None);
    assert_eq!(names.master_endpoint(1, 6379).to_string(), "redis-1-redis-ha-announce-1.cache.svc:6379");
    assert_eq!(
        names.sentinel_endpoints(3, 26379)[2].to_string(),
        "redis-1-redis-ha-announce-2.cache.svc:26379"
    );
    assert_eq!(names.service_endpoint(6379).to_string(), "redis-1-redis-ha.cache.svc:6379");
}

#[test]
fn a_change_takes_no_more_than_it_must() {
    let table = [
        ("sentinel.quorum", Effect::Live),
        ("sentinel.config.down-after-milliseconds", Effect::Live),
        ("sentinel.config.maxclients", Effect::RollsPods),
        ("redis.config.maxmemory", Effect::Live),
        ("redis.config.databases", Effect::RollsPods),
        ("redis.resources.limits.memory", Effect::RollsPods),
        ("replicas", Effect::Objects),
        ("image.tag", Effect::RollsPods),
        ("redis.masterGroupName", Effect::Immutable),
        ("persistentVolume.size", Effect::Immutable),
        ("nodeSelector.pool", Effect::RollsPods),
    ];
    for (path, expected) in table {
        assert_eq!(effect(path), expected, "{path}");
    }
}

/// Templates of the bundled chart ask the world nothing.
struct Nothing;

impl World for Nothing {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn rendered(over: &Value) -> Rendered {
    let values = match helm::value::Value::from(over.clone()) {
        helm::value::Value::Map(map) => map,
        other => panic!("values are a map, not {other:?}"),
    };
    let capabilities = offline_capabilities();
    let (name, namespace) = ("redis-1", "default");
    let request = Request {
        name,
        namespace,
        revision: 1,
        is_upgrade: false,
        values: &values,
        capabilities: &capabilities,
    };
    render(&bundled(), &request, &Nothing).expect("the bundled chart renders")
}

#[test]
fn the_chart_touches_what_the_table_of_effects_says() {
    let before = rendered(&json!({})).digests();
    let setting = |name: &str, value: &str| json!({"redis": {"config": {name: value}}});
    let table = [
        ("sentinel.quorum", json!({"sentinel": {"quorum": 3}}), vec!["ConfigMap"]),
        (
            "sentinel.config.failover-timeout",
            json!({"sentinel": {"config": {"failover-timeout": 1}}}),
            vec!["ConfigMap"],
        ),
        ("redis.config.maxmemory", setting("maxmemory", "1gb"), vec!["ConfigMap"]),
        ("redis.config.databases", setting("databases", "32"), vec!["ConfigMap", "StatefulSet"]),
        (
            "sentinel.config.maxclients",
            json!({"sentinel": {"config": {"maxclients": 1}}}),
            vec!["ConfigMap", "StatefulSet"],
        ),
        (
            "podDisruptionBudget",
            json!({"podDisruptionBudget": {"maxUnavailable": 2}}),
            vec!["PodDisruptionBudget"],
        ),
        ("image.tag", json!({"image": {"tag": "8.0"}}), vec!["StatefulSet"]),
        ("replicas", json!({"replicas": 4}), vec!["ConfigMap", "Service", "StatefulSet"]),
    ];
    for (path, over, expected) in table {
        let after = rendered(&over).digests();
        let changed = after.iter().filter(|(object, digest)| before.get(*object) != Some(*digest));
        let mut kinds: Vec<_> =
            changed.map(|(object, _)| object.split('/').next().expect("a kind").to_owned()).collect();
        kinds.dedup();
        assert_eq!(kinds, expected, "{path}");
        let touches_pods = kinds.iter().any(|kind| kind == "StatefulSet") && path != "replicas";
        assert_eq!(effect(path) == Effect::RollsPods, touches_pods, "{path}");
    }
}

#[test]
fn a_password_can_only_come_from_a_secret() {
    let text = rendered(&json!({"auth": true, "existingSecret": "creds"})).manifest_text();
    assert!(text.contains("secretKeyRef") && text.contains("name: creds"));
    assert!(!text.contains("redis-cli -a") && !text.contains("--pass"), "a password would be an argument");
}

#[test]
fn ports_are_those_that_clients_and_members_use() {
    let table = [
        (json!({}), (6379, 26379), 6379, None),
        (
            json!({"redis": {"tlsPort": 6385}, "sentinel": {"tlsPort": 26385}}),
            (6379, 26379),
            6379,
            Some("yes"),
        ),
        (
            json!({"redis": {"tlsPort": 6385, "tlsReplication": true}, "sentinel": {"tlsPort": 26385}}),
            (6379, 26379),
            6385,
            Some("yes"),
        ),
        (
            json!({
                "redis": {"port": 0, "tlsPort": 6385, "tlsReplication": true, "authClients": "no"},
                "sentinel": {"port": 0, "tlsPort": 26385, "authClients": "no"},
            }),
            (6385, 26385),
            6385,
            Some("no"),
        ),
    ];
    for (over, of_clients, announced, asks) in table {
        let values = merged(&over);
        let names = effective::names(&values, "redis-1", "default");
        let effective = effective(&values, &names);
        assert_eq!((effective.redis.of_clients(), effective.sentinels.of_clients()), of_clients, "{over}");
        assert_eq!(effective.redis.announced(), announced, "{over}");
        let files = effective.tls;
        let asked = files.as_ref().map(|files| if files.asks_for_certificate { "yes" } else { "no" });
        assert_eq!(asked, asks, "{over}");
        let secret = files.map(|files| files.secret);
        assert_eq!(secret.as_deref(), asks.map(|_| "redis-1-redis-ha-tls-secret"), "{over}");
    }
}

/// What the schema does not name may have any kind, and fails at the API server at last.
#[test]
fn the_schema_names_every_value_of_the_bundled_chart() {
    let schema: Value = serde_json::from_slice(&bundled().schema.expect("a schema")).expect("JSON");
    let defaults = defaults();
    for (name, value) in defaults.as_object().expect("a map") {
        let named = &schema["properties"][name];
        assert!(named.is_object(), "{name} is not in values.schema.json");
        let Some(inner) = named["properties"].as_object() else { continue };
        for key in value.as_object().expect("a map").keys() {
            assert!(inner.contains_key(key), "{name}.{key} is not in values.schema.json");
        }
    }
}
