//! The columns of each kind.

use crate::store::Kind;

/// A column of a table.
#[derive(Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) column_type: &'static str,
    /// Only `-o wide` shows it.
    pub(super) is_wide: bool,
}

/// The columns of a kind, in order.
pub(super) fn columns(kind: &Kind) -> Vec<Column> {
    let own = kind.columns.iter().map(|column| Column {
        name: column.name,
        column_type: column.column_type,
        is_wide: column.is_wide,
    });
    let own: Vec<_> = own.collect();
    let mut all: Vec<_> = line(kind).split(", ").map(parse_column).collect();
    if !own.is_empty() {
        all.splice(1.., own);
    }
    all
}

/// `+` marks a wide column, `#` an integer, `@` a date.
fn line(kind: &Kind) -> &'static str {
    match kind.kind {
        "Pod" => "Name, Ready, Status, Restarts, Age, +IP, +Node, +Nominated Node, +Readiness Gates",
        "Service" => "Name, Type, Cluster-IP, External-IP, Port(s), Age, +Selector",
        "StatefulSet" => "Name, Ready, Age, +Containers, +Images",
        "Deployment" => "Name, Ready, Up-to-date, Available, Age, +Containers, +Images, +Selector",
        "ReplicaSet" | "ReplicationController" => {
            "Name, #Desired, #Current, #Ready, Age, +Containers, +Images, +Selector"
        }
        "DaemonSet" => {
            "Name, #Desired, #Current, #Ready, #Up-to-date, #Available, Node Selector, Age, +Containers, +Images, +Selector"
        }
        "Job" => "Name, Status, Completions, Duration, Age, +Containers, +Images, +Selector",
        "CronJob" => {
            "Name, Schedule, Timezone, Suspend, #Active, Last Schedule, Age, +Containers, +Images, +Selector"
        }
        "ControllerRevision" => "Name, Controller, #Revision, Age",
        "HorizontalPodAutoscaler" => "Name, Reference, Targets, MinPods, MaxPods, #Replicas, Age",
        "Ingress" => "Name, Class, Hosts, Address, Ports, Age",
        "IngressClass" => "Name, Controller, Parameters, Age",
        "Lease" => "Name, Holder, Age",
        "NetworkPolicy" => "Name, Pod-Selector, Age",
        "PriorityClass" => "Name, Value, Global-Default, Age, PreemptionPolicy",
        "ServiceAccount" => "Name, Secrets, Age",
        "StorageClass" => "Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age",
        "LimitRange" | "CustomResourceDefinition" => "Name, @Created At",
        "Node" => {
            "Name, Status, Roles, Age, Version, +Internal-IP, +External-IP, +OS-Image, +Kernel-Version, +Container-Runtime"
        }
        "Secret" => "Name, Type, Data, Age",
        "ConfigMap" => "Name, Data, Age",
        "Namespace" => "Name, Status, Age",
        "PersistentVolumeClaim" => {
            "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, +VolumeMode"
        }
        "PersistentVolume" => {
            "Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, Age"
        }
        "PodDisruptionBudget" => "Name, Min Available, Max Unavailable, #Allowed Disruptions, Age",
        "Event" => {
            "Last Seen, Type, Reason, Object, +Subobject, +Source, Message, +First Seen, +Count, +Name"
        }
        "Endpoints" => "Name, Endpoints, Age",
        "EndpointSlice" => "Name, AddressType, Ports, Endpoints, Age",
        "Role" | "ClusterRole" => "Name, @Created At",
        "RoleBinding" | "ClusterRoleBinding" => "Name, Role, Age, +Users, +Groups, +ServiceAccounts",
        _ => "Name, Age",
    }
}

fn parse_column(text: &'static str) -> Column {
    let (name, is_wide) = text.strip_prefix('+').map_or((text, false), |name| (name, true));
    let (name, column_type) = match name.split_at(1) {
        ("#", name) => (name, "integer"),
        ("@", name) => (name, "date"),
        _ => (name, "string"),
    };
    Column { name, column_type, is_wide }
}
