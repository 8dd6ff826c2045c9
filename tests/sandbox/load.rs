//! The example application as load on a cluster.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::support::{Sandbox, assert_success, eventually, tool};

/// An application that writes until it is stopped, and then counts what was lost.
pub(crate) struct Load<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    pod: String,
    /// Tells the application to stop, by being there: no signal reaches into the sandbox.
    ends: PathBuf,
    /// Where the application reads the password whenever it connects.
    password: PathBuf,
}

const UNTIL_TOLD: &str =
    "end=$1; shift; \"$@\" & app=$!; while [ ! -e \"$end\" ]; do sleep 0.2; done; kill -TERM $app; wait $app";

impl<'a> Load<'a> {
    pub(crate) fn start(sandbox: &'a Sandbox, fullname: &str, password: &str) -> Self {
        Self::begin(sandbox, fullname, password, (26379, &[]), &[])
    }

    /// The same by another way: the sentinels' port, more arguments of the application, and what redis-cli
    /// needs to reach a server.
    pub(crate) fn begin(
        sandbox: &'a Sandbox,
        fullname: &str,
        password: &str,
        (port, arguments): (u16, &[&str]),
        to_server: &[&str],
    ) -> Self {
        let sentinels: Vec<_> =
            (0..3).map(|index| format!("{fullname}-announce-{index}.default.svc:{port}")).collect();
        let ends = sandbox.path().join(format!("{fullname}.stop"));
        let password_file = sandbox.path().join(format!("{fullname}.password"));
        std::fs::write(&password_file, password).expect("a writable directory");
        let child = sandbox
            .command("run")
            .args(["--", "sh", "-c", UNTIL_TOLD, "sh"])
            .arg(&ends)
            .arg(tool("python/bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/app/app.py"))
            .args(["--seconds", "900", "--sentinels", &sentinels.join(",")])
            .args(arguments)
            .env("REDIS_PASSWORD_FILE", &password_file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the application starts");
        let pod = format!("{fullname}-server-0");
        let load = Self { sandbox, child, pod, ends, password: password_file };
        eventually("the application writes", Duration::from_secs(180), || {
            let keys = load.sandbox.server(&load.pod, &[to_server, &["DBSIZE"]].concat());
            if keys.trim() == "0" { Err(keys) } else { Ok(()) }
        });
        load
    }

    pub(crate) fn connects_with(&self, password: &str) {
        std::fs::write(&self.password, password).expect("a writable directory");
    }

    /// What the application reports: nothing that was acknowledged is lost.
    pub(crate) fn stop(self) -> Value {
        std::fs::write(&self.ends, "").expect("a writable directory");
        let ended = self.child.wait_with_output().expect("the application ends");
        assert_success("the application", &ended);
        let report: Value = serde_json::from_slice(&ended.stdout).expect("the application prints JSON");
        assert_eq!(report["lost"], 0, "{report}");
        report
    }
}
