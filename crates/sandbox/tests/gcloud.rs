//! Google's own command line against the sandbox, on machines that have it.

#[expect(dead_code, reason = "each test file uses its part of the world")]
mod world;

use std::process::Command;

use world::{Sandbox, text};

const CLUSTER: [&str; 4] = ["--cluster", "sandbox", "--location", "asia-east1"];

/// Whether gcloud is here; what it would show is then the test's to say.
fn is_installed() -> bool {
    Command::new("gcloud").arg("version").output().is_ok_and(|output| output.status.success())
}

/// Runs gcloud with the sandbox's exports; its output has to hold each of the words.
fn check(sandbox: &Sandbox, line: &str, expected: &[&str]) {
    let script = format!("set -eu; . '{}'; exec gcloud {line}", sandbox.dir().join("env").display());
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash runs");
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "gcloud {line}: {said}");
    for words in expected {
        assert!(said.contains(words), "gcloud {line}: no {words:?} in {said}");
    }
}

#[test]
fn gcloud_shows_clusters_pools_and_operations() {
    if !is_installed() {
        return;
    }
    let sandbox = Sandbox::up();
    let pools = format!("container node-pools {{}} {}", CLUSTER.join(" "));
    let check = |line: &str, expected: &[&str]| check(&sandbox, line, expected);
    check("container clusters list", &["sandbox", "asia-east1", "RUNNING"]);
    check(
        "container clusters describe sandbox --location asia-east1",
        &["workloadPool: sandbox.svc.id.goog"],
    );
    check(&pools.replace("{}", "list"), &["default-pool", "e2-standard-16"]);
    let described =
        ["imageType: COS_CONTAINERD", "maxPodsPerNode: '110'", "strategy: SURGE", "status: RUNNING"];
    check(&pools.replace("{}", "describe default-pool"), &described);
    check("container operations list --location asia-east1", &["Listed 0 items"]);
    check("container get-server-config --location asia-east1", &["defaultImageType: COS_CONTAINERD"]);
    check(
        "container clusters get-credentials sandbox --location asia-east1",
        &["kubeconfig entry generated"],
    );
    assert!(sandbox.file("kubeconfig").contains("gke_sandbox_asia-east1_sandbox"));
}

#[test]
fn gcloud_makes_changes_resizes_and_deletes_a_pool() {
    if !is_installed() {
        return;
    }
    let sandbox = Sandbox::up();
    let place = CLUSTER.join(" ");
    let check = |line: &str, expected: &[&str]| check(&sandbox, line, expected);
    let options = "--num-nodes 2 --machine-type e2-highmem-4 --node-labels app=redis --enable-autoscaling \
                   --min-nodes 1 --max-nodes 3 --node-taints dedicated=redis:NoSchedule --spot";
    check(&format!("container node-pools create redis {place} {options}"), &["Created", "e2-highmem-4"]);
    assert_eq!(nodes_of(&sandbox), 2);
    check(&format!("container node-pools update redis {place} --no-enable-autoscaling"), &["Updated"]);
    let resize =
        "container clusters resize sandbox --node-pool redis --num-nodes 1 --location asia-east1 --quiet";
    check(resize, &["Updated"]);
    assert_eq!(nodes_of(&sandbox), 1);
    let listed = ["CREATE_NODE_POOL", "UPDATE_CLUSTER", "SET_NODE_POOL_SIZE", "DONE"];
    check("container operations list --location asia-east1", &listed);
    check(&format!("container node-pools delete redis {place} --quiet"), &["Deleted"]);
    assert_eq!(nodes_of(&sandbox), 0);
}

fn nodes_of(sandbox: &Sandbox) -> usize {
    let nodes = sandbox.get("/api/v1/nodes?labelSelector=cloud.google.com/gke-nodepool%3Dredis");
    nodes["items"].as_array().map_or(0, Vec::len)
}
