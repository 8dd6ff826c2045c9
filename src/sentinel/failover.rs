//! A planned failover that loses no acknowledged write. SENTINEL FAILOVER alone leaves the old master
//! writable for about 11 seconds, and what it acknowledges then is discarded; so its writes are held
//! back first, and it is made a replica before it takes any again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::{SentinelClient, ServerClient};
use super::error::Error;
use super::observation::Address;

/// How long writes are held back at a time; renewed while the failover runs, so that they come back
/// by themselves if this process dies.
const PAUSE_MILLISECONDS: u64 = 6_000;
const PAUSE_RENEWED_AFTER: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(100);
const CATCH_UP_MAX: Duration = Duration::from_secs(3);

/// More replicas than any group has: a master that wants so many takes no write.
const OUT_OF_REACH: &str = "999";

/// How writes are held back.
enum Hold {
    /// CLIENT PAUSE WRITE, from Redis 6.2: clients wait.
    Paused,
    /// Before, by a number of replicas that the master does not have: clients get an error at once. The
    /// setting's own value.
    Fenced(String),
}

impl Hold {
    const FENCE: &str = "min-slaves-to-write";

    async fn begin(master: &ServerClient) -> Result<Self, Error> {
        match master.pause_writes(PAUSE_MILLISECONDS).await {
            Err(error) if error.code() == Some("ERR") => {
                let own = master.config(Self::FENCE).await?.remove(Self::FENCE).unwrap_or_default();
                master.set_config(Self::FENCE, OUT_OF_REACH).await?;
                Ok(Self::Fenced(own))
            }
            paused => paused.map(|()| Self::Paused),
        }
    }

    async fn renew(&self, master: &ServerClient) -> Result<(), Error> {
        match self {
            Self::Paused => master.pause_writes(PAUSE_MILLISECONDS).await,
            Self::Fenced(_) => Ok(()),
        }
    }

    async fn end(self, master: &ServerClient) -> Result<(), Error> {
        match self {
            Self::Paused => master.unpause().await,
            Self::Fenced(own) => master.set_config(Self::FENCE, &own).await,
        }
    }
}

/// Moves the master role away from `old`, which `from` is the address of as `sentinel` names it.
/// Returns the new master's address once `old` replicates it. `sentinel` should be another pod's: the
/// old master's own may be about to end.
pub async fn fail_over(
    old: &ServerClient,
    sentinel: &SentinelClient,
    group: &str,
    from: &Address,
    deadline: Duration,
) -> Result<Address, Error> {
    let hold = Hold::begin(old).await?;
    let moved = move_role(old, sentinel, group, (from, &hold), deadline).await;
    // Whatever happened, writes must not stay held back: clients learn the new master, or go on here.
    let released = hold.end(old).await;
    let address = moved?;
    released?;
    // An old master that keeps its connections would answer READONLY to clients that do not ask again.
    old.kill_clients().await?;
    Ok(address)
}

/// Has the sentinels promote `server`, known to them as `address`, rather than another replica, and
/// waits until `sentinel` knows. Returns the priority that it had, for [`set_priority`] afterwards.
pub async fn prefer(
    server: &ServerClient,
    sentinel: &SentinelClient,
    group: &str,
    is_server: impl Fn(&Address) -> bool,
    deadline: Duration,
) -> Result<String, Error> {
    let own = server.config(PRIORITY).await?.remove(PRIORITY).unwrap_or_else(|| "100".into());
    set_priority(server, MOST_PREFERRED).await?;
    let started = Instant::now();
    loop {
        let known = sentinel.group(group).await?.map(|group| group.replicas).unwrap_or_default();
        let known = known.iter().find(|replica| is_server(&replica.address)).map(|replica| replica.priority);
        if known.is_some_and(|priority| priority.to_string() == MOST_PREFERRED)
            || started.elapsed() >= deadline
        {
            return Ok(own);
        }
        sleep(POLL).await;
    }
}

/// The name that every version knows: Redis 5 prints replica-priority as this.
const PRIORITY: &str = "slave-priority";
const MOST_PREFERRED: &str = "1";

pub async fn set_priority(server: &ServerClient, priority: &str) -> Result<(), Error> {
    server.set_config(PRIORITY, priority).await
}

async fn move_role(
    old: &ServerClient,
    sentinel: &SentinelClient,
    group: &str,
    (from, hold): (&Address, &Hold),
    deadline: Duration,
) -> Result<Address, Error> {
    wait_for_replicas(old).await?;
    match sentinel.fail_over(group).await {
        Err(error) if error.code() == Some("INPROG") => {}
        other => other?,
    }
    let address = wait_for_switch(old, sentinel, group, (from, hold), deadline).await?;
    old.replicate(&address).await?;
    Ok(address)
}

/// With writes held back, replicas reach the master's offset within a round trip. One that lags
/// longer is not waited for: the sentinel promotes the one that is furthest.
async fn wait_for_replicas(old: &ServerClient) -> Result<(), Error> {
    let started = Instant::now();
    let wanted = offset(&old.info("replication").await?, "master_repl_offset");
    loop {
        let replication = old.info("replication").await?;
        let reached = replication.iter().filter(|(name, _)| is_replica_line(name)).any(|(_, line)| {
            let acknowledged = line.split(',').find_map(|field| field.strip_prefix("offset="));
            acknowledged.and_then(|text| text.parse::<i64>().ok()) >= wanted
        });
        if reached || started.elapsed() >= CATCH_UP_MAX {
            return Ok(());
        }
        sleep(POLL).await;
    }
}

fn is_replica_line(name: &str) -> bool {
    name.strip_prefix("slave").is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

fn offset(fields: &std::collections::BTreeMap<String, String>, name: &str) -> Option<i64> {
    fields.get(name)?.parse().ok()
}

async fn wait_for_switch(
    old: &ServerClient,
    sentinel: &SentinelClient,
    group: &str,
    (from, hold): (&Address, &Hold),
    deadline: Duration,
) -> Result<Address, Error> {
    let started = Instant::now();
    let mut paused = started;
    loop {
        let last_seen = match sentinel.master_address(group).await? {
            Some(address) if address != *from => return Ok(address),
            Some(address) => format!("{} still names {address}", sentinel.target()),
            None => format!("{} watches no group {group}", sentinel.target()),
        };
        if started.elapsed() >= deadline {
            return Err(Error::Failover { from: from.to_string(), waited: started.elapsed(), last_seen });
        }
        if paused.elapsed() >= PAUSE_RENEWED_AFTER {
            hold.renew(old).await?;
            paused = Instant::now();
        }
        sleep(POLL).await;
    }
}
