//! The API as pods reach it: the Service `kubernetes` leads to a listener on the pods' gateway.

use serde_json::json;
use tokio::net::TcpListener;

use super::NodeError;
use super::network::GATEWAY;
use crate::store::{Status, Store, kinds};

const PORT: u16 = 6443;

/// Listens where the Service `kubernetes` leads, and says so in its endpoints.
pub(crate) async fn listen_for_pods(store: &Store) -> Result<TcpListener, NodeError> {
    let listener = TcpListener::bind((GATEWAY, PORT)).await.map_err(|source| NodeError::Serve {
        what: "the Kubernetes API",
        address: format!("{GATEWAY}:{PORT}"),
        source,
    })?;
    publish(&store.acting_as("kube-apiserver")).map_err(|refusal| {
        NodeError::Configuration(format!("the endpoints of the Kubernetes API were refused: {refusal}"))
    })?;
    Ok(listener)
}

fn publish(store: &Store) -> Result<(), Status> {
    let ports = json!([{"name": "https", "port": PORT, "protocol": "TCP"}]);
    let endpoints = json!({"metadata": {"name": "kubernetes", "namespace": "default",
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": GATEWAY}], "ports": ports}]});
    store.create(&kinds::ENDPOINTS, endpoints)?;
    let slice = json!({"metadata": {"name": "kubernetes", "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv4", "ports": ports,
        "endpoints": [{"addresses": [GATEWAY], "conditions": {"ready": true}}]});
    store.create(&kinds::ENDPOINT_SLICE, slice)?;
    Ok(())
}
