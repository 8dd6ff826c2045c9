//! Which kinds a server serves, and where. The built-in kinds are known; all else is asked for
//! once and kept.

use std::collections::BTreeSet;

use helm::cluster::{Capabilities, Scope, builtin_scope};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value as Json;

/// A kind as its URLs need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceKind {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
    /// What the server lets be done; empty for kinds that were not asked for.
    pub verbs: Vec<String>,
}

impl ResourceKind {
    /// A kind of Kubernetes itself, whose plural follows from its name.
    pub fn builtin(api_version: &str, kind: &str) -> Option<Self> {
        let scope = builtin_scope(api_version, kind)?;
        let (group, version) = split_api_version(api_version);
        let plural = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)).plural;
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural,
            namespaced: scope == Scope::Namespaced,
            verbs: Vec::new(),
        })
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As a role names it: `statefulsets.apps`, `pods`.
    pub fn role_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The URL path of an object, or of the collection when `name` is empty.
    pub fn path(&self, namespace: Option<&str>, name: &str) -> String {
        let mut path = group_version_path(&self.api_version());
        if let Some(namespace) = namespace.filter(|_| self.namespaced) {
            path.push_str(&format!("/namespaces/{namespace}"));
        }
        path.push_str(&format!("/{}", self.plural));
        if !name.is_empty() {
            path.push_str(&format!("/{name}"));
        }
        path
    }

    /// What kube's typed and dynamic clients call it.
    pub fn to_api_resource(&self) -> ApiResource {
        let gvk = GroupVersionKind::gvk(&self.group, &self.version, &self.kind);
        ApiResource::from_gvk_with_plural(&gvk, &self.plural)
    }
}

/// `("apps", "v1")` of `apps/v1`, `("", "v1")` of `v1`.
fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// `/api/v1` or `/apis/GROUP/VERSION`.
pub(super) fn group_version_path(api_version: &str) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    format!("{root}/{api_version}")
}

/// Reads an APIResourceList, the plain discovery of one group and version.
pub(super) fn parse_resource_list(api_version: &str, list: &Json) -> Vec<ResourceKind> {
    let (group, version) = split_api_version(api_version);
    let resources = list["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    resources
        .iter()
        .filter_map(|resource| {
            let plural = resource["name"].as_str().filter(|name| !name.contains('/'))?;
            Some(ResourceKind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: resource["kind"].as_str()?.to_owned(),
                plural: plural.to_owned(),
                namespaced: resource["namespaced"].as_bool().unwrap_or(false),
                verbs: texts(&resource["verbs"]),
            })
        })
        .collect()
}

/// Reads an APIGroupDiscoveryList, aggregated discovery. `None` when the server answered in the
/// plain form.
pub(super) fn parse_aggregated(list: &Json) -> Option<Vec<ResourceKind>> {
    if list["kind"] != "APIGroupDiscoveryList" {
        return None;
    }
    let mut kinds = Vec::new();
    for group in list["items"].as_array()? {
        let group_name = group["metadata"]["name"].as_str().unwrap_or_default();
        for version in group["versions"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let version_name = version["version"].as_str().unwrap_or_default();
            for resource in version["resources"].as_array().map(Vec::as_slice).unwrap_or_default() {
                let (Some(plural), Some(kind)) =
                    (resource["resource"].as_str(), resource["responseKind"]["kind"].as_str())
                else {
                    continue;
                };
                kinds.push(ResourceKind {
                    group: group_name.to_owned(),
                    version: version_name.to_owned(),
                    kind: kind.to_owned(),
                    plural: plural.to_owned(),
                    namespaced: resource["scope"] == "Namespaced",
                    verbs: texts(&resource["verbs"]),
                });
            }
        }
    }
    Some(kinds)
}

/// The group versions of a plain APIGroupList.
pub(super) fn parse_group_versions(list: &Json) -> Vec<String> {
    let groups = list["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
    let versions = groups.iter().filter_map(|group| group["versions"].as_array()).flatten();
    versions.filter_map(|version| version["groupVersion"].as_str()).map(str::to_owned).collect()
}

/// What templates see of a server.
pub(super) fn capabilities(kube_version: String, kinds: &[ResourceKind]) -> Capabilities {
    let mut api_versions = BTreeSet::new();
    for kind in kinds {
        let api_version = kind.api_version();
        api_versions.insert(format!("{api_version}/{}", kind.kind));
        api_versions.insert(api_version);
    }
    Capabilities { kube_version, api_versions: api_versions.into_iter().collect() }
}

fn texts(list: &Json) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn built_in_kinds_need_no_question() {
        let cases = [
            ("v1", "Endpoints", "/api/v1/namespaces/ns/endpoints/n"),
            (
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies/n",
            ),
            ("networking.k8s.io/v1", "Ingress", "/apis/networking.k8s.io/v1/namespaces/ns/ingresses/n"),
            ("storage.k8s.io/v1", "StorageClass", "/apis/storage.k8s.io/v1/storageclasses/n"),
        ];
        for (api_version, kind, path) in cases {
            let kind = ResourceKind::builtin(api_version, kind).expect("a built-in kind");
            assert_eq!(kind.path(Some("ns"), "n"), path);
        }
        assert_eq!(ResourceKind::builtin("monitoring.coreos.com/v1", "ServiceMonitor"), None);
    }

    #[test]
    fn both_forms_of_discovery_say_the_same() {
        let plain = json!({"kind": "APIResourceList", "resources": [
            {"name": "widgets", "kind": "Widget", "namespaced": true, "verbs": ["get", "list"]},
            {"name": "widgets/status", "kind": "Widget", "namespaced": true, "verbs": ["get"]},
        ]});
        let aggregated = json!({"kind": "APIGroupDiscoveryList", "items": [
            {"metadata": {"name": "acme.io"}, "versions": [{"version": "v1", "resources": [
                {"resource": "widgets", "responseKind": {"kind": "Widget"}, "scope": "Namespaced",
                 "verbs": ["get", "list"]},
            ]}]},
        ]});
        let kinds = parse_resource_list("acme.io/v1", &plain);
        assert_eq!(parse_aggregated(&aggregated).as_deref(), Some(kinds.as_slice()));
        assert_eq!(parse_aggregated(&plain), None);
        let seen = capabilities("v1.33.4-gke.1".into(), &kinds);
        assert_eq!(seen.api_versions, ["acme.io/v1", "acme.io/v1/Widget"]);
    }
}
