//! What a user meets: progress, status, images of their own, and what `up` refuses and why.

#[expect(dead_code, reason = "each test file uses its part of the world")]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use world::{BINARY, Sandbox, text, wait_for};

const PODS: &str = "/api/v1/namespaces/default/pods";

fn up(dir: &Path, flags: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["up", "--detach", "--dir"]).arg(dir).args(flags).output().expect("the binary runs")
}

/// What `up` says when it refuses.
fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "it was to refuse: {}", text(&output.stderr));
    text(&output.stderr)
}

#[test]
fn status_tells_people_and_programs_where_to_connect() {
    let sandbox = Sandbox::up();
    let pod = json!({"metadata": {"name": "main"},
        "spec": {"containers": [{"name": "main", "image": "busybox", "command": ["sleep", "600"]}]}});
    sandbox.create(PODS, &pod);
    let described = wait_for("running pod", || {
        let said: Value =
            serde_json::from_slice(&sandbox.command(&["status", "--json"]).stdout).expect("JSON");
        if said["pods"][0]["status"] == "Running" { Ok(said) } else { Err(said.to_string()) }
    });
    let address = format!("https://127.0.0.1:{}", sandbox.state()["kubernetes_port"]);
    assert_eq!((&described["running"], &described["kubernetes"]), (&json!(true), &json!(address)));
    assert_eq!(described["pods"][0]["name"], "main");
    assert!(Path::new(described["env"].as_str().expect("a path")).is_file());
    let shown = text(&sandbox.command(&["status"]).stdout);
    assert!(shown.contains(&address) && shown.contains("default    main  1/1    Running"), "{shown}");

    sandbox.command(&["down"]);
    let output = sandbox.command(&["status", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &said["running"]), (Some(1), &json!(false)));
    let said = text(&sandbox.command(&["status"]).stdout);
    assert!(said.contains("No sandbox runs") && said.contains("up --dir"), "{said}");
}

#[test]
fn a_start_shows_its_steps_and_what_to_do_next() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let dir = parent.path().join("new");
    let output = up(&dir, &[]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    for words in ["... checking", "... starting", "The sandbox runs", "Use it:  . ", "Stop it: "] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(Command::new(BINARY).args(["down", "--dir"]).arg(&dir).status().expect("it runs").success());
}

/// A directory with a redis of another version, by name only: it is the machine's.
fn other_redis(directory: &Path) {
    let script = "#!/bin/bash\n[ \"${1:-}\" != --version ] || { echo 'Redis server v=9.9.9'; exit; }\nexec /usr/bin/redis-server \"$@\"\n";
    let program = directory.join("redis-server");
    fs::write(&program, script).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("made executable");
}

#[test]
fn a_table_of_images_brings_other_programs() {
    let programs = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(programs.path(), fs::Permissions::from_mode(0o755)).expect("readable by pods");
    other_redis(programs.path());
    let table = json!({"redis:9*": {"like": "redis", "programs": programs.path()},
        "acme/*": {"command": ["sleep", "600"], "user": 7}});
    let file = programs.path().join("images.json");
    fs::write(&file, table.to_string()).expect("written");
    let sandbox = Sandbox::up_with(&["--images", &file.display().to_string()]);
    let probe = json!({"exec": {"command": ["redis-cli", "ping"]}});
    let containers = json!([
        {"name": "new", "image": "docker.io/library/redis:9.1", "readinessProbe": probe},
        {"name": "old", "image": "redis:7", "args": ["--port", "7000"]},
        {"name": "tool", "image": "acme/tool:1"}]);
    sandbox.create(PODS, &json!({"metadata": {"name": "p"}, "spec": {"containers": containers}}));
    sandbox.create(
        PODS,
        &json!({"metadata": {"name": "unknown"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}),
    );
    wait_for("ready containers", || {
        let pod = sandbox.get(&format!("{PODS}/p"));
        let ready = pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
        if ready.len() == 3 && ready.iter().all(|one| one["ready"] == true) {
            Ok(())
        } else {
            Err(pod["status"].to_string())
        }
    });
    let events = sandbox.get("/api/v1/namespaces/default/events").to_string();
    assert!(
        events.contains("redis:9.1\\\" already present on machine: local redis-server 9.9.9"),
        "{events}"
    );
    assert!(events.contains("tool:1\\\" already present on machine: local sleep"), "{events}");
    let message = wait_for("refusal", || {
        let pod = sandbox.get(&format!("{PODS}/unknown"));
        let waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"].clone();
        if waiting["reason"] == "ErrImagePull" {
            Ok(waiting["message"].to_string())
        } else {
            Err(waiting.to_string())
        }
    });
    assert!(message.contains("valkey") && message.contains("redis:9*, acme/*"), "{message}");
}

#[test]
fn a_table_that_names_nothing_real_is_refused_before_anything_is_made() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let file = parent.path().join("images.json");
    fs::write(&file, r#"{"redis:9": {"like": "redis", "programs": "/nowhere"}}"#).expect("written");
    let dir = parent.path().join("sandbox");
    let said = refusal(&up(&dir, &["--images", &file.display().to_string()]));
    assert!(said.contains("image \"redis:9\": programs: /nowhere is no directory"), "{said}");
    assert!(!dir.exists());
}

#[test]
fn a_directory_with_other_files_is_refused_and_left_as_it_is() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    fs::write(parent.path().join("kubeconfig"), "mine").expect("written");
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).expect("set");
    let said = refusal(&up(parent.path(), &[]));
    assert!(
        said.contains("holds \"kubeconfig\"") && said.contains("choose an empty or a new directory"),
        "{said}"
    );
    for command in ["down", "status"] {
        Command::new(BINARY).arg(command).arg("--dir").arg(parent.path()).output().expect("the binary runs");
    }
    assert_eq!(fs::read_dir(parent.path()).expect("readable").count(), 1);
    let mode = fs::metadata(parent.path()).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o755);
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let parent = tempfile::tempdir().expect("a temporary directory");
    let dir = parent.path().join("new");
    let said = refusal(&up(&dir, &["--port", &port]));
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("--port"), "{said}");
    assert!(!dir.exists(), "nothing is left");
    fs::create_dir(&dir).expect("made");
    refusal(&up(&dir, &["--port", &port]));
    assert!(
        dir.exists() && !dir.join("state.json").exists(),
        "a directory of the user's stays, and nothing runs"
    );
}

#[test]
fn a_machine_without_user_namespaces_says_what_to_do() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let dir = parent.path().join("sandbox");
    let output = Command::new("bwrap")
        .args([
            "--unshare-user",
            "--disable-userns",
            "--dev-bind",
            "/",
            "/",
            BINARY,
            "up",
            "--detach",
            "--dir",
        ])
        .arg(&dir)
        .output()
        .expect("bwrap runs");
    let said = refusal(&output);
    assert!(said.contains("this machine cannot run the sandbox") && said.contains("what may help"), "{said}");
    assert!(!dir.exists(), "nothing is left");
}
