//! Where a cluster lives: its node pool and its namespace.

use super::configuration;
use super::drift::Damaged;
use super::support::{Sandbox, Workspace};

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
