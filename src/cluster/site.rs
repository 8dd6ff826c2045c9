//! One cluster with everything that is needed to look at it and to work on it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::clients::{Clients, Connection};
use super::drift::declared;
use super::error::Error;
use super::tls;
use crate::chart::{Effective, Names, Ports};
use crate::gke::{ClusterId, Gke};
use crate::kubernetes::{Kubernetes, KubernetesError, Mode, Password, PodStream};
use crate::sentinel::execute::Reach;
use crate::sentinel::{
    ByteStream, Credentials, Declared, DialError, Dialer, Observation, Question, Target, observe,
};

type Dialled = Result<Box<dyn ByteStream>, DialError>;

/// Where a release lives, and how it is reached.
#[derive(Clone)]
pub struct Site {
    pub kubernetes: Kubernetes,
    pub gke: Option<(Gke, ClusterId)>,
    pub node_pool: Option<String>,
    pub connection: Connection,
    pub release: String,
    pub namespace: String,
}

impl Site {
    pub async fn open(
        clients: &Clients,
        cluster: Option<&ClusterId>,
        node_pool: Option<String>,
        (namespace, release): (&str, &str),
    ) -> Result<Self, Error> {
        Ok(Self {
            kubernetes: clients.kubernetes(cluster).await?,
            gke: cluster.map(|cluster| (clients.gke.clone(), cluster.clone())),
            node_pool,
            connection: clients.connection,
            release: release.to_owned(),
            namespace: namespace.to_owned(),
        })
    }

    /// The owner that our own objects name.
    pub fn owner(&self) -> String {
        format!("{}/{}", self.namespace, self.release)
    }

    /// The id that `terraform import` takes.
    pub fn import_id(&self) -> String {
        match &self.gke {
            None => self.owner(),
            Some((_, cluster)) => {
                let pool = self.node_pool.as_ref().map(|pool| format!("/{pool}")).unwrap_or_default();
                format!("{}/{}{pool}", cluster.path(), self.owner())
            }
        }
    }

    fn dialer(&self, effective: &Effective, tls: Option<tls::Found>) -> PodDialer {
        let Connection { mode, timeout } = self.connection;
        let (kubernetes, namespace) = (self.kubernetes.clone(), self.namespace.clone());
        let ports = [effective.redis, effective.sentinels];
        PodDialer { kubernetes, namespace, mode, timeout, ports, tls }
    }
}

/// The servers and sentinels of a release, and all that it takes to ask them.
pub struct Servers {
    pub targets: Vec<Target>,
    pub credentials: Credentials,
    pub declared: Declared,
    master_group: String,
    dialer: PodDialer,
    timeout: Duration,
}

impl Servers {
    /// `addresses` are those under which the sentinels know each pod, in the order of the pods.
    pub fn new(
        site: &Site,
        names: &Names,
        effective: &Effective,
        addresses: &[Vec<String>],
        (password, sentinel_password): (Option<&Password>, Option<&Password>),
        tls: Option<tls::Found>,
    ) -> Self {
        Self {
            targets: targets(names, effective, addresses),
            credentials: credentials(password, sentinel_password),
            declared: declared(effective),
            master_group: effective.master_group_name.clone(),
            dialer: site.dialer(effective, tls),
            timeout: site.connection.timeout,
        }
    }

    /// Asks every server and every sentinel at once.
    pub async fn look(&self) -> Observation {
        let question = Question {
            master_group: &self.master_group,
            disabled_commands: &self.declared.disabled_commands,
        };
        observe::observe(&self.dialer, &self.targets, question, &self.credentials, self.timeout).await
    }

    /// Whether we hold no password for servers that are meant to have one, so that their refusal tells
    /// nothing of them.
    pub fn lacks_password(&self) -> bool {
        self.declared.password.is_some() && self.credentials.server.is_none()
    }

    pub fn master_group(&self) -> &str {
        &self.master_group
    }

    pub fn reach(&self) -> Reach<'_> {
        Reach {
            dialer: &self.dialer,
            targets: &self.targets,
            credentials: &self.credentials,
            timeout: self.timeout,
        }
    }
}

fn credentials(password: Option<&Password>, sentinel_password: Option<&Password>) -> Credentials {
    let convert = |password: Option<&Password>| {
        password.map(|password| crate::sentinel::Password::new(password.expose()))
    };
    Credentials {
        server: convert(password),
        sentinel: convert(sentinel_password),
        started_with: BTreeMap::new(),
    }
}

/// The pods to ask, with every address under which the sentinels may know them.
fn targets(names: &Names, effective: &Effective, addresses: &[Vec<String>]) -> Vec<Target> {
    let target = |(index, addresses): (usize, &Vec<String>)| {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let host = names.announce_host(index);
        let mut all = vec![format!("{host}.cluster.local"), names.announce_service(index), host];
        all.extend(addresses.iter().cloned());
        Target {
            pod: names.pod(index),
            addresses: all,
            server_port: effective.redis.announced(),
            sentinel_port: effective.sentinels.announced(),
            other_ports: [effective.redis, effective.sentinels].map(Ports::all).concat(),
        }
    };
    addresses.iter().enumerate().map(target).collect()
}

/// Opens streams to pods through the Kubernetes API, or directly; under TLS where that is the only way.
pub struct PodDialer {
    kubernetes: Kubernetes,
    namespace: String,
    mode: Mode,
    timeout: Duration,
    ports: [Ports; 2],
    tls: Option<tls::Found>,
}

impl PodDialer {
    /// The port to open for the one that a process is known by: in plain text where that is spoken.
    fn way(&self, known: u16) -> (u16, bool) {
        let ports = self.ports.iter().find(|ports| ports.announced() == known);
        ports.map_or((known, false), |ports| (ports.of_clients(), ports.is_tls_only()))
    }

    async fn shake(&self, opened: Result<PodStream, KubernetesError>, is_tls: bool) -> Dialled {
        let stream: Box<dyn ByteStream> = Box::new(opened?);
        match (&self.tls, is_tls) {
            (_, false) => Ok(stream),
            (Some(Ok(tls)), true) => tls.over(stream).await,
            (Some(Err(reason)), true) => Err(reason.as_str().into()),
            (None, true) => Err("it speaks TLS alone, and no Secret with its certificates is named".into()),
        }
    }
}

#[async_trait]
impl Dialer for PodDialer {
    async fn dial(&self, pod: &str, port: u16) -> Dialled {
        let (port, is_tls) = self.way(port);
        let opened = self.kubernetes.open_stream(self.mode, (&self.namespace, pod), port, self.timeout).await;
        self.shake(opened, is_tls).await
    }

    async fn dial_both(&self, pod: &str, ports: [u16; 2]) -> [Dialled; 2] {
        let [one, other] = ports.map(|port| self.way(port));
        let place = (self.namespace.as_str(), pod);
        let opened = self.kubernetes.open_streams(self.mode, place, [one.0, other.0], self.timeout).await;
        let [first, second] = opened;
        let (first, second) = tokio::join!(self.shake(first, one.1), self.shake(second, other.1));
        [first, second]
    }
}
