//! ControllerRevisions: what each version of the pod template was, under the name Kubernetes gives it.

use serde_json::{Map, Value, json};

use crate::controllers::digest::{canonical, safe_letters, sorted};
use crate::controllers::object::{controller_reference, integer, label, name, namespace, text};
use crate::controllers::world::{Plan, Write};

/// The two versions that a rolling update moves between.
pub(super) struct Revisions {
    pub(super) current: String,
    pub(super) update: String,
    /// The pod template of `current`; the set itself holds the one of `update`.
    pub(super) current_template: Value,
}

/// Finds the revision of the present template, or plans to make it, and the one still current.
pub(super) fn resolve(set: &Value, history: &[&Value], plan: &mut Plan) -> Revisions {
    let data = json!({"spec": {"template": recorded_template(set)}});
    let mut sorted = history.to_vec();
    sorted.sort_by_key(|revision| integer(revision, "/revision").unwrap_or(0));
    let next = sorted.last().and_then(|last| integer(last, "/revision")).unwrap_or(0) + 1;
    let same =
        sorted.iter().rev().find(|revision| revision.get("data").map(canonical) == Some(canonical(&data)));
    let update = match same {
        Some(revision) => {
            if integer(revision, "/revision") != Some(next - 1) {
                let mut moved = (*revision).clone();
                moved["revision"] = json!(next);
                plan.push(Write::Update(moved));
            }
            name(revision).to_owned()
        }
        None => {
            let revision = new_revision(set, data, next);
            let update = name(&revision).to_owned();
            plan.push(Write::Create(revision));
            update
        }
    };
    let current = text(set, "/status/currentRevision");
    let current_revision = sorted.iter().find(|revision| name(revision) == current);
    Revisions {
        current: current_revision.map_or(update.clone(), |revision| name(revision).to_owned()),
        current_template: current_revision
            .map_or_else(|| set["spec"]["template"].clone(), |revision| template_of(revision)),
        update,
    }
}

/// Deletes the oldest revisions beyond `revisionHistoryLimit` that no pod runs.
pub(super) fn prune(
    set: &Value,
    history: &[&Value],
    pods: &[&Value],
    revisions: &Revisions,
    plan: &mut Plan,
) {
    let limit = integer(set, "/spec/revisionHistoryLimit").unwrap_or(10);
    let mut unused: Vec<&Value> = history
        .iter()
        .copied()
        .filter(|revision| {
            let name = name(revision);
            name != revisions.current
                && name != revisions.update
                && !pods.iter().any(|pod| label(pod, "controller-revision-hash") == Some(name))
        })
        .collect();
    unused.sort_by_key(|revision| integer(revision, "/revision").unwrap_or(0));
    let surplus = unused.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for revision in &unused[..surplus] {
        plan.push(Write::delete(revision));
    }
}

fn recorded_template(set: &Value) -> Value {
    let mut template = json!({"$patch": "replace"});
    if let (Some(into), Some(from)) =
        (template.as_object_mut(), set.pointer("/spec/template").and_then(Value::as_object))
    {
        into.extend(from.clone());
    }
    template
}

fn template_of(revision: &Value) -> Value {
    let mut template = revision["data"]["spec"]["template"].clone();
    if let Some(map) = template.as_object_mut() {
        map.shift_remove("$patch");
    }
    template
}

fn new_revision(set: &Value, data: Value, number: i64) -> Value {
    let data = sorted(&data);
    let collisions = integer(set, "/status/collisionCount").unwrap_or(0);
    let hash = revision_hash(&data, collisions);
    let mut labels: Map<String, Value> =
        set.pointer("/spec/template/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default();
    labels.insert("controller.kubernetes.io/hash".to_owned(), json!(hash));
    let mut metadata = json!({
        "name": format!("{}-{hash}", name(set)),
        "namespace": namespace(set),
        "labels": labels,
        "ownerReferences": [controller_reference(set)],
    });
    if let Some(annotations) = set.pointer("/metadata/annotations") {
        metadata["annotations"] = annotations.clone();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "data": data,
        "revision": number,
    })
}

/// The hash that Kubernetes puts in a revision's name: FNV-1 of Go's JSON of the data and of the
/// collision count, in letters that spell no words.
pub(super) fn revision_hash(data: &Value, collisions: i64) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in go_json(data).bytes().chain(collisions.to_string().bytes()) {
        hash = hash.wrapping_mul(0x0100_0193) ^ u32::from(byte);
    }
    safe_letters(hash.to_string().as_bytes())
}

/// Go's encoding of a map: keys sorted, and the characters of HTML escaped.
fn go_json(value: &Value) -> String {
    canonical(value).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
