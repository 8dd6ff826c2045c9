//! Drift rows to commands, in the order in which they are safe: one stage at a time, each after a new
//! look. What is done to the group's structure is done to one process at a time.

use std::collections::BTreeMap;

use super::drift::{ANNOUNCED, Declared, DriftRow, Layer, passing};
use super::health::{Finding, findings};
use super::observation::{Address, Observation, PasswordState, PodObservation, Role};
use super::settings::canonical_name;
use super::structure::{self, address_of};
use super::topology::leader;

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

/// One command, or few that belong together, on one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// CONFIG SET requirepass: the declared password, and no other.
    SetPassword { pod: String },
    /// ACL SETUSER default: the declared password, beside the one that the pod was started with.
    LetIn { pod: String },
    /// CONFIG SET masterauth.
    SetMasterauth { pod: String },
    /// ACL SETUSER default: it may do everything again.
    UnrestrictUser { pod: String },
    /// SENTINEL SET auth-pass.
    SetAuthPass { pod: String, group: String },
    /// REPLICAOF NO ONE, while no server is a master.
    Promote { pod: String, others: Vec<String> },
    /// REPLICAOF, after the master has said that it is one.
    Follow { pod: String, master_pod: String, master: Address },
    /// SENTINEL REMOVE, MONITOR, and SET of every option.
    Monitor { pod: String, group: String, master: Address, options: Vec<(String, String)> },
    /// SENTINEL SET.
    SetSentinel { pod: String, group: String, option: String, value: String },
    /// CONFIG SET.
    SetServer { pod: String, setting: String, value: String },
    /// SENTINEL RESET.
    Reset { pod: String, group: String },
}

/// What to do about drift, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// These, in this order; then look again.
    Run(Vec<Repair>),
    /// The pod has to start anew, and why; then look again.
    Restart {
        pod: String,
        reason: String,
    },
    /// These stand against it. They may pass: look again.
    Wait(Vec<Finding>),
    /// No command helps, and why.
    Refused {
        row: DriftRow,
        reason: String,
    },
    Nothing,
}

/// In the order in which repairs are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Access,
    Restarts,
    Masters,
    Replicas,
    Monitors,
    SentinelSettings,
    /// A master whose memory limit shrinks before its replicas' would evict on them too.
    ReplicaSettings,
    MasterSettings,
    Ghosts,
}

#[derive(Clone, Debug)]
enum Action {
    Run(Repair),
    Restart { pod: String, reason: String },
}

/// Whether Redis can take this setting of redis.conf while it runs.
pub fn is_settable(setting: &str) -> bool {
    !AT_START_ONLY.contains(&canonical_name(setting).as_str())
}

/// The next repairs of exactly these rows: rows that are not given are not repaired.
pub fn next(rows: &[DriftRow], declared: &Declared, observation: &Observation) -> Next {
    let mut actions = Vec::new();
    let mut refused = None;
    for row in rows {
        match actions_of(row, declared, observation) {
            Ok(found) => actions.extend(found),
            Err(reason) => refused = refused.or(Some((row.clone(), reason))),
        }
    }
    let mut waits = None;
    let mut stages: BTreeMap<Stage, Vec<Action>> = BTreeMap::new();
    for action in actions {
        stages.entry(stage(&action, observation)).or_default().push(action);
    }
    // What has to wait does not keep later stages from what they can do now.
    for (stage, mut actions) in stages {
        // Whoever starts anew last has not been failed over to before.
        actions.sort_by_key(|action| is_restart_of_master(action, observation));
        let against = against(stage, &actions, observation);
        if against.is_empty() {
            return in_turn(stage, actions);
        }
        waits = waits.or(Some(against));
    }
    match (waits, refused) {
        (Some(against), _) => Next::Wait(against),
        (None, Some((row, reason))) => Next::Refused { row, reason },
        (None, None) => Next::Nothing,
    }
}

/// Settings go together; what changes the structure goes one by one.
fn in_turn(stage: Stage, actions: Vec<Action>) -> Next {
    let mut repairs: Vec<Repair> = Vec::new();
    for action in actions {
        match action {
            Action::Restart { pod, reason } => return Next::Restart { pod, reason },
            Action::Run(repair) if !repairs.contains(&repair) => repairs.push(repair),
            Action::Run(_) => {}
        }
    }
    let one_by_one = matches!(stage, Stage::Masters | Stage::Replicas | Stage::Monitors | Stage::Ghosts);
    repairs.truncate(if one_by_one { 1 } else { repairs.len() });
    Next::Run(repairs)
}

fn stage(action: &Action, observation: &Observation) -> Stage {
    let role = |pod: &str| observation.pod(pod)?.server.ok().map(|server| &server.role);
    match action {
        Action::Restart { .. } => Stage::Restarts,
        Action::Run(repair) => match repair {
            Repair::SetPassword { .. }
            | Repair::LetIn { .. }
            | Repair::SetMasterauth { .. }
            | Repair::UnrestrictUser { .. }
            | Repair::SetAuthPass { .. } => Stage::Access,
            Repair::Promote { .. } => Stage::Masters,
            Repair::Follow { .. } => Stage::Replicas,
            Repair::Monitor { .. } => Stage::Monitors,
            Repair::SetSentinel { .. } => Stage::SentinelSettings,
            Repair::SetServer { pod, .. } => match role(pod) {
                Some(Role::Master { .. }) => Stage::MasterSettings,
                _ => Stage::ReplicaSettings,
            },
            Repair::Reset { .. } => Stage::Ghosts,
        },
    }
}

/// What forbids a stage at this moment.
fn against(stage: Stage, actions: &[Action], observation: &Observation) -> Vec<Finding> {
    let restarting: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Restart { pod, .. } => Some(pod.as_str()),
            Action::Run(_) => None,
        })
        .collect();
    let forbids = |finding: &Finding| match stage {
        Stage::Ghosts => finding.unsettles(),
        Stage::Restarts => match finding {
            Finding::ServerSilent { pod, .. }
            | Finding::LinkDown { pod, .. }
            | Finding::WrongMaster { pod, .. } => !restarting.contains(&pod.as_str()),
            Finding::NoMajority { .. } => true,
            _ => false,
        },
        Stage::SentinelSettings | Stage::ReplicaSettings | Stage::MasterSettings => {
            matches!(finding, Finding::NoMajority { .. })
        }
        Stage::Access | Stage::Masters | Stage::Replicas | Stage::Monitors => false,
    };
    let mut found = passing(observation);
    found.extend(
        findings(observation).into_iter().filter(|finding| !finding.is_passing() && forbids(finding)),
    );
    found
}

fn actions_of(row: &DriftRow, declared: &Declared, observation: &Observation) -> Result<Vec<Action>, String> {
    if row.is_structural() {
        return structural(row, declared, observation);
    }
    let pod = observation.pod(&row.object).ok_or("the pod is gone")?;
    let (name, group) = (row.object.clone(), observation.master_group.clone());
    let run = |repair| Ok(vec![Action::Run(repair)]);
    match (row.layer, row.name()) {
        (Layer::Sentinel, _) if pod.sentinel.ok().is_none() => Err("its sentinel does not answer".into()),
        (Layer::Sentinel, structure::KNOWN_REPLICA | structure::KNOWN_SENTINEL) => {
            run(Repair::Reset { pod: name, group })
        }
        (Layer::Sentinel, structure::AUTH_PASS) => run(Repair::SetAuthPass { pod: name, group }),
        (Layer::Sentinel, _) => run(Repair::SetSentinel {
            pod: name,
            group,
            option: row.setting.clone(),
            value: row.declared.clone(),
        }),
        (Layer::Redis, "requirepass") if pod.is_outdated => Ok(rotation(observation, pod)),
        (Layer::Redis, _) if pod.server.is_refused() => restart_of_refusing(observation, pod),
        (Layer::Redis, _) if pod.server.ok().is_none() => Err("its server does not answer".into()),
        (Layer::Redis, "requirepass") if declared.password.is_none() => {
            restart(pod, "its server has a password that nobody declared")
        }
        (Layer::Redis, "requirepass") => run(Repair::SetPassword { pod: name }),
        (Layer::Redis, "masterauth") => run(Repair::SetMasterauth { pod: name }),
        (Layer::Redis, "user") => run(Repair::UnrestrictUser { pod: name }),
        (Layer::Redis, ANNOUNCED) => {
            restart(pod, "its address has changed, which its sentinel has to learn too")
        }
        (Layer::Redis, setting) if setting == "rename-command" || !is_settable(setting) => {
            restart(pod, "Redis takes this setting only when it starts")
        }
        (Layer::Redis, _) => {
            run(Repair::SetServer { pod: name, setting: row.setting.clone(), value: row.declared.clone() })
        }
    }
}

fn restart(pod: &PodObservation, reason: &str) -> Result<Vec<Action>, String> {
    Ok(vec![Action::Restart { pod: pod.pod.clone(), reason: reason.into() }])
}

/// A pod that starts anew has the Secret's password. If no server takes it, the Secret changed, not the
/// servers: then the first pod to start would be locked out by the others.
fn restart_of_refusing(observation: &Observation, pod: &PodObservation) -> Result<Vec<Action>, String> {
    if observation.pods.iter().any(|other| other.server.ok().is_some()) {
        return restart(pod, "its server has another password than the Secret");
    }
    Err("no server takes the password of the Secret, so it was the Secret that changed, and no pod tells the \
         password that it was started with; put the servers' password back into the Secret"
        .into())
}

/// The Secret's password was changed after the pod was started. First every server takes both passwords,
/// then replicas and sentinels give the new one, and then the pods start anew, which drops the old one. A
/// server that had the new one alone would be ended by its probes, which use the old one.
fn rotation(observation: &Observation, pod: &PodObservation) -> Vec<Action> {
    let (name, group) = (pod.pod.clone(), observation.master_group.clone());
    let repairs = match pod.server.ok().map(|server| server.masterauth) {
        None => vec![Repair::LetIn { pod: name }],
        Some(PasswordState::Ours) => {
            let reason = "it was started with another password than the Secret has now".into();
            return vec![Action::Restart { pod: name, reason }];
        }
        // Nobody tells a sentinel's password: the server's own is set last, as the sign that both are.
        Some(_) => {
            vec![Repair::SetAuthPass { pod: name.clone(), group }, Repair::SetMasterauth { pod: name }]
        }
    };
    repairs.into_iter().map(Action::Run).collect()
}

/// Everything follows the leader: servers first, then sentinels.
fn structural(row: &DriftRow, declared: &Declared, observation: &Observation) -> Result<Vec<Action>, String> {
    let leader = leader(observation).ok_or("it cannot be told which server should be the master")?;
    if row.name() != structure::MASTER {
        let pod = observation.pod(&row.object).ok_or("the pod is gone")?;
        return Ok(vec![Action::Run(join(row.layer, pod, leader, declared, observation))]);
    }
    if !observation.pods.iter().any(is_master) {
        let others = observation.pods.iter().filter(|pod| pod.pod != leader.pod);
        let others = others.map(|pod| pod.pod.clone()).collect();
        return Ok(vec![Action::Run(Repair::Promote { pod: leader.pod.clone(), others })]);
    }
    let strays = observation.pods.iter().filter(|pod| pod.pod != leader.pod && !follows(pod, leader));
    let servers = strays.map(|pod| join(Layer::Redis, pod, leader, declared, observation));
    let names_another = |pod: &&PodObservation| {
        pod.sentinel
            .ok()
            .is_some_and(|view| view.group.as_ref().is_none_or(|group| !leader.serves(&group.master)))
    };
    let sentinels = observation.pods.iter().filter(names_another);
    let sentinels = sentinels.map(|pod| join(Layer::Sentinel, pod, leader, declared, observation));
    Ok(servers.chain(sentinels).map(Action::Run).collect())
}

fn join(
    layer: Layer,
    pod: &PodObservation,
    leader: &PodObservation,
    declared: &Declared,
    observation: &Observation,
) -> Repair {
    let (name, master) = (pod.pod.clone(), address_of(observation, leader));
    match layer {
        Layer::Redis => Repair::Follow { pod: name, master_pod: leader.pod.clone(), master },
        Layer::Sentinel => Repair::Monitor {
            pod: name,
            group: observation.master_group.clone(),
            master,
            options: options(declared, observation),
        },
    }
}

/// What a sentinel is set to when it meets the group anew: the declared options, or those of another
/// sentinel where none are declared.
fn options(declared: &Declared, observation: &Observation) -> Vec<(String, String)> {
    if !declared.sentinel.is_empty() {
        return declared.sentinel.clone().into_iter().collect();
    }
    let groups = observation.pods.iter().filter_map(|pod| pod.sentinel.ok()?.group.as_ref());
    let Some(group) = groups.max_by_key(|group| group.config_epoch) else { return Vec::new() };
    let names = ["quorum", "down-after-milliseconds", "failover-timeout", "parallel-syncs"];
    let option = |name: &str| Some((name.to_owned(), group.fields.get(name)?.clone()));
    names.into_iter().filter_map(option).collect()
}

fn is_restart_of_master(action: &Action, observation: &Observation) -> bool {
    matches!(action, Action::Restart { pod, .. } if observation.pod(pod).is_some_and(is_master))
}

fn is_master(pod: &PodObservation) -> bool {
    pod.server.ok().is_some_and(|server| matches!(server.role, Role::Master { .. }))
}

/// A server that does not answer is taken for one that follows: nothing can be told it anyway.
fn follows(pod: &PodObservation, leader: &PodObservation) -> bool {
    pod.server.ok().is_none_or(|server| match &server.role {
        Role::Replica { master, .. } => leader.serves(master),
        Role::Master { .. } => false,
    })
}
