//! What roles allow (Kubernetes' RBAC authorizer).

use serde_json::{Value, json};

use super::{AUTHENTICATED, MASTERS, User};
use crate::store::object::{items, text};
use crate::store::{Key, Status, Store, kinds};

/// What is asked for: a resource, or a path that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::api) struct Attributes {
    pub(super) verb: String,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    /// Instead of a resource.
    pub(super) path: Option<String>,
}

impl Attributes {
    pub(super) fn of_resource(verb: &str, group: &str, resource: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    pub(in crate::api) fn of_path(method: &http::Method, path: &str) -> Self {
        Self { verb: method.as_str().to_lowercase(), path: Some(path.to_owned()), ..Self::default() }
    }

    /// `get`, `list`, `watch` and their siblings; of a path the method.
    pub(in crate::api) fn verb(&self) -> &str {
        &self.verb
    }

    /// `pods`, or `pods/log`.
    fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// The refusal in Kubernetes' words.
    pub(in crate::api) fn refusal(&self, user: &User) -> Status {
        let (name, verb) = (&user.name, &self.verb);
        if let Some(path) = &self.path {
            let message = format!("forbidden: User {name:?} cannot {verb} path {path:?}");
            return Status::new(403, "Forbidden", message, Some(json!({})));
        }
        let (group, resource) = (&self.group, &self.resource);
        let dot = if group.is_empty() { "" } else { "." };
        let subject = self.name.as_ref().map_or(String::new(), |name| format!(" {name:?}"));
        let place = self
            .namespace
            .as_ref()
            .map_or("at the cluster scope".to_owned(), |namespace| format!("in the namespace {namespace:?}"));
        let message = format!(
            "{resource}{dot}{group}{subject} is forbidden: User {name:?} cannot {verb} resource {:?} in API group \
             {group:?} {place}",
            self.full_resource()
        );
        let mut details = json!({});
        if let Some(name) = &self.name {
            details["name"] = json!(name);
        }
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        details["kind"] = json!(resource);
        Status::new(403, "Forbidden", message, Some(details))
    }
}

/// Whether some role allows it.
pub(super) fn allows(store: &Store, user: &User, attributes: &Attributes) -> bool {
    user.is_in(MASTERS)
        || is_open(user, attributes)
        || of_user(store, user, attributes.namespace.as_deref()).iter().any(|rule| matches(rule, attributes))
}

/// What Kubernetes' own roles let everybody with a name do: read what there is to ask for, and ask about oneself.
fn is_open(user: &User, attributes: &Attributes) -> bool {
    let reads = matches!(attributes.verb.as_str(), "get" | "head");
    if !user.is_in(AUTHENTICATED) {
        return false;
    }
    match &attributes.path {
        Some(path) => reads && ["/api", "/apis", "/openapi"].iter().any(|open| path.starts_with(open)),
        None => {
            attributes.verb == "create"
                && matches!(
                    attributes.resource.as_str(),
                    "selfsubjectaccessreviews" | "selfsubjectrulesreviews" | "selfsubjectreviews"
                )
        }
    }
}

/// Every rule that applies to a user in a namespace, and in the whole cluster.
pub(super) fn of_user(store: &Store, user: &User, namespace: Option<&str>) -> Vec<Value> {
    let mut bindings = store.list(&kinds::CLUSTER_ROLE_BINDING, None).0;
    if let Some(namespace) = namespace {
        bindings.extend(store.list(&kinds::ROLE_BINDING, Some(namespace)).0);
    }
    let ours = bindings.iter().filter(|binding| binds(binding, user));
    ours.flat_map(|binding| rules_of(store, binding)).collect()
}

fn binds(binding: &Value, user: &User) -> bool {
    let own_namespace = text(binding, "/metadata/namespace");
    items(binding, "/subjects").iter().any(|subject| {
        let name = text(subject, "/name");
        match text(subject, "/kind") {
            "Group" => user.is_in(name),
            "User" => user.name == name,
            "ServiceAccount" => {
                let namespace = match text(subject, "/namespace") {
                    "" => own_namespace,
                    namespace => namespace,
                };
                user.name == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

fn rules_of(store: &Store, binding: &Value) -> Vec<Value> {
    let name = text(binding, "/roleRef/name");
    let key = if text(binding, "/roleRef/kind") == "Role" {
        Key::namespaced(&kinds::ROLE, text(binding, "/metadata/namespace"), name)
    } else {
        Key::cluster(&kinds::CLUSTER_ROLE, name)
    };
    store.get(&key).map(|role| items(&role, "/rules").to_vec()).unwrap_or_default()
}

fn matches(rule: &Value, attributes: &Attributes) -> bool {
    let has = |list: &str, wanted: &str| {
        let mut words = items(rule, list).iter().filter_map(Value::as_str);
        words.any(|word| word == "*" || word == wanted)
    };
    if !has("/verbs", &attributes.verb) {
        return false;
    }
    if let Some(path) = &attributes.path {
        let mut paths = items(rule, "/nonResourceURLs").iter().filter_map(Value::as_str);
        return paths.any(|known| match known.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => known == path,
        });
    }
    let any_parent = format!("*/{}", attributes.subresource);
    let is_resource = has("/resources", &attributes.full_resource())
        || (!attributes.subresource.is_empty() && has("/resources", &any_parent));
    let names = items(rule, "/resourceNames");
    let is_named = names.is_empty()
        || attributes.name.as_ref().is_some_and(|name| names.iter().any(|known| known == name));
    has("/apiGroups", &attributes.group) && is_resource && is_named
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn store() -> Store {
        let store = Store::new(Arc::new(jiff::Timestamp::now));
        let role = json!({"metadata": {"name": "reader", "namespace": "default"}, "rules": [
            {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["settings"], "verbs": ["*"]}]});
        store.create(&kinds::ROLE, role).expect("a role");
        let binding = json!({"metadata": {"name": "reader", "namespace": "default"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}});
        store.create(&kinds::ROLE_BINDING, binding).expect("a binding");
        store
    }

    /// `VERB RESOURCE[/SUBRESOURCE] [NAME]` in a namespace.
    #[track_caller]
    fn check(namespace: &str, asked: &str, expected: bool) {
        let mut words = asked.split(' ');
        let (verb, resource) = (words.next().expect("a verb"), words.next().expect("a resource"));
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let attributes = Attributes {
            subresource: subresource.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: words.next().map(str::to_owned),
            ..Attributes::of_resource(verb, "", resource)
        };
        let user = User::service_account("default", "robot");
        assert_eq!(allows(&store(), &user, &attributes), expected, "{asked}");
    }

    #[test]
    fn a_role_allows_its_verbs_on_its_resources_in_its_namespace() {
        check("default", "list pods", true);
        check("default", "get pods cache-0", true);
        check("default", "delete pods cache-0", false);
        check("default", "list secrets", false);
        check("kube-system", "list pods", false);
    }

    #[test]
    fn a_subresource_is_a_resource_of_its_own() {
        check("default", "get pods/log cache-0", true);
        check("default", "create pods/exec cache-0", false);
    }

    #[test]
    fn a_rule_for_names_is_for_no_other() {
        check("default", "update configmaps settings", true);
        check("default", "update configmaps others", false);
        check("default", "list configmaps", false);
    }

    #[test]
    fn the_refusal_has_the_words_of_kubernetes() {
        let attributes = Attributes {
            namespace: Some("default".to_owned()),
            name: Some("cache-0".to_owned()),
            ..Attributes::of_resource("delete", "apps", "statefulsets")
        };
        let refused = attributes.refusal(&User::new("nobody", &[]));
        assert_eq!(
            refused.message,
            "statefulsets.apps \"cache-0\" is forbidden: User \"nobody\" cannot delete resource \"statefulsets\" in \
             API group \"apps\" in the namespace \"default\""
        );
    }
}
