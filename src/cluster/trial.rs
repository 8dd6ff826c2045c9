//! Settings of redis.conf, tried on one running replica before the file that every server starts with has
//! them: a server that does not know one ends as it starts, and nothing would say so before pods restart.

use super::error::Error;
use super::execute::Work;
use super::repair::servers;
use crate::sentinel::observation::Role;
use crate::sentinel::repairs::is_settable;
use crate::sentinel::settings::{is_claimed, joined, live_value, same};
use crate::sentinel::{self, Observation, PodObservation};

/// Sets what differs. Where no replica can be asked, the settings stay untried.
pub async fn try_settings(work: &Work<'_>) -> Result<(), Error> {
    let servers = servers(work).await?;
    let look = servers.look().await;
    let Some(replica) = replica(&look) else { return Ok(()) };
    let live = replica.server.ok().map(|server| &server.config);
    for (setting, lines) in &servers.declared.server {
        let value = joined(setting, lines);
        let live = live.and_then(|config| live_value(config, setting));
        let is_secret = setting.to_ascii_lowercase().contains("pass");
        let differs = live.is_none_or(|live| !same(setting, &value, live));
        if !differs || is_secret || !is_claimed(setting) || !is_settable(setting) {
            continue;
        }
        tracing::info!(pod = %replica.pod, %setting, "trying a setting");
        let reach = servers.reach();
        let done = match reach.server(&replica.pod).await {
            Ok(client) => client.set_config(setting, &value).await,
            Err(error) => Err(error),
        };
        // Whether the replica can be asked at all is for others to say.
        if let Err(sentinel::Error::Command { source, .. }) = done
            && source.code() == Some("ERR")
            && is_mistake(&source.to_string())
        {
            let (setting, reason) = (setting.clone(), source.to_string());
            return Err(Error::SettingRefused { setting, value, reason });
        }
    }
    Ok(())
}

fn replica(look: &Observation) -> Option<&PodObservation> {
    let is_replica = |pod: &&PodObservation| {
        pod.server.ok().is_some_and(|server| !server.loading && matches!(server.role, Role::Replica { .. }))
    };
    look.pods.iter().find(is_replica)
}

/// Whether Redis would not start with the setting either. What only some versions take when they start alone
/// is known to them.
fn is_mistake(reason: &str) -> bool {
    !["immutable config", "protected config"].iter().any(|why| reason.contains(why))
}

#[cfg(test)]
mod tests {
    use super::is_mistake;

    #[test]
    fn what_redis_takes_at_its_start_alone_is_no_mistake() {
        let failed = "CONFIG SET failed (possibly related to argument 'io-uring') - can't set";
        assert!(!is_mistake(&format!("{failed} immutable config")));
        assert!(!is_mistake(&format!("{failed} protected config")));
        assert!(is_mistake("Unknown option or number of arguments for CONFIG SET - 'maxmemoryy'"));
        assert!(is_mistake("argument must be a memory value"));
    }
}
