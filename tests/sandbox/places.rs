//! Where a cluster lives: its node pool and its namespace.

use std::time::Duration;

use super::configuration;
use super::drift::Damaged;
use super::support::{Sandbox, Workspace, eventually, unfolded};

#[test]
fn another_pool_name_moves_the_pods_and_keeps_the_data() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    sandbox.server(&damaged.master(), &["SET", "kept", "yes"]);
    let renamed = configuration("").replace("name = \"redis\",", "name = \"other\",");
    damaged.workspace.write("main.tf", &renamed);
    damaged.workspace.apply();
    damaged.workspace.expect_empty_plan();
    let nodes = sandbox.kubectl(&["get", "nodes", "-o", "name"]);
    assert!(nodes.contains("-other-") && !nodes.contains("-redis-"), "{nodes}");
    assert_eq!(sandbox.server(&damaged.master(), &["GET", "kept"]).trim(), "yes");
}

#[test]
fn without_its_pool_a_cluster_moves_to_the_nodes_that_are_there() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let damaged = Damaged::new(&sandbox, "");
    sandbox.server(&damaged.master(), &["SET", "kept", "yes"]);
    let pool = "    node_pool = { name = \"redis\", machine_type = \"e2-highmem-4\", node_count = 3 }\n";
    let without = configuration("").replace(pool, "");
    assert_ne!(without, configuration(""));
    damaged.workspace.write("main.tf", &without);
    damaged.workspace.apply();
    damaged.workspace.expect_empty_plan();
    assert!(!sandbox.kubectl(&["get", "nodes", "-o", "name"]).contains("-redis-"));
    assert_eq!(sandbox.server(&damaged.master(), &["GET", "kept"]).trim(), "yes");
}

#[test]
fn a_namespace_that_we_made_goes_unless_something_foreign_lives_in_it() {
    let sandbox = Sandbox::up();
    for foreign in [false, true] {
        let workspace = Workspace::new(&sandbox, &configuration("namespace = \"cache\""));
        workspace.apply();
        workspace.expect_empty_plan();
        if foreign {
            sandbox.kubectl(&["create", "configmap", "somebodys", "-n", "cache"]);
        }
        workspace.destroy();
        let namespaces = sandbox.kubectl(&["get", "namespaces", "-o", "name"]);
        assert_eq!(namespaces.contains("namespace/cache"), foreign, "{namespaces}");
    }
}

#[test]
fn a_pool_that_somebody_deletes_is_a_warning_and_then_made_anew() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    sandbox.server(&damaged.master(), &["SET", "kept", "yes"]);
    sandbox.gke("DELETE", "/nodePools/redis", "");
    let (code, plan) = damaged.workspace.plan();
    assert_eq!(code, 0, "{plan}");
    assert!(unfolded(&plan).contains("Somebody deletes the pool redis"), "{plan}");
    // The budget holds the drain up: pods that are bound to the pool find no other node.
    sandbox.kubectl(&["delete", "poddisruptionbudget", "--all"]);
    eventually("the pool is gone", Duration::from_secs(180), || {
        let nodes = sandbox.kubectl(&["get", "nodes", "-o", "name"]);
        if nodes.contains("-redis-") { Err(nodes) } else { Ok(()) }
    });
    damaged.mends("a deleted pool", &["+ node_pool", "PodDisruptionBudget/"]);
    assert_eq!(sandbox.server(&damaged.master(), &["GET", "kept"]).trim(), "yes");
}
