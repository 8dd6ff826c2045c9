//! Runs one repair. It decides nothing.

use std::time::Duration;

use super::client::{SentinelClient, ServerClient};
use super::credentials::Credentials;
use super::dialer::Dialer;
use super::error::Error;
use super::observation::Target;
use super::repairs::Repair;

/// Sends the command to the pod that the repair names, which must be one of `targets`.
pub async fn execute(
    repair: &Repair,
    dialer: &dyn Dialer,
    targets: &[Target],
    credentials: &Credentials,
    timeout: Duration,
) -> Result<(), Error> {
    match repair {
        Repair::SetSentinel { pod, group, option, value } => {
            let port = target(targets, pod)?.sentinel_port;
            let password = credentials.sentinel.as_ref();
            let client = SentinelClient::open(dialer, pod, port, password, timeout).await?;
            client.set(group, option, value).await
        }
        Repair::SetServer { pod, setting, value } => {
            let port = target(targets, pod)?.server_port;
            let password = credentials.server.as_ref();
            let client = ServerClient::open(dialer, pod, port, password, timeout).await?;
            client.set_config(setting, value).await
        }
    }
}

pub(super) fn target<'a>(targets: &'a [Target], pod: &str) -> Result<&'a Target, Error> {
    targets.iter().find(|target| target.pod == pod).ok_or_else(|| Error::Refused {
        target: pod.to_owned(),
        reason: "it is no pod of this release".into(),
    })
}
