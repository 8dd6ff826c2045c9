//! Brings servers and sentinels to what is declared, and waits until they have settled. One stage at a
//! time, each after a new look; the last look shows that nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::Error;
use super::execute::Work;
use super::observe::find_servers;
use super::pods::started_with;
use super::rollout::{replace_proxies, restart};
use super::site::Servers;
use super::steps::Rows;
use crate::sentinel::drift::{ANNOUNCED, drift, passing};
use crate::sentinel::repairs::next;
use crate::sentinel::topology::verdict;
use crate::sentinel::{self, DriftRow, Finding, Next, Observation, Repair, Verdict, execute as run};

/// Sentinels notice changes within seconds; asking more often tells nothing new.
const POLL: Duration = Duration::from_millis(500);
/// A sentinel that was reset finds the others anew within seconds, and votes again.
const BETWEEN_RESETS: Duration = Duration::from_secs(30);
/// What has stood for so long in every look does not mend itself: the longest that any drift may take.
const UNMENDED_AFTER: Duration = Duration::from_secs(30);
/// A repair that changed nothing so often will not change anything.
const ATTEMPTS_MAX: u32 = 3;

/// The servers as they are reached now, with the password of this moment.
pub async fn servers(work: &Work<'_>) -> Result<Servers, Error> {
    let (site, config) = (work.site, work.config);
    let password = match config.auth.secret() {
        Some((name, key)) => Some(site.kubernetes.secret_key(&site.namespace, name, key).await?),
        None => None,
    };
    find_servers(site, &config.names, &config.effective, password.as_ref()).await
}

/// Waits until every sentinel agrees on the master and every replica is linked.
pub async fn await_settled(work: &Work<'_>) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        let Verdict::NotSettled(findings) = verdict(&servers(work).await?.look().await) else {
            return Ok(());
        };
        tracing::debug!(?findings, "not settled yet");
        if Instant::now() + POLL >= work.deadline {
            return Err(not_settled(started, &findings));
        }
        sleep(POLL).await;
    }
}

/// The same, or until what stands against it is drift that time has not mended, and that repairs are there for.
async fn await_settled_or_drifted(work: &Work<'_>, rows: &Rows) -> Result<(), Error> {
    let started = Instant::now();
    let mut since: BTreeMap<(String, String), Instant> = BTreeMap::new();
    loop {
        let servers = servers(work).await?;
        let look = servers.look().await;
        let Verdict::NotSettled(findings) = verdict(&look) else { return Ok(()) };
        let mut found = drift(&servers.declared, &look);
        found.retain(|row| row.unsettles() && allows(rows, servers.master_group())(row));
        if !passing(&look).is_empty() {
            found.clear();
        }
        let now = Instant::now();
        let seen = |row: DriftRow| {
            let key = (row.object, row.setting);
            let first = since.get(&key).copied().unwrap_or(now);
            (key, first)
        };
        since = found.into_iter().map(seen).collect();
        if since.values().any(|first| now - *first >= UNMENDED_AFTER) {
            tracing::info!(?findings, "this does not settle by itself");
            return Ok(());
        }
        if now + POLL >= work.deadline {
            return Err(not_settled(started, &findings));
        }
        sleep(POLL).await;
    }
}

fn not_settled(started: Instant, findings: &[Finding]) -> Error {
    let last_seen: Vec<_> = findings.iter().map(ToString::to_string).collect();
    Error::NotSettled { waited: started.elapsed(), last_seen: last_seen.join("; ") }
}

/// What a run of repairs has done so far.
#[derive(Default)]
struct Course {
    attempts: BTreeMap<String, u32>,
    reset: Option<Instant>,
    /// Addresses that pods announced before they started anew: sentinels remember them as replicas.
    left: BTreeSet<String>,
    /// A server has, or had, another password than the Secret.
    rotates: bool,
    /// The proxies have the Secret's password.
    proxied: bool,
    /// Something was done after which the group has to find itself again.
    unsettled: bool,
}

/// Repairs the rows that may be repaired, each as soon as that is safe. Where pods were `moved` before, what
/// could still mend itself gets the time, and the group has settled at the end.
pub async fn repair_rows(work: &Work<'_>, rows: &Rows, moved: bool) -> Result<(), Error> {
    if moved {
        await_settled_or_drifted(work, rows).await?;
    }
    let started = Instant::now();
    let mut course = Course { unsettled: moved, ..Course::default() };
    loop {
        let mut servers = servers(work).await?;
        let mut look = servers.look().await;
        let mut found = drift(&servers.declared, &look);
        course.rotates |= found.iter().any(|row| row.setting == "requirepass");
        if course.rotates && servers.credentials.server.is_some() {
            servers.credentials.started_with = started_with(work, &servers, &look).await;
            look = servers.look().await;
            found = drift(&servers.declared, &look);
        }
        let (mut found, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(allows(rows, servers.master_group()));
        course.left.extend(found.iter().filter(|row| row.setting == ANNOUNCED).map(|row| row.live.clone()));
        found.extend(others.into_iter().filter(|row| course.left.iter().any(|host| row.remembers(host))));
        let blocked = match next(&found, &servers.declared, &look) {
            Next::Nothing if course.left.iter().any(|host| is_remembered(host, &look)) => {
                "the sentinels do not see yet that an earlier address is gone".to_owned()
            }
            Next::Nothing => break,
            Next::Refused { row, reason } => {
                let what = format!("{} of {}", row.setting, row.object);
                return Err(Error::RepairRefused { what, reason });
            }
            Next::Wait(findings) => findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Next::Restart { pod, reason } => {
                course.count(&format!("restart of {pod}"), &found)?;
                if !servers.credentials.started_with.is_empty()
                    && !std::mem::replace(&mut course.proxied, true)
                {
                    replace_proxies(work).await?;
                }
                tracing::info!(%pod, %reason, "restarting");
                restart(work, &servers, &look, &pod).await?;
                course.unsettled = true;
                continue;
            }
            Next::Run(repairs) => match course.run(&servers, &repairs, &found).await? {
                // A process needs a moment to show what it was told.
                None => "what was repaired last is not seen yet".to_owned(),
                Some(reason) => reason,
            },
        };
        if Instant::now() + POLL >= work.deadline {
            return Err(Error::RepairUnsafe { waited: started.elapsed(), reasons: blocked });
        }
        sleep(POLL).await;
    }
    if course.unsettled { await_settled(work).await } else { Ok(()) }
}

impl Course {
    /// Runs them, or says why not yet.
    async fn run(
        &mut self,
        servers: &Servers,
        repairs: &[Repair],
        found: &[DriftRow],
    ) -> Result<Option<String>, Error> {
        for repair in repairs {
            if matches!(repair, Repair::Reset { .. }) {
                let since = self.reset.map_or(BETWEEN_RESETS, |reset| reset.elapsed());
                if since < BETWEEN_RESETS {
                    return Ok(Some("the sentinel that was reset last finds the others anew".into()));
                }
                self.reset = Some(Instant::now());
            }
            self.count(&format!("{repair:?}"), found)?;
            tracing::info!(?repair, "repairing");
            self.unsettled |= !matches!(repair, Repair::SetServer { .. } | Repair::SetSentinel { .. });
            match run::execute(repair, &servers.reach()).await {
                // Not so any more, or not to be reached now: the next look tells what to do.
                Err(error @ (sentinel::Error::Refused { .. } | sentinel::Error::Timeout { .. })) => {
                    return Ok(Some(error.to_string()));
                }
                done => done?,
            }
        }
        Ok(None)
    }

    fn count(&mut self, what: &str, found: &[DriftRow]) -> Result<(), Error> {
        let attempts = self.attempts.entry(what.to_owned()).or_default();
        *attempts += 1;
        if *attempts <= ATTEMPTS_MAX {
            return Ok(());
        }
        let left = found.iter().map(|row| format!("{} of {} is {}", row.setting, row.object, row.live));
        Err(Error::RepairFailed { rows: left.collect::<Vec<_>>().join("; ") })
    }
}

/// Only what the plan showed. A group without a master shows one row for all of its structure.
fn allows(rows: &Rows, group: &str) -> impl Fn(&DriftRow) -> bool {
    let has = move |layer: &str, object: &str, setting: &str| match rows {
        Rows::All => true,
        Rows::Shown(shown) => shown.contains(&(layer.to_owned(), object.to_owned(), setting.to_owned())),
    };
    let elects = has("redis", group, "master");
    move |row| has(row.layer.as_str(), &row.object, &row.setting) || (elects && row.is_structural())
}

/// Whether a sentinel knows a replica at this host.
fn is_remembered(host: &str, look: &Observation) -> bool {
    let groups = look.pods.iter().filter_map(|pod| pod.sentinel.ok()?.group.as_ref());
    groups.flat_map(|group| &group.replicas).any(|replica| replica.address.host == host)
}
