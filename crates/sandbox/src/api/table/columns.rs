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
    line(kind).split(", ").map(parse_column).collect()
}

/// `+` marks a wide column, `#` an integer, `@` a date.
fn line(kind: &Kind) -> &'static str {
    match kind.kind {
        "Pod" => "Name, Ready, Status, Restarts, Age, +IP, +Node, +Nominated Node, +Readiness Gates",
        "Service" => "Name, Type, Cluster-IP, External-IP, Port(s), Age, +Selector",
        "StatefulSet" => "Name, Ready, Age, +Containers, +Images",
        "Deployment" => "Name, Ready, Up-to-date, Available, Age, +Containers, +Images, +Selector",
        "ReplicaSet" => "Name, #Desired, #Current, #Ready, Age",
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
        "RoleBinding" | "ClusterRoleBinding" => "Name, Role, Age",
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
