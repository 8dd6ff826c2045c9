//! Between the typed attributes of the model and the chart's settings, both ways.

use std::collections::BTreeMap;

use serde_json::json;
use tfplugin_sdk::Attr;

use super::model::{self, Model, StringMap};
use crate::chart::settings::{Auth, Image, Persistence, Redis, Scheduling, Sentinel};
use crate::chart::{Effective, Settings};
use crate::gke::{NodePoolSpec, Taint, TaintEffect};

/// GKE's label on every node of a pool.
pub const NODE_POOL_LABEL: &str = "cloud.google.com/gke-nodepool";

fn known<T: Clone>(attribute: &Attr<T>) -> Option<T> {
    attribute.known().cloned()
}

/// The known entries of a map; `None` for a map that was left out.
pub fn strings(map: &Attr<StringMap>) -> Option<BTreeMap<String, String>> {
    let entries = map.known()?.iter();
    Some(entries.filter_map(|(key, value)| Some((key.clone(), known(value)?))).collect())
}

pub fn list(items: &Attr<Vec<Attr<String>>>) -> Option<Vec<String>> {
    Some(items.known()?.iter().filter_map(known).collect())
}

/// What the typed attributes say; the password's Secret is added by `auth`.
pub fn settings(model: &Model) -> Settings {
    let image = model.image.known().cloned().unwrap_or_default();
    let redis = model.redis.known().cloned().unwrap_or_default();
    let sentinel = model.sentinel.known().cloned().unwrap_or_default();
    let persistence = model.persistence.known().cloned().unwrap_or_default();
    Settings {
        replicas: known(&model.replicas).and_then(|replicas| u32::try_from(replicas).ok()),
        image: Image {
            repository: known(&image.repository),
            tag: known(&image.tag),
            pull_policy: known(&image.pull_policy),
        },
        redis: Redis { config: strings(&redis.config), ..Redis::default() },
        sentinel: Sentinel {
            quorum: known(&sentinel.quorum),
            master_group_name: known(&sentinel.master_group_name),
            down_after_milliseconds: known(&sentinel.down_after_milliseconds),
            failover_timeout_milliseconds: known(&sentinel.failover_timeout_milliseconds),
            parallel_syncs: known(&sentinel.parallel_syncs),
        },
        auth: Auth::default(),
        persistence: Persistence {
            enabled: known(&persistence.enabled),
            size: known(&persistence.size),
            storage_class: known(&persistence.storage_class),
        },
        scheduling: node_pool_spec(model).as_ref().map(scheduling).unwrap_or_default(),
        service_annotations: None,
    }
}

/// Puts the pods on the pool's nodes, and lets them stay there.
fn scheduling(pool: &NodePoolSpec) -> Scheduling {
    let selector = BTreeMap::from([(NODE_POOL_LABEL.to_owned(), pool.name.clone())]);
    let tolerations = pool.taints.iter().flatten().map(|taint| {
        json!({
            "key": taint.key,
            "operator": "Equal",
            "value": taint.value,
            "effect": taint.effect.kubernetes(),
        })
    });
    let tolerations: Vec<_> = tolerations.collect();
    Scheduling {
        node_selector: Some(selector),
        tolerations: (!tolerations.is_empty()).then_some(tolerations),
        hard_anti_affinity: None,
    }
}

/// The wanted pool; `None` where there is none or its name is not known.
pub fn node_pool_spec(model: &Model) -> Option<NodePoolSpec> {
    let pool = model.gke.known()?.node_pool.known()?;
    Some(NodePoolSpec {
        name: known(&pool.name)?,
        machine_type: known(&pool.machine_type),
        node_count: known(&pool.node_count),
        disk_size_gb: known(&pool.disk_size_gb),
        disk_type: known(&pool.disk_type),
        labels: strings(&pool.labels),
        taints: pool.taints.known().map(|taints| taints.iter().filter_map(taint).collect()),
        node_locations: list(&pool.node_locations),
        owner: Some(format!("{}/{}", model.namespace.as_str().unwrap_or("default"), model.name.as_str()?)),
    })
}

fn taint(taint: &Attr<model::Taint>) -> Option<Taint> {
    let taint = taint.known()?;
    Some(Taint {
        key: known(&taint.key)?,
        value: known(&taint.value).unwrap_or_default(),
        effect: TaintEffect::parse(taint.effect.as_str()?)?,
    })
}

/// What the typed attributes are when nobody sets them: what the values declare.
pub fn from_effective(effective: &Effective) -> Model {
    let sentinel =
        |name: &str| -> Attr<i64> { effective.sentinel.get(name).and_then(|text| text.parse().ok()).into() };
    let single = |(name, lines): (&String, &Vec<String>)| match lines.as_slice() {
        [line] => Some((name.clone(), Attr::Known(line.clone()))),
        _ => None,
    };
    Model {
        replicas: i64::from(effective.replicas).into(),
        image: Attr::Known(model::Image {
            repository: effective.image_repository.clone().into(),
            tag: effective.image_tag.clone().into(),
            pull_policy: effective.image_pull_policy.clone().into(),
        }),
        redis: Attr::Known(model::Redis {
            config: Attr::Known(effective.server.iter().filter_map(single).collect()),
        }),
        sentinel: Attr::Known(model::Sentinel {
            quorum: sentinel("quorum"),
            master_group_name: effective.master_group_name.clone().into(),
            down_after_milliseconds: sentinel("down-after-milliseconds"),
            failover_timeout_milliseconds: sentinel("failover-timeout"),
            parallel_syncs: sentinel("parallel-syncs"),
        }),
        persistence: Attr::Known(model::Persistence {
            enabled: effective.persistence_enabled.into(),
            size: effective.persistence_size.clone().into(),
            storage_class: effective.storage_class.clone().into(),
            on_destroy: Attr::Null,
        }),
        ..Model::default()
    }
}
