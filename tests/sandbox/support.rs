//! What the tests share: a sandbox of their own, a directory with a configuration in it, and the
//! real terraform, kubectl and helm pointed at the sandbox. Everything ends with the value.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The directory that cargo built the binaries into.
pub(crate) fn binaries() -> PathBuf {
    let provider = Path::new(env!("CARGO_BIN_EXE_terraform-provider-redis"));
    provider.parent().expect("a binary has a directory").to_path_buf()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A chart that was written for the tests: `old` or `new`.
pub(crate) fn chart(generation: &str) -> String {
    root().join("tests/sandbox/charts").join(generation).display().to_string()
}

pub(crate) fn tool(name: &str) -> PathBuf {
    let path = root().join("target/tools").join(name);
    assert!(path.exists(), "{} is missing: run `make tools`", path.display());
    path
}

/// A running sandbox; dropping it stops it.
pub(crate) struct Sandbox {
    directory: TempDir,
    environment: BTreeMap<String, String>,
}

impl Sandbox {
    pub(crate) fn up() -> Self {
        Self::up_with(&[])
    }

    pub(crate) fn up_with(flags: &[&str]) -> Self {
        let directory = TempDir::new().expect("a scratch directory");
        let mut sandbox = Self { directory, environment: BTreeMap::new() };
        let mut arguments = vec!["--detach", "--probes", "fast"];
        arguments.extend(flags);
        let output = sandbox.command("up").args(arguments).output().expect("the sandbox binary runs");
        assert_success("redis-ha-sandbox up", &output);
        sandbox.environment = read_exports(&sandbox.path().join("env"));
        sandbox
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn command(&self, verb: &str) -> Command {
        let binary = binaries().join("redis-ha-sandbox");
        assert!(binary.exists(), "{} is missing: run `cargo build --workspace`", binary.display());
        let mut command = Command::new(binary);
        command.arg(verb).arg("--dir").arg(self.path()).stdin(Stdio::null());
        command
    }

    /// A program that finds the sandbox by its environment.
    pub(crate) fn client(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.envs(&self.environment).env_remove("TF_LOG").stdin(Stdio::null());
        command
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.client(tool("helm4/kubectl")).args(arguments).output().expect("kubectl runs");
        assert_success(&format!("kubectl {}", arguments.join(" ")), &output);
        text(&output.stdout)
    }

    pub(crate) fn kubectl_json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        serde_json::from_str(&self.kubectl(&all)).expect("kubectl prints JSON")
    }

    pub(crate) fn helm(&self, version: u8, arguments: &[&str]) -> String {
        let program = tool(&format!("helm{version}/helm"));
        let output = self.client(program).args(arguments).output().expect("helm runs");
        assert_success(&format!("helm {}", arguments.join(" ")), &output);
        text(&output.stdout)
    }

    /// One command of redis-cli to a server, with the password that its pod has.
    pub(crate) fn server(&self, pod: &str, arguments: &[&str]) -> String {
        let script = "REDISCLI_AUTH=\"$AUTH\" redis-cli \"$@\"";
        let mut all = vec!["exec", pod, "-c", "redis", "--", "sh", "-c", script, "sh"];
        all.extend(arguments);
        self.kubectl(&all)
    }

    /// One command of redis-cli to a sentinel.
    pub(crate) fn sentinel(&self, pod: &str, arguments: &[&str]) -> String {
        let mut all = vec!["exec", pod, "-c", "sentinel", "--", "redis-cli", "-p", "26379"];
        all.extend(arguments);
        self.kubectl(&all)
    }

    /// Writes another status into a record of Helm, as whoever is killed leaves one behind.
    pub(crate) fn set_release_status(&self, name: &str, revision: u32, status: &str) {
        let record = format!("sh.helm.release.v1.{name}.v{revision}");
        let script = format!(
            "set -eu; old=$(kubectl get secret {record} -o 'go-template={{{{.data.release | base64decode}}}}' | \
             base64 -d | gunzip | sed 's/\"status\":\"[a-z-]*\"/\"status\":\"{status}\"/'); \
             new=$(printf %s \"$old\" | gzip -n | base64 -w 0 | base64 -w 0); \
             kubectl patch secret {record} -p '{{\"data\":{{\"release\":\"'$new'\"}}}}'; \
             kubectl label --overwrite secret {record} status={status}"
        );
        let path = format!("{}:/usr/bin:/bin", tool("helm4").display());
        let output = self.client("bash").env("PATH", path).args(["-c", &script]).output().expect("bash runs");
        assert_success(&script, &output);
    }

    /// Makes something fail; returns the fault's number.
    pub(crate) fn fault(&self, arguments: &[&str]) -> u64 {
        let output = self.fault_command("add", arguments);
        let added: Value = serde_json::from_slice(&output.stdout).expect("faults print JSON");
        added["id"].as_u64().unwrap_or_else(|| panic!("no id in {added}"))
    }

    pub(crate) fn clear_fault(&self, id: u64) {
        self.fault_command("clear", &[&id.to_string()]);
    }

    fn fault_command(&self, verb: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(binaries().join("redis-ha-sandbox"));
        command.args(["fault", verb]).args(arguments).arg("--dir").arg(self.path()).stdin(Stdio::null());
        let output = command.output().expect("the sandbox binary runs");
        assert_success(&format!("fault {verb} {}", arguments.join(" ")), &output);
        output
    }

    /// One call to the GKE API below the cluster, as somebody else would make it.
    pub(crate) fn gke(&self, method: &str, path: &str, body: &str) {
        let endpoint = self.environment["GOOGLE_CONTAINER_CUSTOM_ENDPOINT"].trim_end_matches('/').to_owned();
        let endpoint = endpoint.trim_end_matches("/v1");
        let url = format!("{endpoint}/v1/projects/sandbox/locations/asia-east1/clusters/sandbox{path}");
        let mut curl = self.client("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "-X", method, &url]);
        let token = format!("Authorization: Bearer {}", self.environment["GOOGLE_OAUTH_ACCESS_TOKEN"]);
        curl.args(["-H", "Content-Type: application/json", "-H", &token, "-d", body]);
        assert_success(&format!("{method} {path}"), &curl.output().expect("curl runs"));
    }

    /// How many requests the APIs have answered.
    pub(crate) fn requests(&self) -> usize {
        self.logs().lines().filter(|line| line.contains("method=") && line.contains("status=")).count()
    }

    /// Everything the sandbox wrote to its logs.
    pub(crate) fn logs(&self) -> String {
        let mut all = String::new();
        collect_text(&self.path().join("logs"), &mut all);
        all
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let output = self.command("down").output().expect("the sandbox binary runs");
        if !std::thread::panicking() {
            assert_success("redis-ha-sandbox down", &output);
        }
    }
}

/// Where a workspace keeps the plan that was made last.
const PLAN: &str = "plan.bin";

/// A directory with a configuration, and terraform in it.
pub(crate) struct Workspace<'a> {
    pub(crate) sandbox: &'a Sandbox,
    directory: TempDir,
}

impl<'a> Workspace<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, configuration: &str) -> Self {
        let workspace = Self { sandbox, directory: TempDir::new().expect("a scratch directory") };
        workspace.write("main.tf", configuration);
        assert_success("terraform init", &workspace.terraform(&["init", "-input=false"]));
        workspace
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path().join(name), content).expect("a writable scratch directory");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.client("terraform");
        command.current_dir(self.path()).args(arguments).env("TF_IN_AUTOMATION", "1");
        command.env("XDG_CACHE_HOME", self.path().join("cache"));
        command
    }

    pub(crate) fn terraform(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("terraform runs")
    }

    pub(crate) fn apply(&self) -> String {
        let output = self.terraform(&["apply", "-auto-approve", "-input=false", "-no-color"]);
        assert_success("terraform apply", &output);
        text(&output.stdout)
    }

    /// Applies, and kills the provider as soon as its log shows `marker`. On a busy machine it may have
    /// come to its end by then.
    pub(crate) fn apply_killed_at(&self, marker: &str) {
        self.kill_at(marker, &["-auto-approve"]);
    }

    /// The same of the plan that was made last.
    pub(crate) fn apply_plan_killed_at(&self, marker: &str) {
        self.kill_at(marker, &[PLAN]);
    }

    fn kill_at(&self, marker: &str, what: &[&str]) {
        let terraform = self.begin_apply(marker, what);
        if let Some(provider) = child_named("terraform-provi", terraform.id()) {
            let _ = Command::new("kill").args(["-9", &provider.to_string()]).output();
        }
        terraform.wait_with_output().expect("terraform ends");
    }

    /// Applies, and interrupts Terraform as Ctrl-C does; what the failed run printed.
    pub(crate) fn apply_interrupted_at(&self, marker: &str) -> String {
        let terraform = self.begin_apply(marker, &["-auto-approve"]);
        signal("-INT", terraform.id());
        let ended = terraform.wait_with_output().expect("terraform ends");
        assert!(!ended.status.success(), "an interrupted apply: {}", text(&ended.stdout));
        unfolded(&format!("{}{}", text(&ended.stdout), text(&ended.stderr)))
    }

    /// An apply whose provider has logged `marker`.
    pub(crate) fn begin_apply(&self, marker: &str, what: &[&str]) -> Child {
        let log = self.path().join("apply.log");
        let _ = fs::remove_file(&log);
        let mut command = self.command(&["apply", "-input=false", "-no-color"]);
        command.args(what);
        command.env("TF_LOG_PROVIDER", "INFO").env("TF_LOG_PATH", &log);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let terraform = command.spawn().expect("terraform runs");
        // Faster than `eventually` looks: a step may be over within its pause.
        let deadline = Instant::now() + Duration::from_secs(180);
        while !fs::read_to_string(&log).unwrap_or_default().contains(marker) {
            assert!(Instant::now() < deadline, "{marker:?} is not in the log");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        terraform
    }

    pub(crate) fn destroy(&self) -> String {
        let output = self.terraform(&["destroy", "-auto-approve", "-input=false", "-no-color"]);
        assert_success("terraform destroy", &output);
        text(&output.stdout)
    }

    /// Exit code 0: nothing to do; 2: changes; the text is what a reviewer would read.
    pub(crate) fn plan(&self) -> (i32, String) {
        let out = format!("-out={PLAN}");
        let output = self.terraform(&["plan", "-detailed-exitcode", "-input=false", "-no-color", &out]);
        let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
        (output.status.code().expect("terraform ends by itself"), all)
    }

    pub(crate) fn expect_empty_plan(&self) {
        let (code, plan) = self.plan();
        assert_eq!(code, 0, "wanted an empty plan:\n{plan}");
    }

    /// Applies the plan that was made last, and no other.
    pub(crate) fn apply_plan(&self) {
        assert_success("terraform apply", &self.terraform(&["apply", "-input=false", "-no-color", PLAN]));
    }

    /// The plan as a reviewer's tool reads it.
    pub(crate) fn plan_json(&self) -> Value {
        let (code, plan) = self.plan();
        assert!([0, 2].contains(&code), "terraform plan: {plan}");
        let shown = self.terraform(&["show", "-json", PLAN]);
        assert_success("terraform show", &shown);
        serde_json::from_slice(&shown.stdout).expect("terraform prints JSON")
    }

    /// The attributes of the one cluster in state.
    pub(crate) fn cluster(&self) -> Value {
        let output = self.terraform(&["show", "-json"]);
        assert_success("terraform show", &output);
        let state: Value = serde_json::from_slice(&output.stdout).expect("terraform prints JSON");
        let resource = state.pointer("/values/root_module/resources/0/values");
        resource.cloned().unwrap_or_else(|| panic!("no resource in state: {state}"))
    }

    /// The text of a run that has to fail.
    pub(crate) fn expect_failure(&self, arguments: &[&str]) -> String {
        let output = self.terraform(arguments);
        let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!output.status.success(), "terraform {arguments:?} was to fail:\n{all}");
        unfolded(&all)
    }
}

fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "process {process} is gone");
}

/// The youngest child of a process whose name begins so.
fn child_named(name: &str, parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
        let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (own, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let of: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        (of == parent && own.starts_with(name)).then_some(id)
    });
    processes.max()
}

/// Terraform folds a diagnostic at the terminal's width and draws a bar beside it.
pub(crate) fn unfolded(printed: &str) -> String {
    let words = printed.split_whitespace().filter(|word| !["│", "╷", "╵"].contains(word));
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn assert_success(what: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{what}: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// Tries until the answer is there; panics with the last thing seen.
pub(crate) fn eventually<T>(
    what: &str,
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        match attempt() {
            Ok(answer) => return answer,
            Err(seen) if Instant::now() > deadline => panic!("{what}: after {timeout:?} still {seen}"),
            Err(_) => std::thread::park_timeout(Duration::from_millis(200)),
        }
    }
}

fn collect_text(path: &Path, all: &mut String) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a readable directory") {
            collect_text(&entry.expect("a readable entry").path(), all);
        }
    } else if let Ok(bytes) = fs::read(path) {
        all.push_str(&text(&bytes));
    }
}

/// The `export NAME=VALUE` lines of the sandbox's `env` file, as a shell reads them.
fn read_exports(path: &Path) -> BTreeMap<String, String> {
    let script = format!("set -eu; . '{}'; env -0", path.display());
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash runs");
    assert_success("the env file", &output);
    let pairs = text(&output.stdout);
    let pairs = pairs.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
