//! What runs already is brought under Terraform without a change.

use super::configuration;
use super::support::{Sandbox, Workspace, assert_success};

#[test]
fn an_imported_cluster_plans_nothing_with_a_configuration_written_by_hand() {
    let sandbox = Sandbox::up();
    let maker = Workspace::new(&sandbox, &configuration("redis = { config = { maxmemory = \"100mb\" } }"));
    maker.apply();
    let id = "projects/sandbox/locations/asia-east1/clusters/sandbox/default/redis-1/redis";
    let by_hand =
        Workspace::new(&sandbox, &configuration("redis = { config = { maxmemory = \"104857600\" } }"));
    let imported = by_hand.terraform(&["import", "-input=false", "-no-color", "redis_ha_cluster.cache", id]);
    assert_success("terraform import", &imported);
    by_hand.expect_empty_plan();
    let minimal = "terraform {\n  required_providers {\n    redis = { source = \"redis-ha/redis\" }\n  }\n}\n\
                   resource \"redis_ha_cluster\" \"cache\" {\n  name = \"redis-1\"\n}\n";
    let short = Workspace::new(&sandbox, minimal);
    let imported = short.terraform(&[
        "import",
        "-input=false",
        "-no-color",
        "redis_ha_cluster.cache",
        "default/redis-1",
    ]);
    assert_success("terraform import", &imported);
    short.expect_empty_plan();
}

#[test]
fn an_id_of_nothing_is_refused_with_what_was_wanted() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    for (id, wanted) in
        [("redis-1", "NAMESPACE/NAME"), ("default/redis-9", "no redis-ha release default/redis-9")]
    {
        let refused =
            workspace.expect_failure(&["import", "-input=false", "-no-color", "redis_ha_cluster.cache", id]);
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[test]
fn a_release_that_exists_is_not_taken_over_by_a_create() {
    let sandbox = Sandbox::up();
    let maker = Workspace::new(&sandbox, &configuration(""));
    maker.apply();
    let other = Workspace::new(&sandbox, &configuration(""));
    let refused = other.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    assert!(refused.contains("exists already") && refused.contains("terraform import"), "{refused}");
    maker.expect_empty_plan();
}
