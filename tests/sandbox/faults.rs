//! What goes wrong at apply is told, kept in state, and mended by the next apply.

use super::configuration;
use super::support::{Sandbox, Workspace, assert_success};

#[test]
fn a_pool_too_small_for_hard_anti_affinity_is_told_and_destroyed_without_a_trace() {
    let sandbox = Sandbox::up();
    let small = configuration("").replace("node_count = 3", "node_count = 1");
    let workspace = Workspace::new(&sandbox, &small);
    let failed = workspace.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    assert!(failed.contains("hard anti-affinity") && failed.contains("node_count"), "{failed}");
    let listed = workspace.terraform(&["state", "list"]);
    assert!(
        super::support::text(&listed.stdout).contains("redis_ha_cluster.cache"),
        "what was made stands in state"
    );
    workspace.destroy();
    assert!(!sandbox.kubectl(&["get", "nodes", "-o", "name"]).contains("-redis-"));
}

#[test]
fn a_pod_that_never_starts_is_explained_and_the_cluster_comes_up_once_it_can() {
    let sandbox = Sandbox::up();
    let broken =
        "image = { repository = \"example.invalid/none\", tag = \"7.4\" }\n  timeouts = { create = \"8s\" }";
    let workspace = Workspace::new(&sandbox, &configuration(broken));
    let failed = workspace.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    assert!(
        failed.contains("redis-1-redis-ha-server-0") && failed.contains("example.invalid/none"),
        "{failed}"
    );
    workspace.write("main.tf", &configuration(""));
    workspace.apply();
    workspace.expect_empty_plan();
}

#[test]
fn refusals_that_pass_and_torn_watches_do_not_stop_a_create() {
    let sandbox = Sandbox::up();
    sandbox.fault(&[
        "api",
        "--verb",
        "create,patch",
        "--status",
        "429",
        "--retry-after",
        "1",
        "--count",
        "2",
    ]);
    sandbox.fault(&["api", "--verb", "get,list", "--status", "500", "--count", "3"]);
    sandbox.fault(&["api", "--verb", "get,list", "--reset", "--count", "2"]);
    sandbox.fault(&["api", "--verb", "watch", "--half-watch", "--after", "1", "--count", "2"]);
    sandbox.fault(&["api", "--service", "gke", "--status", "503", "--count", "2"]);
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    workspace.expect_empty_plan();
}

#[test]
fn a_missing_right_is_named_and_untaint_and_apply_go_on_from_there() {
    let sandbox = Sandbox::up();
    let refused = sandbox.fault(&["api", "--verb", "patch", "--path", "*statefulsets*", "--status", "403"]);
    let workspace = Workspace::new(&sandbox, &configuration(""));
    let failed = workspace.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    assert!(failed.contains("`patch` on `statefulsets.apps`"), "{failed}");
    sandbox.clear_fault(refused);
    workspace.terraform(&["untaint", "redis_ha_cluster.cache"]);
    workspace.apply();
    workspace.expect_empty_plan();
}

#[test]
fn an_interrupted_create_stands_in_state_and_is_destroyed_without_a_trace() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    let ended = workspace.apply_interrupted_at("AwaitRollout");
    // Whoever notices first says so: the step, or the wait in it.
    assert!(ended.contains("interrupted") || ended.contains("cancelled while waiting"), "{ended}");
    let listed = workspace.terraform(&["state", "list"]);
    assert!(super::support::text(&listed.stdout).contains("redis_ha_cluster.cache"));
    workspace.destroy();
    assert!(!sandbox.kubectl(&["get", "nodes", "-o", "name"]).contains("-redis-"));
}

#[test]
fn a_create_whose_provider_was_killed_is_taken_up_by_the_next_apply() {
    for step in ["CreateNodePool", "InstallRelease", "AwaitRollout"] {
        let sandbox = Sandbox::up();
        let workspace = Workspace::new(&sandbox, &configuration(""));
        workspace.apply_killed_at(step);
        workspace.apply();
        workspace.expect_empty_plan();
    }
}

#[test]
fn a_rollout_waits_for_a_pod_that_is_still_ending_and_then_goes_around_the_master() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    let last = "redis-1-redis-ha-server-2";
    let stopped = sandbox.fault(&["pod", &format!("default/{last}"), "--container", "redis", "--stop"]);
    sandbox.kubectl(&["delete", "pod", last, "--grace-period", "900", "--wait=false"]);
    workspace.write("main.tf", &configuration("image = { tag = \"7.4.3-alpine\" }"));
    let terraform = workspace.begin_apply("the rollout waits for them", &["-auto-approve"]);
    sandbox.clear_fault(stopped);
    assert_success("terraform apply", &terraform.wait_with_output().expect("terraform ends"));
    let log = std::fs::read_to_string(workspace.path().join("apply.log")).expect("terraform logs");
    assert!(log.contains("the rollout goes around the master"), "{log}");
    workspace.expect_empty_plan();
}
