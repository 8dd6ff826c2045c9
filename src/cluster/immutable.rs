//! What cannot change in place: refused with the reason, or made by a new resource.

use tfplugin_sdk::{Attr, AttributePath, Diagnostic, Diagnostics, path};

use super::model::{Model, Persistence};
use super::objects::quantity;

/// What cannot change in the life of a cluster is refused, with the reason.
pub fn check(model: &Model, prior: &Model, diagnostics: &mut Diagnostics) {
    if let (Some(now), Some(before)) = (model.master_group_name.as_str(), prior.master_group_name.as_str())
        && now != before
    {
        let detail = format!(
            "It is {before:?} and would become {now:?}. Every client asks the sentinels for this name, and a \
             sentinel that is told another one forgets what it knows. Keep {before:?}, or create a second cluster \
             under another name and move the clients."
        );
        let at = path!["sentinel", "master_group_name"];
        diagnostics.push(Diagnostic::error("master_group_name cannot be changed", detail).at(at));
    }
    if let (Some(now), Some(before)) = (model.password_wo_version.known(), prior.password_wo_version.known())
        && now != before
    {
        let detail = format!(
            "password_wo_version is {before} and would become {now}. The password is set when the cluster is \
             created. Keep password_wo_version = {before}, and change the password in the Secret: the next apply \
             moves the servers to it, one at a time."
        );
        let at = path!["password_wo_version"];
        diagnostics.push(Diagnostic::error("The password cannot be changed", detail).at(at));
    }
    storage(model, prior, diagnostics);
}

/// Kubernetes refuses to change the claims of a StatefulSet, but for a size that grows.
fn storage(model: &Model, prior: &Model, diagnostics: &mut Diagnostics) {
    let (Some(now), Some(before)) = (model.persistence.known(), prior.persistence.known()) else { return };
    let differ = |now: &Attr<String>, before: &Attr<String>| matches!((now.as_str(), before.as_str()), (Some(now), Some(before)) if now != before);
    let grows = grows(now.size.as_str(), before.size.as_str());
    if grows {
        diagnostics.push(growth(now, before));
    }
    let rows = [
        ("size", differ(&now.size, &before.size) && !grows),
        ("storage_class", differ(&now.storage_class, &before.storage_class)),
        ("enabled", matches!((now.enabled.known(), before.enabled.known()), (Some(a), Some(b)) if a != b)),
    ];
    for (name, _) in rows.into_iter().filter(|(_, changed)| *changed) {
        let detail = "Kubernetes does not change the volume claims of an existing StatefulSet, but for a size that \
                      grows. Keep the value, or create a second cluster under another name and move the data.";
        let at = path!["persistence", name];
        diagnostics.push(Diagnostic::error(format!("persistence.{name} cannot be changed"), detail).at(at));
    }
}

fn grows(now: Option<&str>, before: Option<&str>) -> bool {
    let sizes = now.and_then(quantity).zip(before.and_then(quantity));
    sizes.is_some_and(|(now, before)| now > before)
}

fn growth(now: &Persistence, before: &Persistence) -> Diagnostic {
    let size = |persistence: &Persistence| persistence.size.as_str().unwrap_or_default().to_owned();
    let detail = format!(
        "From {} to {}. Apply asks for larger volumes first, which their StorageClass has to allow; then the \
         StatefulSet is deleted without its pods and made anew, and takes them over. No pod restarts. Kubernetes makes \
         no volume smaller again.",
        size(before),
        size(now)
    );
    Diagnostic::warning("The volumes grow", detail).at(path!["persistence", "size"])
}

/// Changes that only a new resource can make.
pub fn replacements(prior: &Model, planned: &Model) -> Vec<AttributePath> {
    let mut paths = Vec::new();
    let differ = |now: &Attr<String>, before: &Attr<String>| !before.is_null() && now != before;
    if differ(&planned.name, &prior.name) {
        paths.push(path!["name"]);
    }
    if differ(&planned.namespace, &prior.namespace) {
        paths.push(path!["namespace"]);
    }
    if let (Some(now), Some(before)) = (planned.gke.known(), prior.gke.known()) {
        let rows = [
            ("project", &now.project, &before.project),
            ("location", &now.location, &before.location),
            ("cluster", &now.cluster, &before.cluster),
        ];
        let changed = rows.into_iter().filter(|(_, now, before)| differ(now, before));
        paths.extend(changed.map(|(name, _, _)| path!["gke", name]));
    }
    paths
}
