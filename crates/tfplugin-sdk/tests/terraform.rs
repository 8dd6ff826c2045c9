//! The toy provider under a real Terraform, found through a filesystem mirror.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

const SECRET: &str = "hunter2-never-kept";
const DEADLINE: Duration = Duration::from_secs(60);

/// The example that cargo built next to this test.
fn toy() -> PathBuf {
    let test = std::env::current_exe().expect("a path of this test");
    let target = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let toy = target.join("examples/toy");
    assert!(toy.exists(), "{} is missing: `cargo build --example toy` makes it", toy.display());
    toy
}

/// A directory with a configuration, a mirror that holds the toy, and a place for boxes.
struct Workspace {
    directory: TempDir,
}

impl Workspace {
    fn new(resources: &str) -> Self {
        let directory = TempDir::new().expect("a directory");
        let workspace = Self { directory };
        let arch = if cfg!(target_arch = "aarch64") { "linux_arm64" } else { "linux_amd64" };
        let mirror = workspace.path("mirror/registry.terraform.io/acme/toy/0.1.0").join(arch);
        fs::create_dir_all(&mirror).expect("a mirror");
        symlink(toy(), mirror.join("terraform-provider-toy_v0.1.0")).expect("a link");
        let mirror = workspace.path("mirror");
        let rc = format!("provider_installation {{\n  filesystem_mirror {{ path = {mirror:?} }}\n}}\n");
        fs::write(workspace.path("rc"), rc).expect("a CLI configuration");
        workspace.configure(resources);
        let init = workspace.run(&["init", "-input=false"]);
        assert!(init.status.success(), "{}", text(&init));
        workspace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn configure(&self, resources: &str) {
        let boxes = self.directory.path();
        let head = format!(
            "terraform {{\n  required_providers {{\n    toy = {{ source = \"acme/toy\" }}\n  }}\n}}\n\
             provider \"toy\" {{ directory = {boxes:?} }}\n"
        );
        fs::write(self.path("main.tf"), head + resources).expect("a configuration");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("TF_CLI_CONFIG_FILE", self.path("rc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_REATTACH_PROVIDERS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        finish(&mut self.command(arguments))
    }

    /// Runs Terraform and demands its exit code.
    fn check(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "terraform {arguments:?}: {}", text(&output));
        text(&output)
    }

    fn state(&self) -> Json {
        let text = fs::read(self.path("terraform.tfstate")).expect("a state file");
        serde_json::from_slice(&text).expect("JSON")
    }
}

fn finish(command: &mut Command) -> Output {
    command.output().expect("terraform is on the PATH: this test drives the real one")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn interrupt(target: &str) {
    let sent = Command::new("kill").args(["-INT", "--", target]).status().expect("kill");
    assert!(sent.success(), "no process {target}");
}

/// Waits until something is there, and says what it waits for when it never comes.
fn await_file(path: &Path) {
    let started = Instant::now();
    while !path.exists() {
        assert!(started.elapsed() < DEADLINE, "{} did not appear in {DEADLINE:?}", path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

/// A resource with every kind of attribute.
fn full(extra: &str) -> String {
    format!(
        r#"
resource "toy_box" "a" {{
  name      = "a"
  ratio     = 0.1
  labels    = {{ x = "y" }}
  tags      = ["b", "a"]
  anything  = {{ deep = [1, "two", {{ three = 3.5 }}] }}
  parts     = [{{ key = "p" }}, {{ key = "q", weight = 7 }}]
  secret_wo = "{SECRET}"
  {extra}
}}
resource "toy_box" "b" {{
  name    = "b"
  size    = toy_box.a.writes
  content = {{ note = "of ${{toy_box.a.secret_length}}" }}
}}
"#
    )
}

#[test]
fn a_resource_lives_through_every_verb() {
    let workspace = Workspace::new(&full(""));
    workspace.check(&["apply", "-auto-approve", "-no-color"], 0);
    workspace.check(&["plan", "-detailed-exitcode"], 0);
    workspace.configure(&full("size = 5"));
    let plan = workspace.check(&["plan", "-detailed-exitcode", "-no-color"], 2);
    assert!(plan.contains("1 -> 5"), "{plan}");
    workspace.check(&["apply", "-auto-approve"], 0);
    workspace.check(&["plan", "-detailed-exitcode"], 0);
    let b = &workspace.state()["resources"][1]["instances"][0]["attributes"];
    assert_eq!((&b["size"], &b["content"]["note"]), (&Json::from(2), &Json::from("of 18")));
    workspace.check(&["state", "rm", "toy_box.a"], 0);
    workspace.check(&["import", "toy_box.a", "a"], 0);
    workspace.check(&["plan", "-detailed-exitcode"], 0);
    workspace.configure(&full("size = -1"));
    let refused = workspace.check(&["plan", "-no-color"], 1);
    assert!(refused.contains("A box has no negative size") && refused.contains("size = -1"), "{refused}");
    workspace.configure(&full("size = 5").replace(r#"name      = "a""#, r#"name      = "c""#));
    let plan = workspace.check(&["plan", "-no-color"], 0);
    assert!(plan.contains("# forces replacement"), "{plan}");
    workspace.check(&["apply", "-auto-approve"], 0);
    assert!(workspace.path("c.box.json").exists() && !workspace.path("a.box.json").exists());
    workspace.check(&["destroy", "-auto-approve"], 0);
    assert!(!workspace.path("c.box.json").exists() && !workspace.path("b.box.json").exists());
}

#[test]
fn a_data_source_is_read_at_plan_or_once_its_configuration_is_known() {
    let config = |prefix: &str| {
        format!(
            "resource \"toy_box\" \"a\" {{ name = \"ab\" }}\n\
             data \"toy_shelf\" \"s\" {{\n  prefix     = {prefix}\n  depends_on = [toy_box.a]\n}}\n\
             output \"names\" {{ value = data.toy_shelf.s.names }}\n"
        )
    };
    let workspace = Workspace::new(&config("\"a${toy_box.a.writes - 1}\""));
    let plan = workspace.check(&["plan", "-no-color"], 0);
    assert!(plan.contains("(config refers to values not yet known)"), "{plan}");
    workspace.check(&["apply", "-auto-approve"], 0);
    assert_eq!(workspace.state()["outputs"]["names"]["value"], serde_json::json!([]));
    workspace.configure(&config("toy_box.a.id"));
    workspace.check(&["apply", "-auto-approve"], 0);
    assert_eq!(workspace.state()["outputs"]["names"]["value"], serde_json::json!(["ab"]));
    workspace.check(&["plan", "-detailed-exitcode"], 0);
    workspace.configure(&config("\"a/b\""));
    let refused = workspace.check(&["plan", "-no-color"], 1);
    assert!(refused.contains("No box has such a name"), "{refused}");
}

#[test]
fn the_state_of_another_type_moves_into_a_resource() {
    let workspace = Workspace::new("resource \"toy_box\" \"a\" { name = \"a\" }\n");
    workspace.check(&["apply", "-auto-approve"], 0);
    workspace.check(&["state", "rm", "toy_box.a"], 0);
    workspace.configure("resource \"terraform_data\" \"old\" { input = \"a\" }\n");
    workspace.check(&["apply", "-auto-approve"], 0);
    let moved = |from: &str| {
        format!(
            "resource \"toy_box\" \"a\" {{ name = \"a\" }}\nmoved {{\n  from = {from}\n  to   = toy_box.a\n}}\n"
        )
    };
    workspace.configure(&moved("terraform_data.old"));
    let plan = workspace.check(&["plan", "-no-color"], 0);
    assert!(plan.contains("terraform_data.old has moved to toy_box.a"), "{plan}");
    workspace.check(&["apply", "-auto-approve"], 0);
    workspace.check(&["plan", "-detailed-exitcode"], 0);
    assert_eq!(workspace.state()["resources"][0]["instances"][0]["attributes"]["writes"], 1);
}

#[test]
fn logs_arrive_as_terraform_reads_them_and_hold_no_secret() {
    let workspace = Workspace::new(&full(""));
    let applied = finish(workspace.command(&["apply", "-auto-approve"]).env("TF_LOG", "json"));
    assert!(applied.status.success(), "{}", text(&applied));
    let log = String::from_utf8(applied.stderr).expect("text");
    let ours = log.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let ours: Vec<_> = ours.filter(|line| line["@message"] == "a box is made").collect();
    assert_eq!(ours.len(), 2, "{log}");
    assert_eq!(ours[0]["@level"], "info");
    assert_eq!(ours[0]["tf_rpc"], "ApplyResourceChange");
    assert_eq!(ours[0]["tf_resource_type"], "toy_box");
    let state = workspace.state().to_string();
    assert!(!log.contains(SECRET) && !state.contains(SECRET), "the secret is kept somewhere");
}

#[test]
fn an_interrupt_stops_the_verb_and_loses_nothing() {
    let workspace = Workspace::new("resource \"toy_box\" \"a\" {\n  name = \"a\"\n  slow_seconds = 600\n}\n");
    // Ctrl-C reaches the whole process group, the provider too.
    let child = workspace.command(&["apply", "-auto-approve", "-no-color"]).process_group(0).spawn();
    let child = child.expect("terraform is on the PATH: this test drives the real one");
    await_file(&workspace.path("a.box.json"));
    interrupt(&format!("-{}", child.id()));
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("The box is not dry yet"), "{}", text(&output));
    assert_eq!(workspace.state()["resources"][0]["instances"][0]["status"], "tainted");
    workspace.configure("resource \"toy_box\" \"a\" {\n  name = \"a\"\n}\n");
    workspace.check(&["untaint", "toy_box.a"], 0);
    workspace.check(&["apply", "-auto-approve"], 0);
    workspace.check(&["plan", "-detailed-exitcode"], 0);
}

/// Ends the process when a test fails before it did.
struct Debugged(Child);

impl Drop for Debugged {
    fn drop(&mut self) {
        // It may have ended already, which is what the test wants.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_debugged_provider_serves_any_terraform_until_it_is_stopped() {
    let workspace = Workspace::new("resource \"toy_box\" \"a\" {\n  name = \"a\"\n}\n");
    let child = Command::new(toy()).arg("-debug").stdout(Stdio::piped()).spawn().expect("the toy");
    let mut child = Debugged(child);
    let stdout = BufReader::new(child.0.stdout.take().expect("a pipe"));
    let line = stdout.lines().map_while(Result::ok).find(|line| line.contains("TF_REATTACH_PROVIDERS="));
    let line = line.expect("the announcement");
    let reattach = line.trim().trim_start_matches("TF_REATTACH_PROVIDERS=").trim_matches('\'').to_owned();
    for _ in 0..2 {
        let arguments = ["apply", "-auto-approve", "-no-color"];
        let applied = finish(workspace.command(&arguments).env("TF_REATTACH_PROVIDERS", &reattach));
        assert!(applied.status.success(), "{}", text(&applied));
    }
    interrupt(&child.0.id().to_string());
    assert!(child.0.wait().expect("an end").success());
}

#[test]
fn run_by_hand_it_says_what_it_is() {
    let output = finish(Command::new(toy()).env_remove("TF_PLUGIN_MAGIC_COOKIE"));
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "stdout belongs to the handshake");
    assert!(text(&output).contains("registry.terraform.io/acme/toy: version 0.1.0 is a Terraform provider"));
}
