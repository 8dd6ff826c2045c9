//! What of a manifest decides whether pods restart.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// Digest of the pod template of the StatefulSet among the objects.
pub fn pod_template_digest<'a>(objects: impl IntoIterator<Item = &'a Json>) -> Option<String> {
    let template = objects
        .into_iter()
        .filter(|object| object.get("kind").and_then(Json::as_str) == Some("StatefulSet"))
        .find_map(|object| object.pointer("/spec/template"))?;
    Some(hex(&Sha256::digest(sorted(template).to_string())))
}

/// Digest of what the StatefulSet among the objects keeps for life.
pub fn fixed_fields_digest<'a>(objects: impl IntoIterator<Item = &'a Json>) -> Option<String> {
    let mut objects = objects.into_iter();
    let set = objects.find(|object| object.get("kind").and_then(Json::as_str) == Some("StatefulSet"))?;
    let mut spec = set.get("spec")?.clone();
    for free in ["replicas", "template", "updateStrategy", "revisionHistoryLimit", "minReadySeconds"] {
        spec.as_object_mut()?.remove(free);
    }
    Some(hex(&Sha256::digest(sorted(&spec).to_string())))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same value with the keys of every map in order, so that equal means equal text.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            Json::Object(keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}
