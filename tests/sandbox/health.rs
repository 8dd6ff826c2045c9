//! What is wrong at this moment and is no configuration: told in a warning, never as a change.

use std::time::Duration;

use super::configuration;
use super::drift::{Damaged, server};
use super::support::{Sandbox, Workspace, eventually};

impl Damaged<'_> {
    /// An empty plan whose warning says this.
    fn warns(&self, what: &str, wanted: &[&str]) {
        eventually(what, Duration::from_secs(180), || {
            let (code, plan) = self.workspace.plan();
            assert_eq!(code, 0, "{what}: wanted no change:\n{plan}");
            let unfolded = super::support::unfolded(&plan);
            if wanted.iter().all(|wanted| unfolded.contains(wanted)) { Ok(()) } else { Err(plan) }
        });
    }

    fn is_well_again(&self) {
        eventually("the cluster is well again", Duration::from_secs(180), || {
            let (code, plan) = self.workspace.plan();
            assert_eq!(code, 0, "wanted no change:\n{plan}");
            if plan.contains("is not well") || plan.contains("changing by itself") {
                Err(plan)
            } else {
                Ok(())
            }
        });
    }
}

#[test]
fn silent_and_lost_processes_are_warnings_and_change_nothing() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "sentinel = { down_after_milliseconds = 2000 }");

    let replica = damaged.replica();
    let stopped = sandbox.fault(&["pod", &format!("default/{replica}"), "--container", "redis", "--stop"]);
    damaged
        .warns("a replica that hangs", &[&format!("the server of {replica} does not answer"), "is not well"]);
    sandbox.clear_fault(stopped);
    damaged.is_well_again();

    let stopped =
        sandbox.fault(&["pod", &format!("default/{}", server(0)), "--container", "sentinel", "--stop"]);
    damaged.warns("a sentinel that hangs", &[&format!("the sentinel of {} does not answer", server(0))]);
    sandbox.clear_fault(stopped);
    damaged.is_well_again();

    let before = damaged.master();
    let stopped = sandbox.fault(&["pod", &format!("default/{before}"), "--container", "redis", "--stop"]);
    damaged.warns("a master that hangs", &["does not answer"]);
    eventually("another master", Duration::from_secs(180), || {
        damaged.workspace.expect_empty_plan();
        let master = damaged.master();
        if master == before || master == "none" { Err(master) } else { Ok(()) }
    });
    sandbox.clear_fault(stopped);
    damaged.is_well_again();

    let replica = damaged.replica();
    let cut = sandbox.fault(&["partition", &format!("default/{replica}")]);
    damaged.warns("a pod that is cut off", &["is not well"]);
    sandbox.clear_fault(cut);
    damaged.is_well_again();
}

#[test]
fn plans_over_a_healthy_cluster_show_no_change() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let plans = std::env::var("SOAK_PLANS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    for plan in 0..plans {
        sandbox.server(&server(plan % 3), &["PING"]);
        if plan % 10 == 5 {
            sandbox.sentinel(&server(0), &["SENTINEL", "FAILOVER", "mymaster"]);
        }
        damaged.workspace.expect_empty_plan();
    }
}

#[test]
fn an_unreachable_cluster_is_an_error_and_the_state_stays() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "timeouts = { read = \"20s\" }");
    let refused = sandbox.fault(&["api", "--verb", "get,list", "--status", "403"]);
    let failed = damaged.workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
    assert!(failed.contains("403") && failed.contains("permission"), "{failed}");
    sandbox.clear_fault(refused);
    let hung = sandbox.fault(&["api", "--hang"]);
    let failed = damaged.workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
    assert!(failed.contains("timeouts.read"), "{failed}");
    sandbox.clear_fault(hung);
    damaged.workspace.expect_empty_plan();
}

#[test]
fn tilt_and_a_lost_node_are_warnings_and_change_nothing() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let sentinel = format!("default/{}", server(1));

    // A sentinel whose clock jumps judges nothing for 30 s: nor does a plan, whatever else has drifted.
    let stopped = sandbox.fault(&["pod", &sentinel, "--container", "sentinel", "--stop"]);
    damaged.warns("a sentinel that hangs", &["does not answer"]);
    sandbox.clear_fault(stopped);
    damaged.warns("TILT", &["changing by itself", "TILT"]);
    damaged.is_well_again();

    let pod = damaged.replica();
    let node = sandbox.kubectl(&["get", "pod", &pod, "-o", "jsonpath={.spec.nodeName}"]);
    let lost = sandbox.fault(&["node", &node]);
    damaged.warns("a lost node", &[&format!("the server of {pod} does not answer")]);
    sandbox.clear_fault(lost);
    damaged.is_well_again();
}

#[test]
fn a_foreign_sentinel_is_a_warning_and_is_forgotten_once_it_is_gone() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "");
    let (master, host) = (damaged.master(), damaged.replica());
    let service = master.replace("-server-", "-announce-");
    let address = sandbox.kubectl(&["get", "service", &service, "-o", "jsonpath={.spec.clusterIP}"]);
    let start = format!(
        "printf 'port 27777\nprotected-mode no\nsentinel monitor mymaster {address} 6379 2\nsentinel auth-pass \
         mymaster %s\nsentinel announce-ip %s\n' \"$AUTH\" \"$(hostname -i)\" > /tmp/foreign.conf; redis-sentinel \
         /tmp/foreign.conf --daemonize yes >/dev/null"
    );
    sandbox.kubectl(&["exec", &host, "-c", "redis", "--", "sh", "-c", &start]);
    damaged.warns("a foreign sentinel", &["counts the sentinel", "27777", "is not well"]);

    let stop = "redis-cli -p 27777 shutdown";
    sandbox.kubectl(&["exec", &host, "-c", "redis", "--", "sh", "-c", stop]);
    eventually("every sentinel sees it down", Duration::from_secs(180), || {
        let known = |index| sandbox.sentinel(&server(index), &["SENTINEL", "SENTINELS", "mymaster"]);
        if (0..3).all(|index| known(index).contains("s_down")) { Ok(()) } else { Err(known(0)) }
    });
    damaged.mends("a ghost", &["known-sentinel", "27777", "reset the sentinels that remember what is gone"]);
}

#[test]
fn a_job_that_may_only_read_is_told_what_its_plan_does_not_show() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    sandbox.kubectl(&["create", "serviceaccount", "ci"]);
    let resources = "--resource=pods,services,configmaps,secrets,serviceaccounts,persistentvolumeclaims,\
                     statefulsets.apps,roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io,\
                     poddisruptionbudgets.policy";
    sandbox.kubectl(&["create", "clusterrole", "reader", "--verb=get,list", resources]);
    sandbox.kubectl(&[
        "create",
        "clusterrolebinding",
        "ci",
        "--clusterrole=reader",
        "--serviceaccount=default:ci",
    ]);
    let view = |field: &str| {
        let path = format!("jsonpath={{.clusters[0].cluster.{field}}}");
        sandbox.kubectl(&["config", "view", "--raw", "-o", &path])
    };
    let provider = format!(
        "provider \"redis\" {{\n  kubernetes = {{\n    host = \"{}\"\n    token = \"{}\"\n    \
         cluster_ca_certificate = base64decode(\"{}\")\n  }}\n}}\n",
        view("server"),
        sandbox.kubectl(&["create", "token", "ci"]).trim(),
        view("certificate-authority-data"),
    );
    workspace.write("provider.tf", &provider);
    let (code, plan) = workspace.plan();
    let plan = super::support::unfolded(&plan);
    assert_eq!(code, 0, "{plan}");
    assert!(plan.contains("Servers and sentinels were not asked"), "{plan}");
    assert!(plan.contains("create pods/portforward") && !plan.contains("is not well"), "{plan}");
}
