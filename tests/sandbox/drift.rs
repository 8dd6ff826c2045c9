//! What somebody changed by hand stands in the plan, and apply repairs exactly that.

use std::time::Duration;

use super::configuration;
use super::support::{Sandbox, Workspace, eventually};

#[test]
fn a_sentinel_and_a_server_that_drifted_are_shown_and_repaired() {
    let sandbox = Sandbox::up();
    let workspace =
        Workspace::new(&sandbox, &configuration("redis = { config = { maxmemory = \"100mb\" } }"));
    workspace.apply();
    sandbox.sentinel("redis-1-redis-ha-server-1", &["SENTINEL", "SET", "mymaster", "quorum", "1"]);
    sandbox.server("redis-1-redis-ha-server-2", &["CONFIG", "SET", "maxmemory", "50mb"]);
    let (code, plan) = workspace.plan();
    assert_eq!(code, 2, "{plan}");
    for wanted in [
        "redis-1-redis-ha-server-1",
        "quorum",
        "maxmemory",
        "52428800",
        "0 to add, 1 to change, 0 to destroy",
    ] {
        assert!(plan.contains(wanted), "{wanted} is missing:\n{plan}");
    }
    workspace.apply();
    workspace.expect_empty_plan();
    assert!(
        sandbox
            .sentinel("redis-1-redis-ha-server-1", &["SENTINEL", "MASTER", "mymaster"])
            .contains("quorum\n2")
    );
    assert!(
        sandbox.server("redis-1-redis-ha-server-2", &["CONFIG", "GET", "maxmemory"]).contains("104857600")
    );
}

#[test]
fn drift_is_only_reported_where_the_user_wants_it_so() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration("repair = \"report\""));
    workspace.apply();
    sandbox.sentinel("redis-1-redis-ha-server-0", &["SENTINEL", "SET", "mymaster", "quorum", "3"]);
    let (code, plan) = workspace.plan();
    assert_eq!(code, 0, "{plan}");
    assert!(plan.contains("1 setting(s) drifted"), "{plan}");
    workspace.apply();
    assert!(
        sandbox
            .sentinel("redis-1-redis-ha-server-0", &["SENTINEL", "MASTER", "mymaster"])
            .contains("quorum\n3")
    );
}

#[test]
fn a_scaled_set_is_an_attribute_with_one_live_source() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    sandbox.kubectl(&["scale", "statefulset", "redis-1-redis-ha-server", "--replicas=2"]);
    let (code, plan) = workspace.plan();
    assert_eq!(code, 2, "{plan}");
    assert!(plan.contains("2 -> 3"), "{plan}");
    workspace.apply();
    workspace.expect_empty_plan();
    let replicas = sandbox.kubectl(&[
        "get",
        "statefulset",
        "redis-1-redis-ha-server",
        "-o",
        "jsonpath={.spec.replicas}",
    ]);
    assert_eq!(replicas, "3");
}

#[test]
fn a_failover_moves_the_outputs_and_changes_nothing_else() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    let before = workspace.cluster()["master"]["pod"].as_str().expect("a master").to_owned();
    sandbox.kubectl(&["delete", "pod", &before, "--wait=true"]);
    let after = eventually("another master", Duration::from_secs(60), || {
        workspace.apply();
        let master = workspace.cluster()["master"]["pod"].as_str().unwrap_or("none").to_owned();
        if master == before || master == "none" { Err(master) } else { Ok(master) }
    });
    assert_ne!(after, before);
    workspace.expect_empty_plan();
}
