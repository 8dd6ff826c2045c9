//! The password is in its Secret and nowhere else; real helm and gcloud read what was made.

use std::process::Command;

use super::configuration;
use super::support::{Sandbox, Workspace, assert_success, text};

#[test]
fn the_password_is_in_no_state_plan_log_or_record() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    let log = workspace.path().join("trace.log");
    let applied = workspace
        .command(&["apply", "-auto-approve", "-input=false", "-no-color"])
        .env("TF_LOG", "trace")
        .env("TF_LOG_PATH", &log)
        .output()
        .expect("terraform runs");
    assert_success("terraform apply", &applied);
    sandbox.sentinel("redis-1-redis-ha-server-1", &["SENTINEL", "SET", "mymaster", "quorum", "1"]);
    workspace.plan_json();
    let template = "go-template={{.data.auth | base64decode}}";
    let password = sandbox.kubectl(&["get", "secret", "redis-1-redis-ha", "-o", template]);
    assert!(password.len() >= 16);
    for file in ["trace.log", "terraform.tfstate", "plan.bin"] {
        let bytes = std::fs::read(workspace.path().join(file)).expect(file);
        assert!(!text(&bytes).contains(&password), "{file} holds the password");
    }
    assert!(!sandbox.logs().contains(&password), "the sandbox's logs hold the password");
    let shown = workspace.plan_json().to_string();
    assert!(!shown.contains(&password), "the plan holds the password");
}

#[test]
fn real_helm_kubectl_and_gcloud_read_what_was_made() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration("values = [\"labels: {team: storage}\"]"));
    workspace.apply();
    for version in [3, 4] {
        assert!(sandbox.helm(version, &["list"]).contains("redis-1"), "helm {version} list");
        assert!(sandbox.helm(version, &["status", "redis-1"]).contains("deployed"), "helm {version} status");
        assert!(
            sandbox.helm(version, &["get", "values", "redis-1"]).contains("team: storage"),
            "helm {version} values"
        );
    }
    let pools = ["container", "node-pools", "list", "--cluster", "sandbox", "--location", "asia-east1"];
    if Command::new("gcloud").arg("--version").output().is_ok() {
        let listed = sandbox.client("gcloud").args(pools).output().expect("gcloud runs");
        assert_success("gcloud container node-pools list", &listed);
        assert!(text(&listed.stdout).contains("e2-highmem-4"));
    }
    let set = sandbox.kubectl_json(&["get", "statefulset", "redis-1-redis-ha-server"]);
    assert_eq!(set["status"]["readyReplicas"], 3);
}
