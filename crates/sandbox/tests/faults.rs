//! Faults by real means: refused and torn requests, stopped and killed processes, cut wires, a lost node.

mod world;

use std::io::{Read as _, Write as _};
use std::process::Output;

use serde_json::{Value, json};
use world::{Sandbox, is_running, text, wait_for};

const PODS: &str = "/api/v1/namespaces/default/pods";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// How long a command waits for an answer that must not come.
const SILENCE: &str = "0.7";

/// Asks for a fault; its number.
fn add(sandbox: &Sandbox, arguments: &str) -> u64 {
    let words: Vec<&str> = ["fault", "add"].into_iter().chain(arguments.split(' ')).collect();
    answer(&sandbox.command(&words))["id"].as_u64().expect("a number")
}

fn clear(sandbox: &Sandbox) {
    answer(&sandbox.command(&["fault", "clear"]));
}

fn answer(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON on stdout")
}

/// Starts pods that run redis, each with a Service of its name.
fn start_redis(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        let pod = json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [{
            "name": "redis", "image": "redis:7", "readinessProbe": {"exec": {"command": ["redis-cli", "ping"]}}}]}});
        sandbox.create(PODS, &pod);
        let service = json!({"metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 6379}]}});
        sandbox.create("/api/v1/namespaces/default/services", &service);
    }
    for name in names {
        wait_for("ready pod", || is_ready(sandbox, name));
    }
}

fn is_ready(sandbox: &Sandbox, name: &str) -> Result<(), String> {
    let pod = sandbox.get(&format!("{PODS}/{name}"));
    let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
    if ready { Ok(()) } else { Err(pod["status"].to_string()) }
}

/// Whether a pod gets an answer from redis at a host, asked from the pod's own network.
fn reaches(sandbox: &Sandbox, from: &str, host: &str) -> bool {
    let uid = sandbox.get(&format!("{PODS}/{from}"))["metadata"]["uid"].as_str().expect("a uid").to_owned();
    let network = format!("--net=/run/netns/pod-{uid}");
    let command = ["run", "--", "nsenter", &network, "timeout", SILENCE, "redis-cli", "-h", host, "ping"];
    text(&sandbox.command(&command).stdout).trim() == "PONG"
}

fn address(sandbox: &Sandbox, pod: &str) -> String {
    sandbox.get(&format!("{PODS}/{pod}"))["status"]["podIP"].as_str().expect("an address").to_owned()
}

/// Whether the pod's redis answers its node.
fn answers(sandbox: &Sandbox, pod: &str) -> bool {
    let host = address(sandbox, pod);
    let output = sandbox.command(&["run", "--", "timeout", SILENCE, "redis-cli", "-h", &host, "ping"]);
    text(&output.stdout).trim() == "PONG"
}

#[test]
fn a_request_is_refused_as_often_as_asked_in_the_form_of_its_api() {
    let sandbox = Sandbox::up();
    add(&sandbox, "api --verb list --path */pods --status 403 --count 2");
    for _ in 0..2 {
        let (status, body) = sandbox.send("GET", PODS, None).expect("an answer");
        let body: Value = serde_json::from_slice(&body).expect("a Status");
        assert_eq!(
            (status.as_u16(), &body["reason"], &body["code"]),
            (403, &json!("Forbidden"), &json!(403))
        );
        assert!(body["message"].to_string().contains("cannot list resource"), "{body}");
    }
    assert_eq!(sandbox.send("GET", PODS, None).expect("an answer").0.as_u16(), 200);
    let listed = answer(&sandbox.command(&["fault", "list"]));
    assert_eq!((&listed[0]["fired"], &listed[0]["count"]), (&json!(2), &json!(2)));
    clear(&sandbox);
    assert_eq!(answer(&sandbox.command(&["fault", "list"])), json!([]));
}

#[test]
fn googles_api_refuses_in_googles_form_and_its_requests_are_logged_without_secrets() {
    let sandbox = Sandbox::up();
    add(&sandbox, "api --service gke --verb list --status 429 --retry-after 7 --count 1");
    let path = "/v1/projects/sandbox/locations/asia-east1/clusters/sandbox/nodePools";
    let refused = google(&sandbox, path);
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after: 7") && refused.contains("RESOURCE_EXHAUSTED"), "{refused}");
    let served = google(&sandbox, path);
    assert!(served.starts_with("HTTP/1.1 200") && served.contains("default-pool"), "{served}");
    let log = sandbox.file("logs/sandbox.log");
    for status in [429, 200] {
        let line = format!("sandbox::gke: method=GET path=\"{path}\" status={status}");
        assert!(log.contains(&line), "no {line} in {log}");
    }
    assert!(!log.contains(sandbox.file("access-token").trim()), "the log holds no token");
}

/// One request to Google's APIs; the whole answer as text.
fn google(sandbox: &Sandbox, path: &str) -> String {
    let port = u16::try_from(sandbox.state()["google_port"].as_u64().expect("a port")).expect("a port");
    let token = sandbox.file("access-token");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
    write!(stream, "GET {path}?key=value HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_connection_is_reset_once() {
    let sandbox = Sandbox::up();
    add(&sandbox, "api --reset --count 1");
    let error = sandbox.send("GET", PODS, None).expect_err("no answer");
    let source = format!("{error:?}");
    assert!(source.contains("ConnectionReset"), "{source}");
    sandbox.send("GET", PODS, None).expect("the fault is spent");
}

#[test]
fn a_request_that_hangs_is_answered_by_nothing_but_the_end() {
    let sandbox = Sandbox::up();
    add(&sandbox, "api --verb get --path */hangs --hang");
    std::thread::scope(|scope| {
        let hanging = scope.spawn(|| sandbox.send("GET", &format!("{MAPS}/hangs"), None));
        wait_for("strike", || {
            let listed = answer(&sandbox.command(&["fault", "list"]));
            if listed[0]["fired"] == 1 { Ok(()) } else { Err(listed.to_string()) }
        });
        assert_eq!(sandbox.send("GET", MAPS, None).expect("others are answered").0.as_u16(), 200);
        clear(&sandbox);
        assert!(!hanging.is_finished(), "what hangs goes on hanging");
        assert!(sandbox.command(&["down"]).status.success());
        hanging.join().expect("no panic").expect_err("no answer ever came");
    });
}

#[test]
fn a_watch_is_torn_in_the_middle_of_an_event() {
    let sandbox = Sandbox::up();
    for name in ["one", "two"] {
        sandbox.create(MAPS, &json!({"metadata": {"name": name}}));
    }
    add(&sandbox, "api --half-watch --after 1 --count 1");
    let watched = format!("{MAPS}?watch=true&fieldSelector=metadata.name!=kube-root-ca.crt&timeoutSeconds=1");
    let (status, received, end) = sandbox.send_until_end("GET", &watched, None).expect("a stream");
    assert_eq!(status.as_u16(), 200);
    end.expect_err("it breaks off");
    let received = text(&received);
    let (whole, half) = received.split_once('\n').expect("a whole event");
    let event: Value = serde_json::from_str(whole).expect("a whole event");
    assert_eq!(event["object"]["metadata"]["name"], "one");
    assert!(half.starts_with("{\"type\":\"ADDED\"") && !half.contains('\n'), "{half}");
    let (_, _, end) = sandbox.send_until_end("GET", &watched, None).expect("a stream");
    end.expect("the fault is spent, and the watch ends in order");
}

#[test]
fn a_stopped_container_is_silent_until_the_fault_is_cleared() {
    let sandbox = Sandbox::up();
    start_redis(&sandbox, &["cache"]);
    assert!(answers(&sandbox, "cache"));
    add(&sandbox, "pod default/cache --container redis --stop");
    assert!(!answers(&sandbox, "cache"));
    clear(&sandbox);
    assert!(answers(&sandbox, "cache"));
    let pod = sandbox.get(&format!("{PODS}/cache"));
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0);
}

#[test]
fn a_killed_container_is_started_again() {
    let sandbox = Sandbox::up();
    start_redis(&sandbox, &["cache"]);
    add(&sandbox, "pod default/cache --container redis --kill");
    wait_for("restart", || {
        let pod = sandbox.get(&format!("{PODS}/cache"));
        let container = &pod["status"]["containerStatuses"][0];
        let killed = &container["lastState"]["terminated"]["exitCode"];
        if container["restartCount"] == 1 && *killed == 137 { Ok(()) } else { Err(container.to_string()) }
    });
    wait_for("ready pod", || is_ready(&sandbox, "cache"));
}

#[test]
fn a_partition_cuts_two_pods_off_and_no_others() {
    let sandbox = Sandbox::up();
    start_redis(&sandbox, &["a", "b", "c"]);
    let b = address(&sandbox, "b");
    let hosts = [b.as_str(), "b.default.svc.cluster.local"];
    add(&sandbox, "partition default/a --from default/b");
    for host in hosts {
        assert!(!reaches(&sandbox, "a", host), "a must not reach {host}");
        assert!(reaches(&sandbox, "c", host), "c reaches {host}");
    }
    assert!(!reaches(&sandbox, "b", &address(&sandbox, "a")), "both ways");
    assert!(reaches(&sandbox, "a", &address(&sandbox, "c")));
    clear(&sandbox);
    assert!(hosts.iter().all(|host| reaches(&sandbox, "a", host)), "healed");
}

#[test]
fn a_pod_cut_off_from_everything_is_still_reached_by_its_node() {
    let sandbox = Sandbox::up();
    start_redis(&sandbox, &["a", "b"]);
    add(&sandbox, "partition default/a");
    assert!(!reaches(&sandbox, "a", &address(&sandbox, "b")));
    assert!(!reaches(&sandbox, "a", "b.default.svc.cluster.local"), "nor Services, nor DNS");
    assert!(!reaches(&sandbox, "b", "a.default.svc.cluster.local"));
    assert!(answers(&sandbox, "a"), "probes and port-forward come from the node");
    clear(&sandbox);
    assert!(reaches(&sandbox, "a", "b.default.svc.cluster.local"), "healed");
}

/// Waits until the Ready condition of the pod's node is this.
fn wait_for_node(sandbox: &Sandbox, node: &str, wanted: &str) {
    wait_for("node's condition", || {
        let found = sandbox.get(&format!("/api/v1/nodes/{node}"));
        let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.into_iter().find(|one| one["type"] == "Ready").unwrap_or_default();
        if ready["status"] == wanted { Ok(()) } else { Err(ready.to_string()) }
    });
}

#[test]
fn a_lost_node_is_missed_and_comes_back_with_its_pods() {
    let sandbox = Sandbox::up();
    start_redis(&sandbox, &["cache"]);
    let pod = sandbox.get(&format!("{PODS}/cache"));
    let node = pod["spec"]["nodeName"].as_str().expect("a node").to_owned();
    add(&sandbox, &format!("node {node}"));
    assert!(!answers(&sandbox, "cache"), "nothing on it answers");
    wait_for_node(&sandbox, &node, "Unknown");
    clear(&sandbox);
    wait_for_node(&sandbox, &node, "True");
    wait_for("ready pod", || is_ready(&sandbox, "cache"));
    assert!(answers(&sandbox, "cache"));
    let back = sandbox.get(&format!("{PODS}/cache"));
    assert_eq!(back["metadata"]["uid"], pod["metadata"]["uid"]);
}

#[test]
fn a_pod_that_tolerates_a_lost_node_no_longer_ends_when_the_node_is_back() {
    let sandbox = Sandbox::up();
    // With fast timings 20 s are one.
    let toleration = json!({"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
        "tolerationSeconds": 20});
    let template = json!({"metadata": {"labels": {"app": "set"}}, "spec": {"tolerations": [toleration],
        "terminationGracePeriodSeconds": 1, "containers": [{"name": "redis", "image": "redis:7"}]}});
    let set = json!({"metadata": {"name": "set"}, "spec": {"replicas": 1, "serviceName": "set",
        "selector": {"matchLabels": {"app": "set"}}, "template": template}});
    sandbox.create("/apis/apps/v1/namespaces/default/statefulsets", &set);
    wait_for("ready pod", || is_ready(&sandbox, "set-0"));
    let first = sandbox.get(&format!("{PODS}/set-0"));
    let node = first["spec"]["nodeName"].as_str().expect("a node");
    add(&sandbox, &format!("node {node}"));
    wait_for("eviction", || {
        let pod = sandbox.get(&format!("{PODS}/set-0"));
        if pod["metadata"]["deletionTimestamp"].is_string() { Ok(()) } else { Err(pod["status"].to_string()) }
    });
    let taints = sandbox.get(&format!("/api/v1/nodes/{node}"))["spec"]["taints"].to_string();
    assert!(taints.contains("node.kubernetes.io/unreachable"), "{taints}");
    let listed = sandbox.get(&format!("{PODS}/set-0"));
    assert_eq!(listed["metadata"]["uid"], first["metadata"]["uid"], "nobody is there to end it");
    clear(&sandbox);
    wait_for("replacement", || {
        let pod = sandbox.get(&format!("{PODS}/set-0"));
        let is_new = pod["metadata"]["uid"] != first["metadata"]["uid"];
        is_ready(&sandbox, "set-0").and(if is_new { Ok(()) } else { Err(pod.to_string()) })
    });
    wait_for_node(&sandbox, node, "True");
}

#[test]
fn nothing_outlives_a_sandbox_that_goes_down_with_faults_in_force() {
    let sandbox = Sandbox::up();
    start_redis(&sandbox, &["a", "b"]);
    let pod = sandbox.get(&format!("{PODS}/a"));
    add(&sandbox, "pod default/a --container redis --stop");
    add(&sandbox, "partition default/a --from default/b");
    add(&sandbox, &format!("node {}", pod["spec"]["nodeName"].as_str().expect("a node")));
    sandbox.delete(&format!("{PODS}/a"));
    assert_eq!(sandbox.get_text("/healthz"), "ok");
    let processes = sandbox.processes();
    assert!(sandbox.command(&["down"]).status.success());
    let left: Vec<_> = processes.into_iter().filter(|pid| is_running(*pid)).collect();
    assert!(left.is_empty(), "still there after down returned: {left:?}");
}

/// What a fault that cannot be added says.
fn check_refusal(sandbox: &Sandbox, arguments: &str, expected: &str) {
    let words: Vec<&str> = ["fault"].into_iter().chain(arguments.split(' ')).collect();
    let output = sandbox.command(&words);
    assert!(!output.status.success() && output.stdout.is_empty(), "{}", text(&output.stdout));
    let said = text(&output.stderr);
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_fault_that_means_nothing_here_says_what_there_is() {
    let sandbox = Sandbox::up();
    start_redis(&sandbox, &["cache"]);
    let check = |arguments, expected| check_refusal(&sandbox, arguments, expected);
    check("add pod default/none --container redis --stop", "does not run here; these do: default/cache");
    check("add pod default/cache --container none --kill", "no running container \"none\"; it has: redis");
    check("add partition default/cache --from default/none", "pod default/none does not run here");
    check("add partition default/cache --from default/cache", "cut off from itself");
    check("add node none", "no node \"none\"; there are: gke-sandbox-default-pool-");
    check("add api --service gke --half-watch", "only the Kubernetes API has watches");
    check("clear 7", "no fault 7");
    assert_eq!(answer(&sandbox.command(&["fault", "list"])), json!([]), "nothing was added");
    sandbox.command(&["down"]);
    check("list", "no sandbox runs in");
}
