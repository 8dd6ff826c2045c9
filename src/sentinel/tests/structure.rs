//! Who follows whom: what is seen, and the first step to mend it.

use super::tables::{address, declared, group, healthy, role, server, watched};
use crate::sentinel::drift::drift;
use crate::sentinel::observation::{Flags, KnownPeer, KnownReplica, Link};
use crate::sentinel::repairs::next;
use crate::sentinel::{Address, Answer, Next, Observation, PasswordState, Repair, Role};

/// Changes a healthy group, and compares its rows (`object setting: declared, live`) and the next step.
fn check(change: impl FnOnce(&mut Observation), expected: &[&str], step: &str) {
    let mut observation = healthy();
    change(&mut observation);
    let declared = declared(&[("quorum", "2")], &[]);
    let rows = drift(&declared, &observation);
    let sentences: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}: {}, {}", row.object, row.setting, row.declared, row.live))
        .collect();
    assert_eq!(sentences, expected);
    let seen = match next(&rows, &declared, &observation) {
        Next::Run(repairs) => repairs.iter().map(words).collect::<Vec<_>>().join("; "),
        Next::Restart { pod, .. } => format!("restart {pod}"),
        Next::Wait(against) => format!("wait: {}", against[0].condition()),
        Next::Refused { reason, .. } => format!("refused: {reason}"),
        Next::Nothing => "nothing".into(),
    };
    assert_eq!(seen, step);
}

fn words(repair: &Repair) -> String {
    match repair {
        Repair::Promote { pod, .. } => format!("promote {pod}"),
        Repair::Follow { pod, master, .. } => format!("{pod} follows {master}"),
        Repair::Monitor { pod, master, .. } => format!("{pod} monitors {master}"),
        Repair::Reset { pod, .. } => format!("reset {pod}"),
        Repair::SetPassword { pod } => format!("password of {pod}"),
        Repair::LetIn { pod } => format!("let into {pod}"),
        Repair::SetMasterauth { pod } => format!("masterauth of {pod}"),
        Repair::SetAuthPass { pod, .. } => format!("auth-pass of {pod}"),
        Repair::UnrestrictUser { pod } => format!("user of {pod}"),
        Repair::SetSentinel { pod, option, .. } => format!("{option} of {pod}"),
        Repair::SetServer { pod, setting, .. } => format!("{setting} of {pod}"),
    }
}

fn follows(index: usize, link: Link, offset: i64) -> Role {
    Role::Replica { master: address(index), link, offset }
}

#[test]
fn a_second_master_is_made_a_replica_of_the_one_that_the_sentinels_name() {
    check(
        |observation| server(observation, 2).role = Role::Master { offset: 99, replicas: Vec::new() },
        &["f-server-2 role: replica of f-server-0, master"],
        "f-server-2 follows 10.0.0.0:6379",
    );
}

#[test]
fn a_chained_replica_is_led_back() {
    check(
        |observation| server(observation, 2).role = follows(1, Link::Connected, 10),
        &["f-server-2 replicaof: 10.0.0.0:6379, 10.0.0.1:6379"],
        "f-server-2 follows 10.0.0.0:6379",
    );
}

#[test]
fn without_a_master_the_replica_that_has_most_is_promoted() {
    let lose = |observation: &mut Observation| {
        server(observation, 0).role = follows(1, Link::Connect, 10);
        server(observation, 1).role = follows(2, Link::Connect, 12);
        server(observation, 2).role = follows(0, Link::Connect, 11);
    };
    let row = "mymaster master: one, none: the sentinels name f-server-0, a replica of 10.0.0.1:6379";
    check(lose, &[row], "promote f-server-1");
}

#[test]
fn of_equal_replicas_the_one_that_the_sentinels_name_is_promoted() {
    let row = "mymaster master: one, none: the sentinels name f-server-0, a replica of 10.0.0.1:6379";
    check(|observation| server(observation, 0).role = role(0, 1), &[row], "promote f-server-0");
}

#[test]
fn nobody_is_promoted_while_a_server_is_silent() {
    let lose = |observation: &mut Observation| {
        server(observation, 0).role = follows(1, Link::Connect, 10);
        observation.pods[2].server = Answer::Silent("refused".into());
    };
    check(lose, &[], "nothing");
}

#[test]
fn a_lone_master_that_the_sentinels_do_not_name_is_followed_and_then_named() {
    let lose = |observation: &mut Observation| {
        server(observation, 0).role = role(0, 1);
        server(observation, 1).role = Role::Master { offset: 20, replicas: Vec::new() };
    };
    let row = "mymaster master: one, none: the sentinels name f-server-0, a replica of 10.0.0.1:6379";
    check(lose, &[row], "f-server-2 follows 10.0.0.1:6379");
    let followed = |observation: &mut Observation| {
        lose(observation);
        server(observation, 2).role = follows(1, Link::Connected, 20);
    };
    check(followed, &[row], "f-server-0 monitors 10.0.0.1:6379");
}

#[test]
fn a_sentinel_that_names_another_or_watches_nothing_meets_the_group_anew() {
    check(
        |observation| *group(observation, 2) = watched(2, 3, 1),
        &["f-server-2 monitor: 10.0.0.0:6379, 10.0.0.1:6379"],
        "f-server-2 monitors 10.0.0.0:6379",
    );
    let forget = |observation: &mut Observation| {
        let Answer::Ok(view) = &mut observation.pods[1].sentinel else { panic!("no answer") };
        view.group = None;
    };
    check(forget, &["f-server-1 monitor: 10.0.0.0:6379, nothing"], "f-server-1 monitors 10.0.0.0:6379");
}

#[test]
fn ghosts_are_forgotten_last_and_only_in_a_settled_group() {
    let haunt = |observation: &mut Observation| {
        let ghost = KnownReplica {
            address: address(9),
            flags: Flags::parse("slave,s_down,disconnected"),
            ..group(observation, 0).replicas[0].clone()
        };
        group(observation, 0).replicas.push(ghost);
    };
    check(haunt, &["f-server-0 known-replica 10.0.0.9:6379: absent, down"], "reset f-server-0");
    let unsettled = |observation: &mut Observation| {
        haunt(observation);
        server(observation, 1).role = follows(0, Link::Sync, 0);
    };
    check(unsettled, &["f-server-0 known-replica 10.0.0.9:6379: absent, down"], "wait: link_down");
}

#[test]
fn living_strangers_are_left_alone() {
    let merge = |observation: &mut Observation| {
        let peer = KnownPeer {
            id: "f".repeat(40),
            address: Address { host: "10.0.1.1".into(), port: 26379 },
            flags: Flags::parse("sentinel"),
        };
        group(observation, 0).peers.push(peer);
    };
    check(merge, &[], "nothing");
}

#[test]
fn passwords_are_mended_before_anything_else() {
    let password = "the key auth of the Secret f";
    let change = |observation: &mut Observation| {
        server(observation, 1).masterauth = PasswordState::Other;
        group(observation, 1).fields.insert("quorum".into(), "1".into());
    };
    let rows = [
        "f-server-1 quorum: 2, 1".to_owned(),
        format!("f-server-1 masterauth: {password}, another password"),
    ];
    check(change, &rows.each_ref().map(String::as_str), "masterauth of f-server-1");
    let row = format!("f-server-2 requirepass: {password}, no password");
    check(
        |observation| server(observation, 2).password = PasswordState::None,
        &[&row],
        "password of f-server-2",
    );
}

#[test]
fn a_sentinel_that_a_healthy_master_refuses_has_a_wrong_auth_pass() {
    let refuse = |observation: &mut Observation| {
        group(observation, 1).flags = Flags::parse("s_down,master,disconnected");
        group(observation, 1).silent_milliseconds = 4_000;
    };
    let row = "f-server-1 auth-pass: the key auth of the Secret f, refused by f-server-0 \
               (s_down,master,disconnected)";
    check(refuse, &[row], "auth-pass of f-server-1");
    let unlinked = |observation: &mut Observation| {
        refuse(observation);
        server(observation, 1).role = follows(0, Link::Connect, 3);
    };
    check(unlinked, &[], "nothing");
    let cut_off = |observation: &mut Observation| {
        refuse(observation);
        for peer in &mut group(observation, 1).peers {
            peer.flags = Flags::parse("s_down,sentinel");
        }
    };
    check(cut_off, &[], "nothing");
}

#[test]
fn a_server_that_refuses_us_starts_anew_unless_all_do() {
    let refuse = |observation: &mut Observation, index: usize| {
        observation.pods[index].server = Answer::Refused("WRONGPASS".into());
    };
    let row = |index: usize| {
        format!(
            "f-server-{index} requirepass: the key auth of the Secret f, another password, or a user without \
             rights"
        )
    };
    check(|observation| refuse(observation, 2), &[&row(2)], "restart f-server-2");
    let all = [0, 1, 2].map(|index| {
        format!(
            "f-server-{index} requirepass: the key auth of the Secret f, another password, as on every server that answers"
        )
    });
    let all = all.each_ref().map(String::as_str);
    let seen = "refused: no server takes the password of the Secret, so it was the Secret that changed, and no \
                pod tells the password that it was started with; put the servers' password back into the Secret";
    check(|observation| (0..3).for_each(|index| refuse(observation, index)), &all, seen);
}

#[test]
fn a_secret_that_changed_is_followed_step_by_step() {
    // Refusing, then taking both passwords, then giving the new one, then started anew.
    let row = |index: usize, setting: &str, live: &str| {
        format!("f-server-{index} {setting}: the key auth of the Secret f, {live}")
    };
    let check = |change: &dyn Fn(&mut Observation, usize), expected: &[String], step: &str| {
        let outdated = |observation: &mut Observation| {
            for index in 0..3 {
                observation.pods[index].is_outdated = true;
                change(observation, index);
            }
        };
        check(outdated, &expected.iter().map(String::as_str).collect::<Vec<_>>(), step);
    };
    check(
        &|observation, index| observation.pods[index].server = Answer::Refused("WRONGPASS".into()),
        &[0, 1, 2]
            .map(|index| row(index, "requirepass", "another password, as on every server that answers")),
        "let into f-server-0; let into f-server-1; let into f-server-2",
    );
    let both = |observation: &mut Observation, index: usize| {
        server(observation, index).password = PasswordState::Several;
        server(observation, index).masterauth = PasswordState::Other;
    };
    let rows = [0, 1, 2].map(|index| {
        [
            row(index, "requirepass", "further passwords beside it"),
            row(index, "masterauth", "another password"),
        ]
    });
    check(
        &both,
        &rows.concat(),
        "auth-pass of f-server-0; masterauth of f-server-0; auth-pass of f-server-1; masterauth of \
         f-server-1; auth-pass of f-server-2; masterauth of f-server-2",
    );
    check(
        &|observation, index| server(observation, index).password = PasswordState::Several,
        &[0, 1, 2].map(|index| row(index, "requirepass", "further passwords beside it")),
        "restart f-server-1",
    );
    // Redis 5 takes one password only, which its pods' probes do not have.
    check(
        &|_, _| (),
        &[0, 1, 2].map(|index| row(index, "requirepass", "another password in the pod's environment")),
        "restart f-server-1",
    );
}

#[test]
fn a_server_whose_service_was_made_anew_learns_its_address_by_a_restart() {
    let change = |observation: &mut Observation| {
        server(observation, 2).config.insert("replica-announce-ip".into(), "10.0.0.99".into());
    };
    check(change, &["f-server-2 replica-announce-ip: 10.0.0.2, 10.0.0.99"], "restart f-server-2");
    let named = |observation: &mut Observation| {
        server(observation, 2).config.insert("replica-announce-ip".into(), "some-host".into());
    };
    check(named, &[], "nothing");
}

#[test]
fn nothing_is_mended_while_the_group_moves_by_itself() {
    let run = |observation: &mut Observation| {
        group(observation, 0).failover_state = Some("reconf_slaves".into());
        server(observation, 2).role = follows(1, Link::Connected, 10);
    };
    check(run, &["f-server-2 replicaof: 10.0.0.0:6379, 10.0.0.1:6379"], "wait: failover_running");
}
