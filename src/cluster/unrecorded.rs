//! A redis-ha of which no release record tells: applied by kubectl, or its record was lost. It is found
//! by the labels of its StatefulSet, seen as a release whose revision is 0, and recorded by an apply.

use helm::action::{self, Options};
use helm::manifest::{Manifest, join};
use helm::release::Release;
use helm::value::Value;
use serde_json::{Value as Json, json};

use super::discover::{Unfit, is_redis_ha};
use super::error::Error;
use super::facts::{Parts, parts};
use super::gather::Here;
use super::observe::find_servers;
use super::reconstructed::{put, values};
use super::site::Site;
use crate::chart::effective::{effective, names};
use crate::kubernetes::{FIELD_MANAGER, KubernetesError};

/// What a record says that was made of what stood there: its chart holds no templates.
const ADOPTED_ANNOTATION: &str = "terraform-provider-redis/adopted";
/// How charts of either kind mark the objects of a release.
pub const RELEASE_LABELS: [&str; 2] = ["release", "app.kubernetes.io/instance"];
/// What a redis-ha is made of, but for Secrets, which no record may hold.
const KINDS: [(&str, &str); 9] = [
    ("apps/v1", "StatefulSet"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("policy/v1", "PodDisruptionBudget"),
    ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
];
/// What the API server adds to an object.
const ADDED: [&str; 6] =
    ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];
/// The object as `kubectl apply` was given it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const RELEASE_ANNOTATION: &str = "meta.helm.sh/release-name";

/// What stands under the labels of a release that has no record.
pub enum Found {
    Nothing,
    /// It can be recorded as this.
    Whole(Box<Release>),
    Unfit(Unfit),
}

/// Whether a record's chart is no chart that could be rendered.
pub fn is_adopted(chart: &Json) -> bool {
    chart["metadata"]["annotations"][ADOPTED_ANNOTATION] == "true"
}

/// The release as it would be recorded. Reads only.
pub async fn find(site: &Site) -> Result<Found, Error> {
    for label in RELEASE_LABELS {
        let selector = format!("{label}={}", site.release);
        let sets = site.kubernetes.list("apps/v1", "StatefulSet", Some(&site.namespace), &selector).await?;
        let mut sets: Vec<_> = sets.into_iter().filter(is_redis_ha).collect();
        let Some(set) = sets.pop() else { continue };
        let name = text(&set, "/metadata/name").to_owned();
        let others: Vec<_> = sets.iter().map(|set| text(set, "/metadata/name")).collect();
        let reason = match others.is_empty() {
            true => objection(&site.release, &set),
            false => Some(format!("{} carries the same label", others.join(", "))),
        };
        let objects = match reason {
            None => objects(site, &selector).await?,
            Some(reason) => return Ok(unfit(site, name, reason)),
        };
        return Ok(match parts(&objects).filter(|parts| parts.files.is_some()) {
            Some(parts) => {
                let mut release = release(site, &parts, &objects);
                ask_for_quorum(site, &mut release).await?;
                Found::Whole(Box::new(release))
            }
            None => unfit(site, name, "it has no ConfigMap of a redis-ha with that label beside it".into()),
        });
    }
    Ok(Found::Nothing)
}

fn unfit(site: &Site, set: String, reason: String) -> Found {
    let (namespace, name) = (site.namespace.clone(), site.release.clone());
    Found::Unfit(Unfit::NoRecord { namespace, name, set, reason })
}

/// Why a StatefulSet cannot be taken as it is.
pub fn objection(name: &str, set: &Json) -> Option<String> {
    if let Some(owner) = set["metadata"]["ownerReferences"].as_array().and_then(|owners| owners.first()) {
        return Some(format!("it belongs to {} {}", text(owner, "/kind"), text(owner, "/name")));
    }
    let release = set["metadata"]["annotations"][RELEASE_ANNOTATION].as_str();
    if let Some(other) = release.filter(|release| *release != name) {
        return Some(format!("it belongs to the release {other}"));
    }
    if !text(set, "/metadata/name").ends_with("-server") {
        return Some("its name does not end with -server, as that of every redis-ha does".to_owned());
    }
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    let is_selectable = labels["release"] == name && labels["app"].is_string();
    (!is_selectable).then(|| "its pods have no labels release and app, by which they are found".to_owned())
}

/// Every object with the label, as it was declared as far as anybody knows.
async fn objects(site: &Site, selector: &str) -> Result<Vec<Json>, Error> {
    let mut found = Vec::new();
    for (version, kind) in KINDS {
        let listed = match site.kubernetes.list(version, kind, Some(&site.namespace), selector).await {
            Ok(listed) => listed,
            Err(error) if is_refused(&error) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let own = listed.into_iter().filter(|object| object["metadata"]["ownerReferences"].is_null());
        found.extend(own.map(|object| declared(object, version, kind)));
    }
    Ok(found)
}

/// What nobody may look at is left where it is.
fn is_refused(error: &KubernetesError) -> bool {
    error.is_not_found() || error.status() == Some(403)
}

fn declared(mut live: Json, version: &str, kind: &str) -> Json {
    live["apiVersion"] = json!(version);
    live["kind"] = json!(kind);
    let applied = live["metadata"]["annotations"][LAST_APPLIED].as_str();
    let mut object = applied.and_then(|applied| serde_json::from_str(applied).ok()).unwrap_or(live);
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|name, _| !ADDED.contains(&name.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    object
}

fn release(site: &Site, parts: &Parts<'_>, objects: &[Json]) -> Release {
    let label = text(parts.set, "/metadata/labels/chart");
    let (chart, version) = split_chart(label);
    let values = values(parts, objects);
    let manifests = objects.iter().filter_map(|object| {
        let content = helm::yaml::to_yaml(&Value::from(object.clone())).ok()?;
        Manifest::parse(&format!("{chart}/adopted.yaml"), &content).ok()
    });
    let manifests: Vec<_> = manifests.collect();
    Release {
        name: site.release.clone(),
        namespace: site.namespace.clone(),
        chart: json!({ "metadata": {
            "apiVersion": "v2", "name": chart, "version": version,
            "appVersion": text(&values, "/image/tag"),
            "annotations": { ADOPTED_ANNOTATION: "true" },
        }}),
        config: values.as_object().cloned().unwrap_or_default(),
        manifest: join(&manifests),
        ..Release::default()
    }
}

/// Not every chart writes the quorum into a file; the sentinels know it.
async fn ask_for_quorum(site: &Site, release: &mut Release) -> Result<(), Error> {
    let mut values = Json::Object(release.config.clone());
    if values["sentinel"]["quorum"].is_number() {
        return Ok(());
    }
    let names = names(&values, &site.release, &site.namespace);
    let effective = effective(&values, &names);
    let password = match &effective.auth {
        Some(auth) => site.kubernetes.find_secret_key(&site.namespace, &auth.secret, &auth.key).await?,
        None => None,
    };
    let look = find_servers(site, &names, &effective, password.as_ref()).await?.look().await;
    let mut groups = look.pods.iter().filter_map(|pod| pod.sentinel.ok()?.group.as_ref());
    let quorum = groups.find_map(|group| group.fields.get("quorum")?.parse::<u32>().ok());
    if let Some(quorum) = quorum {
        put(&mut values, &["sentinel", "quorum"], json!(quorum));
        release.config = values.as_object().cloned().unwrap_or_default();
    }
    Ok(())
}

/// `redis-ha-4.39.0`: the name of a chart may hold dashes, its version begins with a digit.
pub fn split_chart(label: &str) -> (&str, &str) {
    let dashes = label.match_indices('-').map(|(at, _)| at);
    let mut splits = dashes.map(|at| (&label[..at], &label[at + 1..]));
    splits
        .find(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or(("redis-ha", "0.0.0"))
}

/// Makes the record, and marks the objects. Pods are left alone.
pub async fn record(site: &Site) -> Result<(), Error> {
    let mut release = match Box::pin(find(site)).await? {
        Found::Whole(release) => release,
        Found::Unfit(unfit) => return Err(unfit.into()),
        Found::Nothing => {
            let (namespace, name) = (site.namespace.clone(), site.release.clone());
            return Err(Error::NotFound { namespace, name });
        }
    };
    mark_secrets(site, &Json::Object(release.config.clone())).await?;
    let adopted = action::adopt(&site.kubernetes, &Here, &mut release, &Options::default()).await;
    adopted.map_err(Error::release(&site.namespace, &site.release))
}

/// Secrets that the chart rendered are part of the release, and stay out of its record.
async fn mark_secrets(site: &Site, values: &Json) -> Result<(), Error> {
    let selector = format!("release={}", site.release);
    let names = names(values, &site.release, &site.namespace);
    let rendered = [names.auth_secret(), names.sentinel_auth_secret()];
    for secret in site.kubernetes.list("v1", "Secret", Some(&site.namespace), &selector).await? {
        let name = text(&secret, "/metadata/name");
        if !rendered.iter().any(|rendered| rendered == name) {
            continue;
        }
        let marks = json!({ "metadata": {
            "labels": { "app.kubernetes.io/managed-by": "Helm" },
            "annotations": {
                RELEASE_ANNOTATION: site.release,
                "meta.helm.sh/release-namespace": site.namespace,
            },
        }});
        let reference = helm::cluster::ObjectRef::new("v1", "Secret", Some(&site.namespace), name);
        site.kubernetes.merge_patch(&reference, &marks, FIELD_MANAGER).await?;
    }
    Ok(())
}

fn text<'a>(object: &'a Json, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_chart_tells_its_name_and_its_version() {
        for (label, wanted) in [
            ("redis-ha-4.39.0", ("redis-ha", "4.39.0")),
            ("our-redis-1.0.0-rc-1", ("our-redis", "1.0.0-rc-1")),
            ("", ("redis-ha", "0.0.0")),
        ] {
            assert_eq!(split_chart(label), wanted);
        }
    }

    #[test]
    fn an_object_is_declared_as_kubectl_was_given_it_or_as_it_stands() {
        let applied = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}}"#;
        let live = json!({
            "metadata": { "name": "a", "uid": "1", "annotations": { LAST_APPLIED: applied } },
            "data": { "x": "2" }, "status": {},
        });
        let expected: Json = serde_json::from_str(applied).expect("JSON");
        assert_eq!(declared(live.clone(), "v1", "ConfigMap"), expected);
        let mut bare = live;
        bare["metadata"]["annotations"] = json!({});
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "a", "annotations": {} }, "data": { "x": "2" },
        });
        assert_eq!(declared(bare, "v1", "ConfigMap"), expected);
    }
}
