//! Create, plan, change and destroy.

use super::configuration;
use super::support::{Sandbox, Workspace};

#[test]
fn a_cluster_is_created_changed_in_place_and_destroyed_without_a_trace() {
    let sandbox = Sandbox::up();
    let workspace =
        Workspace::new(&sandbox, &configuration("redis = { config = { maxmemory = \"100mb\" } }"));
    workspace.apply();
    let before = sandbox.requests();
    workspace.expect_empty_plan();
    // Three of them to Google: the cluster, its pool, and how many nodes that has.
    assert_eq!(sandbox.requests() - before, 3 + 12, "requests of a plan");
    let cluster = workspace.cluster();
    assert_eq!(cluster["master_endpoint"], "redis-1-redis-ha-announce-0.default.svc:6379");
    assert_eq!(cluster["replica_endpoints"].as_array().map(Vec::len), Some(2));
    assert_eq!(cluster["drift"], serde_json::json!([]));
    assert_eq!(cluster["health"], serde_json::json!([]));
    assert_eq!(
        sandbox
            .sentinel("redis-1-redis-ha-server-2", &["SENTINEL", "CKQUORUM", "mymaster"])
            .split_whitespace()
            .next(),
        Some("OK")
    );

    // A setting that Redis can change while it runs restarts no pod.
    let before = pod_ids(&sandbox);
    workspace.write(
        "main.tf",
        &configuration("redis = { config = { maxmemory = \"50mb\" } }\nsentinel = { quorum = 3 }"),
    );
    workspace.apply();
    workspace.expect_empty_plan();
    assert_eq!(pod_ids(&sandbox), before, "no pod was restarted");
    for index in 0..3 {
        let pod = format!("redis-1-redis-ha-server-{index}");
        assert!(sandbox.server(&pod, &["CONFIG", "GET", "maxmemory"]).contains("52428800"));
        assert!(sandbox.sentinel(&pod, &["SENTINEL", "MASTER", "mymaster"]).contains("quorum\n3"));
    }

    // A file with what Redis does not take would end every server that starts with it.
    let file = ["get", "configmap", "redis-1-redis-ha-configmap", "-o", "jsonpath={.data}"];
    let before = sandbox.kubectl(&file);
    workspace.write(
        "main.tf",
        &configuration(
            "redis = { config = { maxmemory = \"50mb\", maxmemry = \"1mb\" } }\nsentinel = { quorum = 3 }",
        ),
    );
    let refused = workspace.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    assert!(super::support::unfolded(&refused).contains("does not take redis.config maxmemry"), "{refused}");
    assert_eq!(sandbox.kubectl(&file), before, "the file is as it was");

    workspace.destroy();
    let left = sandbox.kubectl(&["get", "statefulsets,services,secrets,configmaps,pvc,pods", "-o", "name"]);
    let left: Vec<_> = left
        .lines()
        .filter(|name| !["service/kubernetes", "configmap/kube-root-ca.crt"].contains(name))
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(
        !sandbox.kubectl(&["get", "nodes", "-o", "name"]).contains("-redis-"),
        "the pool's nodes are gone"
    );
}

fn pod_ids(sandbox: &Sandbox) -> String {
    sandbox.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"])
}

#[test]
fn a_change_of_the_image_rolls_the_pods_and_keeps_the_data() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration("image = { tag = \"7.2-alpine\" }"));
    workspace.apply();
    let master = workspace.cluster()["master"]["pod"].as_str().expect("a master").to_owned();
    sandbox.server(&master, &["SET", "kept", "yes"]);
    let before = pod_ids(&sandbox);
    workspace.write("main.tf", &configuration("image = { tag = \"7.4-alpine\" }"));
    workspace.apply();
    workspace.expect_empty_plan();
    let after = pod_ids(&sandbox);
    assert!(before.split(' ').all(|uid| !after.contains(uid)), "every pod was made anew");
    let master = workspace.cluster()["master"]["pod"].as_str().expect("a master").to_owned();
    assert_eq!(sandbox.server(&master, &["GET", "kept"]).trim(), "yes");
}

#[test]
fn a_protected_cluster_is_not_destroyed() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration("deletion_protection = true"));
    workspace.apply();
    let refused = workspace.expect_failure(&["destroy", "-auto-approve", "-input=false", "-no-color"]);
    assert!(refused.contains("deletion_protection = true"), "{refused}");
    workspace.write("main.tf", &configuration("deletion_protection = false"));
    workspace.apply();
    workspace.destroy();
}
