//! Passwords and rights that differ between the servers and the Secret.

use super::drift::{Damaged, server};
use super::import_forms::{PASSWORD, import, silent};
use super::load::Load;
use super::support::{Sandbox, Workspace, chart};

/// The one in the Secret.
pub(crate) fn password(sandbox: &Sandbox) -> String {
    sandbox.kubectl(&["get", "secret", "redis-1-redis-ha", "-o", "go-template={{.data.auth | base64decode}}"])
}

#[test]
fn passwords_and_rights_are_shown_and_repaired_and_never_told() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let replica = damaged.replica();
    let other = "another-password-of-somebody";

    sandbox.server(&replica, &["CONFIG", "SET", "masterauth", other]);
    damaged.mends_though_killed("masterauth", &["masterauth", "another password"], "repairing");

    sandbox.server(&replica, &["ACL", "SETUSER", "default", &format!(">{other}")]);
    damaged.mends("a second password", &["requirepass", "further passwords beside it"]);

    sandbox.server(&replica, &["CONFIG", "SET", "requirepass", ""]);
    damaged.mends_though_killed("no password", &["requirepass", "no password"], "repairing");

    sandbox.server(&replica, &["ACL", "SETUSER", "default", "-flushdb"]);
    damaged.mends_though_killed("fewer rights", &["user default", "-flushdb"], "repairing");

    sandbox.sentinel(&server(2), &["SENTINEL", "SET", "mymaster", "auth-pass", other]);
    damaged.mends_though_killed("auth-pass", &["auth-pass", "refused by"], "repairing");

    sandbox.server(&replica, &["CONFIG", "SET", "requirepass", other]);
    let shown = ["requirepass", "restart the pods one at a time"];
    damaged.mends_though_killed("a replica that refuses us", &shown, "restarting");

    sandbox.server(&damaged.master(), &["CONFIG", "SET", "requirepass", other]);
    damaged.mends("a master that refuses us", &shown);

    let before = sandbox.kubectl(&["get", "secret", "redis-1-redis-ha", "-o", "jsonpath={.data.auth}"]);
    sandbox.kubectl(&["delete", "secret", "redis-1-redis-ha"]);
    let shown = ["Secret/redis-1-redis-ha", "make the Secret anew"];
    damaged.mends_though_killed("the Secret is gone", &shown, "next step");
    let after = sandbox.kubectl(&["get", "secret", "redis-1-redis-ha", "-o", "jsonpath={.data.auth}"]);
    assert_eq!(before, after, "the pods' own password came back");
    let state = std::fs::read_to_string(damaged.workspace.path().join("terraform.tfstate")).expect("a state");
    assert!(!state.contains(other) && !state.contains(&before));
}

#[test]
fn a_secret_that_changed_is_followed_and_no_write_is_lost() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let (before, after) = (password(&sandbox), "the-password-that-somebody-rotated-to");
    let load = Load::start(&sandbox, "redis-1-redis-ha", &before);
    let change = format!("{{\"stringData\": {{\"auth\": \"{after}\"}}}}");
    sandbox.kubectl(&["patch", "secret", "redis-1-redis-ha", "-p", &change]);
    load.connects_with(after);
    let master = damaged.master();
    assert_ne!(master, "none", "the sentinels still name it");
    let shown = ["as on every server", "move the servers to the password that the Secret has now"];
    damaged.mends_though_killed("a Secret that changed", &shown, "restarting");
    load.stop();
    for index in 0..3 {
        let environment = sandbox.kubectl(&["exec", &server(index), "-c", "redis", "--", "printenv", "AUTH"]);
        assert!(environment.trim() == after, "{} was not started anew", server(index));
    }
    let state = std::fs::read_to_string(damaged.workspace.path().join("terraform.tfstate")).expect("a state");
    assert!(!state.contains(after) && !state.contains(&before));
}

#[test]
fn proxies_of_a_public_chart_start_anew_with_the_new_password() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let literal = format!("--from-literal=auth={PASSWORD}");
    sandbox.kubectl(&["create", "secret", "generic", "redis-credentials", &literal]);
    let values = "auth=true,existingSecret=redis-credentials,authKey=auth,haproxy.enabled=true";
    sandbox.helm(4, &["install", "fronted", &chart("new"), "--set", values, "--wait", "--timeout", "3m"]);
    let workspace = Workspace::new(&sandbox, &silent("fronted"));
    import(&workspace, "default/fronted");
    workspace.expect_empty_plan();
    let ids = |app: &str| {
        let selector = format!("release=fronted,app={app}");
        sandbox.kubectl(&["get", "pods", "-l", &selector, "-o", "jsonpath={.items[*].metadata.uid}"])
    };
    let before = [ids("redis-ha"), ids("redis-ha-haproxy")];
    let change = "{\"stringData\": {\"auth\": \"the-password-that-somebody-rotated-to\"}}";
    sandbox.kubectl(&["patch", "secret", "redis-credentials", "-p", change]);
    workspace.apply();
    workspace.expect_empty_plan();
    let after = [ids("redis-ha"), ids("redis-ha-haproxy")];
    for (before, after) in before.iter().zip(&after) {
        assert!(!before.is_empty() && before.split(' ').all(|id| !after.contains(id)), "{before} {after}");
    }
}
