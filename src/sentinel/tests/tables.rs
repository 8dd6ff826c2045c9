use crate::sentinel::drift::drift;
use crate::sentinel::health::findings;
use crate::sentinel::observation::{Flags, KnownPeer, KnownReplica, Link, WatchedGroup};
use crate::sentinel::repairs::next;
use crate::sentinel::settings::{canonical_name, is_claimed, joined, same};
use crate::sentinel::topology::{topology, verdict};
use crate::sentinel::{
    Address, Answer, Credentials, Declared, DriftRow, Finding, Layer, Next, Observation, Password,
    PasswordState, PodObservation, Repair, Role, SentinelView, ServerView, Verdict,
};

pub(super) fn address(index: usize) -> Address {
    Address { host: format!("10.0.0.{index}"), port: 6379 }
}

pub(super) fn watched(index: usize, pods: usize, master: usize) -> WatchedGroup {
    let fields = [("quorum", "2"), ("down-after-milliseconds", "10000")];
    let others = (0..pods).filter(|other| *other != index);
    let replicas = (0..pods).filter(|other| *other != master).map(|other| KnownReplica {
        address: address(other),
        flags: Flags::parse("slave"),
        link_up: true,
        priority: 100,
        info_age_milliseconds: 500,
    });
    WatchedGroup {
        master: address(master),
        config_epoch: 0,
        flags: Flags::parse("master"),
        silent_milliseconds: 200,
        failover_state: None,
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        replicas: replicas.collect(),
        peers: others
            .map(|other| KnownPeer {
                id: format!("{other:040}"),
                address: Address { port: 26379, ..address(other) },
                flags: Flags::parse("sentinel"),
            })
            .collect(),
    }
}

pub(super) fn role(index: usize, master: usize) -> Role {
    if index == master {
        return Role::Master { offset: 10, replicas: Vec::new() };
    }
    Role::Replica { master: address(master), link: Link::Connected, offset: 10 }
}

/// Three pods that agree on the first as master.
pub(super) fn healthy() -> Observation {
    let pods = (0..3).map(|index| PodObservation {
        pod: format!("f-server-{index}"),
        addresses: vec![format!("10.0.0.{index}"), format!("f-announce-{index}.ns.svc")],
        server_port: 6379,
        sentinel_port: 26379,
        other_ports: Vec::new(),
        server: Answer::Ok(ServerView {
            role: role(index, 0),
            version: "7.2.4".into(),
            loading: false,
            config: [("maxmemory", "104857600"), ("save", "900 1"), ("min-replicas-to-write", "1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            password: PasswordState::Ours,
            masterauth: PasswordState::Ours,
            restricted_user: None,
            known_commands: Vec::new(),
        }),
        sentinel: Answer::Ok(SentinelView {
            id: Some(format!("{index:040}")),
            group: Some(watched(index, 3, 0)),
            tilt: false,
        }),
        is_outdated: false,
    });
    Observation { master_group: "mymaster".into(), pods: pods.collect() }
}

pub(super) fn server(observation: &mut Observation, index: usize) -> &mut ServerView {
    match &mut observation.pods[index].server {
        Answer::Ok(server) => server,
        Answer::Refused(reason) | Answer::Silent(reason) => panic!("no answer: {reason}"),
    }
}

pub(super) fn group(observation: &mut Observation, index: usize) -> &mut WatchedGroup {
    match &mut observation.pods[index].sentinel {
        Answer::Ok(sentinel) => sentinel.group.as_mut().expect("it is watched"),
        Answer::Refused(reason) | Answer::Silent(reason) => panic!("no answer: {reason}"),
    }
}

/// Changes a healthy group, and compares the sentences of its findings with `expected`.
fn check(change: impl FnOnce(&mut Observation), expected: &[&str]) -> Observation {
    let mut observation = healthy();
    change(&mut observation);
    let sentences: Vec<_> = findings(&observation).iter().map(Finding::to_string).collect();
    assert_eq!(sentences, expected);
    observation
}

#[test]
fn members_that_know_one_another_by_their_ports_for_tls_are_no_strangers() {
    let by_tls = |observation: &mut Observation| {
        for index in 0..3 {
            observation.pods[index].other_ports = vec![6385, 26385];
            let group = group(observation, index);
            group.master.port = 6385;
            group.replicas.iter_mut().for_each(|replica| replica.address.port = 6385);
            group.peers.iter_mut().for_each(|peer| peer.address.port = 26385);
            if let Role::Replica { master, .. } = &mut server(observation, index).role {
                master.port = 6385;
            }
        }
    };
    check(by_tls, &[]);
}

#[test]
fn a_healthy_group_is_settled() {
    let observation = check(|_| {}, &[]);
    let Verdict::Settled(topology) = verdict(&observation) else { panic!("not settled") };
    assert_eq!(topology.master.expect("a master").pod, "f-server-0");
}

#[test]
fn names_and_addresses_of_one_server_agree() {
    check(|observation| group(observation, 1).master.host = "f-announce-0.ns.svc".into(), &[]);
}

#[test]
fn one_sentinel_of_three_cannot_move_the_master() {
    let observation = check(
        |observation| *group(observation, 2) = watched(2, 3, 1),
        &["the sentinel of f-server-2 names 10.0.0.1:6379 as master, most name 10.0.0.0:6379"],
    );
    assert_eq!(topology(&observation).master.expect("a master").pod, "f-server-0");
}

#[test]
fn sentinels_without_a_majority_name_nobody() {
    let observation = check(
        |observation| {
            *group(observation, 2) = watched(2, 3, 1);
            observation.pods[1].sentinel = Answer::Silent("refused".into());
        },
        &[
            "the sentinel of f-server-1 does not answer: refused",
            "the sentinels do not agree on a master: f-server-0 names 10.0.0.0:6379; f-server-2 names 10.0.0.1:6379",
        ],
    );
    assert_eq!(topology(&observation).master, None);
}

#[test]
fn a_group_of_replicas_only_has_no_master_though_all_sentinels_agree() {
    let observation = check(
        |observation| server(observation, 0).role = role(0, 1),
        &["the sentinels name f-server-0 as master, but it is a replica of 10.0.0.1:6379"],
    );
    assert_eq!(topology(&observation).master, None);
}

#[test]
fn a_replica_without_a_link_is_not_settled() {
    let unlink = |observation: &mut Observation| {
        server(observation, 1).role = Role::Replica { master: address(0), link: Link::Sync, offset: 0 };
    };
    check(unlink, &["the replica f-server-1 is not linked to its master (Sync)"]);
}

#[test]
fn a_replica_that_a_sentinel_would_not_promote_is_not_settled() {
    let age =
        |observation: &mut Observation| group(observation, 1).replicas[0].info_age_milliseconds = i64::MAX;
    let observation = check(age, &["the sentinel of f-server-1 could not promote f-server-1 yet"]);
    assert!(matches!(verdict(&observation), Verdict::NotSettled(_)));
}

#[test]
fn ghosts_are_told_but_do_not_unsettle() {
    let haunt = |observation: &mut Observation| {
        let mut ghost = group(observation, 0).replicas[0].clone();
        ghost.address = address(9);
        ghost.flags = Flags::parse("slave,s_down,disconnected");
        group(observation, 0).replicas.push(ghost);
    };
    let expected =
        ["the sentinel of f-server-0 remembers a replica at 10.0.0.9:6379, which is none of the pods"];
    assert!(matches!(verdict(&check(haunt, &expected)), Verdict::Settled(_)));
}

#[test]
fn a_running_failover_forbids_repairs() {
    let run = |observation: &mut Observation| {
        group(observation, 0).failover_state = Some("reconf_slaves".into());
        group(observation, 0).fields.insert("quorum".into(), "1".into());
    };
    let observation = check(run, &["the sentinel of f-server-0 runs a failover (reconf_slaves)"]);
    let rows = drift(&declared(&[("quorum", "2")], &[]), &observation);
    let Next::Wait(against) = next(&rows, &declared(&[], &[]), &observation) else { panic!("not held back") };
    assert_eq!(against.len(), 1);
}

pub(super) fn declared(sentinel: &[(&str, &str)], server: &[(&str, &str)]) -> Declared {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Declared {
        sentinel: sentinel.iter().map(own).collect(),
        server: server.iter().map(own).map(|(name, value)| (name, vec![value])).collect(),
        password: Some("the key auth of the Secret f".into()),
        disabled_commands: Vec::new(),
    }
}

#[test]
fn settings_that_mean_the_same_are_no_drift() {
    let same = declared(
        &[("quorum", "2")],
        &[("maxmemory", "100mb"), ("min-slaves-to-write", "1"), ("save", "\"900 1\""), ("unheard-of", "1")],
    );
    assert_eq!(drift(&same, &healthy()), []);
}

#[test]
fn each_process_that_differs_is_a_row() {
    let mut observation = healthy();
    server(&mut observation, 0).config.insert("maxmemory".into(), "0".into());
    group(&mut observation, 1).fields.insert("quorum".into(), "1".into());
    observation.pods[2].server = Answer::Silent("refused".into());
    let row = |layer, index: usize, setting: &str, declared: &str, live: &str| DriftRow {
        layer,
        object: format!("f-server-{index}"),
        setting: setting.into(),
        declared: declared.into(),
        live: live.into(),
    };
    let expected = [
        row(Layer::Sentinel, 1, "quorum", "2", "1"),
        row(Layer::Redis, 0, "databases", "32", "16"),
        row(Layer::Redis, 0, "maxmemory", "100mb", "0"),
    ];
    server(&mut observation, 0).config.insert("databases".into(), "16".into());
    let declared = declared(&[("quorum", "2")], &[("maxmemory", "100mb"), ("databases", "32")]);
    let rows = drift(&declared, &observation);
    assert_eq!(rows, expected);
    let Next::Restart { pod, .. } = next(&rows[1..2], &declared, &healthy()) else { panic!("no restart") };
    assert_eq!(pod, "f-server-0");
    let Next::Wait(against) = next(&rows[1..2], &declared, &observation) else { panic!("a risky restart") };
    assert_eq!(against[0].condition(), "server_silent");
    let Next::Run(first) = next(&rows, &declared, &observation) else { panic!("nothing to run") };
    assert!(matches!(first.as_slice(), [Repair::SetSentinel { .. }]), "{first:?}");
}

#[test]
fn values_are_compared_by_meaning() {
    let table: &[(&str, &str, &str, bool)] = &[
        ("maxmemory", "100mb", "104857600", true),
        ("maxmemory", "100m", "104857600", false),
        ("maxmemory", "1gb", "1073741824", true),
        ("maxmemory", "0", "0", true),
        ("maxmemory-policy", "ALLKEYS-LRU", "allkeys-lru", true),
        ("appendonly", "YES", "yes", true),
        ("appendonly", "no", "yes", false),
        ("save", "", "", true),
        ("save", "\"\"", "", true),
        ("save", "900 1 300 10", "900  1 300 10", true),
        ("save", "900 1", "", false),
        ("logfile", "/data/A.log", "/data/a.log", false),
        ("notify-keyspace-events", "KEA", "AKE", true),
        ("notify-keyspace-events", "Kx", "xE", false),
        (
            "client-output-buffer-limit",
            "replica 256mb 64mb 60",
            "normal 0 0 0 slave 268435456 67108864 60",
            true,
        ),
        ("client-output-buffer-limit", "normal 1 0 0", "normal 0 0 0 slave 268435456 67108864 60", false),
        ("timeout", "300", "0", false),
    ];
    for (name, declared, live, expected) in table {
        assert_eq!(same(name, declared, live), *expected, "{name}: {declared:?} and {live:?}");
    }
}

#[test]
fn settings_have_one_name() {
    let table = [
        ("min-slaves-to-write", "min-replicas-to-write"),
        ("slave-priority", "replica-priority"),
        ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
        ("lua-time-limit", "busy-reply-threshold"),
        ("maxmemory", "maxmemory"),
    ];
    for (old, new) in table {
        assert_eq!(canonical_name(old), new);
    }
    assert!(!is_claimed("slaveof") && !is_claimed("requirepass") && is_claimed("maxmemory"));
}

#[test]
fn several_lines_are_one_value() {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(joined("save", &lines(&["900 1", "300 10"])), "900 1 300 10");
    assert_eq!(joined("maxmemory", &lines(&["1", "2"])), "2");
    assert_eq!(joined("save", &lines(&["\"\""])), "");
}

#[test]
fn a_password_is_never_printed() {
    let credentials =
        Credentials { server: Some(Password::new("hunter2hunter2hunter2")), ..Credentials::default() };
    assert!(!format!("{credentials:?}").contains("hunter2"));
}

#[test]
fn a_group_that_no_sentinel_tells_of_has_no_master_by_name() {
    assert_eq!(Finding::NoMajority { views: Vec::new() }.to_string(), "no sentinel names a master");
}
