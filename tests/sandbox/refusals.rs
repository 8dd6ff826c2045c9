//! Bad input: one diagnostic, on the right attribute, and no call made.

use super::configuration;
use super::support::{Sandbox, Workspace};

#[test]
fn bad_input_is_refused_by_name_before_any_call() {
    let sandbox = Sandbox::up();
    let another =
        concat!("chart = { name = \"", env!("CARGO_MANIFEST_DIR"), "/crates/helm/tests/charts/elder\" }");
    let cases = [
        ("sentinel = { quorum = 4 }", "quorum of 4 is above the 3 replicas"),
        ("sentinel = { quorum = 0 }", "quorum is 0"),
        ("replicas = 0", "Wrong value of replicas"),
        ("replicas = \"three\"", "a number is required"),
        ("values = [\"[1]\"]", "Values are no YAML map"),
        ("values = [\"a: [\"]", "Values are no YAML map"),
        ("values = [\"redisPassword: x\"]", "`redisPassword` in values"),
        ("replicas = 3\n  values = [\"replicas: 5\"]", "`replicas` is set twice, differently"),
        ("chart = { name = \"/nowhere\" }", "No chart at chart.name"),
        (another, "elder 2.0.1 renders no StatefulSet redis-1-redis-ha-server"),
        ("values = [\"replicas: three\"]", "at '/replicas': does not match the pattern"),
        ("values = [\"exporter: {enabled: maybe}\"]", "at '/exporter/enabled': want boolean"),
        ("values = [\"redis: {resources: {limits: 5}}\"]", "at '/redis/resources/limits': want object"),
        ("repair = \"sometimes\"", "auto, report"),
        ("timeouts = { create = \"soon\" }", "a duration such as 45m"),
        (
            "auth = { existing_secret = \"a\" }\n  password_wo = \"0123456789abcdef\"\n  password_wo_version = 1",
            "Two passwords",
        ),
        ("password_wo_version = 1", "Missing password_wo"),
        ("auth = { existing_secret = \"My_Secret\" }", "Wrong value of auth.existing_secret"),
        ("auth = { secret_key = \"a b\" }", "Wrong value of auth.secret_key"),
        ("timeouts = { update = \"0s\" }", "Wrong value of timeouts.update"),
        ("redis = { config = { maxmemory = \"2Gi\" } }", "Wanted: bytes, or a number"),
        ("redis = { config = { appendonly = true } }", "Wanted: yes, no"),
        ("redis = { config = { timeout = \"0\\nport 7\" } }", "has more than one line"),
        ("password_wo = \"short\"\n  password_wo_version = 1", "shorter than 16 characters"),
        ("namespace = \"Not_A_Label\"", "Wrong value of namespace"),
    ];
    let workspace = Workspace::new(&sandbox, &configuration(""));
    let before = sandbox.requests();
    for (more, wanted) in cases {
        workspace.write("main.tf", &configuration(more));
        let refused = workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
        assert!(refused.contains(wanted), "{more}: wanted {wanted:?}:\n{refused}");
        assert_eq!(refused.matches("Error:").count(), 1, "{more}: one diagnostic:\n{refused}");
        let line = more.lines().any(|line| refused.contains(&format!(": {}", line.trim())));
        assert!(line, "{more}: the line at fault is shown:\n{refused}");
    }
    assert_eq!(sandbox.requests(), before, "no call was made");
}

#[test]
fn too_few_replicas_are_warned_of() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(
        &sandbox,
        &configuration(
            "replicas = 2\n  sentinel = { quorum = 2 }\n  redis = { config = { \"min-replicas-to-write\" = \"0\" } }",
        ),
    );
    let (code, plan) = workspace.plan();
    assert_eq!(code, 2, "{plan}");
    assert!(plan.contains("Unwise value of replicas"), "{plan}");
}

#[test]
fn the_master_group_name_cannot_be_changed() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    workspace.write("main.tf", &configuration("sentinel = { master_group_name = \"other\" }"));
    let refused = workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
    assert!(refused.contains("master_group_name cannot be changed"), "{refused}");
}
