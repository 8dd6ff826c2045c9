//! The registry of the kinds that the sandbox serves, one line each. Discovery, routing and the store all read it.

/// What a kind is called and where it lives. Compared by group and plural.
#[derive(Debug)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub namespaced: bool,
    /// Subresources that read and write the object itself; `status` and `scale` are known.
    pub subresources: &'static [&'static str],
    /// Whether kubectl counts it under `all`.
    pub in_category_all: bool,
    /// Whether a CustomResourceDefinition added it.
    pub is_custom: bool,
    /// The columns that a definition asks for; the others' are the table's.
    pub columns: &'static [Column],
    /// The structural schema of a custom kind.
    pub structure: Option<&'static serde_json::Value>,
}

/// A column of a custom kind's table.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub column_type: &'static str,
    /// `.spec.size`, as kubectl's JSON paths begin.
    pub path: &'static str,
    pub is_wide: bool,
}

impl Kind {
    /// `v1` or `apps/v1`, as in apiVersion.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `/api/v1` or `/apis/apps/v1`.
    pub fn api_path(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }

    pub fn has_subresource(&self, name: &str) -> bool {
        self.subresources.contains(&name)
    }

    /// The name that Kubernetes puts in details of an error about a resource: `statefulsets.apps`.
    pub fn qualified_plural(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The name that Kubernetes puts in a validation error: `StatefulSet.apps`.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        (self.group, self.plural) == (other.group, other.plural)
    }
}

impl Eq for Kind {}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.group, self.plural).cmp(&(other.group, other.plural))
    }
}

impl std::hash::Hash for Kind {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.group, self.plural).hash(state);
    }
}

macro_rules! kinds {
    ($($name:ident = $group:literal $version:literal $kind:literal $plural:literal $singular:literal
        [$($short:literal)*] $namespaced:literal [$($sub:literal)*] $all:literal;)*) => {
        $(
            pub static $name: Kind = Kind {
                group: $group,
                version: $version,
                kind: $kind,
                plural: $plural,
                singular: $singular,
                short_names: &[$($short),*],
                namespaced: $namespaced,
                subresources: &[$($sub),*],
                in_category_all: $all,
                is_custom: false,
                columns: &[],
                structure: None,
            };
        )*
        /// Every kind, in the order of discovery.
        pub static ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    CONFIG_MAP = "" "v1" "ConfigMap" "configmaps" "configmap" ["cm"] true [] false;
    ENDPOINTS = "" "v1" "Endpoints" "endpoints" "endpoints" ["ep"] true [] false;
    EVENT = "" "v1" "Event" "events" "event" ["ev"] true [] false;
    LIMIT_RANGE = "" "v1" "LimitRange" "limitranges" "limitrange" ["limits"] true [] false;
    NAMESPACE = "" "v1" "Namespace" "namespaces" "namespace" ["ns"] false ["status"] false;
    NODE = "" "v1" "Node" "nodes" "node" ["no"] false ["status"] false;
    PERSISTENT_VOLUME_CLAIM = "" "v1" "PersistentVolumeClaim" "persistentvolumeclaims" "persistentvolumeclaim" ["pvc"] true ["status"] false;
    PERSISTENT_VOLUME = "" "v1" "PersistentVolume" "persistentvolumes" "persistentvolume" ["pv"] false ["status"] false;
    POD = "" "v1" "Pod" "pods" "pod" ["po"] true ["status"] true;
    REPLICATION_CONTROLLER = "" "v1" "ReplicationController" "replicationcontrollers" "replicationcontroller" ["rc"] true ["status" "scale"] true;
    RESOURCE_QUOTA = "" "v1" "ResourceQuota" "resourcequotas" "resourcequota" ["quota"] true ["status"] false;
    SECRET = "" "v1" "Secret" "secrets" "secret" [] true [] false;
    SERVICE_ACCOUNT = "" "v1" "ServiceAccount" "serviceaccounts" "serviceaccount" ["sa"] true [] false;
    SERVICE = "" "v1" "Service" "services" "service" ["svc"] true ["status"] true;
    CUSTOM_RESOURCE_DEFINITION = "apiextensions.k8s.io" "v1" "CustomResourceDefinition" "customresourcedefinitions" "customresourcedefinition" ["crd" "crds"] false ["status"] false;
    CONTROLLER_REVISION = "apps" "v1" "ControllerRevision" "controllerrevisions" "controllerrevision" [] true [] false;
    DAEMON_SET = "apps" "v1" "DaemonSet" "daemonsets" "daemonset" ["ds"] true ["status"] true;
    DEPLOYMENT = "apps" "v1" "Deployment" "deployments" "deployment" ["deploy"] true ["status" "scale"] true;
    REPLICA_SET = "apps" "v1" "ReplicaSet" "replicasets" "replicaset" ["rs"] true ["status" "scale"] true;
    STATEFUL_SET = "apps" "v1" "StatefulSet" "statefulsets" "statefulset" ["sts"] true ["status" "scale"] true;
    HORIZONTAL_POD_AUTOSCALER = "autoscaling" "v2" "HorizontalPodAutoscaler" "horizontalpodautoscalers" "horizontalpodautoscaler" ["hpa"] true ["status"] true;
    CRON_JOB = "batch" "v1" "CronJob" "cronjobs" "cronjob" ["cj"] true ["status"] true;
    JOB = "batch" "v1" "Job" "jobs" "job" [] true ["status"] true;
    LEASE = "coordination.k8s.io" "v1" "Lease" "leases" "lease" [] true [] false;
    ENDPOINT_SLICE = "discovery.k8s.io" "v1" "EndpointSlice" "endpointslices" "endpointslice" [] true [] false;
    INGRESS_CLASS = "networking.k8s.io" "v1" "IngressClass" "ingressclasses" "ingressclass" [] false [] false;
    INGRESS = "networking.k8s.io" "v1" "Ingress" "ingresses" "ingress" ["ing"] true ["status"] false;
    NETWORK_POLICY = "networking.k8s.io" "v1" "NetworkPolicy" "networkpolicies" "networkpolicy" ["netpol"] true [] false;
    POD_DISRUPTION_BUDGET = "policy" "v1" "PodDisruptionBudget" "poddisruptionbudgets" "poddisruptionbudget" ["pdb"] true ["status"] false;
    CLUSTER_ROLE_BINDING = "rbac.authorization.k8s.io" "v1" "ClusterRoleBinding" "clusterrolebindings" "clusterrolebinding" [] false [] false;
    CLUSTER_ROLE = "rbac.authorization.k8s.io" "v1" "ClusterRole" "clusterroles" "clusterrole" [] false [] false;
    ROLE_BINDING = "rbac.authorization.k8s.io" "v1" "RoleBinding" "rolebindings" "rolebinding" [] true [] false;
    ROLE = "rbac.authorization.k8s.io" "v1" "Role" "roles" "role" [] true [] false;
    PRIORITY_CLASS = "scheduling.k8s.io" "v1" "PriorityClass" "priorityclasses" "priorityclass" ["pc"] false [] false;
    STORAGE_CLASS = "storage.k8s.io" "v1" "StorageClass" "storageclasses" "storageclass" ["sc"] false [] false;
}
