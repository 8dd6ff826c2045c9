//! The rows of claims, volumes and their classes.

use serde_json::{Value, json};

use super::cells::or_text;
use crate::store::{Kind, object};

pub(super) fn cells(kind: &Kind, object: &Value, age: Value) -> Vec<Value> {
    match kind.kind {
        "StorageClass" => class(object, age),
        "PersistentVolume" => volume(object, age),
        _ => claim(object, age),
    }
}

fn claim(object: &Value, age: Value) -> Vec<Value> {
    let text = |path: &str| json!(object::text(object, path));
    vec![
        text("/metadata/name"),
        text("/status/phase"),
        text("/spec/volumeName"),
        text("/status/capacity/storage"),
        modes(object, "/status/accessModes"),
        text("/spec/storageClassName"),
        json!("<unset>"),
        age,
        text("/spec/volumeMode"),
    ]
}

fn volume(object: &Value, age: Value) -> Vec<Value> {
    let text = |path: &str| json!(object::text(object, path));
    let claim = match object::text(object, "/spec/claimRef/name") {
        "" => String::new(),
        claim => format!("{}/{claim}", object::text(object, "/spec/claimRef/namespace")),
    };
    vec![
        text("/metadata/name"),
        text("/spec/capacity/storage"),
        modes(object, "/spec/accessModes"),
        text("/spec/persistentVolumeReclaimPolicy"),
        text("/status/phase"),
        json!(claim),
        text("/spec/storageClassName"),
        age,
    ]
}

fn class(object: &Value, age: Value) -> Vec<Value> {
    let is_default =
        object::text(object, "/metadata/annotations/storageclass.kubernetes.io~1is-default-class");
    let shown = if is_default == "true" { " (default)" } else { "" };
    vec![
        json!(format!("{}{shown}", object::name(object))),
        or_text(object, "/provisioner", ""),
        or_text(object, "/reclaimPolicy", "Delete"),
        or_text(object, "/volumeBindingMode", "Immediate"),
        json!(object.get("allowVolumeExpansion") == Some(&json!(true))),
        age,
    ]
}

fn modes(object: &Value, path: &str) -> Value {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    json!(object::items(object, path).iter().map(short).collect::<Vec<_>>().join(","))
}
