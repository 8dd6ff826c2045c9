//! What typed attributes can set, and its place in a chart's values. The keys are those of the public
//! redis-ha charts too.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Every field is optional: what is `None` is left to the values and to the chart's own defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub replicas: Option<u32>,
    pub image: Image,
    pub redis: Redis,
    pub sentinel: Sentinel,
    pub auth: Auth,
    pub persistence: Persistence,
    pub scheduling: Scheduling,
    pub service_annotations: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    pub repository: Option<String>,
    pub tag: Option<String>,
    pub pull_policy: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redis {
    /// Lines of redis.conf. An empty value is written as `""`.
    pub config: Option<BTreeMap<String, String>>,
    /// Kubernetes' ResourceRequirements.
    pub resources: Option<Value>,
    pub disabled_commands: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentinel {
    pub quorum: Option<i64>,
    pub master_group_name: Option<String>,
    pub down_after_milliseconds: Option<i64>,
    pub failover_timeout_milliseconds: Option<i64>,
    pub parallel_syncs: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    pub enabled: Option<bool>,
    pub existing_secret: Option<String>,
    pub secret_key: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Persistence {
    pub enabled: Option<bool>,
    /// A Kubernetes quantity, such as `10Gi`.
    pub size: Option<String>,
    pub storage_class: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheduling {
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Kubernetes' Tolerations.
    pub tolerations: Option<Vec<Value>>,
    pub hard_anti_affinity: Option<bool>,
}

impl Settings {
    /// Values that hold what is set, and nothing else.
    pub fn to_values(&self) -> Value {
        let mut values = Values::default();
        values.put("replicas", self.replicas.map(|replicas| json!(replicas)));
        values.put("image.repository", self.image.repository.as_ref().map(|text| json!(text)));
        values.put("image.tag", self.image.tag.as_ref().map(|text| json!(text)));
        values.put("image.pullPolicy", self.image.pull_policy.as_ref().map(|text| json!(text)));
        self.redis.put(&mut values);
        self.sentinel.put(&mut values);
        values.put("auth", self.auth.enabled.map(|enabled| json!(enabled)));
        values.put("existingSecret", self.auth.existing_secret.as_ref().map(|name| json!(name)));
        values.put("authKey", self.auth.secret_key.as_ref().map(|key| json!(key)));
        values.put("persistentVolume.enabled", self.persistence.enabled.map(|enabled| json!(enabled)));
        values.put("persistentVolume.size", self.persistence.size.as_ref().map(|size| json!(size)));
        let class = self.persistence.storage_class.as_ref();
        values.put("persistentVolume.storageClass", class.map(|class| json!(class)));
        self.scheduling.put(&mut values);
        values.put("serviceAnnotations", self.service_annotations.as_ref().map(|map| json!(map)));
        Value::Object(values.0)
    }
}

impl Redis {
    fn put(&self, values: &mut Values) {
        for (name, value) in self.config.iter().flatten() {
            let text = if value.is_empty() { "\"\"" } else { value.as_str() };
            values.put_key("redis.config", name, json!(text));
        }
        values.put("redis.resources", self.resources.clone());
        values.put("redis.disableCommands", self.disabled_commands.as_ref().map(|names| json!(names)));
    }
}

impl Sentinel {
    fn put(&self, values: &mut Values) {
        values.put("sentinel.quorum", self.quorum.map(|quorum| json!(quorum)));
        values.put("redis.masterGroupName", self.master_group_name.as_ref().map(|name| json!(name)));
        let options = [
            ("down-after-milliseconds", self.down_after_milliseconds),
            ("failover-timeout", self.failover_timeout_milliseconds),
            ("parallel-syncs", self.parallel_syncs),
        ];
        for (name, value) in options {
            values.put(&format!("sentinel.config.{name}"), value.map(|value| json!(value)));
        }
    }
}

impl Scheduling {
    fn put(&self, values: &mut Values) {
        values.put("nodeSelector", self.node_selector.as_ref().map(|labels| json!(labels)));
        values.put("tolerations", self.tolerations.as_ref().map(|list| json!(list)));
        values.put("hardAntiAffinity", self.hard_anti_affinity.map(|hard| json!(hard)));
    }
}

/// A tree of values that is built by dotted paths.
#[derive(Default)]
struct Values(Map<String, Value>);

impl Values {
    fn put(&mut self, path: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        match path.rsplit_once('.') {
            Some((parents, key)) => self.put_key(parents, key, value),
            None => drop(self.0.insert(path.to_owned(), value)),
        }
    }

    /// `key` may hold dots itself.
    fn put_key(&mut self, parents: &str, key: &str, value: Value) {
        let mut map = &mut self.0;
        for parent in parents.split('.') {
            let entry = map.entry(parent).or_insert_with(|| json!({}));
            map = entry.as_object_mut().expect("every parent on these paths is a map");
        }
        map.insert(key.to_owned(), value);
    }
}
