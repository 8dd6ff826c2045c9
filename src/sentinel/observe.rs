//! Asks every server and every sentinel at once.

use std::time::Duration;

use futures::future::join_all;

use super::client::{SentinelClient, ServerClient};
use super::credentials::Credentials;
use super::dialer::Dialer;
use super::error::Error;
use super::observation::{Answer, Observation, PodObservation, SentinelView, ServerView, Target};

/// Looks at the whole group. It never fails: whoever does not answer within `timeout` (for the dial
/// and again for each command) is observed as silent.
pub async fn observe(
    dialer: &dyn Dialer,
    targets: &[Target],
    master_group: &str,
    credentials: &Credentials,
    timeout: Duration,
) -> Observation {
    let pods = join_all(targets.iter().map(|target| async move {
        let (server, sentinel) = tokio::join!(
            observe_server(dialer, target, credentials, timeout),
            observe_sentinel(dialer, target, master_group, credentials, timeout),
        );
        PodObservation {
            pod: target.pod.clone(),
            addresses: target.addresses.clone(),
            server_port: target.server_port,
            sentinel_port: target.sentinel_port,
            server: answer(server),
            sentinel: answer(sentinel),
        }
    }))
    .await;
    Observation { master_group: master_group.to_owned(), pods }
}

fn answer<T>(result: Result<T, Error>) -> Answer<T> {
    match result {
        Ok(value) => Answer::Ok(value),
        Err(error) => Answer::Silent(error.to_string()),
    }
}

async fn observe_server(
    dialer: &dyn Dialer,
    target: &Target,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<ServerView, Error> {
    let client =
        ServerClient::open(dialer, &target.pod, target.server_port, credentials.server.as_ref(), timeout)
            .await?;
    let (role, server, persistence, config) = tokio::try_join!(
        client.role(),
        client.info("server"),
        client.info("persistence"),
        client.config("*"),
    )?;
    Ok(ServerView {
        role,
        version: server.get("redis_version").cloned().unwrap_or_default(),
        loading: persistence.get("loading").is_some_and(|loading| loading == "1"),
        config,
    })
}

async fn observe_sentinel(
    dialer: &dyn Dialer,
    target: &Target,
    master_group: &str,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<SentinelView, Error> {
    let password = credentials.sentinel.as_ref();
    let client = SentinelClient::open(dialer, &target.pod, target.sentinel_port, password, timeout).await?;
    let (id, group, info) = tokio::try_join!(client.id(), client.group(master_group), client.info())?;
    Ok(SentinelView { id, group, tilt: info.get("sentinel_tilt").is_some_and(|tilt| tilt != "0") })
}
