//! The sandbox as a whole: its life and its end, and what pods in it can rely on.

mod world;

use std::process::Command;

use serde_json::{Value, json};
use world::{BINARY, Sandbox, is_running, text, wait_for};

const PODS: &str = "/api/v1/namespaces/default/pods";

fn pod(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}}, "spec": spec})
}

fn redis(name: &str) -> Value {
    pod(
        name,
        &json!({"containers": [{
        "name": "redis", "image": "redis:7-alpine", "ports": [{"name": "redis", "containerPort": 6379}],
        "readinessProbe": {"exec": {"command": ["redis-cli", "ping"]}},
        "env": [{"name": "AUTH", "value": "correct-horse"}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
        "volumes": [{"name": "data", "emptyDir": {}}]}),
    )
}

fn wait_until_ready(sandbox: &Sandbox, name: &str) -> Value {
    wait_for("ready pod", || {
        let pod = sandbox.get(&format!("{PODS}/{name}"));
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        if ready { Ok(pod) } else { Err(pod["status"].to_string()) }
    })
}

/// Kills one process of a sandbox that runs a pod, and waits until none of the others is left.
fn check_kill(position: usize) {
    let sandbox = Sandbox::up();
    sandbox.create(PODS, &redis("cache"));
    wait_until_ready(&sandbox, "cache");
    let processes = sandbox.processes();
    assert!(processes.len() >= 6, "launcher, unshare, init, inside, bwrap, redis: {processes:?}");
    let victim = rustix::process::Pid::from_raw(processes[position]).expect("a process number");
    rustix::process::kill_process(victim, rustix::process::Signal::KILL).expect("killed");
    wait_for("end of every process", || {
        let left: Vec<_> = processes.iter().filter(|pid| is_running(**pid)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    let output = sandbox.command(&["down"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn nothing_outlives_the_launcher() {
    check_kill(0);
}

#[test]
fn nothing_outlives_unshare() {
    check_kill(1);
}

#[test]
fn nothing_outlives_the_first_process_of_the_namespaces() {
    check_kill(2);
}

#[test]
fn nothing_outlives_the_servers() {
    check_kill(3);
}

#[test]
fn down_ends_everything_and_may_be_repeated() {
    let sandbox = Sandbox::up();
    sandbox.create(PODS, &redis("cache"));
    wait_until_ready(&sandbox, "cache");
    let processes = sandbox.processes();
    assert!(sandbox.command(&["down"]).status.success());
    let left: Vec<_> = processes.into_iter().filter(|pid| is_running(*pid)).collect();
    assert!(left.is_empty(), "still there after down returned: {left:?}");
    let mounts = std::fs::read_to_string("/proc/mounts").expect("mounts");
    assert!(!mounts.contains(&*sandbox.dir().to_string_lossy()), "{mounts}");
    let again = sandbox.command(&["down"]);
    assert!(
        again.status.success() && text(&again.stderr).contains("No sandbox runs"),
        "{}",
        text(&again.stderr)
    );
}

#[test]
fn a_directory_in_use_is_refused_with_the_way_out() {
    let sandbox = Sandbox::up();
    let output = sandbox.command(&["up", "--detach"]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("in use by another running sandbox") && said.contains("down --dir"), "{said}");
    assert!(sandbox.command(&["status"]).status.success(), "the first one runs on");
}

#[test]
fn an_interrupt_ends_the_foreground_in_order() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let mut up = Command::new(BINARY).args(["up", "--dir"]).arg(parent.path()).spawn().expect("started");
    let state = parent.path().join("state.json");
    wait_for("running sandbox", || std::fs::metadata(&state).map(drop).map_err(|error| error.to_string()));
    let pid = rustix::process::Pid::from_raw(i32::try_from(up.id()).expect("a number")).expect("a number");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("interrupted");
    assert!(up.wait().expect("ended").success());
    assert!(!state.exists(), "nothing says that it still runs");
}

#[test]
fn a_pod_without_a_command_runs_its_image_and_no_argument_holds_its_secret() {
    let sandbox = Sandbox::up();
    sandbox.create(PODS, &redis("cache"));
    let pod = wait_until_ready(&sandbox, "cache");
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0);
    for pid in sandbox.processes() {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(!text(&line).contains("correct-horse"), "{}", text(&line));
    }
    let events = sandbox.get("/api/v1/namespaces/default/events").to_string();
    for reason in ["Scheduled", "Pulled", "Created", "Started"] {
        assert!(events.contains(&format!("\"{reason}\"")), "no {reason} in {events}");
    }
}

#[test]
fn a_service_is_reached_by_its_name_from_inside() {
    let sandbox = Sandbox::up();
    sandbox.create(PODS, &redis("cache"));
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"},
        "spec": {"selector": {"app": "cache"}, "ports": [{"port": 7000, "targetPort": "redis"}]}});
    sandbox.create("/api/v1/namespaces/default/services", &service);
    wait_until_ready(&sandbox, "cache");
    let said = wait_for("answer through the Service", || {
        let output =
            sandbox.command(&["run", "--", "redis-cli", "-h", "front.default.svc", "-p", "7000", "ping"]);
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    });
    assert_eq!(said.trim(), "PONG");
}

#[test]
fn an_unknown_image_says_which_are_known() {
    let sandbox = Sandbox::up();
    sandbox.create(PODS, &pod("web", &json!({"containers": [{"name": "web", "image": "nginx:1"}]})));
    let message = wait_for("refusal", || {
        let pod = sandbox.get(&format!("{PODS}/web"));
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
        if waiting["reason"] == "ErrImagePull" {
            Ok(waiting["message"].to_string())
        } else {
            Err(waiting.to_string())
        }
    });
    assert!(message.contains("nginx:1") && message.contains("haproxy"), "{message}");
}

#[test]
fn a_container_that_fails_is_restarted_and_then_backs_off() {
    let sandbox = Sandbox::up_with(&["--backoff-scale", "0.05"]);
    let spec = json!({"containers": [{"name": "main", "image": "busybox", "command": ["sh", "-c", "echo out; exit 3"]}]});
    sandbox.create(PODS, &pod("broken", &spec));
    let status = wait_for("back-off", || {
        let pod = sandbox.get(&format!("{PODS}/broken"));
        let status = pod["status"]["containerStatuses"][0].clone();
        let reason = status["state"]["waiting"]["reason"].clone();
        if reason == "CrashLoopBackOff" { Ok(status) } else { Err(status.to_string()) }
    });
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 3);
    assert_eq!(status["restartCount"], 1, "the first restart does not wait");
    // 70 s without the scale, which is more than this waits.
    wait_for("longer back-off", || {
        let pod = sandbox.get(&format!("{PODS}/broken"));
        let waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"].clone();
        let uid = pod["metadata"]["uid"].as_str().expect("a uid");
        let said = format!("back-off 1m20s restarting failed container=main pod=broken_default({uid})");
        if waiting["message"] == said { Ok(()) } else { Err(waiting.to_string()) }
    });
    assert_eq!(sandbox.get_text(&format!("{PODS}/broken/log")), "out\n");
    assert_eq!(sandbox.get_text(&format!("{PODS}/broken/log?previous=true")), "out\n");
}

#[test]
fn init_containers_run_in_order_and_share_volumes() {
    let sandbox = Sandbox::up();
    let step = |name: &str| {
        json!({"name": name, "image": "busybox", "command": ["sh", "-c", format!("sleep 2; echo {name} >> /shared/log")],
            "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]})
    };
    let spec = json!({"initContainers": [step("first"), step("second")], "restartPolicy": "Never",
        "securityContext": {"runAsUser": 1000, "fsGroup": 1000},
        "containers": [{"name": "main", "image": "busybox", "command": ["cat", "/shared/log"],
            "volumeMounts": [{"name": "shared", "mountPath": "/shared", "readOnly": true}]}],
        "volumes": [{"name": "shared", "emptyDir": {}}]});
    sandbox.create(PODS, &pod("steps", &spec));
    wait_for("completion", || {
        let pod = sandbox.get(&format!("{PODS}/steps"));
        if pod["status"]["phase"] == "Succeeded" { Ok(()) } else { Err(pod["status"].to_string()) }
    });
    assert_eq!(sandbox.get_text(&format!("{PODS}/steps/log?container=main")), "first\nsecond\n");
}

/// Says `NAME starts`, and `NAME ends` when it is told to end.
fn told_to_end(name: &str) -> Value {
    let script = format!(
        "trap 'echo {name} ends; exit 0' TERM; echo {name} starts; touch /shared/{name}; while :; do sleep 0.05; done"
    );
    json!({"name": name, "image": "busybox", "command": ["sh", "-c", script],
        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]})
}

/// A pod of a sidecar with a startup probe, an init container behind it that needs it, and a main container.
fn with_sidecar(name: &str, main: &Value) -> Value {
    let mut sidecar = told_to_end("sidecar");
    sidecar["restartPolicy"] = json!("Always");
    sidecar["startupProbe"] = json!({"exec": {"command": ["test", "-e", "/shared/sidecar"]}});
    let setup = json!({"name": "setup", "image": "busybox", "command": ["test", "-e", "/shared/sidecar"],
        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]});
    let spec = json!({"restartPolicy": "Never", "initContainers": [sidecar, setup], "containers": [main],
        "volumes": [{"name": "shared", "emptyDir": {}}]});
    pod(name, &spec)
}

#[test]
fn a_sidecar_starts_first_runs_beside_the_others_and_again_and_ends_last() {
    let sandbox = Sandbox::up_with(&["--backoff-scale", "0.01"]);
    let created = sandbox.create(PODS, &with_sidecar("served", &told_to_end("main")));
    wait_until_ready(&sandbox, "served");
    for _ in 0..2 {
        let before = sandbox.get(&format!("{PODS}/served"))["status"]["initContainerStatuses"][0].clone();
        let restarts = before["restartCount"].as_i64().expect("a count");
        sandbox.command(&["fault", "add", "pod", "default/served", "--container", "sidecar", "--kill"]);
        wait_for("second run of the sidecar", || {
            let pod = sandbox.get(&format!("{PODS}/served"));
            let status = &pod["status"]["initContainerStatuses"][0];
            let runs = status["state"]["running"].is_object() && status["started"] == true;
            if runs && status["restartCount"].as_i64() > Some(restarts) {
                Ok(())
            } else {
                Err(pod["status"].to_string())
            }
        });
    }
    assert_eq!(sandbox.get(&format!("{PODS}/served"))["status"]["containerStatuses"][0]["restartCount"], 0);
    sandbox.delete(&format!("{PODS}/served"));
    wait_for("removal", || {
        let answer = sandbox.get(&format!("{PODS}/served"));
        if answer["code"] == 404 { Ok(()) } else { Err(answer["status"].to_string()) }
    });
    let logs = format!("logs/pods/default_served_{}", created["metadata"]["uid"].as_str().expect("a uid"));
    let end_of = |container: &str, run: u32| {
        let log = sandbox.file(&format!("{logs}/{container}/{run}.log"));
        let line = log.lines().find(|line| line.ends_with(&format!("{container} ends")));
        line.unwrap_or_else(|| panic!("{container} was not told to end: {log}")).to_owned()
    };
    // Lines begin with their times.
    assert!(end_of("main", 0) < end_of("sidecar", 2));
}

#[test]
fn a_pod_with_a_sidecar_completes() {
    let sandbox = Sandbox::up();
    let main = json!({"name": "main", "image": "busybox", "command": ["echo", "done"]});
    sandbox.create(PODS, &with_sidecar("job", &main));
    let pod = wait_for("completion", || {
        let pod = sandbox.get(&format!("{PODS}/job"));
        if pod["status"]["phase"] == "Succeeded" { Ok(pod) } else { Err(pod["status"].to_string()) }
    });
    let sidecar = &pod["status"]["initContainerStatuses"][0];
    assert_eq!(sidecar["state"]["terminated"]["exitCode"], 0, "{sidecar}");
    assert_eq!(
        sandbox.get_text(&format!("{PODS}/job/log?container=sidecar")),
        "sidecar starts\nsidecar ends\n"
    );
}

#[test]
fn a_deleted_pod_leaves_the_store_when_its_processes_are_gone() {
    let sandbox = Sandbox::up();
    sandbox.create(PODS, &redis("cache"));
    wait_until_ready(&sandbox, "cache");
    let before = sandbox.processes().len();
    sandbox.delete(&format!("{PODS}/cache"));
    wait_for("removal", || {
        let answer = sandbox.get(&format!("{PODS}/cache"));
        if answer["code"] == 404 { Ok(()) } else { Err(answer["metadata"].to_string()) }
    });
    assert!(sandbox.processes().len() < before, "bwrap and redis are gone");
}

#[test]
fn a_changed_config_map_reaches_a_running_pod() {
    let sandbox = Sandbox::up();
    let configuration = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"key": value}});
    sandbox.create("/api/v1/namespaces/default/configmaps", &configuration("old"));
    let script = "until grep -q new /etc/settings/key; do sleep 0.05; done; echo changed";
    let spec = json!({"restartPolicy": "Never",
        "containers": [{"name": "main", "image": "busybox", "command": ["sh", "-c", script],
            "volumeMounts": [{"name": "settings", "mountPath": "/etc/settings"}]}],
        "volumes": [{"name": "settings", "configMap": {"name": "settings"}}]});
    sandbox.create(PODS, &pod("reader", &spec));
    wait_until_ready(&sandbox, "reader");
    sandbox.delete("/api/v1/namespaces/default/configmaps/settings");
    sandbox.create("/api/v1/namespaces/default/configmaps", &configuration("new"));
    wait_for("the new value", || {
        let log = sandbox.get_text(&format!("{PODS}/reader/log"));
        if log == "changed\n" { Ok(()) } else { Err(log) }
    });
}
