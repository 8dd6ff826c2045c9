//! Releases against a cluster in memory: what is asked of it, in which order, and what is left.

mod adopt;
mod failures;
mod fake;
mod hooks;
mod install;
mod lookup;
mod rollback;
mod uninstall;
mod upgrade;
mod wait;

use helm::action::{self, Options, Outcome};
use helm::chart::Chart;
use helm::manifest;
use helm::release::{History, ReleaseError, Status};
use helm::render::Rendered;
use helm::value::Map;

use fake::{FakeClock, FakeCluster};

/// A cluster, a clock, and the release `rel` in the namespace `ns`.
pub(crate) struct Stage {
    pub(crate) cluster: FakeCluster,
    pub(crate) clock: FakeClock,
    pub(crate) options: Options,
}

pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!("kind: ConfigMap\napiVersion: v1\nmetadata: {{name: {name}}}\ndata: {{x: '{value}'}}\n---\n")
}

pub(crate) fn service(name: &str) -> String {
    format!("kind: Service\napiVersion: v1\nmetadata: {{name: {name}}}\n---\n")
}

/// Documents as if a chart had rendered to them.
pub(crate) fn rendered(revision: u64, documents: &[String]) -> Rendered {
    let chart_yaml = "apiVersion: v2\nname: tiny\nversion: 1.2.3\nappVersion: '7.2'\n";
    let chart = Chart::from_files([("Chart.yaml", chart_yaml)]).expect("a chart");
    let text = documents.concat();
    let sorted = manifest::sort([("tiny/templates/all.yaml", text.as_str())]).expect("good documents");
    let user_values = Map::new();
    user_values.insert("replicas", helm::value::Value::Int64(3));
    Rendered {
        name: "rel".to_owned(),
        namespace: "ns".to_owned(),
        revision,
        is_upgrade: revision > 1,
        chart,
        user_values,
        effective_values: Map::new(),
        warnings: Vec::new(),
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        notes: "Thank you.".to_owned(),
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { cluster: FakeCluster::new(), clock: FakeClock::new(), options: Options::default() }
    }

    /// A stage on which the documents are installed as revision 1.
    pub(crate) async fn with(documents: &[String]) -> Self {
        let stage = Self::new();
        stage.install(documents).await.expect("an install");
        stage.cluster.conversation();
        stage
    }

    pub(crate) async fn install(&self, documents: &[String]) -> Result<Outcome, ReleaseError> {
        action::install(&self.cluster, &self.clock, &rendered(1, documents), &self.options).await
    }

    pub(crate) async fn upgrade(&self, revision: u64, documents: &[String]) -> Result<Outcome, ReleaseError> {
        let rendered = rendered(revision, documents);
        action::upgrade(&self.cluster, &self.clock, &rendered, &self.options).await
    }

    pub(crate) async fn rollback(&self, revision: Option<u64>) -> Result<Outcome, ReleaseError> {
        action::rollback(&self.cluster, &self.clock, "ns", "rel", revision, &self.options).await
    }

    pub(crate) async fn uninstall(&self) -> Result<action::Uninstalled, ReleaseError> {
        action::uninstall(&self.cluster, &self.clock, "ns", "rel", &self.options).await
    }

    pub(crate) async fn statuses(&self) -> Vec<(u64, Status)> {
        let history = History::read(&self.cluster, "ns", "rel").await.expect("records");
        history.revisions().iter().map(|one| (one.version, one.info.status)).collect()
    }
}

pub(crate) fn check(conversation: &[String], expected: &[&str]) {
    assert_eq!(conversation, expected, "\n{}", conversation.join("\n"));
}
