//! Which of the built-in kinds live in namespaces, so that an ordinary release needs no
//! discovery to address its objects.

/// Where the objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// Cluster-scoped kinds of Kubernetes itself, as `group/Kind`.
const CLUSTER_SCOPED: &[&str] = &[
    "/Namespace",
    "/Node",
    "/PersistentVolume",
    "admissionregistration.k8s.io/MutatingAdmissionPolicy",
    "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/MutatingWebhookConfiguration",
    "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
    "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/CustomResourceDefinition",
    "apiregistration.k8s.io/APIService",
    "certificates.k8s.io/CertificateSigningRequest",
    "flowcontrol.apiserver.k8s.io/FlowSchema",
    "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
    "networking.k8s.io/IngressClass",
    "node.k8s.io/RuntimeClass",
    "policy/PodSecurityPolicy",
    "rbac.authorization.k8s.io/ClusterRole",
    "rbac.authorization.k8s.io/ClusterRoleBinding",
    "scheduling.k8s.io/PriorityClass",
    "storage.k8s.io/CSIDriver",
    "storage.k8s.io/CSINode",
    "storage.k8s.io/StorageClass",
    "storage.k8s.io/VolumeAttachment",
];

/// Namespaced kinds of Kubernetes itself, as `group/Kind`.
const NAMESPACED: &[&str] = &[
    "/ConfigMap",
    "/Endpoints",
    "/Event",
    "/LimitRange",
    "/PersistentVolumeClaim",
    "/Pod",
    "/PodTemplate",
    "/ReplicationController",
    "/ResourceQuota",
    "/Secret",
    "/Service",
    "/ServiceAccount",
    "apps/ControllerRevision",
    "apps/DaemonSet",
    "apps/Deployment",
    "apps/ReplicaSet",
    "apps/StatefulSet",
    "autoscaling/HorizontalPodAutoscaler",
    "batch/CronJob",
    "batch/Job",
    "coordination.k8s.io/Lease",
    "discovery.k8s.io/EndpointSlice",
    "events.k8s.io/Event",
    "networking.k8s.io/Ingress",
    "networking.k8s.io/NetworkPolicy",
    "policy/PodDisruptionBudget",
    "rbac.authorization.k8s.io/Role",
    "rbac.authorization.k8s.io/RoleBinding",
    "storage.k8s.io/CSIStorageCapacity",
];

/// The scope of a kind of Kubernetes itself, `None` for a custom resource.
pub fn builtin_scope(api_version: &str, kind: &str) -> Option<Scope> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let is_listed = |list: &[&str]| list.iter().any(|entry| entry.rsplit_once('/') == Some((group, kind)));
    if is_listed(CLUSTER_SCOPED) {
        Some(Scope::Cluster)
    } else if is_listed(NAMESPACED) {
        Some(Scope::Namespaced)
    } else {
        None
    }
}
