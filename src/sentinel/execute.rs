//! Runs one repair. It decides nothing; it checks once more, just before the command, what the repair
//! stands on, and stops if that is no longer so.

use std::time::Duration;

use super::client::{SentinelClient, ServerClient};
use super::credentials::{Credentials, Password};
use super::dialer::Dialer;
use super::error::Error;
use super::observation::{Address, Role, Target};
use super::repairs::Repair;

/// The way to the pods.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    pub dialer: &'a dyn Dialer,
    pub targets: &'a [Target],
    pub credentials: &'a Credentials,
    /// For the dial and again for each command.
    pub timeout: Duration,
}

impl Reach<'_> {
    pub async fn server(&self, pod: &str) -> Result<ServerClient, Error> {
        let port = self.target(pod)?.server_port;
        match ServerClient::open(self.dialer, pod, port, self.credentials.server.as_ref(), self.timeout).await
        {
            // A server without a password refuses every one.
            Err(refused) if refused.is_refusal() => {
                let open = ServerClient::open(self.dialer, pod, port, None, self.timeout).await?;
                open.ping().await.map(|()| open).map_err(|_| refused)
            }
            other => other,
        }
    }

    pub async fn sentinel(&self, pod: &str) -> Result<SentinelClient, Error> {
        let port = self.target(pod)?.sentinel_port;
        SentinelClient::open(self.dialer, pod, port, self.credentials.sentinel.as_ref(), self.timeout).await
    }

    fn target(&self, pod: &str) -> Result<&Target, Error> {
        self.targets.iter().find(|target| target.pod == pod).ok_or_else(|| Error::Refused {
            target: pod.to_owned(),
            reason: "it is no pod of this release".into(),
        })
    }

    fn password(&self, pod: &str) -> Result<&Password, Error> {
        self.credentials.server.as_ref().ok_or_else(|| Error::Refused {
            target: pod.to_owned(),
            reason: "there is no password to set".into(),
        })
    }
}

/// Sends the commands to the pod that the repair names, which must be one of the targets.
pub async fn execute(repair: &Repair, reach: &Reach<'_>) -> Result<(), Error> {
    match repair {
        Repair::SetPassword { pod } => reach.server(pod).await?.set_password(reach.password(pod)?).await,
        Repair::LetIn { pod } => let_in(reach, pod).await,
        Repair::SetMasterauth { pod } => reach.server(pod).await?.set_masterauth(reach.password(pod)?).await,
        Repair::UnrestrictUser { pod } => reach.server(pod).await?.unrestrict_user().await,
        Repair::SetAuthPass { pod, group } => {
            reach.sentinel(pod).await?.set_auth_pass(group, reach.password(pod)?).await
        }
        Repair::Promote { pod, others } => promote(reach, pod, others).await,
        Repair::Follow { pod, master_pod, master } => {
            require_master(reach, pod, master_pod).await?;
            reach.server(pod).await?.replicate(master).await
        }
        Repair::Monitor { pod, group, master, options } => monitor(reach, pod, group, master, options).await,
        Repair::SetSentinel { pod, group, option, value } => {
            reach.sentinel(pod).await?.set(group, option, value).await
        }
        Repair::SetServer { pod, setting, value } => {
            reach.server(pod).await?.set_config(setting, value).await
        }
        Repair::Reset { pod, group } => {
            let sentinel = reach.sentinel(pod).await?;
            require_no_failover(&sentinel, group).await?;
            sentinel.reset(group).await
        }
    }
}

/// Whether the server of a pod takes this password.
pub async fn takes(reach: &Reach<'_>, pod: &str, password: &Password) -> Result<bool, Error> {
    let port = reach.target(pod)?.server_port;
    match ServerClient::open(reach.dialer, pod, port, Some(password), reach.timeout).await {
        Err(refused) if refused.is_refusal() => Ok(false),
        opened => opened.map(|_| true),
    }
}

async fn let_in(reach: &Reach<'_>, pod: &str) -> Result<(), Error> {
    let (port, started_with) = (reach.target(pod)?.server_port, reach.credentials.started_with.get(pod));
    let server = ServerClient::open(reach.dialer, pod, port, started_with, reach.timeout).await?;
    server.add_password(reach.password(pod)?).await
}

async fn promote(reach: &Reach<'_>, pod: &str, others: &[String]) -> Result<(), Error> {
    for other in others {
        if matches!(reach.server(other).await?.role().await?, Role::Master { .. }) {
            let reason = format!("{other} has become a master meanwhile");
            return Err(Error::Refused { target: pod.to_owned(), reason });
        }
    }
    reach.server(pod).await?.promote().await
}

async fn require_master(reach: &Reach<'_>, pod: &str, master: &str) -> Result<(), Error> {
    if matches!(reach.server(master).await?.role().await?, Role::Master { .. }) {
        return Ok(());
    }
    Err(Error::Refused { target: pod.to_owned(), reason: format!("{master} is no master any more") })
}

async fn require_no_failover(sentinel: &SentinelClient, group: &str) -> Result<(), Error> {
    let running = sentinel.group(group).await?.and_then(|group| group.failover_state);
    running.map_or(Ok(()), |state| {
        let reason = format!("it runs a failover ({state})");
        Err(Error::Refused { target: sentinel.target().to_owned(), reason })
    })
}

/// A sentinel cannot be told another master: it forgets the group and meets it anew.
async fn monitor(
    reach: &Reach<'_>,
    pod: &str,
    group: &str,
    master: &Address,
    options: &[(String, String)],
) -> Result<(), Error> {
    let sentinel = reach.sentinel(pod).await?;
    require_no_failover(&sentinel, group).await?;
    let quorum = options.iter().find(|(option, _)| option == "quorum").map_or("2", |(_, value)| value);
    sentinel.remove(group).await?;
    // Sent at once: whoever is killed in between leaves no sentinel that watches without the password, which nobody
    // can read.
    let password = reach.credentials.server.as_ref();
    tokio::try_join!(biased; sentinel.monitor(group, master, quorum), async {
        match password {
            Some(password) => sentinel.set_auth_pass(group, password).await,
            None => Ok(()),
        }
    })?;
    for (option, value) in options.iter().filter(|(option, _)| option != "quorum") {
        sentinel.set(group, option, value).await?;
    }
    Ok(())
}
