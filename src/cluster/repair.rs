//! Brings servers and sentinels to the declared settings, and waits until they have settled.
//! Every repair ends with a new observation.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::Error;
use super::execute::Work;
use super::observe::{announced, sentinel_password};
use super::observed::Observed;
use super::refresh;
use super::site::{credentials, targets};
use super::steps::Rows;
use crate::kubernetes::Password;
use crate::sentinel::repairs::repairs;
use crate::sentinel::topology::verdict;
use crate::sentinel::{DriftRow, Observation, Target, Verdict, execute as run};

/// Sentinels notice changes within seconds; asking more often tells nothing new.
const POLL: Duration = Duration::from_millis(500);

/// The passwords and addresses of this moment, and what the pods answer.
struct Look {
    targets: Vec<Target>,
    password: Option<Password>,
    sentinel_password: Option<Password>,
    observation: Observation,
}

async fn look(work: &Work<'_>) -> Result<Look, Error> {
    let (site, config) = (work.site, work.config);
    let effective = &config.effective;
    let password = match config.auth.secret() {
        Some((name, key)) => Some(site.kubernetes.secret_key(&site.namespace, name, key).await?),
        None => None,
    };
    let sentinel_password = sentinel_password(site, effective).await?;
    let (addresses, _) = announced(site, &config.names, effective.replicas).await?;
    let (one, other) = (password.as_ref(), sentinel_password.as_ref());
    let observation = site.observe_redis(&config.names, effective, &addresses, one, other).await;
    let targets = targets(&config.names, effective, &addresses);
    Ok(Look { targets, password, sentinel_password, observation })
}

/// Waits until every sentinel agrees on the master and every replica is linked.
pub async fn await_settled(work: &Work<'_>) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        let Verdict::NotSettled(findings) = verdict(&look(work).await?.observation) else { return Ok(()) };
        let last_seen: Vec<_> = findings.iter().map(ToString::to_string).collect();
        tracing::debug!(?last_seen, "not settled yet");
        if Instant::now() + POLL >= work.deadline {
            return Err(Error::NotSettled { waited: started.elapsed(), last_seen: last_seen.join("; ") });
        }
        sleep(POLL).await;
    }
}

/// Repairs the rows that may be repaired, as soon as that is safe.
pub async fn repair_settings(work: &Work<'_>, rows: &Rows) -> Result<(), Error> {
    let (look, rows) = safe_look(work, rows).await?;
    let plan = repairs(&rows, &look.observation);
    let credentials = credentials(look.password.as_ref(), look.sentinel_password.as_ref());
    for repair in &plan.repairs {
        tracing::info!(?repair, "repairing");
        let dialer = work.site.dialer();
        run::execute(repair, &dialer, &look.targets, &credentials, work.site.connection.timeout).await?;
    }
    if let Some(refused) = plan.refused.first() {
        let row = &refused.row;
        let what = format!("{} of {}", row.setting, row.object);
        return Err(Error::RepairRefused { what, reason: refused.reason.clone() });
    }
    if plan.repairs.is_empty() { Ok(()) } else { verify(work, &rows).await }
}

/// Waits until nothing forbids a repair, and says which rows are there then.
async fn safe_look(work: &Work<'_>, rows: &Rows) -> Result<(Look, Vec<DriftRow>), Error> {
    let started = Instant::now();
    loop {
        let look = look(work).await?;
        let found = allowed(rows, current_rows(work, &look.observation));
        let plan = repairs(&found, &look.observation);
        if found.is_empty() || plan.not_now.is_empty() {
            return Ok((look, found));
        }
        if Instant::now() + POLL >= work.deadline {
            let reasons: Vec<_> = plan.not_now.iter().map(ToString::to_string).collect();
            return Err(Error::RepairUnsafe { waited: started.elapsed(), reasons: reasons.join("; ") });
        }
        sleep(POLL).await;
    }
}

fn current_rows(work: &Work<'_>, observation: &Observation) -> Vec<DriftRow> {
    let observed = Observed { redis: Some(observation.clone()), ..Observed::default() };
    refresh::rows(&work.config.effective, &observed)
}

fn allowed(rows: &Rows, found: Vec<DriftRow>) -> Vec<DriftRow> {
    let Rows::Shown(shown) = rows else { return found };
    let key = |row: &DriftRow| (row.layer.as_str().to_owned(), row.object.clone(), row.setting.clone());
    found.into_iter().filter(|row| shown.contains(&key(row))).collect()
}

async fn verify(work: &Work<'_>, rows: &[DriftRow]) -> Result<(), Error> {
    let repaired: BTreeSet<_> = rows.iter().map(|row| (row.object.clone(), row.setting.clone())).collect();
    let left = current_rows(work, &look(work).await?.observation);
    let left: Vec<_> = left
        .iter()
        .filter(|row| repaired.contains(&(row.object.clone(), row.setting.clone())))
        .map(|row| format!("{} of {} is {}", row.setting, row.object, row.live))
        .collect();
    if left.is_empty() { Ok(()) } else { Err(Error::RepairFailed { rows: left.join("; ") }) }
}
