//! What of servers and sentinels is drift: seen again and again for as long as it could still mend
//! itself. Reads only.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::observed::{Observed, Placement};
use super::site::Servers;
use crate::sentinel::drift::{drift, is_undecided, passing};
use crate::sentinel::{DriftRow, Layer, Observation};

/// Between two looks of a confirmation.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// By then a sentinel that is cut off has been for long enough to tell why.
const UNDECIDED_MAX: Duration = Duration::from_secs(6);

/// Fills the observation's drift, or says why there is no judging now.
pub async fn judge(servers: &Servers, observed: &mut Observed) {
    let Some(mut look) = observed.redis.clone() else { return };
    let started = Instant::now();
    let mut rows = settled_pods(observed, drift(&servers.declared, &look));
    if servers.lacks_password() {
        rows.retain(|row| row.layer == Layer::Sentinel && !row.is_structural());
    }
    loop {
        observed.unjudged = unjudged(observed, &look);
        if !observed.unjudged.is_empty() {
            rows.clear();
        }
        let undecided = is_undecided(&servers.declared, &look) && observed.unjudged.is_empty();
        let needed = rows.iter().map(DriftRow::confirmed_after).max().unwrap_or_default();
        let needed = if undecided { needed.max(UNDECIDED_MAX) } else { needed };
        let left = needed.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        sleep(left.min(AGAIN_AFTER)).await;
        look = servers.look().await;
        rows = still_there(rows, drift(&servers.declared, &look));
    }
    (observed.redis, observed.drift) = (Some(look), rows);
}

/// Why what differs now may be right in a moment.
fn unjudged(observed: &Observed, look: &Observation) -> Vec<String> {
    let set = observed.stateful_set.as_ref().filter(|set| set.is_rolling && set.partition == 0);
    let rolling = set.map(|set| format!("the pods of {} are being replaced", set.name));
    passing(look).iter().map(ToString::to_string).chain(rolling).collect()
}

/// A pod that is to be replaced, or on its way out, says nothing about what will be.
fn settled_pods(observed: &Observed, rows: Vec<DriftRow>) -> Vec<DriftRow> {
    let set = observed.stateful_set.as_ref();
    let is_leaving = |pod: &Placement| pod.is_ending || set.is_some_and(|set| set.is_outdated(pod));
    rows.into_iter().filter(|row| !observed.placement.get(&row.object).is_some_and(is_leaving)).collect()
}

/// Those of the earlier rows that a new look shows too, with what it saw.
fn still_there(before: Vec<DriftRow>, now: Vec<DriftRow>) -> Vec<DriftRow> {
    let same = |one: &DriftRow, other: &DriftRow| {
        (one.layer, &one.object, &one.setting) == (other.layer, &other.object, &other.setting)
    };
    let is_decided_now = |row: &DriftRow| row.name() == "auth-pass";
    let stays = |row: &DriftRow| is_decided_now(row) || before.iter().any(|earlier| same(earlier, row));
    now.into_iter().filter(stays).collect()
}
