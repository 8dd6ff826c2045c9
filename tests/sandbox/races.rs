//! Two runs, each with a state of its own, that make a cluster of the same name at the same time.

use super::configuration;
use super::support::{Sandbox, Workspace, assert_success, text, unfolded};

/// Whichever way they meet: a cluster comes of it, and who lost the race holds nothing of it in a state,
/// from which a later apply would destroy it.
fn check(with_pool: bool) {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let mut configuration = configuration("");
    if !with_pool {
        configuration =
            configuration.lines().filter(|line| !line.contains("node_pool")).collect::<Vec<_>>().join("\n");
    }
    let workspaces = [(); 2].map(|()| Workspace::new(&sandbox, &configuration));
    // Both have looked before either has written its record.
    let late = ["api", "--verb", "create", "--path", "*/secrets", "--delay", "2s"];
    let fault = sandbox.fault(&late);
    let arguments = ["apply", "-auto-approve", "-input=false", "-no-color"];
    let runs = workspaces.each_ref().map(|workspace| {
        let mut command = workspace.command(&arguments);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().expect("terraform runs")
    });
    let ends = runs.map(|run| run.wait_with_output().expect("terraform ends"));
    sandbox.clear_fault(fault);
    assert!(
        ends.iter().any(|end| end.status.success()),
        "{}",
        text(&ends[0].stderr) + &text(&ends[1].stderr)
    );
    for (workspace, end) in workspaces.iter().zip(&ends) {
        if end.status.success() {
            workspace.expect_empty_plan();
            continue;
        }
        let printed = unfolded(&text(&end.stderr));
        assert!(printed.contains("another run makes") || printed.contains("exists already"), "{printed}");
        let state = workspace.terraform(&["state", "list"]);
        assert_success("state list", &state);
        assert_eq!(text(&state.stdout), "");
    }
    assert!(sandbox.helm(4, &["list"]).contains("deployed"));
}

#[test]
fn of_two_creates_at_once_on_the_clusters_own_nodes_none_harms_the_other() {
    check(false);
}

#[test]
fn of_two_creates_at_once_with_a_pool_none_harms_the_other() {
    check(true);
}
