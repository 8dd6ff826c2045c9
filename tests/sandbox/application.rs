//! An application that follows the outputs writes through a failover and loses nothing.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::support::{Sandbox, Workspace, assert_success, eventually, text, tool};

#[test]
fn the_example_application_writes_through_a_failover() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::up();
    let quickstart = fs::read_to_string(root.join("examples/quickstart/main.tf")).expect("the quickstart");
    let workspace = Workspace::new(&sandbox, &quickstart);
    workspace.apply();
    let outputs = workspace.terraform(&["output", "-json"]);
    assert_success("terraform output", &outputs);
    workspace.write("outputs.json", &text(&outputs.stdout));
    let template = "go-template={{.data.auth | base64decode}}";
    workspace.write("password", &sandbox.kubectl(&["get", "secret", "redis-1-redis-ha", "-o", template]));
    let application = sandbox
        .command("run")
        .arg("--")
        .arg(tool("python/bin/python"))
        .arg(root.join("examples/app/app.py"))
        .arg("--outputs")
        .arg(workspace.path().join("outputs.json"))
        .args(["--seconds", "20"])
        .env("REDIS_PASSWORD_FILE", workspace.path().join("password"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the application starts");
    let master = workspace.cluster()["master"]["pod"].as_str().expect("a master").to_owned();
    eventually("the application writes", Duration::from_secs(180), || {
        let keys = sandbox.server(&master, &["DBSIZE"]);
        if keys.trim() == "0" { Err(keys) } else { Ok(()) }
    });
    sandbox.kubectl(&["delete", "pod", &master, "--wait=true"]);
    let ended = application.wait_with_output().expect("the application ends");
    assert_success("the application", &ended);
    let report: serde_json::Value =
        serde_json::from_slice(&ended.stdout).expect("the application prints JSON");
    assert_eq!(report["lost"], 0, "{report}");
}
