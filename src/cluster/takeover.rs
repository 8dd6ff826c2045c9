//! Moving a release to another chart in place: what is told beforehand, and what is done so that
//! nothing is lost on the way.

use std::collections::BTreeSet;

use async_trait::async_trait;
use helm::cluster::{
    ApplyOptions, Capabilities, Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Look, ObjectRef,
    Propagation, Scope,
};
use helm::render::Rendered;
use serde_json::{Map, Value as Json, json};
use tfplugin_sdk::{Diagnostic, Diagnostics, path};
use tokio::time::{Duration, Instant, sleep};

use super::chart_source::ChartSource;
use super::config::Config;
use super::error::Error;
use super::model::Model;
use super::site::Site;
use crate::kubernetes::{FIELD_MANAGER, Kubernetes, OWNER_ANNOTATION, Owner, Wait, own_labels};

/// Helm leaves alone what carries this, whatever becomes of the release.
const KEEP: (&str, &str) = ("helm.sh/resource-policy", "keep");
/// What the API server says of fields that a StatefulSet keeps for life.
const FIXED: &str = "updates to statefulset spec";
/// Who owns the files that only pods of an earlier revision need.
const FILES_MANAGER: &str = "terraform-provider-redis-rollout";
const POLL: Duration = Duration::from_millis(200);

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
    let objects = rendered.manifests.iter().flat_map(helm::manifest::Manifest::objects);
    objects.filter(|object| object["kind"] == "ConfigMap")
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

/// The cluster, with one thing that an upgrade cannot do by itself: a StatefulSet whose fixed fields
/// change is deleted without its pods and made anew.
pub struct Recreating<'a> {
    pub kubernetes: &'a Kubernetes,
    pub wait: Wait<'a>,
}

impl Recreating<'_> {
    async fn recreate(&self, object: &Json, options: &ApplyOptions) -> Result<Json, ClusterError> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let namespace = Some(text("/metadata/namespace")).filter(|namespace| !namespace.is_empty());
        let set = ObjectRef::new("apps/v1", "StatefulSet", namespace, text("/metadata/name"));
        let live = self.kubernetes.get(&set).await?.unwrap_or_default();
        tracing::info!(%set, "made anew without its pods: fields differ that it keeps for life");
        let uid = live["metadata"]["uid"].as_str().map(str::to_owned);
        let orphan =
            DeleteOptions { propagation: Propagation::Orphan, uid: uid.clone(), ..DeleteOptions::default() };
        self.kubernetes.delete(&set, &orphan).await?;
        while self
            .kubernetes
            .get(&set)
            .await?
            .is_some_and(|found| found["metadata"]["uid"].as_str() == uid.as_deref())
        {
            if Instant::now() + POLL >= self.wait.deadline {
                let message = format!("{set} is being deleted without its pods, and has not gone in time");
                return Err(ClusterError::new(ClusterErrorKind::Other, message));
            }
            sleep(POLL).await;
        }
        // Whoever holds its pods back goes on doing so.
        let partition = &live["spec"]["updateStrategy"]["rollingUpdate"]["partition"];
        match partition.as_i64().filter(|partition| *partition > 0) {
            Some(partition) => self.create_held(object, partition, options).await,
            None => Ok(self.kubernetes.apply(object, options).await?),
        }
    }

    async fn create_held(
        &self,
        set: &Json,
        partition: i64,
        options: &ApplyOptions,
    ) -> Result<Json, ClusterError> {
        let mut held = set.clone();
        held["spec"]["updateStrategy"] =
            json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": partition } });
        Ok(self.kubernetes.apply(&held, options).await?)
    }

    /// Whether pods stand whose set is gone: an earlier run deleted it, and went no further.
    async fn is_orphaned(&self, set: &Json) -> Result<bool, ClusterError> {
        let Some(reference) = ObjectRef::of(set) else { return Ok(false) };
        if self.kubernetes.get(&reference).await?.is_some() {
            return Ok(false);
        }
        let labels = set["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        let labels: Vec<_> =
            labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        let namespace = reference.namespace.unwrap_or_default();
        Ok(!self.kubernetes.pods(&namespace, &labels.join(",")).await?.is_empty())
    }
}

#[async_trait]
impl Cluster for Recreating<'_> {
    async fn apply(&self, object: &Json, options: &ApplyOptions) -> Result<Json, ClusterError> {
        if object["kind"] == "StatefulSet" && self.is_orphaned(object).await? {
            let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
            return self.create_held(object, replicas.max(1), options).await;
        }
        let applied: Result<Json, ClusterError> =
            self.kubernetes.apply(object, options).await.map_err(ClusterError::from);
        match applied {
            Err(error)
                if error.kind == ClusterErrorKind::Invalid
                    && object["kind"] == "StatefulSet"
                    && error.to_string().contains(FIXED) =>
            {
                self.recreate(object, options).await
            }
            done => done,
        }
    }

    async fn capabilities(&self) -> Result<Capabilities, ClusterError> {
        Cluster::capabilities(self.kubernetes).await
    }

    async fn scope(&self, api_version: &str, kind: &str) -> Result<Scope, ClusterError> {
        Cluster::scope(self.kubernetes, api_version, kind).await
    }

    async fn get(&self, object: &ObjectRef) -> Result<Option<Json>, ClusterError> {
        Cluster::get(self.kubernetes, object).await
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        label_selector: &str,
    ) -> Result<Vec<Json>, ClusterError> {
        Cluster::list(self.kubernetes, api_version, kind, namespace, label_selector).await
    }

    async fn create(&self, object: &Json) -> Result<Json, ClusterError> {
        Cluster::create(self.kubernetes, object).await
    }

    async fn update(&self, object: &Json) -> Result<Json, ClusterError> {
        Cluster::update(self.kubernetes, object).await
    }

    async fn merge_patch(
        &self,
        object: &ObjectRef,
        patch: &Json,
        field_manager: &str,
    ) -> Result<Json, ClusterError> {
        Cluster::merge_patch(self.kubernetes, object, patch, field_manager).await
    }

    async fn delete(&self, object: &ObjectRef, options: &DeleteOptions) -> Result<(), ClusterError> {
        Cluster::delete(self.kubernetes, object, options).await
    }

    async fn watch(
        &self,
        object: &ObjectRef,
        within: Duration,
        look: &mut Look<'_>,
    ) -> Result<(), ClusterError> {
        Cluster::watch(self.kubernetes, object, within, look).await
    }
}
