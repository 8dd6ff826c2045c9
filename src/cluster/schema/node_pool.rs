//! The part of the schema that is about GKE.

use tfplugin_sdk::schema::Attribute;
use tfplugin_sdk::value::Type;

use super::settable;

pub(super) fn gke() -> Attribute {
    settable(Attribute::single(
        "The GKE cluster to install into. When left out, the cluster of the provider's `kubernetes` block or \
         of the `KUBE_*` variables.",
        [
            (
                "project",
                settable(Attribute::string("Google Cloud project.")).default("the provider's").replaces(),
            ),
            (
                "location",
                settable(Attribute::string("Region or zone of the cluster."))
                    .default("the provider's")
                    .replaces(),
            ),
            ("cluster", settable(Attribute::string("Name of the GKE cluster.")).replaces()),
            ("node_pool", node_pool()),
        ],
    ))
}

fn node_pool() -> Attribute {
    settable(Attribute::single(
        "A node pool of its own for the servers. When left out, they run on the cluster's own nodes.",
        [
            (
                "name",
                settable(Attribute::string(
                    "Name of the pool. A change makes a new pool, moves the pods one by one and deletes the old \
                     pool.",
                )),
            ),
            ("machine_type", settable(Attribute::string("Machine type of the nodes."))),
            ("node_count", settable(Attribute::number("Nodes in each zone."))),
            ("disk_size_gb", settable(Attribute::number("Size of each boot disk, in GB."))),
            (
                "disk_type",
                settable(Attribute::string(
                    "Type of the boot disks: `pd-standard`, `pd-balanced`, `pd-ssd`.",
                )),
            ),
            ("labels", settable(Attribute::map(Type::String, "Kubernetes labels of the nodes."))),
            ("taints", taints()),
            ("node_locations", settable(Attribute::list(Type::String, "Zones of the nodes."))),
        ],
    ))
}

fn taints() -> Attribute {
    settable(Attribute::nested_list(
        "Taints of the nodes. The servers tolerate them.",
        [
            ("key", Attribute::string("Key of the taint.").required()),
            ("value", settable(Attribute::string("Value of the taint."))),
            ("effect", Attribute::string("`NO_SCHEDULE`, `PREFER_NO_SCHEDULE` or `NO_EXECUTE`.").required()),
        ],
    ))
}
