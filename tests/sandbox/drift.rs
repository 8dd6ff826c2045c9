//! What somebody changed by hand stands in the plan, and apply repairs exactly that. Each scenario is
//! produced on running processes, read in a real plan, repaired by apply, and followed by an empty plan.

use std::time::Duration;

use super::configuration;
use super::load::Load;
use super::passwords::password;
use super::support::{Sandbox, Workspace, eventually};

/// `redis-1-redis-ha-server-INDEX`.
pub(crate) fn server(index: usize) -> String {
    format!("redis-1-redis-ha-server-{index}")
}

/// Sentinels give a failover up that nobody voted for, and try again minutes later.
const PATIENCE: Duration = Duration::from_secs(240);

fn judged((code, plan): (i32, String)) -> Result<(i32, String), String> {
    if code == 0 && plan.contains("is changing by itself") { Err(plan) } else { Ok((code, plan)) }
}

/// A cluster to damage again and again.
pub(crate) struct Damaged<'a> {
    pub(crate) workspace: Workspace<'a>,
}

impl<'a> Damaged<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, more: &str) -> Self {
        let workspace = Workspace::new(sandbox, &configuration(more));
        workspace.apply();
        workspace.expect_empty_plan();
        Self { workspace }
    }

    /// The plan has to say all of these, as a change in place. One that sentinels keep from judging, since they
    /// try a failover just now, is made anew.
    pub(crate) fn shows(&self, what: &str, shown: &[&str]) {
        let (code, plan) = eventually(what, PATIENCE, || judged(self.workspace.plan()));
        assert_eq!(code, 2, "{what}: wanted a change:\n{plan}");
        let unfolded = super::support::unfolded(&plan);
        for wanted in shown.iter().chain(&["0 to add, 1 to change, 0 to destroy"]) {
            assert!(unfolded.contains(wanted), "{what}: {wanted:?} is missing:\n{plan}");
        }
    }

    /// Damage was done: it is shown, repaired, and nothing is left of it.
    pub(crate) fn mends(&self, what: &str, shown: &[&str]) {
        self.shows(what, shown);
        self.workspace.apply_plan();
        self.is_mended(what);
    }

    /// The same with the provider killed when it logs `marker`; the next apply finishes.
    pub(crate) fn mends_though_killed(&self, what: &str, shown: &[&str], marker: &str) {
        self.shows(what, shown);
        self.workspace.apply_plan_killed_at(marker);
        eventually(what, PATIENCE, || judged(self.workspace.plan()));
        self.workspace.apply_plan();
        self.is_mended(what);
    }

    fn is_mended(&self, what: &str) {
        let (code, plan) = eventually(what, PATIENCE, || judged(self.workspace.plan()));
        assert_eq!(code, 0, "{what}: wanted an empty plan:\n{plan}");
    }

    /// The master that the state names.
    pub(crate) fn master(&self) -> String {
        self.workspace.terraform(&["apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color"]);
        self.workspace.cluster()["master"]["pod"].as_str().unwrap_or("none").to_owned()
    }

    /// A replica by the state.
    pub(crate) fn replica(&self) -> String {
        let master = self.master();
        (0..3).map(server).find(|pod| *pod != master).expect("three pods")
    }
}

#[test]
fn settings_of_sentinels_and_servers_are_shown_and_repaired() {
    let sandbox = Sandbox::up();
    let settings = "redis = { config = { maxmemory = \"100mb\", \"maxmemory-policy\" = \"allkeys-lru\" } }";
    let damaged = Damaged::new(&sandbox, settings);
    let scenarios: &[(&str, &str, &[&str], &str, &str)] = &[
        // What, the process (s: sentinel, m: master, r: replica), the command, declared, live.
        ("quorum", "s", &["SENTINEL", "SET", "mymaster", "quorum", "1"], "\"2\"", "\"1\""),
        (
            "down-after-milliseconds",
            "s",
            &["SENTINEL", "SET", "mymaster", "down-after-milliseconds", "60000"],
            "\"10000\"",
            "\"60000\"",
        ),
        (
            "failover-timeout",
            "s",
            &["SENTINEL", "SET", "mymaster", "failover-timeout", "1000"],
            "\"60000\"",
            "\"1000\"",
        ),
        ("parallel-syncs", "s", &["SENTINEL", "SET", "mymaster", "parallel-syncs", "1"], "\"5\"", "\"1\""),
        ("maxmemory", "r", &["CONFIG", "SET", "maxmemory", "50mb"], "\"100mb\"", "\"52428800\""),
        (
            "maxmemory-policy",
            "m",
            &["CONFIG", "SET", "maxmemory-policy", "noeviction"],
            "\"allkeys-lru\"",
            "\"noeviction\"",
        ),
        ("save", "r", &["CONFIG", "SET", "save", ""], "\"900 1\"", "\"\""),
        ("min-replicas-to-write", "m", &["CONFIG", "SET", "min-replicas-to-write", "0"], "\"1\"", "\"0\""),
        ("replica-priority", "r", &["CONFIG", "SET", "replica-priority", "0"], "\"100\"", "\"0\""),
    ];
    let (master, replica) = (damaged.master(), damaged.replica());
    let load = Load::start(&sandbox, "redis-1-redis-ha", &password(&sandbox));
    for (what, process, command, declared, live) in scenarios {
        match *process {
            "s" => sandbox.sentinel(&server(1), command),
            "m" => sandbox.server(&master, command),
            _ => sandbox.server(&replica, command),
        };
        damaged.mends(what, &[what, declared, live, "drifted"]);
    }
    // What is in the file too is no other case.
    sandbox.server(&replica, &["CONFIG", "SET", "maxmemory", "1mb"]);
    sandbox.server(&replica, &["CONFIG", "REWRITE"]);
    sandbox.sentinel(&server(0), &["SENTINEL", "SET", "mymaster", "quorum", "3"]);
    damaged.mends_though_killed(
        "two at once",
        &["maxmemory", "quorum", "2 settings of redis-1 drifted"],
        "repairing",
    );
    load.stop();
}

#[test]
fn drift_is_only_reported_where_the_user_wants_it_so() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration("repair = \"report\""));
    workspace.apply();
    sandbox.sentinel(&server(0), &["SENTINEL", "SET", "mymaster", "quorum", "3"]);
    let (code, plan) = workspace.plan();
    assert_eq!(code, 0, "{plan}");
    assert!(plan.contains("1 setting of redis-1 drifted"), "{plan}");
    let refreshed = workspace.terraform(&["plan", "-refresh-only", "-input=false", "-no-color"]);
    assert!(super::support::text(&refreshed.stdout).contains("quorum is 3, declared 2"));
    workspace.apply();
    assert!(sandbox.sentinel(&server(0), &["SENTINEL", "MASTER", "mymaster"]).contains("quorum\n3"));
}

#[test]
fn the_example_for_ci_tells_drift_by_its_exit_code_and_a_data_source_reads_it() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let script = format!("{}/examples/ci-drift/drift.py", env!("CARGO_MANIFEST_DIR"));
    let run = || {
        let mut command = sandbox.client("python3");
        command.arg(&script).current_dir(damaged.workspace.path()).env("TF_IN_AUTOMATION", "1");
        let output = command.output().expect("python3 runs");
        (output.status.code(), super::support::text(&output.stdout))
    };
    assert_eq!(run(), (Some(0), "No drift.\n".to_owned()));

    sandbox.sentinel(&server(1), &["SENTINEL", "SET", "mymaster", "quorum", "1"]);
    let (code, printed) = run();
    assert_eq!(code, Some(2), "{printed}");
    let row = format!("| redis_ha_cluster.cache | {} | quorum | 2 | 1 |", server(1));
    assert!(printed.contains(&row), "{printed}");

    let consumer = Workspace::new(&sandbox, CONSUMER);
    let applied = consumer.apply();
    assert!(super::support::unfolded(&applied).contains("Check block assertion failed"), "{applied}");
    let outputs = super::support::text(&consumer.terraform(&["output", "-json"]).stdout);
    assert!(outputs.contains("redis-1-redis-ha-announce-0.default.svc:26379"), "{outputs}");
    damaged.mends("what the data source only read", &["quorum"]);
}

/// A module that only consumes a cluster.
const CONSUMER: &str = r#"
terraform {
  required_providers {
    redis = { source = "redis-ha/redis" }
  }
}

data "redis_ha_cluster" "cache" {
  name = "redis-1"
  gke  = { cluster = "sandbox" }
}

check "no_drift" {
  assert {
    condition     = length(data.redis_ha_cluster.cache.drift) == 0
    error_message = "The cache drifted."
  }
}

output "sentinels" {
  value = data.redis_ha_cluster.cache.sentinel_endpoints
}
"#;

#[test]
fn who_follows_whom_is_shown_and_mended() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let load = Load::start(&sandbox, "redis-1-redis-ha", &password(&sandbox));
    let address = |index: usize| {
        let service = format!("redis-1-redis-ha-announce-{index}");
        sandbox.kubectl(&["get", "service", &service, "-o", "jsonpath={.spec.clusterIP}"])
    };
    let master = damaged.master();
    let replicas: Vec<_> = (0..3).filter(|index| server(*index) != master).collect();
    let master_index = (0..3).find(|index| server(*index) == master).expect("a master");

    sandbox.sentinel(&server(1), &["SENTINEL", "REMOVE", "mymaster"]);
    damaged.mends_though_killed(
        "a sentinel that watches nothing",
        &["monitor", "nothing", "meet the group anew"],
        "repairing",
    );

    sandbox.sentinel(&server(2), &["SENTINEL", "REMOVE", "mymaster"]);
    let stray = address(replicas[0]);
    sandbox.sentinel(&server(2), &["SENTINEL", "MONITOR", "mymaster", &stray, "6379", "2"]);
    damaged.mends("a sentinel that met another group", &["down-after-milliseconds"]);

    // No sentinel mends this before its failover timeout has passed twice.
    sandbox.server(&server(replicas[0]), &["REPLICAOF", &address(replicas[1]), "6379"]);
    damaged.mends_though_killed("a chained replica", &["replicaof", "lead the replicas back"], "repairing");

    // Sentinels that cannot promote anybody leave a group without a master as it is.
    for index in 0..3 {
        sandbox.server(&server(index), &["CONFIG", "SET", "replica-priority", "0"]);
    }
    sandbox.server(&server(master_index), &["REPLICAOF", &address(replicas[0]), "6379"]);
    sandbox.server(&server(replicas[0]), &["REPLICAOF", &address(replicas[1]), "6379"]);
    let shown = ["master", "none", "make the server that has most the master"];
    damaged.mends_though_killed("no master", &shown, "repairing");
    load.stop();
}

#[test]
fn what_is_gone_is_forgotten_by_guarded_resets() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let (master, replica) = (damaged.master(), damaged.replica());
    let index = master.rsplit('-').next().expect("an ordinal");
    let service = format!("redis-1-redis-ha-announce-{index}");
    let address = sandbox.kubectl(&["get", "service", &service, "-o", "jsonpath={.spec.clusterIP}"]);
    let start = format!(
        "redis-server --port 7777 --dir /tmp --daemonize yes --replicaof {address} 6379 --masterauth \"$AUTH\" \
         --requirepass \"$AUTH\" --protected-mode no --replica-announce-ip $(hostname -i) >/dev/null"
    );
    sandbox.kubectl(&["exec", &replica, "-c", "redis", "--", "sh", "-c", &start]);
    eventually("every sentinel knows the stranger", Duration::from_secs(180), || {
        let known = |index| sandbox.sentinel(&server(index), &["SENTINEL", "REPLICAS", "mymaster"]);
        if (0..3).all(|index| known(index).contains("7777")) { Ok(()) } else { Err(known(0)) }
    });
    damaged.workspace.expect_empty_plan();
    let stop = "REDISCLI_AUTH=\"$AUTH\" redis-cli -p 7777 shutdown nosave";
    sandbox.kubectl(&["exec", &replica, "-c", "redis", "--", "sh", "-c", stop]);
    eventually("the sentinels see it down", Duration::from_secs(180), || {
        let known = |index| sandbox.sentinel(&server(index), &["SENTINEL", "REPLICAS", "mymaster"]);
        if (0..3).all(|index| known(index).contains("s_down")) { Ok(()) } else { Err(known(0)) }
    });
    let shown = ["known-replica", "7777", "reset the sentinels that remember what is gone"];
    damaged.mends_though_killed("a ghost", &shown, "repairing");
}

#[test]
fn a_failover_moves_the_outputs_and_changes_nothing_else() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    let before = workspace.cluster()["master"]["pod"].as_str().expect("a master").to_owned();
    sandbox.kubectl(&["delete", "pod", &before, "--wait=false"]);
    let after = eventually("another master", Duration::from_secs(180), || {
        // While it happens and afterwards: a plan with a change would fail here.
        workspace.expect_empty_plan();
        workspace.apply();
        let master = workspace.cluster()["master"]["pod"].as_str().unwrap_or("none").to_owned();
        if master == before || master == "none" { Err(master) } else { Ok(master) }
    });
    assert_ne!(after, before);
    workspace.expect_empty_plan();
}
