//! Fields that an earlier Helm owns by updates become ours by apply.
//!
//! Helm 3 created and updated objects with the manager `helm` and the operation Update. A server-side
//! apply by the same name is another manager to the API server: it conflicts with the first, and it
//! cannot remove what the first left behind. So the entries are rewritten once, before the apply.

use serde_json::{Map, Value as Json, json};

/// Managers of releases that other tools made through Helm's library.
const HELM_PREFIXES: [&str; 2] = ["terraform-provider-helm", "helm-controller"];

/// Of objects that were made without Helm: by whichever verb, and by whichever name it was given.
const KUBECTL_PREFIX: &str = "kubectl";

fn is_whole(entry: &Json) -> bool {
    entry.get("subresource").is_none_or(|sub| sub == "")
}

fn is_predecessor(entry: &Json, manager: &str) -> bool {
    let name = entry["manager"].as_str().unwrap_or_default();
    let is_helm =
        name == manager || name == "helm" || HELM_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    is_helm && entry["operation"] == "Update" && is_whole(entry)
}

/// The merge patch that an object needs before a field manager applies it, if any.
pub(super) type PatchOf = fn(&Json, &str) -> Option<Json>;

/// The merge patch that hands a predecessor's fields over to `manager`; `None` when there are none.
/// It carries the object's resourceVersion, so that it cannot undo somebody's change.
pub(super) fn handover_patch(object: &Json, manager: &str) -> Option<Json> {
    patch_from(object, manager, &|entry| is_predecessor(entry, manager))
}

/// As [`handover_patch`], with all that kubectl owns besides.
pub(super) fn adoption_patch(object: &Json, manager: &str) -> Option<Json> {
    let is_kubectl =
        |entry: &Json| entry["manager"].as_str().is_some_and(|name| name.starts_with(KUBECTL_PREFIX));
    patch_from(object, manager, &|entry| {
        is_predecessor(entry, manager) || is_kubectl(entry) && is_whole(entry)
    })
}

fn patch_from(object: &Json, manager: &str, is_predecessor: &dyn Fn(&Json) -> bool) -> Option<Json> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    if !entries.iter().any(is_predecessor) {
        return None;
    }
    let is_ours = |entry: &Json| entry["manager"] == manager && entry["operation"] == "Apply";
    let (mine, others): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| is_predecessor(entry) || is_ours(entry));
    let mut fields = Map::new();
    for entry in &mine {
        if let Some(owned) = entry["fieldsV1"].as_object() {
            unite(&mut fields, owned);
        }
    }
    let time = mine.iter().filter_map(|entry| entry["time"].as_str()).max();
    let mut entry = json!({
        "manager": manager,
        "operation": "Apply",
        "apiVersion": object["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    });
    if let Some(time) = time {
        entry["time"] = json!(time);
    }
    let all: Vec<Json> = std::iter::once(entry).chain(others.into_iter().cloned()).collect();
    Some(json!({
        "metadata": {
            "resourceVersion": object["metadata"]["resourceVersion"],
            "managedFields": all,
        }
    }))
}

fn unite(into: &mut Map<String, Json>, from: &Map<String, Json>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Json::Object(into)), Json::Object(from)) => unite(into, from),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::handover_patch;

    #[test]
    fn hands_updates_of_helm_over_and_leaves_others_alone() {
        let object = json!({
            "apiVersion": "apps/v1",
            "metadata": {
                "resourceVersion": "7",
                "managedFields": [
                    { "manager": "helm", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-01-01T00:00:00Z",
                      "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                    { "manager": "helm", "operation": "Apply", "apiVersion": "apps/v1",
                      "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:serviceName": {} } } },
                    { "manager": "kube-controller-manager", "operation": "Update", "subresource": "status" }
                ]
            }
        });
        let patch = handover_patch(&object, "helm").expect("a predecessor");
        let entries = patch["metadata"]["managedFields"].as_array().expect("entries");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0]["operation"], "Apply");
        assert_eq!(entries[0]["fieldsV1"], json!({ "f:spec": { "f:replicas": {}, "f:serviceName": {} } }));
        assert_eq!(entries[1]["manager"], "kube-controller-manager");
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn says_nothing_when_there_is_no_predecessor() {
        let entry = json!({ "manager": "kubectl", "operation": "Update" });
        let object = json!({ "metadata": { "managedFields": [entry] } });
        assert_eq!(handover_patch(&object, "helm"), None);
        assert_eq!(handover_patch(&json!({}), "helm"), None);
    }
}
