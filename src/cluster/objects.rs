//! An object as the release declares it beside the live one. Only what is declared is compared: what
//! Kubernetes or others add is not ours. Pure.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

/// One declared object, and what stands in the cluster under its name.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectSeen {
    /// `Kind/name`.
    pub key: String,
    pub declared: Json,
    pub live: Option<Json>,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Such as `spec.ports[server].port`.
    pub setting: String,
    pub declared: String,
    pub live: String,
}

/// Longer values are cut: a row is read by people.
const TEXT_LENGTH_MAX: usize = 160;
/// A line of a configuration file that may hold a password is told without its value.
const SECRET_LINES: [&str; 5] = ["requirepass", "masterauth", "auth-pass", "user ", "password"];

impl ObjectSeen {
    /// Keeps no secret: of a Secret's values only whether they are the declared ones.
    pub fn new(key: String, mut declared: Json, mut live: Option<Json>) -> Self {
        if declared["kind"] == "Secret" {
            mask(&mut declared, live.as_mut());
        }
        Self { key, declared, live }
    }

    pub fn differences(&self) -> Vec<Difference> {
        let Some(live) = &self.live else {
            return vec![Difference::of("object", "present", "absent")];
        };
        let mut found = Vec::new();
        for (name, declared) in self.declared.as_object().into_iter().flatten() {
            match name.as_str() {
                "apiVersion" | "kind" | "status" => {}
                "metadata" => {
                    for part in ["labels", "annotations"] {
                        let path = format!("metadata.{part}");
                        compare(
                            &path,
                            &declared[part],
                            live.pointer(&format!("/metadata/{part}")),
                            &mut found,
                        );
                    }
                }
                name => compare(name, declared, live.get(name), &mut found),
            }
        }
        found
    }
}

impl Difference {
    fn of(setting: &str, declared: &str, live: &str) -> Self {
        Self { setting: setting.to_owned(), declared: declared.to_owned(), live: live.to_owned() }
    }
}

fn mask(declared: &mut Json, live: Option<&mut Json>) {
    let mut data = declared["data"].as_object().cloned().unwrap_or_default();
    for (key, text) in declared["stringData"].as_object().into_iter().flatten() {
        data.insert(key.clone(), STANDARD.encode(text.as_str().unwrap_or_default()).into());
    }
    let live_data = live.as_ref().and_then(|live| live["data"].as_object()).cloned().unwrap_or_default();
    let told = |map: &Map<String, Json>, own: &str| {
        let told = map.iter().map(|(key, value)| {
            let same = data.get(key) == live_data.get(key) && !value.is_null();
            (key.clone(), json!(if same { "the same" } else { own }))
        });
        Json::Object(told.collect())
    };
    let (masked, live_masked) = (told(&data, "the declared one"), told(&live_data, "another one"));
    if let Some(map) = declared.as_object_mut() {
        map.remove("stringData");
        map.insert("data".to_owned(), masked);
    }
    if let Some(live) = live {
        live["data"] = live_masked;
    }
}

fn compare(path: &str, declared: &Json, live: Option<&Json>, found: &mut Vec<Difference>) {
    let live = live.unwrap_or(&Json::Null);
    match (declared, live) {
        (Json::Null, _) => {}
        _ if is_empty(declared) && is_empty(live) => {}
        (Json::Object(map), Json::Object(live)) => {
            for (name, declared) in map {
                compare(&format!("{path}.{name}"), declared, live.get(name), found);
            }
        }
        (Json::Array(items), Json::Array(live)) => compare_lists(path, items, live, found),
        _ if same_scalar(declared, live) => {}
        (Json::String(declared), Json::String(live)) if declared.contains('\n') || live.contains('\n') => {
            let (declared, live) = (lines_beyond(declared, live), lines_beyond(live, declared));
            found.push(Difference::of(path, &declared, &live));
        }
        _ => found.push(Difference::of(path, &text(declared), &text(live))),
    }
}

/// Items that carry a name of their own are matched by it, since others may add theirs; all others by
/// their place.
fn compare_lists(path: &str, declared: &[Json], live: &[Json], found: &mut Vec<Difference>) {
    let key = ["name", "mountPath", "port", "containerPort", "ip", "topologyKey"]
        .into_iter()
        .find(|key| !declared.is_empty() && tells_apart(key, declared));
    match key {
        Some(key) => {
            for item in declared {
                let other = live.iter().find(|other| same_scalar(&item[key], &other[key]));
                let path = format!("{path}[{}]", text(&item[key]));
                match other {
                    Some(other) => compare(&path, item, Some(other), found),
                    None => found.push(Difference::of(&path, "present", "absent")),
                }
            }
        }
        None if declared.len() == live.len() => {
            for (index, (item, other)) in declared.iter().zip(live).enumerate() {
                compare(&format!("{path}[{index}]"), item, Some(other), found);
            }
        }
        None => {
            let whole = |items: &[Json]| cut(&Json::Array(items.to_vec()).to_string());
            found.push(Difference::of(path, &whole(declared), &whole(live)));
        }
    }
}

/// A port may be listed for TCP and for UDP.
fn tells_apart(key: &str, items: &[Json]) -> bool {
    let names = items.iter().filter_map(|item| item.get(key).filter(|name| is_scalar(name)).map(text));
    let names: BTreeSet<_> = names.collect();
    names.len() == items.len()
}

fn is_scalar(value: &Json) -> bool {
    !value.is_object() && !value.is_array() && !value.is_null()
}

/// What Kubernetes leaves out when it stores an object: it means the same when it is declared.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(flag) => !flag,
        Json::String(text) => text.is_empty(),
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.values().all(is_empty),
    }
}

fn same_scalar(declared: &Json, live: &Json) -> bool {
    if !is_scalar(declared) || !is_scalar(live) {
        return false;
    }
    let (declared, live) = (text(declared), text(live));
    let same_quantity = || matches!((quantity(&declared), quantity(&live)), (Some(a), Some(b)) if (a - b).abs() <= a.abs() * 1e-9);
    declared == live || same_quantity()
}

/// A Kubernetes quantity, such as `500m` or `1Gi`; stored in canonical form, whatever was declared.
pub fn quantity(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && !".-+".contains(c)).unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let factor = match &text[digits..] {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number * factor)
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => "absent".to_owned(),
        Json::String(text) => cut(text),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The lines of a text that another one does not have.
fn lines_beyond(one: &str, other: &str) -> String {
    let others: BTreeSet<_> = other.lines().map(str::trim).collect();
    let beyond = one.lines().map(str::trim).filter(|line| !line.is_empty() && !others.contains(line));
    let told = beyond.map(|line| match SECRET_LINES.iter().find(|secret| line.contains(**secret)) {
        Some(secret) => format!("{} (not shown)", secret.trim()),
        None => line.to_owned(),
    });
    let told = told.collect::<Vec<_>>().join("; ");
    if told.is_empty() { "(no further lines)".to_owned() } else { cut(&told) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(declared: Json, live: Json, expected: &[(&str, &str, &str)]) {
        let seen = ObjectSeen::new("Kind/name".into(), declared, Some(live));
        let found = seen.differences();
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.setting.as_str(), one.declared.as_str(), one.live.as_str()))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_the_server_adds_or_writes_otherwise_is_no_difference() {
        check(
            json!({"kind": "StatefulSet", "metadata": {"labels": {"app": "redis-ha"}}, "spec": {
                "minReadySeconds": 0, "template": {"spec": {"tolerations": [], "hostNetwork": false,
                "containers": [{"name": "redis", "env": [{"name": "A", "value": ""}],
                    "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}},
                    "ports": [{"containerPort": 6379.0}]}]}}}}),
            json!({"kind": "StatefulSet", "metadata": {"labels": {"app": "redis-ha", "managed": "x"}, "uid": "1"},
                "spec": {"replicas": 3, "template": {"spec": {"dnsPolicy": "ClusterFirst",
                "containers": [{"name": "sidecar"}, {"name": "redis", "env": [{"name": "A"}],
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                    "ports": [{"containerPort": 6379, "protocol": "TCP"}]}]}}}}),
            &[],
        );
    }

    #[test]
    fn each_field_that_was_edited_is_named() {
        check(
            json!({"spec": {"type": "ClusterIP", "ports": [{"name": "server", "port": 6379, "targetPort": "redis"}],
                "selector": {"app": "a"}}}),
            json!({"spec": {"type": "NodePort", "ports": [{"name": "server", "port": 6380, "targetPort": "redis"}],
                "selector": {}}}),
            &[
                ("spec.type", "ClusterIP", "NodePort"),
                ("spec.ports[server].port", "6379", "6380"),
                ("spec.selector.app", "a", "absent"),
            ],
        );
    }

    #[test]
    fn a_port_that_is_listed_twice_is_told_by_its_place() {
        let ports = |second: &str| json!({"spec": {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": second}]}});
        check(ports("TCP"), ports("TCP"), &[]);
        check(ports("TCP"), ports("UDP"), &[("spec.ports[1].protocol", "TCP", "UDP")]);
    }

    #[test]
    fn of_a_text_only_the_lines_that_differ_are_shown_and_no_password() {
        check(
            json!({"data": {"redis.conf": "port 6379\nsave 900 1\n"}}),
            json!({"data": {"redis.conf": "port 6379\nsave 60 1\nrequirepass hunter2\n"}}),
            &[("data.redis.conf", "save 900 1", "save 60 1; requirepass (not shown)")],
        );
    }

    #[test]
    fn a_secret_is_compared_and_not_kept() {
        let declared =
            json!({"kind": "Secret", "data": {"a": "aHVudGVyMg=="}, "stringData": {"b": "hunter3"}});
        let live = json!({"kind": "Secret", "data": {"a": "aHVudGVyMg==", "b": "b3RoZXI="}});
        let seen = ObjectSeen::new("Secret/s".into(), declared.clone(), Some(live.clone()));
        let printed = format!("{seen:?}");
        assert!(!printed.contains("aHVudGVy") && !printed.contains("hunter") && !printed.contains("b3Ro"));
        check(declared, live, &[("data.b", "the declared one", "another one")]);
    }

    #[test]
    fn a_missing_object_is_one_difference() {
        let seen = ObjectSeen::new("Service/s".into(), json!({"kind": "Service"}), None);
        assert_eq!(seen.differences(), [Difference::of("object", "present", "absent")]);
    }
}
