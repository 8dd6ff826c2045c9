//! What a GKE cluster has from its first day: the storage classes, and the roles that users are given.

use serde_json::{Value, json};

use crate::store::{Status, Store, kinds};

/// Creates what is not there yet.
pub(super) fn create_missing(store: &Store) -> Result<(), Status> {
    let classes = storage_classes().map(|class| (&kinds::STORAGE_CLASS, class));
    let roles = cluster_roles().map(|role| (&kinds::CLUSTER_ROLE, role));
    let binding = (&kinds::CLUSTER_ROLE_BINDING, administrators());
    for (kind, object) in classes.into_iter().chain(roles).chain([binding]) {
        match store.create(kind, object) {
            Err(refused) if refused.reason != "AlreadyExists" => return Err(refused),
            _ => {}
        }
    }
    Ok(())
}

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Kubernetes' own roles for users, by what they come to here.
fn cluster_roles() -> [Value; 4] {
    let role = |name: &str, rules: Value| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "rules": rules})
    };
    let core = [
        "configmaps",
        "endpoints",
        "events",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "replicationcontrollers",
        "serviceaccounts",
        "services",
    ];
    let secret =
        ["pods/attach", "pods/eviction", "pods/exec", "pods/portforward", "secrets", "serviceaccounts/token"];
    let groups = ["apps", "autoscaling", "batch", "discovery.k8s.io", "networking.k8s.io", "policy"];
    let view = json!([{"apiGroups": [""], "resources": core, "verbs": READ},
        {"apiGroups": groups, "resources": ["*"], "verbs": READ},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": READ}]);
    let edit = json!([{"apiGroups": [""], "resources": core, "verbs": WRITE},
        {"apiGroups": [""], "resources": secret, "verbs": WRITE},
        {"apiGroups": groups, "resources": ["*"], "verbs": WRITE},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": READ}]);
    let mut admin = edit.clone();
    if let Some(rules) = admin.as_array_mut() {
        rules.push(json!({"apiGroups": ["rbac.authorization.k8s.io"], "verbs": WRITE,
            "resources": ["rolebindings", "roles"]}));
    }
    let everything = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]}]);
    [role("admin", admin), role("cluster-admin", everything), role("edit", edit), role("view", view)]
}

fn administrators() -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "cluster-admin", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
        "subjects": [{"kind": "Group", "name": "system:masters"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}})
}

fn storage_classes() -> [Value; 3] {
    let class = |name: &str, disk: &str, mode: &str, is_default: bool| {
        let mut class = json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": name,
                "labels": {"addonmanager.kubernetes.io/mode": "EnsureExists", "k8s-app": "gcp-compute-persistent-disk-csi-driver"},
                "annotations": {"components.gke.io/component-name": "pdcsi"},
            },
            "provisioner": "pd.csi.storage.gke.io",
            "parameters": {"type": disk},
            "reclaimPolicy": "Delete",
            "allowVolumeExpansion": true,
            "volumeBindingMode": mode,
        });
        if is_default {
            class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] = json!("true");
        }
        class
    };
    [
        class("standard-rwo", "pd-balanced", "WaitForFirstConsumer", true),
        class("premium-rwo", "pd-ssd", "WaitForFirstConsumer", false),
        class("standard", "pd-standard", "Immediate", false),
    ]
}
