//! What goes wrong at apply is told, kept in state, and mended by the next apply.

use super::configuration;
use super::support::{Sandbox, Workspace};

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
