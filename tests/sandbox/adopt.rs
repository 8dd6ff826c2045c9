//! A release moves to the bundled chart and back, in place, while an application writes to it.

use serde_json::Value;

use super::import_forms::{HEAD, PASSWORD, import, install_new, install_old, silent};
use super::load::Load;
use super::support::{Sandbox, Workspace, chart};

/// The silent configuration with more in its block.
pub(super) fn with(name: &str, more: &str) -> String {
    format!("{}{more}\n}}\n", silent(name).trim_end().strip_suffix('}').expect("a block"))
}

pub(super) const ON_BUNDLED: &str = "  chart = { name = \"bundled\" }\n  image = { tag = \"7.4.2-alpine\" }";
pub(super) const MORE_MEMORY: &str = "  redis = { config = { maxmemory = \"200mb\" } }";

pub(super) fn status(sandbox: &Sandbox, name: &str) -> (String, String) {
    let listed: Value =
        serde_json::from_str(&sandbox.helm(4, &["list", "--filter", name, "-o", "json"])).expect("JSON");
    let text = |field: &str| listed[0][field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("chart"))
}

#[test]
fn a_release_moves_to_the_bundled_chart_under_load_and_no_acknowledged_write_is_lost() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    let workspace = Workspace::new(&sandbox, &silent("old-1"));
    import(&workspace, "default/old-1");
    let load = Load::start(&sandbox, "old-1-redis-ha", PASSWORD);
    workspace.write("main.tf", &with("old-1", MORE_MEMORY));
    workspace.apply();
    assert_eq!(status(&sandbox, "old-1"), ("deployed".to_owned(), "redis-ha-3.6.1".to_owned()));
    workspace.write("main.tf", &with("old-1", &format!("{MORE_MEMORY}\n{ON_BUNDLED}")));
    let (_, plan) = workspace.plan();
    assert!(plan.contains("The release moves to another chart"), "{plan}");
    assert!(plan.contains("The master is last"), "{plan}");
    workspace.apply();
    workspace.expect_empty_plan();
    let report = load.stop();
    assert!(report["masters"].as_array().is_some_and(|masters| masters.len() > 1), "{report}");
    assert_eq!(status(&sandbox, "old-1"), ("deployed".to_owned(), "redis-ha-1.0.0".to_owned()));
    let health = workspace.cluster()["health"].clone();
    assert_eq!(health, serde_json::json!([]), "no ghost of an earlier pod is left");
    workspace.destroy();
    assert!(sandbox.kubectl(&["get", "secrets", "-o", "name"]).contains("redis-credentials"));
}

#[test]
fn passwords_that_a_chart_rendered_outlive_the_chart_and_the_way_back_is_open() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_new(&sandbox, "redis-ha-new");
    let workspace = Workspace::new(&sandbox, &silent("redis-ha-new"));
    import(&workspace, "default/redis-ha-new");
    workspace.write("main.tf", &with("redis-ha-new", ON_BUNDLED));
    let (_, plan) = workspace.plan();
    assert!(plan.contains("deleted without its pods and made anew"), "{plan}");
    assert!(plan.contains("The Secret redis-ha-new is kept"), "{plan}");
    workspace.apply();
    workspace.expect_empty_plan();
    let template = "go-template={{.data.auth | base64decode}}";
    assert_eq!(sandbox.kubectl(&["get", "secret", "redis-ha-new", "-o", template]), PASSWORD);
    let values = sandbox.helm(4, &["get", "values", "redis-ha-new"]);
    assert!(!values.contains(PASSWORD), "{values}");
    let back = format!("chart = {{ name = \"{}\" }}", chart("new"));
    let on_own = ON_BUNDLED.replace("chart = { name = \"bundled\" }", &back);
    workspace.write("main.tf", &with("redis-ha-new", &on_own));
    workspace.apply();
    workspace.expect_empty_plan();
    let events = sandbox.kubectl(&["get", "events"]);
    assert!(!events.contains("No such file"), "a pod lost the scripts of its probes: {events}");
    let files = sandbox.kubectl(&["get", "configmap", "redis-ha-new-configmap", "-o", "jsonpath={.data}"]);
    assert!(!files.contains("sentinel-probe.sh"), "scripts of the chart before are left: {files}");
    let wanted = ("deployed".to_owned(), "redis-ha-4.39.0".to_owned());
    assert_eq!(status(&sandbox, "redis-ha-new"), wanted);
    let gone = "removed {\n  from = redis_ha_cluster.cache\n  lifecycle { destroy = false }\n}\n";
    workspace.write("main.tf", &format!("{HEAD}{gone}"));
    workspace.apply();
    assert_eq!(status(&sandbox, "redis-ha-new"), wanted);
    assert_eq!(sandbox.server("redis-ha-new-server-1", &["PING"]).trim(), "PONG");
}
