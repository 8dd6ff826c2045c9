//! Moving a release to another chart in place: what is told beforehand, and what is done so that
//! nothing is lost on the way.

use std::collections::BTreeSet;

use helm::cluster::{ApplyOptions, ObjectRef};
use helm::render::Rendered;
use serde_json::{Map, Value as Json, json};
use tfplugin_sdk::{Diagnostic, Diagnostics, path};

use super::chart_source::ChartSource;
use super::config::Config;
use super::error::Error;
use super::model::Model;
use super::site::Site;
use crate::kubernetes::{FIELD_MANAGER, OWNER_ANNOTATION, Owner, own_labels};

/// Helm leaves alone what carries this, whatever becomes of the release.
const KEEP: (&str, &str) = ("helm.sh/resource-policy", "keep");
/// Who owns the files that only pods of an earlier revision need.
const FILES_MANAGER: &str = "terraform-provider-redis-rollout";

/// What is known of a release before it moves, from private state.
pub struct Before<'a> {
    pub pod_template: Option<&'a str>,
    pub fixed_fields: Option<&'a str>,
}

/// Says what moving to another chart will do. Silent where the chart stays.
pub fn announce(prior: &Model, config: &Config, before: &Before<'_>) -> Diagnostics {
    let mut found = Diagnostics::none();
    let old = prior.release.known().and_then(|release| release.chart_version.as_str());
    let (Some(old), new) = (old, config.rendered.chart.metadata.version.as_str()) else { return found };
    let recorded = is_recorded(prior);
    if recorded && old == new {
        return found;
    }
    found.extend(lost_ways_in(config));
    let mut lines = Vec::new();
    if !recorded {
        lines.push(format!(
            "No record tells of this release: it was made without Helm, or its record was lost. Apply makes one, by \
             which Helm knows it too. It marks each object of it, writes down what stands there as revision 1, and \
             goes on to the chart {}.",
            config.chart_source.name()
        ));
    }
    lines.push(format!(
        "The release is upgraded in place from chart version {old} to {new} ({}). Its names, volumes and password \
         stay.",
        config.chart_source.name()
    ));
    if config.pod_template.as_deref() != before.pod_template {
        // What stands in the cluster holds defaults that no chart writes: it differs from every template.
        let which = if recorded { "Every pod" } else { "Every pod whose template changes" };
        lines.push(format!(
            "{which} restarts, one at a time. The master is last: it is handed over by a planned failover, in which \
             writes wait for about a second and none that was acknowledged is lost."
        ));
    }
    if config.fixed_fields.as_deref() != before.fixed_fields {
        let differ = if recorded { "differ" } else { "may differ" };
        lines.push(format!(
            "Fields that a StatefulSet keeps for life {differ}: where Kubernetes refuses the change, the StatefulSet \
             is deleted without its pods and made anew, and takes them over."
        ));
    }
    if let Some((secret, _)) = config.auth.secret().filter(|_| config.auth.is_ours()) {
        lines.push(format!("The Secret {secret} is kept, and is the provider's from then on."));
    }
    let summary = match recorded {
        true => "The release moves to another chart",
        false => "The release has no record yet",
    };
    found.warning(summary, lines.join("\n"));
    found
}

/// Clients that come by a way that the bundled chart does not have would be locked out.
fn lost_ways_in(config: &Config) -> Diagnostics {
    let is_bundled = config.chart_source == ChartSource::Bundled;
    let value = |pointer: &str| config.effective_values.pointer(pointer).filter(|_| is_bundled);
    let has_port = |pointer: &str| value(pointer).and_then(Json::as_f64).is_some_and(|port| port > 0.0);
    let has_haproxy = value("/haproxy/enabled") == Some(&Json::Bool(true));
    let mut found = Diagnostics::none();
    for (is_lost, name, way) in [
        (has_haproxy, "haproxy.enabled", "the HAProxy in front of the servers"),
        (has_port("/redis/tlsPort"), "redis.tlsPort", "the TLS port of the servers"),
        (has_port("/sentinel/tlsPort"), "sentinel.tlsPort", "the TLS port of the sentinels"),
    ] {
        if is_lost {
            let detail = format!(
                "The values set {name}, and the bundled chart has not {way}: clients that connect there would be \
                 locked out. Keep the chart: leave chart out, or name it. Or move the clients to the sentinels \
                 first, and take {name} out of values."
            );
            let diagnostic = Diagnostic::error(format!("The bundled chart has no {name}"), detail);
            found.push(diagnostic.at(path!["chart", "name"]));
        }
    }
    found
}

fn is_recorded(prior: &Model) -> bool {
    let revision = prior.release.known().and_then(|release| release.revision.known().copied());
    revision.is_none_or(|revision| revision > 0)
}

/// Before an upgrade that no longer has them: the Secrets that the old chart rendered are kept, and
/// marked as ours. Without this the upgrade would delete the password of running servers.
pub async fn keep_secrets(site: &Site, config: &Config) -> Result<(), Error> {
    let (names, effective) = (&config.names, &config.effective);
    let in_use = [&effective.auth, &effective.sentinel_auth].into_iter().flatten();
    let mut secrets: BTreeSet<_> = in_use.map(|secret| secret.secret.clone()).collect();
    secrets.extend([names.auth_secret(), names.sentinel_auth_secret()]);
    secrets.retain(|name| !config.objects.contains_key(&format!("Secret/{name}")));
    for name in secrets {
        let secret = ObjectRef::new("v1", "Secret", Some(&site.namespace), &name);
        let Some(found) = site.kubernetes.get(&secret).await? else { continue };
        let of_release =
            found["metadata"]["annotations"]["meta.helm.sh/release-name"] == site.release.as_str();
        if Owner::of(&found, &site.owner()) == Owner::Ours || !of_release {
            continue;
        }
        let patch = json!({ "metadata": {
            "labels": own_labels(&site.owner()),
            "annotations": { KEEP.0: KEEP.1, OWNER_ANNOTATION: site.owner() },
        } });
        site.kubernetes.merge_patch(&secret, &patch, FIELD_MANAGER).await?;
        tracing::info!(%secret, "kept for the servers that run with it");
    }
    Ok(())
}

/// Before an upgrade that no longer has them: files of ConfigMaps stay for the pods that were made
/// with them. A mounted file goes when its ConfigMap changes, and with a script of its probes gone a
/// pod is killed for it.
pub async fn keep_files(site: &Site, rendered: &Rendered) -> Result<(), Error> {
    for declared in config_maps(rendered) {
        let Some(live) = live_config_map(site, declared).await? else { continue };
        let is_dropped = |file: &str| declared["data"].get(file).is_none();
        let dropped = live["data"].as_object().into_iter().flatten().filter(|(file, _)| is_dropped(file));
        let dropped: Map<String, Json> =
            dropped.map(|(file, content)| (file.clone(), content.clone())).collect();
        if !dropped.is_empty() {
            hold_files(site, declared, dropped).await?;
        }
    }
    Ok(())
}

/// Once the last of those pods is replaced.
pub async fn drop_files(site: &Site, rendered: &Rendered) -> Result<(), Error> {
    for declared in config_maps(rendered) {
        let Some(live) = live_config_map(site, declared).await? else { continue };
        let managers = live["metadata"]["managedFields"].as_array().into_iter().flatten();
        if managers.into_iter().any(|entry| entry["manager"] == FILES_MANAGER) {
            hold_files(site, declared, Map::new()).await?;
        }
    }
    Ok(())
}

fn config_maps(rendered: &Rendered) -> impl Iterator<Item = &Json> {
    rendered.objects().filter(|object| object["kind"] == "ConfigMap")
}

fn config_map_ref(site: &Site, declared: &Json) -> ObjectRef {
    let name = declared["metadata"]["name"].as_str().unwrap_or_default();
    ObjectRef::new("v1", "ConfigMap", Some(&site.namespace), name)
}

async fn live_config_map(site: &Site, declared: &Json) -> Result<Option<Json>, Error> {
    Ok(site.kubernetes.get(&config_map_ref(site, declared)).await?)
}

/// A second owner of the same files, beside the release: what the release drops stays as long as this
/// one has it.
async fn hold_files(site: &Site, declared: &Json, files: Map<String, Json>) -> Result<(), Error> {
    let reference = config_map_ref(site, declared);
    let held = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": reference.name, "namespace": site.namespace },
        "data": files,
    });
    let options = ApplyOptions { field_manager: FILES_MANAGER.to_owned(), force: false, dry_run: false };
    site.kubernetes.apply(&held, &options).await?;
    Ok(())
}
