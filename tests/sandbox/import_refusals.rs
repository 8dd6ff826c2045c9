//! What cannot be adopted says what was found, and nothing is changed by the attempt.

use super::import_forms::{PASSWORD, import, install_old, silent, versions};
use super::support::{Sandbox, Workspace, chart};

/// Changes something, demands that an import is refused with these words, and that the import itself
/// changed nothing.
fn refused(sandbox: &Sandbox, id: &str, words: &[&str]) {
    let before = versions(sandbox);
    let workspace = Workspace::new(sandbox, &silent("old-1"));
    let told =
        workspace.expect_failure(&["import", "-input=false", "-no-color", "redis_ha_cluster.cache", id]);
    for word in words {
        assert!(told.contains(word), "{id}: wanted {word:?} in: {told}");
    }
    assert!(!told.contains(PASSWORD));
    assert_eq!(versions(sandbox), before, "{id}: a refused import has changed something");
}

#[test]
fn what_is_no_release_of_redis_ha_is_named_for_what_it_is() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let script = "mkdir -p web/templates && printf 'apiVersion: v2\\nname: web\\nversion: 1.0.0\\n' >web/Chart.yaml \
                  && printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: web}\\n' >web/templates/a.yaml";
    let scratch = tempfile::TempDir::new().expect("a scratch directory");
    let made = std::process::Command::new("sh").args(["-c", script]).current_dir(scratch.path()).status();
    assert!(made.expect("sh runs").success());
    let web = scratch.path().join("web").display().to_string();
    sandbox.helm(3, &["install", "web", &web]);
    refused(&sandbox, "default/web", &["the chart web 1.0.0", "no StatefulSet web-redis-ha-server"]);
    refused(&sandbox, "default/nobody", &["no redis-ha release default/nobody"]);
    sandbox.kubectl(&["create", "configmap", "ancient.v1", "--namespace", "kube-system"]);
    let labels = ["label", "configmap", "ancient.v1", "-n", "kube-system", "OWNER=TILLER", "NAME=ancient"];
    sandbox.kubectl(&labels);
    refused(
        &sandbox,
        "default/ancient",
        &["made by Helm 2", "kube-system/ancient.v1", "helm 2to3 convert ancient"],
    );
}

#[test]
fn a_release_in_no_state_to_be_taken_is_told_with_the_next_step() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    let record = "sh.helm.release.v1.old-1.v1";
    let renamed =
        ["patch", "secret", "redis-credentials", "-p", "{\"data\":{\"auth\":null,\"other\":\"eA==\"}}"];
    sandbox.kubectl(&renamed);
    refused(&sandbox, "default/old-1", &["redis-credentials", "auth", "other"]);
    sandbox.kubectl(&["patch", "secret", "redis-credentials", "-p", "{\"data\":{\"auth\":\"/w==\"}}"]);
    refused(&sandbox, "default/old-1", &["redis-credentials", "text"]);
    sandbox.kubectl(&["delete", "secret", "redis-credentials"]);
    refused(&sandbox, "default/old-1", &["redis-credentials does not exist"]);
    sandbox.kubectl(&["delete", "secret", record]);
    refused(&sandbox, "default/old-1", &["redis-credentials does not exist"]);
    sandbox.kubectl(&["delete", "configmap", "old-1-redis-ha-configmap"]);
    let words =
        ["no record of a release default/old-1", "it has no ConfigMap of a redis-ha", "--take-ownership"];
    refused(&sandbox, "default/old-1", &words);
    let set = "statefulset/old-1-redis-ha-server";
    sandbox.kubectl(&["annotate", "--overwrite", set, "meta.helm.sh/release-name=other"]);
    refused(&sandbox, "default/old-1", &["old-1-redis-ha-server", "it belongs to the release other"]);
}

#[test]
fn a_pending_release_is_refused_and_a_failed_one_is_warned_of() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    let chart = chart("old");
    let values = "auth=true,existingSecret=redis-credentials,persistentVolume.size=2Gi";
    // Kubernetes refuses another size, so the revision fails.
    let failing = ["upgrade", "old-1", chart.as_str(), "--set", values];
    let program = super::support::tool("helm3/helm");
    let output = sandbox.client(program).args(failing).output().expect("helm runs");
    assert!(!output.status.success());
    let workspace = Workspace::new(&sandbox, &silent("old-1"));
    let told = import(&workspace, "default/old-1");
    assert!(told.contains("The newest revision of the release has failed"), "{told}");
    let (code, plan) = workspace.plan();
    assert_eq!(code, 2, "{plan}");
    sandbox.set_release_status("old-1", 2, "pending-upgrade");
    refused(&sandbox, "default/old-1", &["revision 2", "pending-upgrade", "helm rollback old-1"]);
}

#[test]
fn a_configuration_file_of_the_users_own_and_a_fork_are_warned_of() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let copy = tempfile::TempDir::new().expect("a scratch directory");
    let script =
        format!("cp -r {} fork && sed -i 's/^name: .*/name: our-redis/' fork/Chart.yaml", chart("old"));
    let made = std::process::Command::new("sh").args(["-c", &script]).current_dir(copy.path()).status();
    assert!(made.expect("sh runs").success());
    let fork = copy.path().join("fork").display().to_string();
    let values = "nameOverride=redis-ha,redis.customConfig=maxmemory 0,persistentVolume.size=1Gi";
    sandbox.helm(3, &["install", "forked", &fork, "--set", values, "--wait", "--timeout", "3m"]);
    let workspace = Workspace::new(&sandbox, &silent("forked"));
    let told = import(&workspace, "default/forked");
    assert!(told.contains("The chart is a fork of redis-ha"), "{told}");
    assert!(told.contains("The servers have a configuration of their own"), "{told}");
    workspace.expect_empty_plan();
}
