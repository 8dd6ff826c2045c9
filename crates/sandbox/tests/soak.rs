//! Again and again: up, pods, the end of a random process, down; nothing is ever left.
//! `SANDBOX_SOAK_ROUNDS=50` runs more rounds than the sample.

mod world;

use serde_json::json;
use world::{Sandbox, is_running, text, wait_for};

const PODS: &str = "/api/v1/namespaces/default/pods";
const SAMPLE_ROUNDS: usize = 3;

fn rounds() -> usize {
    let asked = std::env::var("SANDBOX_SOAK_ROUNDS").ok();
    asked.map_or(SAMPLE_ROUNDS, |asked| asked.parse().expect("SANDBOX_SOAK_ROUNDS is a number"))
}

/// Pods with a Service and an emptyDir, as a chart brings them.
fn apply(sandbox: &Sandbox) {
    for name in ["a", "b"] {
        let containers = json!([{"name": "redis", "image": "redis:7",
            "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]);
        let spec = json!({"containers": containers, "volumes": [{"name": "data", "emptyDir": {}}]});
        sandbox.create(PODS, &json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}));
        let spec = json!({"selector": {"app": name}, "ports": [{"port": 6379}]});
        sandbox.create(
            "/api/v1/namespaces/default/services",
            &json!({"metadata": {"name": name}, "spec": spec}),
        );
    }
    wait_for("running pods", || {
        let running = sandbox.get_text(PODS).matches("\"phase\":\"Running\"").count();
        if running == 2 { Ok(()) } else { Err(format!("{running} run")) }
    });
    sandbox.delete(&format!("{PODS}/b"));
    assert_eq!(sandbox.get(&format!("{PODS}/a"))["metadata"]["name"], "a");
}

#[test]
fn nothing_is_left_whichever_process_is_killed() {
    for round in 1..=rounds() {
        let sandbox = Sandbox::up();
        apply(&sandbox);
        let processes = sandbox.processes();
        let at = rand::random_range(0..processes.len());
        let what = format!("round {round}: process {at} of {}", processes.len());
        let victim = rustix::process::Pid::from_raw(processes[at]).expect("a process number");
        // It may be one of the deleted pod, which is gone already.
        let _ = rustix::process::kill_process(victim, rustix::process::Signal::KILL);
        let output = sandbox.command(&["down"]);
        assert!(output.status.success(), "{what}: {}", text(&output.stderr));
        wait_for("end of every process", || {
            let left: Vec<_> = processes.iter().filter(|pid| is_running(**pid)).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("{what}: {left:?}")) }
        });
        let mounts = std::fs::read_to_string("/proc/mounts").expect("mounts");
        assert!(!mounts.contains(&*sandbox.dir().to_string_lossy()), "{what}: {mounts}");
        assert!(!sandbox.dir().join("state.json").exists(), "{what}: nothing says that it runs");
        assert!(!sandbox.dir().join("volumes").exists(), "{what}: its volumes are gone");
    }
}

#[test]
fn a_sandbox_whose_directory_is_removed_ends() {
    let sandbox = Sandbox::up();
    let processes = sandbox.processes();
    std::fs::remove_dir_all(sandbox.dir()).expect("removed");
    wait_for("end of every process", || {
        let left: Vec<_> = processes.iter().filter(|pid| is_running(**pid)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
}
