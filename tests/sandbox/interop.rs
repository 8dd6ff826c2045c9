//! A release passes from us to real helm and back, both versions of it, and dies in the middle.

use std::fs;
use std::path::Path;
use std::time::Duration;

use helm::action::{self, Options, Outcome};
use helm::chart::Chart;
use helm::cluster::{Clock, Cluster as _};
use helm::release::{History, ReleaseError, Status};
use helm::render::{Rendered, Request, render_on};
use helm::template::World;
use provider_redis::kubernetes::{Kubernetes, KubernetesSettings};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::configuration;
use super::support::{Sandbox, Workspace, eventually, tool};

/// A config map that follows the values, one that they can drop, and a hook around each upgrade.
const TEMPLATE: &str = r#"
kind: ConfigMap
apiVersion: v1
metadata: {name: web}
data: {colour: "{{ .Values.colour }}", revision: "{{ .Release.Revision }}"}
---
{{ if .Values.extra }}
kind: ConfigMap
apiVersion: v1
metadata: {name: extra}
---
{{ end }}
kind: Service
apiVersion: v1
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
kind: ConfigMap
apiVersion: v1
metadata: {name: before, annotations: {helm.sh/hook: "pre-upgrade,pre-rollback"}}
"#;

struct Here;

impl World for Here {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Clock for Here {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// The chart on disk, and the release `web` of it by our own means.
struct Ours {
    directory: TempDir,
    runtime: Runtime,
    kubernetes: Kubernetes,
}

impl Ours {
    fn new(sandbox: &Sandbox) -> Self {
        let directory = TempDir::new().expect("a scratch directory");
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("a file");
        fs::create_dir(directory.path().join("templates")).expect("a directory");
        write("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: '9'\n");
        write("values.yaml", "colour: blue\nextra: true\n");
        write("templates/all.yaml", TEMPLATE);
        write("templates/NOTES.txt", "It is {{ .Values.colour }}.\n");
        let kubeconfig = sandbox.path().join("kubeconfig").display().to_string();
        let settings = KubernetesSettings { config_path: Some(kubeconfig), ..KubernetesSettings::default() };
        let kubernetes = Kubernetes::from_settings(settings, &|_| None);
        Self { directory, runtime: Runtime::new().expect("a runtime"), kubernetes }
    }

    fn chart(&self) -> &str {
        self.directory.path().to_str().expect("a plain path")
    }

    fn rendered(&self, revision: u64, values: &str) -> Rendered {
        let chart = Chart::load(Path::new(self.chart())).expect("a chart");
        let values = helm::values::parse(values).expect("values");
        self.runtime.block_on(async {
            let capabilities = self.kubernetes.capabilities().await.expect("capabilities");
            let request = Request {
                name: "web",
                namespace: "default",
                revision,
                is_upgrade: revision > 1,
                values: &values,
                capabilities: &capabilities,
            };
            render_on(&self.kubernetes, &chart, &request, &Here).await.expect("a rendering")
        })
    }

    fn install(&self, values: &str) {
        self.try_install(values, &Options::default()).expect("an install");
    }

    fn try_install(&self, values: &str, options: &Options) -> Result<Outcome, ReleaseError> {
        let rendered = self.rendered(1, values);
        self.runtime.block_on(action::install(&self.kubernetes, &Here, &rendered, options))
    }

    fn upgrade(&self, revision: u64, values: &str) {
        let (rendered, options) = (self.rendered(revision, values), Options::default());
        let done = self.runtime.block_on(action::upgrade(&self.kubernetes, &Here, &rendered, &options));
        done.expect("an upgrade");
    }

    fn rollback(&self, revision: u64) {
        let options = Options::default();
        let done = action::rollback(&self.kubernetes, &Here, "default", "web", Some(revision), &options);
        self.runtime.block_on(done).expect("a rollback");
    }

    fn uninstall(&self) {
        self.uninstall_with(&Options::default());
    }

    fn uninstall_with(&self, options: &Options) {
        let done = action::uninstall(&self.kubernetes, &Here, "default", "web", options);
        self.runtime.block_on(done).expect("an uninstall");
    }

    fn statuses(&self) -> Vec<(u64, Status)> {
        let history = self.runtime.block_on(History::read(&self.kubernetes, "default", "web"));
        let history = history.expect("records");
        history.revisions().iter().map(|one| (one.version, one.info.status)).collect()
    }
}

fn colour(sandbox: &Sandbox) -> String {
    sandbox.kubectl(&["get", "configmap", "web", "-o", "jsonpath={.data.colour}"])
}

fn has_extra(sandbox: &Sandbox) -> bool {
    sandbox.kubectl(&["get", "configmaps", "-o", "name"]).contains("configmap/extra")
}

fn expect_nothing_left(sandbox: &Sandbox) {
    let left = sandbox.kubectl(&["get", "configmaps,services,secrets", "-o", "name"]);
    let of_release = |name: &&str| name.contains("web") || name.contains("extra");
    assert_eq!(left.lines().filter(of_release).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn real_helm_goes_on_from_a_release_of_ours_and_we_from_its() {
    let sandbox = Sandbox::up();
    for version in [3, 4] {
        let helm = |arguments: &[&str]| sandbox.helm(version, arguments);
        let check = |arguments: &[&str], wanted: &str| {
            let printed = helm(arguments);
            assert!(printed.contains(wanted), "helm {version} {arguments:?}: wanted {wanted:?}:\n{printed}");
        };
        let ours = Ours::new(&sandbox);
        ours.install("colour: red");
        check(&["list"], "web-1.2.3");
        check(&["status", "web"], "STATUS: deployed");
        check(&["history", "web"], "Install complete");
        check(&["get", "values", "web"], "colour: red");
        check(&["get", "notes", "web"], "It is red.");
        check(&["get", "hooks", "web"], "name: before");
        check(&["get", "manifest", "web"], "# Source: web/templates/all.yaml");
        helm(&["upgrade", "web", ours.chart(), "--set", "colour=green", "--set", "extra=false"]);
        assert_eq!((colour(&sandbox).as_str(), has_extra(&sandbox)), ("green", false));
        helm(&["rollback", "web", "1"]);
        assert_eq!((colour(&sandbox).as_str(), has_extra(&sandbox)), ("red", true));

        // And back: what helm left is upgraded and rolled back by us, and helm still reads it.
        ours.upgrade(4, "{colour: white, extra: false}");
        assert_eq!((colour(&sandbox).as_str(), has_extra(&sandbox)), ("white", false));
        ours.rollback(2);
        assert_eq!(colour(&sandbox), "green");
        check(&["history", "web"], "Rollback to 2");
        helm(&["uninstall", "web"]);
        expect_nothing_left(&sandbox);
    }
}

#[test]
fn we_go_on_from_a_release_of_real_helm() {
    let sandbox = Sandbox::up();
    for version in [3, 4] {
        let ours = Ours::new(&sandbox);
        sandbox.helm(version, &["install", "web", ours.chart(), "--set", "colour=red"]);
        ours.upgrade(2, "{colour: green, extra: false}");
        assert_eq!((colour(&sandbox).as_str(), has_extra(&sandbox)), ("green", false));
        let managers = "jsonpath={range .metadata.managedFields[*]}{.manager}/{.operation} {end}";
        let managers = sandbox.kubectl(&["get", "configmap", "web", "-o", managers, "--show-managed-fields"]);
        assert_eq!(managers.trim(), "helm/Apply", "one owner, by apply, after helm {version}");
        ours.rollback(1);
        assert_eq!((colour(&sandbox).as_str(), has_extra(&sandbox)), ("red", true));
        let statuses = ours.statuses();
        assert_eq!(statuses[..2], [(1, Status::Superseded), (2, Status::Superseded)]);
        assert_eq!(statuses[2], (3, Status::Deployed));
        ours.uninstall();
        expect_nothing_left(&sandbox);
        assert!(!sandbox.helm(version, &["list", "--all-namespaces"]).contains("web"));
    }
}

const MARKS: [&str; 3] =
    ["app.kubernetes.io/managed-by", "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"];

#[test]
fn what_stands_already_is_refused_as_by_helm_until_it_bears_the_marks() {
    let sandbox = Sandbox::up();
    let ours = Ours::new(&sandbox);
    for version in [3, 4] {
        sandbox.kubectl(&["create", "configmap", "web", "--from-literal=colour=blue"]);
        let refused = ours.try_install("colour: red", &Options::default());
        let refused = refused.expect_err("it is nobody's").to_string();
        let mut helm = sandbox.client(tool(&format!("helm{version}/helm")));
        let theirs = helm.args(["install", "web", ours.chart()]).output().expect("helm runs");
        let theirs = String::from_utf8_lossy(&theirs.stderr).into_owned();
        for mark in MARKS {
            assert!(refused.contains(mark), "{refused}");
            assert!(theirs.contains(mark), "helm {version}: {theirs}");
        }
        assert!(refused.contains("ConfigMap default/web exists"), "{refused}");
        assert!(ours.statuses().is_empty() && colour(&sandbox) == "blue" && !has_extra(&sandbox));

        let [label, name, namespace] = MARKS;
        sandbox.kubectl(&["label", "configmap", "web", &format!("{label}=Helm")]);
        let (name, namespace) = (format!("{name}=web"), format!("{namespace}=default"));
        sandbox.kubectl(&["annotate", "configmap", "web", &name, &namespace]);
        ours.install("colour: red");
        assert_eq!(colour(&sandbox), "red");
        sandbox.helm(version, &["upgrade", "web", ours.chart(), "--set", "colour=green"]);
        assert_eq!(colour(&sandbox), "green", "helm {version} goes on without a conflict");
        sandbox.helm(version, &["uninstall", "web"]);
        expect_nothing_left(&sandbox);

        sandbox.kubectl(&["create", "configmap", "web", "--from-literal=colour=blue"]);
        let take = Options { take_ownership: true, ..Options::default() };
        ours.try_install("colour: red", &take).expect("it is taken over without marks");
        sandbox.helm(version, &["upgrade", "web", ours.chart(), "--set", "colour=green"]);
        assert_eq!(colour(&sandbox), "green");
        sandbox.helm(version, &["uninstall", "web"]);
        expect_nothing_left(&sandbox);
    }
}

#[test]
fn a_history_that_is_kept_brings_the_release_back_by_either() {
    let sandbox = Sandbox::up();
    let ours = Ours::new(&sandbox);
    let keep = Options { keep_history: true, ..Options::default() };
    for version in [3, 4] {
        ours.install("colour: red");
        ours.uninstall_with(&keep);
        let history = sandbox.helm(version, &["history", "web"]);
        assert!(history.contains("uninstalled") && history.contains("Uninstallation complete"), "{history}");
        assert!(!has_extra(&sandbox));
        sandbox.helm(version, &["rollback", "web", "1"]);
        assert_eq!(colour(&sandbox), "red");
        sandbox.helm(version, &["uninstall", "web", "--keep-history"]);
        ours.rollback(1);
        assert_eq!(colour(&sandbox), "red");
        let statuses = [(1, Status::Uninstalled), (2, Status::Uninstalled), (3, Status::Deployed)];
        assert_eq!(ours.statuses(), statuses);
        ours.uninstall();
        expect_nothing_left(&sandbox);
    }
}

#[test]
fn a_provider_that_is_killed_in_the_middle_of_an_upgrade_leaves_nothing_that_the_next_apply_cannot_heal() {
    let sandbox = Sandbox::up();
    let workspace = Workspace::new(&sandbox, &configuration(""));
    workspace.apply();
    let never = ["api", "--verb", "patch", "--path", "*/configmaps/*", "--hang"];
    let added = sandbox.command("fault").arg("add").args(never).output().expect("the sandbox binary runs");
    super::support::assert_success("fault add", &added);
    workspace.write("main.tf", &configuration("redis = { config = { maxmemory = \"50mb\" } }"));
    let arguments = ["apply", "-auto-approve", "-input=false", "-no-color"];
    let mut terraform = workspace.command(&arguments).spawn().expect("terraform runs");
    eventually("a pending record", Duration::from_secs(180), || {
        let history = sandbox.helm(4, &["history", "redis-1"]);
        if history.contains("pending-upgrade") { Ok(()) } else { Err(history) }
    });
    for provider in children_of(terraform.id()) {
        let killed = std::process::Command::new("kill").args(["-9", &provider.to_string()]).status();
        assert!(killed.expect("kill runs").success());
    }
    assert!(!terraform.wait().expect("terraform ends").success());
    assert!(sandbox.helm(4, &["history", "redis-1"]).contains("pending-upgrade"), "nobody told the record");
    let cleared = sandbox.command("fault").arg("clear").output().expect("the sandbox binary runs");
    super::support::assert_success("fault clear", &cleared);
    workspace.apply();
    let history = sandbox.helm(4, &["history", "redis-1"]);
    assert!(history.contains("Interrupted while pending-upgrade"), "{history}");
    assert!(history.trim_end().ends_with("Upgrade complete"), "{history}");
    workspace.expect_empty_plan();
    assert!(
        sandbox.server("redis-1-redis-ha-server-0", &["CONFIG", "GET", "maxmemory"]).contains("52428800")
    );
}

/// The processes that terraform started: its providers.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("a Linux").filter_map(Result::ok);
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        after_name.split_whitespace().nth(1) == Some(parent.to_string().as_str())
    })
    .collect()
}
