//! The order in which kinds are installed and uninstalled.

/// Helm's order of installation; what is not listed comes last, by name.
const INSTALL_ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// A sort key: kinds with a smaller one are installed earlier.
pub fn install_rank(kind: &str) -> (usize, String) {
    match INSTALL_ORDER.iter().position(|known| *known == kind) {
        Some(position) => (position, String::new()),
        None => (INSTALL_ORDER.len(), kind.to_owned()),
    }
}

/// A sort key: kinds with a smaller one are uninstalled earlier. Known kinds go in the reverse of
/// their installation, unknown ones last.
pub fn uninstall_rank(kind: &str) -> (usize, String) {
    // A Service goes right after what routes to it, so that nothing reaches pods that are leaving.
    let is_service = kind == "Service";
    let (position, name) = install_rank(if is_service { "IngressClass" } else { kind });
    if position == INSTALL_ORDER.len() {
        return (2 * position, name);
    }
    (2 * (INSTALL_ORDER.len() - 1 - position) + usize::from(is_service), name)
}

#[cfg(test)]
mod tests {
    use super::{install_rank, uninstall_rank};

    #[test]
    fn what_others_need_comes_first_and_leaves_last() {
        let mut kinds = ["StatefulSet", "Custom", "Service", "ConfigMap", "ServiceAccount", "Job", "Ingress"];
        kinds.sort_by_cached_key(|kind| install_rank(kind));
        let expected = ["ServiceAccount", "ConfigMap", "Service", "StatefulSet", "Job", "Ingress", "Custom"];
        assert_eq!(kinds, expected);
        kinds.sort_by_cached_key(|kind| uninstall_rank(kind));
        let expected = ["Ingress", "Service", "Job", "StatefulSet", "ConfigMap", "ServiceAccount", "Custom"];
        assert_eq!(kinds, expected);
    }
}
