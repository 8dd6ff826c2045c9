//! The provider: its block of configuration in, the clients that resources work with out.
//!
//! Configuring contacts nothing: addresses and credentials are only put in place. Deliberately
//! absent: everything that a resource does.

pub mod schema;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tfplugin_sdk::resource::ErasedResource;
use tfplugin_sdk::{
    Attr, Configured, Context, Diagnostic, Diagnostics, ErasedDataSource, ErasedList, Provider, Schema,
    async_trait, erase, erase_data_source, erase_list, path,
};
use tokio::sync::Mutex;

use crate::cluster::{
    Charts, Clients, Connection, RedisHaCluster, RedisHaClusterData, RedisHaClusterList, RedisHaClusters,
    parse_duration,
};
use crate::gke::{Gke, GkeSettings, Secret};
use crate::kubernetes::{ExecSettings, Kubernetes, KubernetesSettings, Mode, Password};
use schema::{Google, ProviderConfig, provider_schema};

const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// The provider `redis`.
pub struct RedisProvider;

#[async_trait]
impl Provider for RedisProvider {
    type Config = ProviderConfig;
    type Clients = Clients;

    fn schema(&self) -> Schema {
        provider_schema()
    }

    fn validate(&self, config: ProviderConfig) -> Diagnostics {
        match connection(&config) {
            Ok(_) => Diagnostics::none(),
            Err(diagnostics) => diagnostics,
        }
    }

    async fn configure(&self, _: &Context, config: ProviderConfig) -> Configured<Clients> {
        if config.has_unknown() {
            return Configured::unknown();
        }
        let lookup = |name: &str| std::env::var(name).ok();
        match clients(&config, &lookup) {
            Ok(clients) => Configured::ready(clients),
            Err(diagnostics) => Configured::failed(diagnostics),
        }
    }

    fn resources(&self) -> Vec<Box<dyn ErasedResource<Clients>>> {
        vec![erase(RedisHaCluster)]
    }

    fn data_sources(&self) -> Vec<Box<dyn ErasedDataSource<Clients>>> {
        vec![erase_data_source(RedisHaClusterData), erase_data_source(RedisHaClusters)]
    }

    fn lists(&self) -> Vec<Box<dyn ErasedList<Clients>>> {
        vec![erase_list(RedisHaClusterList)]
    }
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

fn clients(config: &ProviderConfig, lookup: Lookup<'_>) -> Result<Clients, Diagnostics> {
    let google = config.google.known().map(google).unwrap_or_default().with_environment(lookup);
    let said = config.kubernetes.known().map(kubernetes).unwrap_or_default();
    let explicit =
        (!said.is_empty()).then(|| Kubernetes::from_settings(said.with_environment(lookup), lookup));
    let from_environment = KubernetesSettings::default().with_environment(lookup);
    let environment =
        (!from_environment.is_empty()).then(|| Kubernetes::from_settings(from_environment, lookup));
    Ok(Clients {
        project: google.project.clone(),
        location: google.location.clone(),
        gke: Gke::new(google),
        explicit,
        environment,
        connection: connection(config)?,
        charts: Charts::from_environment(lookup),
        through_gke: Mutex::new(HashMap::new()),
    })
}

fn connection(config: &ProviderConfig) -> Result<Connection, Diagnostics> {
    let said = config.connection.known().cloned().unwrap_or_default();
    let mode = match said.mode.as_str() {
        None | Some("port_forward") => Mode::PortForward,
        Some("direct") => Mode::Direct,
        Some(seen) => {
            let detail = format!("It is `{seen}`. Wanted: port_forward or direct.");
            let at = path!["connection", "mode"];
            return Err(Diagnostic::error("Wrong value of connection.mode", detail).at(at).into());
        }
    };
    let timeout = match said.timeout.as_str() {
        None => TIMEOUT_DEFAULT,
        Some(text) => parse_duration(text).filter(|timeout| !timeout.is_zero()).ok_or_else(|| {
            let detail = format!("It is `{text}`. Wanted: a duration such as 10s.");
            Diagnostic::error("Wrong value of connection.timeout", detail).at(path!["connection", "timeout"])
        })?,
    };
    Ok(Connection { mode, timeout })
}

fn text(attribute: &Attr<String>) -> Option<String> {
    attribute.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn google(said: &Google) -> GkeSettings {
    GkeSettings {
        project: text(&said.project),
        location: text(&said.location),
        credentials: text(&said.credentials).map(Secret::new),
        access_token: text(&said.access_token).map(Secret::new),
        impersonate_service_account: text(&said.impersonate_service_account),
        container_endpoint: text(&said.container_endpoint),
        compute_endpoint: text(&said.compute_endpoint),
    }
}

fn kubernetes(said: &schema::Kubernetes) -> KubernetesSettings {
    KubernetesSettings {
        config_path: text(&said.config_path),
        config_context: text(&said.config_context),
        host: text(&said.host),
        token: text(&said.token).map(Password::new),
        cluster_ca_certificate: text(&said.cluster_ca_certificate),
        client_certificate: text(&said.client_certificate),
        client_key: text(&said.client_key).map(Password::new),
        exec: said.exec.known().map(exec),
        ..KubernetesSettings::default()
    }
}

fn exec(said: &schema::Exec) -> ExecSettings {
    let pairs = said.env.known().into_iter().flatten();
    let env: BTreeMap<_, _> = pairs.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect();
    ExecSettings {
        api_version: text(&said.api_version).unwrap_or_default(),
        command: text(&said.command).unwrap_or_default(),
        args: said.args.known().into_iter().flatten().filter_map(text).collect(),
        env,
    }
}
