use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::group::{GROUP, Group, Loopback, PASSWORD, TIMEOUT, question};
use crate::sentinel::connection::Connection;
use crate::sentinel::drift::drift;
use crate::sentinel::execute::execute;
use crate::sentinel::failover::fail_over;
use crate::sentinel::health::findings;
use crate::sentinel::observe::observe;
use crate::sentinel::repairs::{is_settable, next};
use crate::sentinel::{
    Answer, Credentials, Declared, Dialer, DriftRow, Finding, Next, Password, Repair, Role,
};

/// The chart's own list of the same settings, by which it decides what rolls pods.
const RESTART_SETTINGS: &str = include_str!("../../chart/redis-ha/restart-settings.txt");

pub(super) fn declared() -> Declared {
    Declared {
        sentinel: [("quorum", "2"), ("down-after-milliseconds", "2000")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        server: [("maxmemory", "0"), ("maxmemory-policy", "noeviction"), ("save", "900 1")]
            .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
            .into(),
        password: Some("the key auth of the Secret cache".into()),
        disabled_commands: vec!["FLUSHALL".into()],
    }
}

const REPAIRS_MAX: usize = 20;

/// Repairs until nothing is left to do, with a new look before each step.
pub(super) async fn repair_all(group: &Group) -> Vec<Repair> {
    let mut done = Vec::new();
    while done.len() < REPAIRS_MAX {
        let observation = group.look().await;
        match next(&drift(&declared(), &observation), &declared(), &observation) {
            Next::Run(repairs) => {
                for repair in repairs {
                    execute(&repair, &group.reach()).await.expect("a repair");
                    done.push(repair);
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Next::Wait(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Next::Nothing => return done,
            other => panic!("{other:?}"),
        }
    }
    panic!("repairs that change nothing: {done:?}");
}

/// What a look shows, as `object setting` in short.
pub(super) fn shown(rows: &[DriftRow]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row.object.as_str(), row.setting.as_str())).collect()
}

#[tokio::test]
async fn a_settled_group_has_a_master_two_replicas_and_no_drift() {
    let group = Group::start().await;
    let topology = group.settled().await;
    assert_eq!(topology.master.expect("a master").pod, "cache-server-0");
    assert_eq!(topology.replicas, ["cache-server-1", "cache-server-2"]);
    let observation = group.look().await;
    assert_eq!(drift(&declared(), &observation), []);
    let id = &observation.pods[1].sentinel.ok().expect("an answer").id;
    assert_eq!(id.as_deref(), Some(format!("{:040}", 1).as_str()));
    assert!(!format!("{observation:?}").contains(PASSWORD), "an observation holds a password");
}

#[tokio::test]
async fn one_sentinel_set_by_hand_is_one_row_and_one_repair() {
    let group = Group::start().await;
    group.sentinel(2).await.set(GROUP, "quorum", "1").await.expect("SENTINEL SET");
    let rows = drift(&declared(), &group.look().await);
    let shown: Vec<_> = rows.iter().map(|row| (row.object.as_str(), row.live.as_str())).collect();
    assert_eq!(shown, [("cache-server-2", "1")]);
    assert_eq!(repair_all(&group).await.len(), 1);
    assert_eq!(drift(&declared(), &group.look().await), []);
}

#[tokio::test]
async fn server_settings_are_repaired_on_replicas_before_the_master() {
    let group = Group::start().await;
    for index in 0..3 {
        group.server(index).await.set_config("maxmemory", "100mb").await.expect("CONFIG SET");
    }
    group.server(0).await.set_config("save", "").await.expect("CONFIG SET");
    let repaired = repair_all(&group).await;
    let pods: Vec<_> = repaired
        .iter()
        .map(|repair| match repair {
            Repair::SetServer { pod, .. } => pod.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(pods, ["cache-server-1", "cache-server-2", "cache-server-0", "cache-server-0"]);
    assert_eq!(drift(&declared(), &group.look().await), []);
}

#[tokio::test]
async fn a_killed_master_is_silent_until_another_takes_over() {
    let mut group = Group::start().await;
    group.kill_server(0);
    let observation = group.look().await;
    assert!(matches!(observation.pods[0].server, Answer::Silent(_)));
    let master = group
        .until(|observation| {
            let master = crate::sentinel::topology::topology(observation).master?;
            (master.pod != "cache-server-0").then_some(master)
        })
        .await;
    assert_ne!(master.address, group.address(0));
    let silent =
        |finding: &Finding| matches!(finding, Finding::ServerSilent { pod, .. } if pod == "cache-server-0");
    assert!(findings(&group.look().await).iter().any(silent));
}

#[tokio::test]
async fn a_second_master_and_a_chained_replica_are_found() {
    let group = Group::start().await;
    let second = Connection::open(
        &Loopback,
        "cache-server-1",
        group.targets[1].server_port,
        group.credentials.server.as_ref(),
        TIMEOUT,
    );
    let second = second.await.expect("a connection");
    let mut command = redis::cmd("REPLICAOF");
    command.arg("NO").arg("ONE");
    second.ask("REPLICAOF", &command).await.expect("REPLICAOF NO ONE");
    group.server(2).await.replicate(&group.address(1)).await.expect("REPLICAOF");
    let found = findings(&group.look().await);
    assert!(
        found.contains(&Finding::SecondMaster {
            pod: "cache-server-1".into(),
            master: "cache-server-0".into()
        }),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|finding| matches!(finding, Finding::WrongMaster { pod, .. } if pod == "cache-server-2")),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_an_observation_that_does_not_tell_it() {
    let group = Group::start().await;
    let wrong = Credentials { server: Some(Password::new("not-the-right-one")), ..Credentials::default() };
    let observation = observe(&Loopback, &group.targets, question(GROUP), &wrong, TIMEOUT).await;
    let Answer::Refused(reason) = &observation.pods[0].server else { panic!("a wrong password was taken") };
    assert!(reason.contains("AUTH") && !reason.contains("not-the-right-one"), "{reason}");
    assert!(observation.pods[0].sentinel.ok().is_some());
}

#[tokio::test]
async fn a_group_that_nobody_watches_is_found() {
    let group = Group::start().await;
    let observation =
        observe(&Loopback, &group.targets, question("another"), &group.credentials, TIMEOUT).await;
    let unwatched = findings(&observation)
        .into_iter()
        .filter(|finding| matches!(finding, Finding::GroupUnwatched { .. }))
        .count();
    assert_eq!(unwatched, 3);
    assert_eq!(group.sentinel(0).await.master_address("another").await.expect("an answer"), None);
}

/// Counts up on whichever server the sentinels name, and returns the last acknowledged number.
async fn write_until(stop: Arc<AtomicBool>, group: Arc<Group>) -> i64 {
    let mut acknowledged = 0;
    while !stop.load(Ordering::Relaxed) {
        let named =
            group.sentinel(1).await.master_address(GROUP).await.expect("an answer").expect("a master");
        let port = named.port;
        let stream = Loopback.dial("", port).await.expect("a stream");
        let opened =
            Connection::over(port.to_string(), stream, group.credentials.server.as_ref(), TIMEOUT).await;
        let Ok(connection) = opened else { continue };
        while !stop.load(Ordering::Relaxed) {
            let mut command = redis::cmd("SET");
            command.arg("sequence").arg(acknowledged + 1);
            match connection.ask("SET", &command).await {
                Ok(_) => acknowledged += 1,
                Err(_) => break,
            }
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_loses_no_acknowledged_write() {
    let group = Arc::new(Group::start().await);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write_until(Arc::clone(&stop), Arc::clone(&group)));
    let (old, sentinel) = (group.server(0).await, group.sentinel(1).await);
    let new = fail_over(&old, &sentinel, GROUP, &group.address(0), Duration::from_secs(60))
        .await
        .expect("a failover");
    let topology = group.settled().await;
    stop.store(true, Ordering::Relaxed);
    let acknowledged = writer.await.expect("the writer");
    let master = topology.master.expect("a master");
    assert_eq!(master.address, new);
    assert_ne!(master.pod, "cache-server-0");

    let index = group.targets.iter().position(|target| target.pod == master.pod).expect("one of the pods");
    let port = group.targets[index].server_port;
    let stream = Loopback.dial("", port).await.expect("a stream");
    let connection = Connection::over("master".into(), stream, group.credentials.server.as_ref(), TIMEOUT);
    let mut command = redis::cmd("GET");
    let reply = connection.await.expect("a connection").ask("GET", command.arg("sequence")).await;
    let held: i64 = redis::from_redis_value(reply.expect("a value")).expect("a number");
    // A write may have been applied whose acknowledgement was lost; never the other way round.
    assert!(acknowledged > 0 && held >= acknowledged, "held {held}, acknowledged {acknowledged}");
    assert!(matches!(old.role().await.expect("ROLE"), Role::Replica { .. }));
}

#[tokio::test]
async fn a_failover_without_a_good_replica_says_so_and_lets_writes_go_on() {
    let mut group = Group::start().await;
    group.kill_server(1);
    group.kill_server(2);
    group
        .until(|observation| {
            let down = |finding: &Finding| matches!(finding, Finding::ReplicaDown { sentinel, .. } if sentinel == "cache-server-1");
            (findings(observation).iter().filter(|finding| down(finding)).count() == 2).then_some(())
        })
        .await;
    let (old, sentinel) = (group.server(0).await, group.sentinel(1).await);
    let failed = fail_over(&old, &sentinel, GROUP, &group.address(0), Duration::from_secs(5)).await;
    assert_eq!(failed.expect_err("nobody to promote").code(), Some("NOGOODSLAVE"));
    let stream = Loopback.dial("", group.targets[0].server_port).await.expect("a stream");
    let connection = Connection::over("old".into(), stream, group.credentials.server.as_ref(), TIMEOUT).await;
    let mut command = redis::cmd("SET");
    command.arg("still").arg("writable");
    connection.expect("a connection").ask("SET", &command).await.expect("writes go on");
}

/// The list of settings that need a restart, against what a real server takes.
#[tokio::test]
async fn a_server_refuses_exactly_the_settings_that_take_a_restart() {
    let group = Group::start().await;
    let server = group.server(1).await;
    for (name, value) in server.config("*").await.expect("CONFIG GET") {
        if name == "replicaof" || name == "slaveof" {
            continue;
        }
        let taken = server.set_config(&name, &value).await;
        assert_eq!(taken.is_ok(), is_settable(&name), "{name}: {taken:?}");
        // Redis takes new ports while it runs, but Services and probes do not follow.
        if !["port", "tls-port"].contains(&name.as_str()) {
            assert_eq!(taken.is_ok(), !RESTART_SETTINGS.lines().any(|line| line == name), "{name}");
        }
    }
}
