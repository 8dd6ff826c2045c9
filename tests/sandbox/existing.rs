//! The three forms of authentication.

use super::configuration;
use super::support::{Sandbox, Workspace};

const PASSWORD: &str = "correct.horse-battery_staple";

#[test]
fn a_secret_of_the_users_own_is_used_and_never_deleted() {
    let sandbox = Sandbox::up();
    let literal = format!("--from-literal=password={PASSWORD}");
    sandbox.kubectl(&["create", "secret", "generic", "redis-credentials", &literal]);
    let auth = "auth = { existing_secret = \"redis-credentials\", secret_key = \"password\" }";
    let workspace = Workspace::new(&sandbox, &configuration(auth));
    workspace.apply();
    workspace.expect_empty_plan();
    assert_eq!(workspace.cluster()["auth_secret"]["name"], "redis-credentials");
    assert_eq!(sandbox.server("redis-1-redis-ha-server-0", &["PING"]).trim(), "PONG");
    workspace.destroy();
    assert!(sandbox.kubectl(&["get", "secrets", "-o", "name"]).contains("redis-credentials"));
}

#[test]
fn a_missing_secret_fails_before_any_pod_waits_for_it_and_the_next_apply_ends_well() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration("auth = { existing_secret = \"late\" }"));
    let failed = workspace.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    assert!(failed.contains("default/late does not exist"), "{failed}");
    let literal = format!("--from-literal=auth={PASSWORD}");
    sandbox.kubectl(&["create", "secret", "generic", "late", &literal]);
    workspace.terraform(&["untaint", "redis_ha_cluster.cache"]);
    workspace.apply();
    workspace.expect_empty_plan();
}

#[test]
fn a_brought_password_is_in_the_secret_and_nowhere_else() {
    let sandbox = Sandbox::up();
    let brought = format!("password_wo = \"{PASSWORD}\"\npassword_wo_version = 1");
    let workspace = Workspace::new(&sandbox, &configuration(&brought));
    workspace.apply();
    workspace.expect_empty_plan();
    let template = "go-template={{.data.auth | base64decode}}";
    assert_eq!(sandbox.kubectl(&["get", "secret", "redis-1-redis-ha", "-o", template]), PASSWORD);
    let state = std::fs::read_to_string(workspace.path().join("terraform.tfstate")).expect("a state");
    assert!(!state.contains(PASSWORD));
}
