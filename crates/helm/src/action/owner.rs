//! Whose an object is: the marks that Helm leaves on it.

use serde_json::{Value as Json, json};

pub(super) const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
pub(super) const NAME_ANNOTATION: &str = "meta.helm.sh/release-name";
pub(super) const NAMESPACE_ANNOTATION: &str = "meta.helm.sh/release-namespace";
const POLICY_ANNOTATION: &str = "helm.sh/resource-policy";

fn mark<'a>(object: &'a Json, group: &str, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get(group)?.get(key)?.as_str()
}

/// Puts the marks on an object; its own labels and annotations stay.
pub(super) fn claim(object: &mut Json, name: &str, namespace: &str) {
    let marks = [
        ("labels", MANAGED_BY_LABEL, "Helm"),
        ("annotations", NAME_ANNOTATION, name),
        ("annotations", NAMESPACE_ANNOTATION, namespace),
    ];
    for (group, key, value) in marks {
        let group = &mut object["metadata"][group];
        if !group.is_object() {
            *group = json!({});
        }
        group[key] = json!(value);
    }
}

/// All that is wrong with the marks, if the object is not the release's.
pub(super) fn foreign(object: &Json, name: &str, namespace: &str) -> Option<String> {
    let wanted = [
        ("labels", MANAGED_BY_LABEL, "Helm"),
        ("annotations", NAME_ANNOTATION, name),
        ("annotations", NAMESPACE_ANNOTATION, namespace),
    ];
    let wrong = wanted.into_iter().filter_map(|(group, key, value)| {
        let noun = group.trim_end_matches('s');
        match mark(object, group, key) {
            Some(found) if found == value => None,
            Some(found) => Some(format!("its {noun} {key} is {found:?} and not {value:?}")),
            None => Some(format!("it has no {noun} {key}={value}")),
        }
    });
    let wrong: Vec<String> = wrong.collect();
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

/// What says that the object is another release's; `None` of one without marks too.
pub(super) fn of_another(object: &Json, name: &str, namespace: &str) -> Option<String> {
    let marked = mark(object, "annotations", NAME_ANNOTATION).is_some();
    foreign(object, name, namespace).filter(|_| marked)
}

/// Whether the object says that it outlives its release.
pub(super) fn is_kept(object: &Json) -> bool {
    mark(object, "annotations", POLICY_ANNOTATION)
        .is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}

pub(super) fn uid(object: &Json) -> Option<String> {
    object.pointer("/metadata/uid").and_then(Json::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{claim, foreign, is_kept};

    #[test]
    fn what_is_claimed_is_ours_and_no_one_elses() {
        let mut object = json!({ "metadata": { "name": "a", "annotations": null, "labels": { "x": "y" } } });
        assert!(foreign(&object, "rel", "ns").is_some());
        claim(&mut object, "rel", "ns");
        assert_eq!(foreign(&object, "rel", "ns"), None);
        assert_eq!(object["metadata"]["labels"]["x"], "y");
        let found = foreign(&object, "other", "ns").expect("another release's");
        assert!(found.contains("\"rel\""), "{found}");
    }

    #[test]
    fn keeps_what_asks_for_it() {
        assert!(is_kept(&json!({ "metadata": { "annotations": { "helm.sh/resource-policy": "Keep " } } })));
        assert!(!is_kept(&json!({ "metadata": { "annotations": {} } })));
    }
}
