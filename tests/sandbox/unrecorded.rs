//! A redis-ha that no release record tells of gets one, without an outage.

use std::fs;

use serde_json::Value;

use super::adopt::{MORE_MEMORY, ON_BUNDLED, status, with};
use super::import_forms::{HEAD, PASSWORD, import, install_old, silent};
use super::load::Load;
use super::support::{Sandbox, Workspace, chart};

/// Which pods there are: a replaced one has another.
fn pods(sandbox: &Sandbox) -> String {
    sandbox.kubectl(&["get", "pods", "--sort-by=.metadata.name", "-o", "jsonpath={.items[*].metadata.uid}"])
}

#[test]
fn a_release_whose_record_was_lost_is_found_by_its_labels_and_moves_under_load() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    sandbox.kubectl(&["delete", "secret", "sh.helm.release.v1.old-1.v1"]);
    let workspace = Workspace::new(&sandbox, &silent("old-1"));
    let told = import(&workspace, "default/old-1");
    assert!(told.contains("The release has no record"), "{told}");
    let cluster = workspace.cluster();
    assert_eq!(cluster["auth"]["existing_secret"], "redis-credentials");
    assert_eq!((&cluster["replicas"], &cluster["image"]["tag"]), (&3.into(), &"5.0.5-alpine".into()));
    assert_eq!(cluster["drift"][0]["object"], "release record");
    assert_eq!((&cluster["sentinel"]["quorum"], &cluster["release"]["revision"]), (&2.into(), &0.into()));
    let old_image = workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
    assert!(old_image.contains("The bundled chart needs Redis 6.2"), "{old_image}");
    let load = Load::start(&sandbox, "old-1-redis-ha", PASSWORD);
    workspace.write("main.tf", &with("old-1", &format!("{MORE_MEMORY}\n{ON_BUNDLED}")));
    let (_, plan) = workspace.plan();
    assert!(
        plan.contains("No record tells of this release") && plan.contains("The master is last"),
        "{plan}"
    );
    workspace.apply();
    workspace.expect_empty_plan();
    load.stop();
    assert_eq!(status(&sandbox, "old-1"), ("deployed".to_owned(), "redis-ha-1.0.0".to_owned()));
    let history = sandbox.helm(3, &["history", "old-1"]);
    assert!(history.contains("Adopted: its objects stood without a record"), "{history}");
    let left = sandbox.kubectl(&["get", "configmaps", "-o", "name"]);
    assert!(!left.contains("old-1-redis-ha-probes"), "what the chart dropped is gone: {left}");
    workspace.destroy();
    let left = sandbox.kubectl(&["get", "statefulsets,services,configmaps,secrets,pvc", "-o", "name"]);
    assert!(!left.contains("old-1"), "{left}");
    assert!(left.contains("redis-credentials"), "{left}");
}

#[test]
fn what_kubectl_applied_becomes_a_release_on_its_own_chart_and_no_pod_restarts() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let chart = chart("new");
    let values = format!("auth=true,redisPassword={PASSWORD},persistentVolume.size=1Gi,sentinel.quorum=3");
    let rendered = sandbox.helm(4, &["template", "by-hand", &chart, "--set", &values]);
    let workspace = Workspace::new(&sandbox, &silent("by-hand"));
    workspace.write("rendered.yaml", &rendered);
    let file = workspace.path().join("rendered.yaml").display().to_string();
    sandbox.kubectl(&["apply", "-f", &file]);
    sandbox.kubectl(&["rollout", "status", "statefulset/by-hand-redis-ha-server", "--timeout=3m"]);
    fs::remove_file(&file).expect("the rendered chart");
    let before = pods(&sandbox);
    let listed = "data \"redis_ha_clusters\" \"all\" {}\noutput \"found\" { value = data.redis_ha_clusters.all.clusters }\n";
    let lister = Workspace::new(&sandbox, &format!("{HEAD}{listed}"));
    lister.apply();
    let output = lister.terraform(&["output", "-json", "found"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("terraform prints JSON");
    let wanted = [("id", "default/by-hand"), ("chart_version", "4.39.0"), ("app_version", "7.0.15-alpine")];
    for (name, wanted) in wanted {
        assert_eq!(found[0][name], wanted, "{found}");
    }
    assert_eq!((&found[0]["revision"], found.as_array().map(Vec::len)), (&0.into(), Some(1)), "{found}");
    import(&workspace, "default/by-hand");
    let own = format!("  chart = {{ name = \"{chart}\" }}");
    workspace.write("main.tf", &with("by-hand", &own));
    let (code, plan) = workspace.plan();
    assert_eq!(code, 2, "{plan}");
    assert!(plan.contains("Apply makes one, by which Helm knows it too"), "{plan}");
    workspace.apply();
    workspace.expect_empty_plan();
    assert_eq!(pods(&sandbox), before, "no pod was replaced");
    assert_eq!(workspace.cluster()["sentinel"]["quorum"], 3);
    assert_eq!(status(&sandbox, "by-hand"), ("deployed".to_owned(), "redis-ha-4.39.0".to_owned()));
    for file in ["get values", "get manifest"] {
        let mut arguments: Vec<_> = file.split(' ').collect();
        arguments.push("by-hand");
        assert!(!sandbox.helm(4, &arguments).contains(PASSWORD), "helm {file} shows the password");
    }
    workspace.destroy();
    let left = sandbox.kubectl(&["get", "statefulsets,services,configmaps,secrets,pvc", "-o", "name"]);
    assert!(!left.contains("by-hand"), "{left}");
}
