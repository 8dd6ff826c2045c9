//! A provider that is killed at any step of a move leaves what the next apply ends well, and no
//! acknowledged write is lost on the way.

use super::adopt::{MORE_MEMORY, ON_BUNDLED, status, with};
use super::import_forms::{PASSWORD, helm_release_state, import, install_old, silent, stand_in_for_helm};
use super::load::Load;
use super::support::{Sandbox, Workspace, assert_success, chart};

#[test]
fn a_move_whose_provider_is_killed_at_each_step_goes_on_with_the_next_apply() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    // Its chart renders the password's Secret, and fields that a StatefulSet keeps for life.
    let (own, values) =
        (chart("new"), format!("auth=true,redisPassword={PASSWORD},persistentVolume.size=1Gi"));
    let install = ["install", "redis-ha-new", &own, "--set", &values, "--wait", "--timeout", "3m"];
    sandbox.helm(4, &install);
    let workspace = Workspace::new(&sandbox, &silent("redis-ha-new"));
    import(&workspace, "default/redis-ha-new");
    let load = Load::start(&sandbox, "redis-ha-new", PASSWORD);
    workspace.write("main.tf", &with("redis-ha-new", MORE_MEMORY));
    workspace.apply_killed_at("kept for the servers that run with it");
    workspace.apply();
    workspace.expect_empty_plan();
    workspace.write("main.tf", &with("redis-ha-new", &format!("{MORE_MEMORY}\n{ON_BUNDLED}")));
    workspace.apply_killed_at("step=HoldRollout");
    workspace.apply_killed_at("made anew without its pods");
    // Whether the kill came before the deletion or after it: this is the worst that it can leave.
    let set = ["delete", "statefulset", "redis-ha-new-server", "--cascade=orphan", "--ignore-not-found"];
    sandbox.kubectl(&set);
    workspace.apply_killed_at("step=RollOut");
    workspace.apply();
    workspace.expect_empty_plan();
    let on_own = ON_BUNDLED.replace("\"bundled\"", &format!("{own:?}"));
    workspace.write("main.tf", &with("redis-ha-new", &format!("{MORE_MEMORY}\n{on_own}")));
    workspace.apply_killed_at("step=UpgradeRelease");
    workspace.apply_killed_at("step=RollOut");
    workspace.apply();
    workspace.expect_empty_plan();
    load.stop();
    assert_eq!(status(&sandbox, "redis-ha-new"), ("deployed".to_owned(), "redis-ha-4.39.0".to_owned()));
    workspace.destroy();
    let left = sandbox.kubectl(&["get", "statefulsets,services,configmaps,secrets,pvc", "-o", "name"]);
    assert!(!left.contains("redis-ha-new"), "{left}");
}

#[test]
fn a_release_without_a_record_and_one_that_moved_in_outlive_a_killed_provider() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    stand_in_for_helm(&sandbox);
    let moved = "moved {\n  from = helm_release.cache\n  to   = redis_ha_cluster.cache\n}\n";
    let workspace = Workspace::new(&sandbox, &with("old-1", MORE_MEMORY));
    workspace.write("terraform.tfstate", &helm_release_state("old-1", 2).to_string());
    workspace.write("moved.tf", moved);
    assert_success("terraform init", &workspace.terraform(&["init", "-input=false"]));
    workspace.apply_killed_at("step=UpgradeRelease");
    workspace.apply();
    workspace.expect_empty_plan();
    sandbox.kubectl(&["delete", "secrets", "-l", "owner=helm,name=old-1"]);
    workspace.write("main.tf", &with("old-1", &format!("{MORE_MEMORY}\n{ON_BUNDLED}")));
    workspace.apply_killed_at("step=RecordRelease");
    workspace.apply_killed_at("step=HoldRollout");
    workspace.apply();
    workspace.expect_empty_plan();
    assert_eq!(status(&sandbox, "old-1"), ("deployed".to_owned(), "redis-ha-1.0.0".to_owned()));
}
