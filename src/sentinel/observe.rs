//! Asks every server and every sentinel at once.

use std::time::Duration;

use futures::future::join_all;

use super::client::{SentinelClient, ServerClient};
use super::connection::{Connection, late};
use super::credentials::{Credentials, Password};
use super::dialer::{ByteStream, DialError, Dialer};
use super::error::Error;
use super::observation::{Answer, Observation, PodObservation, SentinelView, ServerView, Target};

/// What is asked beside the state of the processes.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub master_group: &'a str,
    /// Commands that no server should know.
    pub disabled_commands: &'a [String],
}

type Dialled = Result<Box<dyn ByteStream>, DialError>;

/// One process of a pod.
struct Process<'a> {
    dialer: &'a dyn Dialer,
    pod: &'a str,
    port: u16,
    timeout: Duration,
}

/// Looks at the whole group. It never fails: whoever does not answer within `timeout` is observed as
/// silent.
pub async fn observe(
    dialer: &dyn Dialer,
    targets: &[Target],
    question: Question<'_>,
    credentials: &Credentials,
    timeout: Duration,
) -> Observation {
    let look = |target| observe_pod(dialer, target, question, credentials, timeout);
    let pods = join_all(targets.iter().map(look)).await;
    Observation { master_group: question.master_group.to_owned(), pods }
}

async fn observe_pod(
    dialer: &dyn Dialer,
    target: &Target,
    question: Question<'_>,
    credentials: &Credentials,
    timeout: Duration,
) -> PodObservation {
    let process = |port| Process { dialer, pod: &target.pod, port, timeout };
    let (server, sentinel) = (process(target.server_port), process(target.sentinel_port));
    let looked = tokio::time::timeout(timeout, async {
        let [one, other] = dialer.dial_both(&target.pod, [server.port, sentinel.port]).await;
        tokio::join!(
            server.bounded(observe_server(&server, one, question, credentials.server.as_ref())),
            sentinel.bounded(observe_sentinel(&sentinel, other, question, credentials.sentinel.as_ref())),
        )
    });
    let (server, sentinel) = Box::pin(looked).await.unwrap_or_else(|_| (server.silent(), sentinel.silent()));
    PodObservation {
        pod: target.pod.clone(),
        addresses: target.addresses.clone(),
        server_port: target.server_port,
        sentinel_port: target.sentinel_port,
        other_ports: target.other_ports.clone(),
        server,
        sentinel,
        is_outdated: credentials.started_with.contains_key(&target.pod),
    }
}

impl Process<'_> {
    fn target(&self) -> String {
        format!("{}:{}", self.pod, self.port)
    }

    fn silent<T>(&self) -> Answer<T> {
        Answer::Silent(late(&self.target(), "the dial", self.timeout).to_string())
    }

    /// One process that hangs does not take the other's answer with it.
    async fn bounded<T>(&self, looking: impl Future<Output = Result<T, Error>>) -> Answer<T> {
        let limit = self.timeout - self.timeout / 10;
        let looked = tokio::time::timeout(limit, looking).await;
        match looked.unwrap_or_else(|_| Err(late(&self.target(), "the whole conversation", limit))) {
            Ok(value) => Answer::Ok(value),
            Err(error) if error.is_refusal() => Answer::Refused(error.to_string()),
            Err(error) => Answer::Silent(error.to_string()),
        }
    }

    async fn open(&self, dialled: Dialled, password: Option<&Password>) -> Result<Connection, Error> {
        Connection::dialled(self.target(), dialled, password, self.timeout).await
    }
}

async fn observe_server(
    process: &Process<'_>,
    dialled: Dialled,
    question: Question<'_>,
    password: Option<&Password>,
) -> Result<ServerView, Error> {
    let client = open_server(process, dialled, password).await?;
    let (role, info, config, user, masterauth, known_commands) = tokio::try_join!(
        client.role(),
        client.info("default"),
        client.config("*"),
        client.default_user(password),
        client.secret_setting("masterauth", password),
        client.known_commands(question.disabled_commands),
    )?;
    Ok(ServerView {
        role,
        version: info.get("redis_version").cloned().unwrap_or_default(),
        loading: info.get("loading").is_some_and(|loading| loading == "1"),
        config,
        password: user.password,
        masterauth,
        restricted_user: user.restricted,
        known_commands,
    })
}

/// A server whose password was taken away does not take ours either, but answers without one.
async fn open_server(
    process: &Process<'_>,
    dialled: Dialled,
    password: Option<&Password>,
) -> Result<ServerClient, Error> {
    match process.open(dialled, password).await {
        Err(refused) if refused.is_refusal() && password.is_some() => {
            let again = process.dialer.dial(process.pod, process.port).await;
            let client = ServerClient::new(process.open(again, None).await?);
            client.ping().await.map(|()| client).map_err(|_| refused)
        }
        other => other.map(ServerClient::new),
    }
}

async fn observe_sentinel(
    process: &Process<'_>,
    dialled: Dialled,
    question: Question<'_>,
    password: Option<&Password>,
) -> Result<SentinelView, Error> {
    let client = SentinelClient::new(process.open(dialled, password).await?);
    let (id, group, info) =
        tokio::try_join!(client.id(), client.group(question.master_group), client.info())?;
    Ok(SentinelView { id, group, tilt: info.get("sentinel_tilt").is_some_and(|tilt| tilt != "0") })
}
