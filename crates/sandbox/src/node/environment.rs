//! The environment of a container: its own entries, what they refer to, and the Services of its namespace.

use std::fmt;

use base64::Engine as _;
use indexmap::IndexMap;
use serde_json::Value;

use super::NodeError;
use crate::store::object::{items, name, text};
use crate::store::{Key, Kind, Store, kinds};

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables for `execve`. Some are secrets, so that none is ever shown.
#[derive(Clone, Default)]
pub(super) struct Environment(IndexMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Environment({} variables, redacted)", self.0.len())
    }
}

/// What a pod knows of itself by now; the downward API reads it.
#[derive(Debug, Clone)]
pub(super) struct PodFacts<'a> {
    pub(super) pod: &'a Value,
    pub(super) pod_address: String,
    pub(super) host_address: String,
}

impl PodFacts<'_> {
    /// The value of a `fieldRef` path.
    pub(super) fn field(&self, path: &str) -> Result<String, NodeError> {
        let pod = self.pod;
        let known = match path {
            "status.podIP" | "status.podIPs" => self.pod_address.clone(),
            "status.hostIP" | "status.hostIPs" => self.host_address.clone(),
            "metadata.name"
            | "metadata.namespace"
            | "metadata.uid"
            | "spec.nodeName"
            | "spec.serviceAccountName" => text(pod, &format!("/{}", path.replace('.', "/"))).to_owned(),
            "metadata.labels" | "metadata.annotations" => render_map(pod, path),
            _ => {
                let Some((map, key)) = path.strip_suffix("']").and_then(|path| path.split_once("['")) else {
                    return Err(NodeError::Configuration(format!("the pod has no field {path}")));
                };
                let map = pod.pointer(&format!("/{}", map.replace('.', "/")));
                map.and_then(|map| map.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
            }
        };
        Ok(known)
    }
}

fn render_map(pod: &Value, path: &str) -> String {
    let map = pod.pointer(&format!("/{}", path.replace('.', "/"))).and_then(Value::as_object);
    let lines = map
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={:?}", value.as_str().unwrap_or_default()));
    lines.collect::<Vec<_>>().join("\n")
}

impl Environment {
    /// Everything a container's process finds, by Kubernetes' order: Services, envFrom, env.
    pub(super) fn resolve(store: &Store, facts: &PodFacts<'_>, container: &Value) -> Result<Self, NodeError> {
        let namespace = crate::store::object::namespace(facts.pod);
        let mut environment = Self::default();
        environment.set("PATH", DEFAULT_PATH);
        environment.set("HOME", "/root");
        environment.set("HOSTNAME", name(facts.pod));
        if facts.pod.pointer("/spec/enableServiceLinks") != Some(&Value::Bool(false)) {
            environment.add_services(store, namespace);
        }
        for source in items(container, "/envFrom") {
            environment.add_all_of(store, namespace, source)?;
        }
        for entry in items(container, "/env") {
            let key = text(entry, "/name");
            match entry.get("valueFrom").filter(|from| !from.is_null()) {
                None => {
                    let value = environment.expand(text(entry, "/value"));
                    environment.set(key, &value);
                }
                Some(from) => {
                    if let Some(value) = resolve_reference(store, namespace, facts, from)? {
                        environment.set(key, &value);
                    }
                }
            }
        }
        Ok(environment)
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// Replaces `$(NAME)` of a known variable; `$$(NAME)` is how a pod writes it literally.
    pub(super) fn expand(&self, written: &str) -> String {
        let mut expanded = String::with_capacity(written.len());
        let mut rest = written;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(literal) = rest.strip_prefix('$') {
                expanded.push('$');
                rest = literal;
                continue;
            }
            let reference = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
            match reference.and_then(|(key, after)| Some((self.get(key)?, after))) {
                Some((value, after)) => {
                    expanded.push_str(value);
                    rest = after;
                }
                None => expanded.push('$'),
            }
        }
        expanded.push_str(rest);
        expanded
    }

    fn add_services(&mut self, store: &Store, namespace: &str) {
        let (services, _) = store.list(&kinds::SERVICE, Some(namespace));
        let kubernetes = store.get(&Key::namespaced(&kinds::SERVICE, "default", "kubernetes"));
        for service in kubernetes.iter().chain(&services) {
            let address = text(service, "/spec/clusterIP");
            let ports = items(service, "/spec/ports");
            let Some(first) = ports.first().filter(|_| !matches!(address, "" | "None")) else { continue };
            let prefix = name(service).to_uppercase().replace(['-', '.'], "_");
            self.set(&format!("{prefix}_SERVICE_HOST"), address);
            self.set(&format!("{prefix}_SERVICE_PORT"), &first["port"].to_string());
            self.set(&format!("{prefix}_PORT"), &format!("tcp://{address}:{}", first["port"]));
            for port in ports {
                let number = port["port"].to_string();
                let named = text(port, "/name").to_uppercase().replace(['-', '.'], "_");
                if !named.is_empty() {
                    self.set(&format!("{prefix}_SERVICE_PORT_{named}"), &number);
                }
                let link = format!("{prefix}_PORT_{number}_TCP");
                self.set(&link, &format!("tcp://{address}:{number}"));
                self.set(&format!("{link}_PROTO"), "tcp");
                self.set(&format!("{link}_PORT"), &number);
                self.set(&format!("{link}_ADDR"), address);
            }
        }
    }

    fn add_all_of(&mut self, store: &Store, namespace: &str, source: &Value) -> Result<(), NodeError> {
        let prefix = text(source, "/prefix");
        for (field, kind) in [("configMapRef", &kinds::CONFIG_MAP), ("secretRef", &kinds::SECRET)] {
            let Some(reference) = source.get(field).filter(|reference| !reference.is_null()) else {
                continue;
            };
            let Some(object) = find_object(store, namespace, kind, reference)? else { continue };
            for (key, value) in data_of(&object) {
                self.set(&format!("{prefix}{key}"), &String::from_utf8_lossy(&value));
            }
        }
        Ok(())
    }
}

fn resolve_reference(
    store: &Store,
    namespace: &str,
    facts: &PodFacts<'_>,
    from: &Value,
) -> Result<Option<String>, NodeError> {
    if let Some(field) = from.pointer("/fieldRef/fieldPath").and_then(Value::as_str) {
        return facts.field(field).map(Some);
    }
    for (field, kind) in [("configMapKeyRef", &kinds::CONFIG_MAP), ("secretKeyRef", &kinds::SECRET)] {
        let Some(reference) = from.get(field).filter(|reference| !reference.is_null()) else { continue };
        let Some(object) = find_object(store, namespace, kind, reference)? else { return Ok(None) };
        let key = text(reference, "/key");
        let value = data_of(&object).find(|(found, _)| found == key);
        return match value {
            Some((_, value)) => Ok(Some(String::from_utf8_lossy(&value).into_owned())),
            None if is_optional(reference) => Ok(None),
            None => Err(NodeError::Configuration(format!(
                "couldn't find key {key} in {} {namespace}/{}",
                kind.kind,
                name(&object)
            ))),
        };
    }
    // resourceFieldRef: the sandbox limits nothing, so that the answer is "no limit".
    Ok(from.get("resourceFieldRef").map(|_| "0".to_owned()))
}

fn is_optional(reference: &Value) -> bool {
    reference.get("optional") == Some(&Value::Bool(true))
}

/// The ConfigMap or Secret of a reference; none if it is missing and may be.
pub(super) fn find_object(
    store: &Store,
    namespace: &str,
    kind: &'static Kind,
    reference: &Value,
) -> Result<Option<std::sync::Arc<Value>>, NodeError> {
    // A Secret volume says secretName, everything else name.
    let wanted = [text(reference, "/name"), text(reference, "/secretName")].concat();
    match store.get(&Key::namespaced(kind, namespace, wanted.clone())) {
        Some(object) => Ok(Some(object)),
        None if is_optional(reference) => Ok(None),
        None => Err(NodeError::Configuration(format!("{} \"{wanted}\" not found", kind.singular))),
    }
}

/// The entries of a ConfigMap or Secret, decoded.
pub(super) fn data_of(object: &Value) -> impl Iterator<Item = (String, Vec<u8>)> + use<'_> {
    let entries = |field: &str| object.get(field).and_then(Value::as_object).into_iter().flatten();
    let is_secret = text(object, "/kind") == "Secret";
    let decode = |value: &str| base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
    let data = entries("data").map(move |(key, value)| {
        let value = value.as_str().unwrap_or_default();
        (key.clone(), if is_secret { decode(value) } else { value.as_bytes().to_vec() })
    });
    let binary = entries("binaryData")
        .map(move |(key, value)| (key.clone(), decode(value.as_str().unwrap_or_default())));
    data.chain(binary)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn check(written: &str, expected: &str) {
        let mut environment = Environment::default();
        environment.set("A", "one");
        assert_eq!(environment.expand(written), expected, "{written}");
    }

    #[test]
    fn references_expand_as_kubernetes_does() {
        check("$(A)-$(A)", "one-one");
        check("$$(A)", "$(A)");
        check("$(B) $A $", "$(B) $A $");
        check("$(A", "$(A");
    }

    fn store() -> Store {
        let store = Store::new(Arc::new(jiff::Timestamp::now));
        let secret =
            json!({"metadata": {"name": "auth", "namespace": "default"}, "data": {"auth": "aHVudGVyMg=="}});
        store.create(&kinds::SECRET, secret).expect("a Secret");
        store
    }

    fn resolve(env: &Value) -> Result<Environment, NodeError> {
        let pod = json!({"metadata": {"name": "redis-0", "namespace": "default"}, "spec": {}});
        let facts =
            PodFacts { pod: &pod, pod_address: "10.244.0.10".into(), host_address: "10.128.0.2".into() };
        Environment::resolve(&store(), &facts, &json!({"env": env}))
    }

    #[test]
    fn a_secret_reaches_the_environment_and_no_debug_output() {
        let env = json!([{"name": "AUTH", "valueFrom": {"secretKeyRef": {"name": "auth", "key": "auth"}}}]);
        let environment = resolve(&env).expect("resolved");
        assert_eq!(environment.get("AUTH"), Some("hunter2"));
        assert!(!format!("{environment:?}").contains("hunter2"));
    }

    #[test]
    fn a_missing_secret_is_an_error_unless_optional() {
        let reference = |optional: bool| {
            json!([{"name": "A", "valueFrom":
                {"secretKeyRef": {"name": "nothing", "key": "auth", "optional": optional}}}])
        };
        let error = resolve(&reference(false)).expect_err("required").to_string();
        assert_eq!(error, "secret \"nothing\" not found");
        assert_eq!(resolve(&reference(true)).expect("optional").get("A"), None);
    }

    #[test]
    fn a_pod_knows_its_own_fields() {
        let env = json!([
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "URL", "value": "redis://$(IP):6379"}]);
        assert_eq!(resolve(&env).expect("resolved").get("URL"), Some("redis://10.244.0.10:6379"));
    }
}
