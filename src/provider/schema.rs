//! The provider block: its schema, and the same shape as Rust types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tfplugin_sdk::Attr;
use tfplugin_sdk::schema::{Attribute, Schema};
use tfplugin_sdk::value::Type;

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ProviderConfig {
    pub google: Attr<Google>,
    pub kubernetes: Attr<Kubernetes>,
    pub connection: Attr<Connection>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Google {
    pub project: Attr<String>,
    pub location: Attr<String>,
    pub credentials: Attr<String>,
    pub access_token: Attr<String>,
    pub impersonate_service_account: Attr<String>,
    pub container_endpoint: Attr<String>,
    pub compute_endpoint: Attr<String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Kubernetes {
    pub config_path: Attr<String>,
    pub config_context: Attr<String>,
    pub host: Attr<String>,
    pub token: Attr<String>,
    pub cluster_ca_certificate: Attr<String>,
    pub client_certificate: Attr<String>,
    pub client_key: Attr<String>,
    pub exec: Attr<Exec>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Exec {
    pub api_version: Attr<String>,
    pub command: Attr<String>,
    pub args: Attr<Vec<Attr<String>>>,
    pub env: Attr<BTreeMap<String, Attr<String>>>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Connection {
    pub mode: Attr<String>,
    pub timeout: Attr<String>,
}

impl ProviderConfig {
    /// Whether anything of the block is known only after another resource is applied.
    pub fn has_unknown(&self) -> bool {
        let value = tfplugin_sdk::value::to_value(self, &provider_schema().implied_type());
        value.is_ok_and(|value| !value.unknown_paths().is_empty())
    }
}

pub fn provider_schema() -> Schema {
    Schema::new(
        "Highly available Redis on GKE. Everything in the provider block is optional: Google credentials are \
         the Application Default Credentials or the `GOOGLE_*` variables, a cluster that is not reached through \
         GKE is that of the `KUBE_*` variables.",
        [("google", google()), ("kubernetes", kubernetes()), ("connection", connection())],
    )
}

fn optional(description: &str) -> Attribute {
    Attribute::string(description).optional()
}

fn google() -> Attribute {
    Attribute::single(
        "How Google Cloud is reached.",
        [
            ("project", optional("Project of resources that name none; `GOOGLE_PROJECT`.")),
            (
                "location",
                optional("Region or zone of resources that name none; `GOOGLE_REGION`, `GOOGLE_ZONE`."),
            ),
            (
                "credentials",
                optional("Service account key: its path or its JSON; `GOOGLE_CREDENTIALS`.").sensitive(),
            ),
            ("access_token", optional("OAuth 2.0 access token; `GOOGLE_OAUTH_ACCESS_TOKEN`.").sensitive()),
            (
                "impersonate_service_account",
                optional("Service account to act as; `GOOGLE_IMPERSONATE_SERVICE_ACCOUNT`."),
            ),
            (
                "container_endpoint",
                optional(
                    "Address of the GKE API, with or without `/v1/`; `GOOGLE_CONTAINER_CUSTOM_ENDPOINT`.",
                ),
            ),
            (
                "compute_endpoint",
                optional(
                    "Address of the Compute API, with or without `/v1/`; `GOOGLE_COMPUTE_CUSTOM_ENDPOINT`.",
                ),
            ),
        ],
    )
    .optional()
}

fn kubernetes() -> Attribute {
    Attribute::single(
        "How a cluster is reached that is not reached through GKE. It beats the resource's `gke` block.",
        [
            ("config_path", optional("Path of a kubeconfig; `KUBE_CONFIG_PATH`.")),
            ("config_context", optional("Context in it; `KUBE_CTX`.")),
            ("host", optional("Address of the API server; `KUBE_HOST`.")),
            ("token", optional("Bearer token; `KUBE_TOKEN`.").sensitive()),
            ("cluster_ca_certificate", optional("The server's CA in PEM; `KUBE_CLUSTER_CA_CERT_DATA`.")),
            ("client_certificate", optional("Client certificate in PEM; `KUBE_CLIENT_CERT_DATA`.")),
            (
                "client_key",
                optional("Key of the client certificate in PEM; `KUBE_CLIENT_KEY_DATA`.").sensitive(),
            ),
            ("exec", exec()),
        ],
    )
    .optional()
}

fn exec() -> Attribute {
    Attribute::single(
        "A command that prints credentials, such as `gke-gcloud-auth-plugin`.",
        [
            ("api_version", Attribute::string("Version of `client.authentication.k8s.io`.").required()),
            ("command", Attribute::string("The command.").required()),
            ("args", Attribute::list(Type::String, "Its arguments.").optional()),
            ("env", Attribute::map(Type::String, "Its environment.").optional()),
        ],
    )
    .optional()
}

fn connection() -> Attribute {
    Attribute::single(
        "How servers and sentinels are reached.",
        [
            (
                "mode",
                optional("`port_forward`: through the Kubernetes API. `direct`: the pods' own addresses.")
                    .default("`port_forward`"),
            ),
            ("timeout", optional("How long one pod may take to answer.").default("`10s`")),
        ],
    )
    .optional()
}
