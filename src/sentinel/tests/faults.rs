//! Real servers and sentinels that somebody changed by hand: what is seen, and that it is mended.

use super::group::{GROUP, Group, Loopback, PASSWORD, TIMEOUT};
use super::live::{declared, repair_all, shown};
use crate::sentinel::connection::Connection;
use crate::sentinel::drift::{drift, passing};
use crate::sentinel::observation::WatchedGroup;
use crate::sentinel::{Observation, Password, Repair, Role};

/// One command that no client of ours offers, to the server of one pod.
async fn ask(group: &Group, index: usize, words: &[&str]) {
    let (target, password) = (&group.targets[index], group.credentials.server.as_ref());
    let connection = Connection::open(&Loopback, &target.pod, target.server_port, password, TIMEOUT);
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    connection.await.expect("a connection").ask("a command of the test", &command).await.expect("OK");
}

/// Waits until the drift is just this, and the group is not moving by itself.
async fn see(group: &Group, expected: &[(&str, &str)]) -> Observation {
    let wanted = |observation: &Observation| {
        let rows = drift(&declared(), observation);
        let is_still = passing(observation).is_empty();
        (is_still && shown(&rows) == expected).then(|| observation.clone())
    };
    group.until(wanted).await
}

async fn mended(group: &Group) {
    group.settled().await;
    assert_eq!(drift(&declared(), &group.look().await), []);
}

#[tokio::test]
async fn a_masterauth_that_would_fail_at_the_next_failover_is_seen_and_set() {
    let group = Group::start().await;
    ask(&group, 1, &["CONFIG", "SET", "masterauth", "another-password"]).await;
    see(&group, &[("cache-server-1", "masterauth")]).await;
    assert_eq!(repair_all(&group).await.len(), 1);
    mended(&group).await;
}

#[tokio::test]
async fn a_password_beside_ours_and_none_at_all_are_seen_though_links_hide_them() {
    let group = Group::start().await;
    ask(&group, 1, &["ACL", "SETUSER", "default", ">further-password"]).await;
    ask(&group, 2, &["CONFIG", "SET", "requirepass", ""]).await;
    let rows = [("cache-server-1", "requirepass"), ("cache-server-2", "requirepass")];
    let observation = see(&group, &rows).await;
    assert!(!format!("{observation:?}").contains("further-password"));
    repair_all(&group).await;
    mended(&group).await;
}

#[tokio::test]
async fn a_default_user_with_fewer_rights_is_seen_and_freed() {
    let group = Group::start().await;
    ask(&group, 2, &["ACL", "SETUSER", "default", "-flushdb"]).await;
    see(&group, &[("cache-server-2", "user default")]).await;
    repair_all(&group).await;
    mended(&group).await;
}

#[tokio::test]
async fn a_server_that_refuses_the_password_is_an_observation_of_its_own() {
    let group = Group::start().await;
    ask(&group, 2, &["CONFIG", "SET", "requirepass", "another-password"]).await;
    see(&group, &[("cache-server-2", "requirepass")]).await;
    assert!(group.look().await.pods[2].server.is_refused());
}

#[tokio::test]
async fn a_wrong_auth_pass_is_inferred_and_set() {
    let group = Group::start().await;
    let wrong = Password::new("another-password");
    group.sentinel(1).await.set_auth_pass(GROUP, &wrong).await.expect("SENTINEL SET");
    see(&group, &[("cache-server-1", "auth-pass")]).await;
    let repaired = repair_all(&group).await;
    assert!(matches!(repaired.as_slice(), [Repair::SetAuthPass { .. }, ..]), "{repaired:?}");
    mended(&group).await;
    assert!(!format!("{repaired:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_second_master_is_demoted() {
    let group = Group::start().await;
    group.server(2).await.promote().await.expect("REPLICAOF NO ONE");
    see(&group, &[("cache-server-2", "role")]).await;
    repair_all(&group).await;
    mended(&group).await;
}

#[tokio::test]
async fn a_group_without_any_master_gets_the_server_that_has_most() {
    let group = Group::start().await;
    ask(&group, 0, &["SET", "kept", "yes"]).await;
    for (index, followed) in [(0, 1), (1, 2), (2, 1)] {
        group.server(index).await.replicate(&group.address(followed)).await.expect("REPLICAOF");
    }
    let observation = see(&group, &[(GROUP, "master")]).await;
    let roles: Vec<_> = observation.pods.iter().filter_map(|pod| Some(&pod.server.ok()?.role)).collect();
    assert!(roles.iter().all(|role| matches!(role, Role::Replica { .. })), "{roles:?}");
    let repaired = repair_all(&group).await;
    assert!(matches!(repaired[0], Repair::Promote { .. }), "{repaired:?}");
    mended(&group).await;
}

#[tokio::test]
async fn a_sentinel_that_watches_nothing_meets_the_group_with_every_setting() {
    let group = Group::start().await;
    group.sentinel(1).await.remove(GROUP).await.expect("SENTINEL REMOVE");
    see(&group, &[("cache-server-1", "monitor")]).await;
    repair_all(&group).await;
    mended(&group).await;
    let fields = group.sentinel(1).await.group(GROUP).await.expect("an answer").expect("watched").fields;
    assert_eq!(fields["down-after-milliseconds"], "2000");
}

#[tokio::test]
async fn a_sentinel_that_watches_another_master_is_led_back() {
    let group = Group::start().await;
    let sentinel = group.sentinel(2).await;
    sentinel.remove(GROUP).await.expect("SENTINEL REMOVE");
    sentinel.monitor(GROUP, &group.address(1), "2").await.expect("SENTINEL MONITOR");
    group
        .until(|observation| {
            let rows = drift(&declared(), observation);
            rows.iter().any(|row| row.object == "cache-server-2" && row.setting == "monitor").then_some(())
        })
        .await;
    repair_all(&group).await;
    mended(&group).await;
}

#[tokio::test]
async fn a_replica_that_is_gone_is_forgotten_once_the_group_is_well() {
    let mut group = Group::start().await;
    let ghost = group.attach_replica();
    let setting = format!("known-replica {ghost}");
    // A living replica may be meant: every sentinel knows it, and none of them drifted by that.
    group
        .until(|observation| {
            let watched = observation.pods.iter().filter_map(|pod| pod.sentinel.ok()?.group.as_ref());
            let knows = |one: &&WatchedGroup| one.replicas.iter().any(|replica| replica.address == ghost);
            (watched.filter(knows).count() == 3 && drift(&declared(), observation).is_empty()).then_some(())
        })
        .await;
    group.kill_attached();
    group
        .until(|observation| {
            let rows = drift(&declared(), observation);
            (rows.iter().filter(|row| row.setting == setting).count() == 3).then_some(())
        })
        .await;
    let repaired = repair_all(&group).await;
    assert!(repaired.iter().all(|repair| matches!(repair, Repair::Reset { .. })), "{repaired:?}");
    mended(&group).await;
}
