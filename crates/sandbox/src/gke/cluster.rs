//! The cluster as the Container API shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Gke;
use crate::controllers::digest::letters_of;

impl Gke {
    pub(super) fn render_cluster(&self) -> Value {
        let settings = self.settings();
        let place = format!("projects/{}/locations/{}", settings.project, settings.location);
        let state = self.state();
        let pools: Vec<Value> = state.pools.values().map(|pool| pool.render(settings)).collect();
        let is_busy = state.operations.iter().any(|operation| !operation.is_done());
        let nodes: usize =
            state.pools.values().flat_map(|pool| &pool.groups).map(|group| group.instances.len()).sum();
        let urls: Vec<Value> = pools
            .iter()
            .flat_map(|pool| pool["instanceGroupUrls"].as_array().cloned().unwrap_or_default())
            .collect();
        let network = format!("projects/{}/global/networks/default", settings.project);
        json!({
            "name": settings.cluster,
            "id": letters_of(&place, 32),
            "description": "",
            "selfLink": format!("https://container.googleapis.com/v1/{place}/clusters/{}", settings.cluster),
            "location": settings.location,
            "zone": settings.location,
            "locations": settings.zones,
            "status": if is_busy { "RECONCILING" } else { "RUNNING" },
            "endpoint": settings.kubernetes_endpoint,
            "masterAuth": {"clusterCaCertificate": STANDARD.encode(&settings.cluster_ca_pem)},
            "currentMasterVersion": settings.version,
            "currentNodeVersion": settings.version,
            "initialClusterVersion": settings.version,
            "currentNodeCount": nodes,
            "createTime": self.shared.started.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
            "network": "default",
            "subnetwork": "default",
            "networkConfig": {"network": network,
                "subnetwork": format!("projects/{}/regions/{}/subnetworks/default",
                    settings.project, settings.region())},
            "clusterIpv4Cidr": "10.244.0.0/16",
            "servicesIpv4Cidr": "10.96.0.0/12",
            "ipAllocationPolicy": {"useIpAliases": true, "clusterIpv4CidrBlock": "10.244.0.0/16",
                "servicesIpv4CidrBlock": "10.96.0.0/12", "stackType": "IPV4"},
            "loggingService": "logging.googleapis.com/kubernetes",
            "monitoringService": "monitoring.googleapis.com/kubernetes",
            "releaseChannel": {"channel": "REGULAR"},
            "workloadIdentityConfig": {"workloadPool": format!("{}.svc.id.goog", settings.project)},
            "addonsConfig": {"gcePersistentDiskCsiDriverConfig": {"enabled": true}},
            "autopilot": {},
            "resourceLabels": {},
            "nodePools": pools,
            "instanceGroupUrls": urls,
        })
    }

    pub(super) fn render_server_config(&self) -> Value {
        let version = &self.settings().version;
        json!({
            "defaultClusterVersion": version,
            "validMasterVersions": [version],
            "validNodeVersions": [version],
            "defaultImageType": "COS_CONTAINERD",
            "validImageTypes": ["COS_CONTAINERD", "UBUNTU_CONTAINERD"],
            "channels": [{"channel": "REGULAR", "defaultVersion": version, "validVersions": [version]}],
        })
    }
}
