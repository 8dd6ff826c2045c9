//! Real kubectl and helm against a sandbox: what they print and how they exit, for two versions of each.
//!
//! A transcript holds files (`== NAME`, lines, and at last `==`), comments (`#`), commands (`$ COMMAND`), what must come
//! back (`*` stands for anything in a line, `...` for any lines) and how the command exits (`? CODE`, else 0).

#[expect(dead_code, reason = "each test file uses its part of the world")]
mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use world::Sandbox;

/// Directories below target/tools, each with a kubectl and a helm of one age.
const TOOLS: [&str; 2] = ["helm3", "helm4"];

/// One command and what must come back.
#[derive(Default)]
struct Exchange {
    command: String,
    expected: Vec<String>,
    exit: i32,
}

struct Transcript {
    files: Vec<(String, String)>,
    exchanges: Vec<Exchange>,
}

fn parse(text: &str) -> Transcript {
    let mut transcript = Transcript { files: Vec::new(), exchanges: Vec::new() };
    let mut is_in_file = false;
    for line in text.lines() {
        if line == "==" {
            is_in_file = false;
        } else if let Some(name) = line.strip_prefix("== ") {
            is_in_file = true;
            transcript.files.push((name.to_owned(), String::new()));
        } else if is_in_file {
            let (_, content) = transcript.files.last_mut().expect("a file has begun");
            content.push_str(line);
            content.push('\n');
        } else if let Some(command) = line.strip_prefix("$ ") {
            transcript.exchanges.push(Exchange { command: command.to_owned(), ..Exchange::default() });
        } else if let Some(exchange) = transcript.exchanges.last_mut() {
            match line.strip_prefix("? ") {
                Some(code) => exchange.exit = code.parse().expect("an exit code"),
                None if line.starts_with('#') => {}
                None => exchange.expected.push(squeeze(line)),
            }
        }
    }
    transcript
}

/// The line with single spaces: columns are as wide as what stands in them.
fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether lines are as expected; `...` takes as few as it can.
fn matches(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=found.len()).any(|taken| matches(rest, &found[taken..]))
        }
        Some((first, rest)) => {
            found.split_first().is_some_and(|(line, others)| is_like(first, line) && matches(rest, others))
        }
    }
}

/// Whether a line is as expected; each `*` takes as little as it can.
fn is_like(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('*');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// A client's place to work: a directory with the transcript's files and a kubeconfig of its own.
struct Desk {
    directory: tempfile::TempDir,
    path: String,
    namespace: String,
}

impl Desk {
    fn new(sandbox: &Sandbox, tools: &str, name: &str) -> Self {
        let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools").join(tools);
        assert!(found.join("kubectl").exists(), "{} is missing: run `make tools`", found.display());
        let path = format!("{}:{}", found.display(), std::env::var("PATH").expect("a PATH"));
        let directory = tempfile::tempdir().expect("a temporary directory");
        let namespace = format!("{name}-{tools}");
        let kubeconfig = sandbox.file("kubeconfig");
        let kubeconfig = kubeconfig.replace("namespace: default", &format!("namespace: {namespace}"));
        std::fs::write(directory.path().join("kubeconfig"), kubeconfig).expect("written");
        let desk = Self { directory, path, namespace };
        assert_eq!(desk.run(&format!("kubectl create namespace {}", desk.namespace)).1, 0);
        desk
    }

    fn place(&self) -> &Path {
        self.directory.path()
    }

    /// Output and exit code of a shell command.
    fn run(&self, command: &str) -> (String, i32) {
        let output = Command::new("bash")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(self.place())
            .env("PATH", &self.path)
            .env("HOME", self.place())
            .env("KUBECONFIG", self.place().join("kubeconfig"))
            .env("NS", &self.namespace)
            .output()
            .expect("a shell");
        (world::text(&output.stdout), output.status.code().unwrap_or(-1))
    }

    fn exchange(&self, exchange: &Exchange) -> Result<(), String> {
        let (output, exit) = self.run(&exchange.command);
        let found: Vec<String> = output.lines().map(squeeze).collect();
        let expected: Vec<String> =
            exchange.expected.iter().map(|line| line.replace("$NS", &self.namespace)).collect();
        if exit == exchange.exit && matches(&expected, &found) {
            return Ok(());
        }
        let (command, wanted) = (&exchange.command, exchange.exit);
        Err(format!("$ {command}\n{output}? {exit}, wanted {wanted} and:\n{}", expected.join("\n")))
    }
}

/// Plays a transcript with each version of the clients, side by side in namespaces of their own.
fn check(sandbox: &Sandbox, name: &str, text: &str) {
    let transcript = parse(text);
    let play = |tools: &str| {
        let desk = Desk::new(sandbox, tools, name);
        for (file, content) in &transcript.files {
            let path = desk.place().join(file);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, content).expect("written");
        }
        let outcomes = transcript.exchanges.iter().map(|exchange| desk.exchange(exchange));
        let failed: Vec<String> = outcomes.filter_map(Result::err).collect();
        failed.into_iter().map(|why| format!("[{tools}] {why}")).collect::<Vec<_>>()
    };
    let failed: Vec<String> = TOOLS.iter().flat_map(|tools| play(tools)).collect();
    let all = transcript.exchanges.len() * TOOLS.len();
    assert!(failed.is_empty(), "{} of {all} commands of {name}:\n\n{}", failed.len(), failed.join("\n\n"));
}

#[test]
fn kubectl_reads_and_writes_objects() {
    let sandbox = Sandbox::up();
    check(&sandbox, "reading", include_str!("clients/reading.txt"));
    check(&sandbox, "writing", include_str!("clients/writing.txt"));
    check(&sandbox, "custom", include_str!("clients/custom.txt"));
}

#[test]
fn kubectl_follows_workloads_through_their_lives() {
    check(&Sandbox::up(), "workloads", include_str!("clients/workloads.txt"));
}

#[test]
fn kubectl_reaches_into_pods_and_drains_nodes() {
    let sandbox = Sandbox::up();
    check(&sandbox, "pods", include_str!("clients/pods.txt"));
    check(&sandbox, "nodes", include_str!("clients/nodes.txt"));
}

#[test]
fn users_are_held_to_their_roles_and_helm_keeps_its_releases() {
    let sandbox = Sandbox::up();
    check(&sandbox, "access", include_str!("clients/access.txt"));
    check(&sandbox, "helm", include_str!("clients/helm.txt"));
}

#[test]
fn transcripts_are_matched_line_by_line() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let check = |expected: &str, found: &str, is_match: bool| {
        assert_eq!(matches(&lines(expected), &lines(found)), is_match, "{expected:?} {found:?}");
    };
    check("a\nb", "a\nb", true);
    check("a", "a\nb", false);
    check("a\n...\nd", "a\nb\nc\nd", true);
    check("a\n...\nd", "a\nb", false);
    check("pod/* is *", "pod/x is ready", true);
    check("pod/*", "pods/x", false);
    check("*b", "abab", true);
}
