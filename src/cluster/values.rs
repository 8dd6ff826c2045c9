//! The values of a release: the user's documents, the typed attributes over them, and whether two
//! of them mean the same.

use helm::value::{Map, Value};
use serde_json::Value as Json;
use tfplugin_sdk::{AttributePath, Diagnostic, Diagnostics, path};

use crate::chart::effective::{effective, names};

/// Paths that typed attributes speak for; they are compared by what they declare.
const TYPED_PATHS: [&str; 15] = [
    "/replicas",
    "/image/repository",
    "/image/tag",
    "/image/pullPolicy",
    "/redis/config",
    "/redis/masterGroupName",
    "/sentinel/quorum",
    "/sentinel/config/down-after-milliseconds",
    "/sentinel/config/failover-timeout",
    "/sentinel/config/parallel-syncs",
    "/auth",
    "/existingSecret",
    "/authKey",
    "/persistentVolume/size",
    "/persistentVolume/storageClass",
];

/// Reads the documents; later ones win.
pub fn parse_documents(documents: &[String]) -> Result<Map, Diagnostics> {
    let mut merged = Map::new();
    let mut diagnostics = Diagnostics::none();
    for (index, document) in documents.iter().enumerate() {
        let at = path!["values", index];
        match helm::values::parse(document) {
            Ok(values) => {
                refuse_password(&values, &at, &mut diagnostics);
                merged = helm::values::merge(&merged, &values);
            }
            Err(error) => diagnostics.push(unreadable(&error, at)),
        }
    }
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(merged) }
}

fn unreadable(error: &helm::values::ValuesError, at: AttributePath) -> Diagnostic {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut seen = Vec::new();
    while let Some(error) = cause {
        seen.push(error.to_string());
        cause = error.source();
    }
    Diagnostic::error(
        "Values are no YAML map",
        format!("{}. Wanted a YAML document that is a map, as for `helm -f`.", seen.join(": ")),
    )
    .at(at)
}

/// A password in values would stand in the state and in every release record.
fn refuse_password(values: &Map, at: &AttributePath, diagnostics: &mut Diagnostics) {
    let set = |value: Option<Value>| value.is_some_and(|value| !value.is_nil());
    let nested = values.get("sentinel").and_then(|sentinel| sentinel.as_map()?.get("password"));
    for (name, found) in [("redisPassword", values.get("redisPassword")), ("sentinel.password", nested)] {
        if set(found) {
            diagnostics.error_at(
                at.clone(),
                format!("`{name}` in values"),
                "A password in values would be kept in the state and in every release record. Remove it: leave \
                 `auth` out for a generated password, set `auth.existing_secret` to a Secret of your own, or \
                 bring one by `password_wo`.",
            );
        }
    }
}

/// The values without any password, as import shows them.
pub fn without_passwords(config: &Json) -> Json {
    let mut config = config.clone();
    if let Some(map) = config.as_object_mut() {
        map.remove("redisPassword");
    }
    if let Some(sentinel) = config.get_mut("sentinel").and_then(Json::as_object_mut) {
        sentinel.remove("password");
    }
    config
}

/// Dotted paths at which a document sets something else than a typed attribute does.
pub fn contradictions(documents: &Json, typed: &Json) -> Vec<Contradiction> {
    let mut found = Vec::new();
    collect_contradictions(documents, typed, &mut Vec::new(), &mut found);
    found
}

/// One value that is set twice, differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub path: Vec<String>,
    pub document: String,
    pub typed: String,
}

fn collect_contradictions(
    documents: &Json,
    typed: &Json,
    at: &mut Vec<String>,
    found: &mut Vec<Contradiction>,
) {
    let Some(typed) = typed.as_object() else { return };
    for (key, wanted) in typed {
        let Some(value) = documents.get(key).filter(|value| !value.is_null()) else { continue };
        at.push(key.clone());
        if wanted.is_object() {
            collect_contradictions(value, wanted, at, found);
        } else if scalar_text(value) != scalar_text(wanted) {
            let (document, typed) = (scalar_text(value), scalar_text(wanted));
            found.push(Contradiction { path: at.clone(), document, typed });
        }
        at.pop();
    }
}

/// Whether two sets of effective values make the same release, however they are written. The
/// number of replicas is left out: its one live source is the StatefulSet.
pub fn same_release(one: &Json, other: &Json, release: &str, namespace: &str) -> bool {
    let view = |values: &Json| {
        let names = names(values, release, namespace);
        let mut view = effective(values, &names);
        view.replicas = 0;
        (names, view)
    };
    view(one) == view(other) && same_text(&without_typed(one), &without_typed(other))
}

fn without_typed(values: &Json) -> Json {
    let mut values = values.clone();
    for path in TYPED_PATHS {
        let (parent, key) = path.rsplit_once('/').expect("every path begins with a slash");
        if let Some(map) = values.pointer_mut(parent).and_then(Json::as_object_mut) {
            map.remove(key);
        }
    }
    values
}

/// Equal but for the spelling of scalars, nulls and empty containers.
fn same_text(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Object(a), Json::Object(b)) => {
            let keys = a.keys().chain(b.keys());
            keys.into_iter()
                .all(|key| same_text(a.get(key).unwrap_or(&Json::Null), b.get(key).unwrap_or(&Json::Null)))
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(one, other)| same_text(one, other))
        }
        _ => is_empty(one) && is_empty(other) || scalar_text(one) == scalar_text(other),
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Object(map) => map.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A scalar as a configuration file shows it: `3`, `3.0` and `"3"` are one.
fn scalar_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_mean_the_same_however_they_are_spelled() {
        let cases = [
            (json!({"sentinel": {"quorum": 2}}), json!({"sentinel": {"quorum": 2.0}}), true),
            (json!({"sentinel": {"quorum": 2}}), json!({"sentinel": {"quorum": 3}}), false),
            (
                json!({"redis": {"config": {"maxmemory": 0}}}),
                json!({"redis": {"config": {"maxmemory": "0"}}}),
                true,
            ),
            (json!({"labels": {}}), json!({}), true),
            (json!({"labels": {"a": "b"}}), json!({}), false),
            (json!({"replicas": 3}), json!({"replicas": 5}), true),
        ];
        for (one, other, expected) in cases {
            assert_eq!(same_release(&one, &other, "redis-1", "default"), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_typed_attribute_may_repeat_a_document_but_not_contradict_it() {
        let documents = json!({"replicas": 3.0, "redis": {"config": {"maxmemory": "1gb"}}});
        assert_eq!(contradictions(&documents, &json!({"replicas": 3})), []);
        let found = contradictions(&documents, &json!({"redis": {"config": {"maxmemory": "2gb"}}}));
        assert_eq!(found[0].path, ["redis", "config", "maxmemory"]);
        assert_eq!((found[0].document.as_str(), found[0].typed.as_str()), ("1gb", "2gb"));
    }

    #[test]
    fn refuses_what_is_no_map_and_what_holds_a_password() {
        for (document, wanted) in [("[1]", "map"), ("a: [", "YAML"), ("redisPassword: x", "redisPassword")] {
            let error = parse_documents(&["{}".into(), document.into()]).expect_err(document);
            let first = error.iter().next().expect("a diagnostic");
            assert!(format!("{} {}", first.summary, first.detail).contains(wanted), "{first:?}");
            assert_eq!(first.path, Some(path!["values", 1_usize]));
        }
    }
}
