//! Drift rows to commands, in the order in which they are safe.

use super::drift::{DriftRow, Layer};
use super::health::{Finding, findings};
use super::observation::{Observation, Role};
use super::settings::canonical_name;

/// Settings that Redis takes only when it starts, as Redis 7 names them (CONFIG SET answers
/// "can't set immutable config" or "protected config").
const AT_START_ONLY: [&str; 33] = [
    "aclfile",
    "always-show-logo",
    "aof_rewrite_cpulist",
    "appenddirname",
    "appendfilename",
    "bgsave_cpulist",
    "bio_cpulist",
    "cluster-config-file",
    "cluster-enabled",
    "cluster-port",
    "daemonize",
    "databases",
    "dbfilename",
    "dir",
    "disable-thp",
    "enable-debug-command",
    "enable-module-command",
    "enable-protected-configs",
    "io-threads",
    "io-threads-do-reads",
    "logfile",
    "pidfile",
    "rdbchecksum",
    "server_cpulist",
    "set-proc-title",
    "socket-mark-id",
    "supervised",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tcp-backlog",
    "unixsocket",
    "unixsocketperm",
];

/// One command that makes one row go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// SENTINEL SET on the sentinel of `pod`.
    SetSentinel { pod: String, group: String, option: String, value: String },
    /// CONFIG SET on the server of `pod`.
    SetServer { pod: String, setting: String, value: String },
}

/// A row that no command can repair, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub row: DriftRow,
    pub reason: String,
}

/// What to do about drift.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepairPlan {
    /// In order: sentinels, then replicas, then the master.
    pub repairs: Vec<Repair>,
    pub refused: Vec<Refused>,
    /// Findings that forbid every repair at this moment. They pass by themselves: wait, look again.
    pub not_now: Vec<Finding>,
}

/// Whether Redis can take this setting of redis.conf while it runs.
pub fn is_settable(setting: &str) -> bool {
    !AT_START_ONLY.contains(&canonical_name(setting).as_str())
}

/// Repairs of exactly these rows: rows that are not given are not repaired.
pub fn repairs(rows: &[DriftRow], observation: &Observation) -> RepairPlan {
    let mut plan = RepairPlan {
        not_now: findings(observation).into_iter().filter(Finding::forbids_repairs).collect(),
        ..RepairPlan::default()
    };
    let mut ordered: Vec<_> = rows.iter().collect();
    ordered.sort_by_key(|row| turn(row, observation));
    for row in ordered {
        match repair(row, observation) {
            Ok(repair) => plan.repairs.push(repair),
            Err(reason) => plan.refused.push(Refused { row: row.clone(), reason }),
        }
    }
    plan
}

/// A master whose memory limit shrinks before its replicas' would evict on them too; so it comes last.
fn turn(row: &DriftRow, observation: &Observation) -> u8 {
    let role = observation.pod(&row.object).and_then(|pod| pod.server.ok()).map(|server| &server.role);
    match (row.layer, role) {
        (Layer::Sentinel, _) => 0,
        (Layer::Redis, Some(Role::Master { .. })) => 2,
        (Layer::Redis, _) => 1,
    }
}

fn repair(row: &DriftRow, observation: &Observation) -> Result<Repair, String> {
    let pod = observation.pod(&row.object).ok_or("the pod is gone")?;
    match row.layer {
        Layer::Sentinel if pod.sentinel.ok().is_none() => Err("its sentinel does not answer".into()),
        Layer::Sentinel => Ok(Repair::SetSentinel {
            pod: row.object.clone(),
            group: observation.master_group.clone(),
            option: row.setting.clone(),
            value: row.declared.clone(),
        }),
        Layer::Redis if pod.server.ok().is_none() => Err("its server does not answer".into()),
        Layer::Redis if !is_settable(&row.setting) => {
            Err("Redis takes this setting only when it starts; the pod has to be restarted".into())
        }
        Layer::Redis => Ok(Repair::SetServer {
            pod: row.object.clone(),
            setting: row.setting.clone(),
            value: row.declared.clone(),
        }),
    }
}
