//! Declared against live over all layers: one row for each setting of each object that differs. Pure.

use super::observed::{Observed, ReleaseSeen};
use crate::chart::Effective;
use crate::sentinel::{self, Declared};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Release,
    Kubernetes,
    Sentinel,
    Redis,
}

impl Layer {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Kubernetes => "kubernetes",
            Self::Sentinel => "sentinel",
            Self::Redis => "redis",
        }
    }
}

/// One row of the attribute `drift`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub layer: Layer,
    /// A pod, the group, `Kind/name`, or the release.
    pub object: String,
    pub setting: String,
    pub declared: String,
    pub live: String,
}

impl From<sentinel::DriftRow> for Row {
    fn from(row: sentinel::DriftRow) -> Self {
        let layer = match row.layer {
            sentinel::Layer::Sentinel => Layer::Sentinel,
            sentinel::Layer::Redis => Layer::Redis,
        };
        Self { layer, object: row.object, setting: row.setting, declared: row.declared, live: row.live }
    }
}

/// What servers and sentinels should say, by the values of the release.
pub fn declared(effective: &Effective) -> Declared {
    let mut server = effective.server.clone();
    // A replica that may never be promoted is nobody's default: unless declared, it is somebody's hand.
    let has_priority = server.keys().any(|name| sentinel::settings::canonical_name(name) == PRIORITY);
    if !effective.custom_redis_config && !has_priority {
        server.insert(PRIORITY.into(), vec!["100".into()]);
    }
    let password = effective.auth.as_ref();
    Declared {
        sentinel: effective.sentinel.clone(),
        server,
        password: password.map(|auth| format!("the key {} of the Secret {}", auth.key, auth.secret)),
        disabled_commands: match effective.custom_redis_config {
            true => Vec::new(),
            false => effective.disabled_commands.clone(),
        },
    }
}

const PRIORITY: &str = "replica-priority";

/// All rows of an observation, the release's first.
pub fn rows(observed: &Observed) -> Vec<Row> {
    let mut rows: Vec<_> = observed.release.as_ref().and_then(release_row).into_iter().collect();
    rows.extend(object_rows(observed));
    rows.extend(held_rollout(observed));
    // A public chart renders it too.
    let missing = missing_secret(observed).filter(|missing| !rows.contains(missing));
    rows.extend(missing);
    rows.extend(observed.claims.rows());
    rows.extend(observed.drift.iter().cloned().map(Row::from));
    rows
}

/// A record that says that somebody's work is not finished, or has failed.
fn release_row(seen: &ReleaseSeen) -> Option<Row> {
    if !seen.is_recorded() {
        let [object, setting, declared, live] =
            ["release record", "object", "present", "absent"].map(str::to_owned);
        return Some(Row { layer: Layer::Release, object, setting, declared, live });
    }
    (seen.status != "deployed").then(|| Row {
        layer: Layer::Release,
        object: format!("revision {}", seen.revision),
        setting: "status".into(),
        declared: "deployed".into(),
        live: seen.status.clone(),
    })
}

/// Objects of the release that somebody edited or deleted. The number of replicas is left out: it is an
/// attribute of its own.
fn object_rows(observed: &Observed) -> impl Iterator<Item = Row> {
    let set = observed.stateful_set.as_ref().map(|set| format!("StatefulSet/{}", set.name));
    observed.objects.iter().flat_map(move |seen| {
        let is_set = set.as_ref() == Some(&seen.key);
        let own =
            seen.differences().into_iter().filter(move |one| !(is_set && one.setting == "spec.replicas"));
        own.map(|one| Row {
            layer: Layer::Kubernetes,
            object: seen.key.clone(),
            setting: one.setting,
            declared: one.declared,
            live: one.live,
        })
    })
}

/// The password's Secret, which the release names and does not render.
fn missing_secret(observed: &Observed) -> Option<Row> {
    let secret = observed.expected_secret.as_ref().filter(|_| observed.secret.is_none())?;
    Some(Row {
        layer: Layer::Kubernetes,
        object: format!("Secret/{secret}"),
        setting: "object".into(),
        declared: "present".into(),
        live: "absent".into(),
    })
}

/// A rollout that we held back to move the master first, and that nobody let go on.
pub fn held_rollout(observed: &Observed) -> Option<Row> {
    let set = observed.stateful_set.as_ref().filter(|set| set.partition > 0)?;
    // A set that was made anew over pods of another template does not say that it rolls.
    if !set.is_rolling && !observed.placement.values().any(|pod| set.is_outdated(pod)) {
        return None;
    }
    let key = format!("StatefulSet/{}", set.name);
    let declared = observed.objects.iter().find(|seen| seen.key == key)?;
    declared.declared.pointer("/spec/updateStrategy/rollingUpdate/partition").is_none().then(|| Row {
        layer: Layer::Kubernetes,
        object: key,
        setting: PARTITION.into(),
        declared: "absent".into(),
        live: set.partition.to_string(),
    })
}

/// The setting of a rollout that stands still.
pub const PARTITION: &str = "spec.updateStrategy.rollingUpdate.partition";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::objects::ObjectSeen;

    #[test]
    fn a_secret_that_the_chart_renders_is_missed_once() {
        let declared = json!({"apiVersion": "v1", "kind": "Secret"});
        let seen =
            |objects| Observed { expected_secret: Some("redis-1".into()), objects, ..Observed::default() };
        let secret = ObjectSeen { key: "Secret/redis-1".into(), declared, live: None };
        assert_eq!(rows(&seen(vec![secret])), rows(&seen(Vec::new())));
        assert_eq!(rows(&seen(Vec::new())).len(), 1);
    }
}
