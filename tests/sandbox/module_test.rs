//! The example of a module with tests of its own, run as its readers run it.

use std::fs;
use std::path::Path;

use super::support::{Sandbox, Workspace, assert_success, text};

#[test]
fn the_example_module_passes_its_own_tests() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/module-test");
    let read = |name: &str| fs::read_to_string(example.join(name)).expect("the example");
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &read("main.tf"));
    fs::create_dir(workspace.path().join("tests")).expect("a scratch directory");
    workspace.write("tests/cluster.tftest.hcl", &read("tests/cluster.tftest.hcl"));
    let output = workspace.terraform(&["test", "-no-color"]);
    assert_success("terraform test", &output);
    let said = text(&output.stdout);
    assert!(said.contains("Success! 3 passed, 0 failed."), "{said}");
    let pods = sandbox.kubectl(&["get", "pods", "-o", "name"]);
    assert!(pods.is_empty(), "the tests leave nothing: {pods}");
}
