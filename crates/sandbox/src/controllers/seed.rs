//! What a GKE cluster has from its first day: the storage classes.

use serde_json::{Value, json};

use crate::store::{Status, Store, kinds};

/// Creates what is not there yet.
pub(super) fn create_missing(store: &Store) -> Result<(), Status> {
    for class in storage_classes() {
        match store.create(&kinds::STORAGE_CLASS, class) {
            Err(refused) if refused.reason != "AlreadyExists" => return Err(refused),
            _ => {}
        }
    }
    Ok(())
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
