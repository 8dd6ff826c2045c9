//! Objects, the release and the node pool that somebody changed or deleted by hand.

use super::configuration;
use super::drift::{Damaged, server};
use super::support::Sandbox;

const SET: &str = "redis-1-redis-ha-server";

#[test]
fn edited_and_deleted_objects_are_shown_and_applied_again() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let patch = |kind: &str, name: &str, patch: &str| {
        sandbox.kubectl(&["patch", kind, name, "--type=merge", "-p", patch]);
    };

    patch("configmap", "redis-1-redis-ha-configmap", r#"{"data": {"redis-readiness.sh": "exit 0"}}"#);
    damaged
        .mends("an edited ConfigMap", &["ConfigMap/redis-1-redis-ha-configmap", "data.redis-readiness.sh"]);

    patch("service", "redis-1-redis-ha-announce-1", r#"{"spec": {"publishNotReadyAddresses": false}}"#);
    damaged.mends("an edited Service", &["Service/redis-1-redis-ha-announce-1", "publishNotReadyAddresses"]);

    patch("service", "redis-1-redis-ha", r#"{"metadata": {"labels": {"app": null}}}"#);
    damaged.mends("a label that is gone", &["Service/redis-1-redis-ha", "metadata.labels.app"]);

    sandbox.kubectl(&["delete", "poddisruptionbudget", "--all"]);
    damaged.mends_though_killed("a deleted budget", &["PodDisruptionBudget/", "\"absent\""], "next step");

    sandbox.kubectl(&["delete", "service", "redis-1-redis-ha"]);
    damaged.mends("a deleted Service", &["Service/redis-1-redis-ha", "\"absent\""]);

    sandbox.kubectl(&["delete", "serviceaccount", "redis-1-redis-ha"]);
    damaged.mends("a deleted ServiceAccount", &["ServiceAccount/redis-1-redis-ha", "\"absent\""]);

    sandbox.kubectl(&["delete", "service", "redis-1-redis-ha-announce-1"]);
    // Its address is another one then: its server announces it after a restart, and sentinels forget the old.
    damaged
        .mends("a deleted announce Service", &["Service/redis-1-redis-ha-announce-1", "replica-announce-ip"]);

    // What others add is not ours.
    patch("service", "redis-1-redis-ha", r#"{"metadata": {"annotations": {"team": "cache"}}}"#);
    damaged.workspace.expect_empty_plan();

    sandbox.kubectl(&["delete", "statefulset", SET, "--cascade=orphan"]);
    damaged.mends("a set deleted without its pods", &["0 -> 3"]);
}

#[test]
fn a_set_that_was_edited_or_deleted_comes_back_without_losing_data() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    sandbox.server(&damaged.master(), &["SET", "kept", "yes"]);
    let kept = || assert_eq!(sandbox.server(&damaged.master(), &["GET", "kept"]).trim(), "yes");

    let patch =
        r#"[{"op": "replace", "path": "/spec/template/spec/terminationGracePeriodSeconds", "value": 31}]"#;
    sandbox.kubectl(&["patch", "statefulset", SET, "--type=json", "-p", patch]);
    sandbox.kubectl(&["rollout", "status", "statefulset", SET, "--timeout=120s"]);
    damaged.mends_though_killed(
        "an edited template",
        &["spec.template.spec.terminationGracePeriodSeconds", "\"31\"", "the master last"],
        "RollOut",
    );
    kept();

    sandbox.kubectl(&["scale", "statefulset", SET, "--replicas=2"]);
    damaged.mends("a scaled set", &["2 -> 3"]);
    kept();

    sandbox.kubectl(&["delete", "statefulset", SET, "--wait=true"]);
    damaged.mends("a deleted set", &["0 -> 3"]);
    kept();
}

#[test]
fn what_only_repairs_settle_is_not_waited_for_where_a_set_is_mended_too() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "timeouts = { update = \"6m\" }");
    let pods = [0, 1, 2].map(server);
    let (master, replica) = (damaged.master(), damaged.replica());
    let third = pods.iter().find(|pod| **pod != master && **pod != replica).expect("three pods");
    sandbox.kubectl(&["label", "statefulset", SET, "app-"]);
    let service = replica.replace("-server-", "-announce-");
    sandbox.kubectl(&["delete", "service", &service]);
    sandbox.sentinel(third, &["SENTINEL", "REMOVE", "mymaster"]);
    damaged.mends(
        "an edited set, a deleted announce Service and a sentinel that watches nothing",
        &["metadata.labels.app", "replica-announce-ip", "monitor"],
    );
}

#[test]
fn a_release_that_somebody_else_changed_is_shown_and_taken_back() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "redis = { config = { maxmemory = \"100mb\" } }");
    let chart = format!("{}/src/chart/redis-ha", env!("CARGO_MANIFEST_DIR"));

    sandbox.helm(4, &["upgrade", "redis-1", &chart, "--reuse-values", "--set", "sentinel.quorum=3"]);
    damaged.mends_though_killed("an upgrade by helm", &["quorum", "3 -> 2"], "UpgradeRelease");

    damaged.workspace.write("main.tf", &configuration("redis = { config = { maxmemory = \"50mb\" } }"));
    damaged.workspace.apply();
    sandbox.helm(3, &["rollback", "redis-1", "1"]);
    damaged.mends("a rollback by helm", &["maxmemory"]);

    let latest = sandbox.kubectl(&["get", "secret", "-l", "owner=helm,status=deployed", "-o", "name"]);
    let latest = latest.trim();
    sandbox.kubectl(&["delete", latest]);
    let (code, plan) = damaged.workspace.plan();
    assert_eq!(code, 2, "a lost record:\n{plan}");
    damaged.workspace.apply();
    damaged.workspace.expect_empty_plan();
}

#[test]
fn a_pool_that_was_resized_or_relabelled_is_shown_and_taken_back() {
    let sandbox = Sandbox::up();
    let labelled =
        configuration("").replace("node_count = 3 }", "node_count = 3, labels = { team = \"cache\" } }");
    let damaged = Damaged::new(&sandbox, "");
    damaged.workspace.write("main.tf", &labelled);
    damaged.workspace.apply();
    damaged.workspace.expect_empty_plan();

    sandbox.gke("POST", "/nodePools/redis:setSize", r#"{"nodeCount": 4}"#);
    damaged.mends_though_killed("a resized pool", &["4 -> 3"], "GKE has begun");

    let labels = r#"{"labels": {"labels": {"team": "other"}}}"#;
    sandbox.gke("PUT", "/nodePools/redis", labels);
    damaged.mends("a relabelled pool", &["\"other\" -> \"cache\""]);
}
