//! Installs, adopts, upgrades, rolls back, repairs, tests and uninstalls releases.
//!
//! Enters: a [`Rendered`] chart, a [`Cluster`], a [`Clock`]. Leaves: objects in the cluster that say
//! whose they are, the release's record, and an [`Outcome`].
//! The record is written before the first object: a process that dies leaves a pending record, which
//! the next one may take over once it is older than [`Options::stale_after`].
//! Every object is applied server-side, and only if it changed since the revisions that may still
//! stand in the cluster, or if the caller wants it forced.
//! Deliberately absent: creating namespaces, and retries.
//!
//! ```
//! use helm::action::{Options, Outcome, install, upgrade};
//! use helm::cluster::{Clock, Cluster};
//! use helm::release::{History, ReleaseError};
//! use helm::render::Rendered;
//!
//! /// As `helm upgrade --install --atomic`.
//! async fn deploy(
//!     cluster: &dyn Cluster,
//!     clock: &dyn Clock,
//!     rendered: &Rendered,
//! ) -> Result<Outcome, ReleaseError> {
//!     let options = Options { atomic: true, ..Options::default() };
//!     if History::read(cluster, &rendered.namespace, &rendered.name).await?.is_empty() {
//!         install(cluster, clock, rendered, &options).await
//!     } else {
//!         upgrade(cluster, clock, rendered, &options).await
//!     }
//! }
//! ```

mod adopt;
mod apply;
mod change;
mod hooks;
mod inert;
mod install;
mod managed_fields;
mod owner;
mod rollback;
mod target;
mod test_hooks;
mod uninstall;
mod upgrade;
mod wait;

use std::collections::BTreeSet;
use std::time::Duration;

pub use adopt::adopt;
pub use install::install;
pub use rollback::rollback;
pub use test_hooks::test;
pub use uninstall::{Uninstalled, uninstall};
pub use upgrade::{repair, upgrade};

use crate::cluster::{Clock, Cluster, ClusterError, ObjectRef};
use crate::release::{self, History, Release, ReleaseError, Status, chart_record};
use crate::render::Rendered;
use crate::value::{ConvertError, Value};

/// What an install, an upgrade or a rollback waits for before its last hooks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wait {
    #[default]
    No,
    /// All objects but Jobs; [`crate::readiness::readiness`] judges them.
    Objects,
    ObjectsAndJobs,
}

/// How a release is worked on.
#[derive(Debug, Clone)]
pub struct Options {
    /// Owner of the applied fields. Helm's own name lets a real Helm go on without conflicts.
    pub field_manager: String,
    /// After this long, whoever left a pending record is taken for dead.
    pub stale_after: Duration,
    /// The longest that one hook may run, and that its deletion may take.
    pub hook_timeout: Duration,
    /// What is waited for. An uninstall that waits for anything waits until its objects are gone.
    pub wait: Wait,
    /// The longest that all objects together may take to be ready.
    pub wait_timeout: Duration,
    /// Undo what fails: an install is uninstalled again, an upgrade is rolled back to the revision that
    /// was deployed. Objects are waited for, whatever `wait` says.
    pub atomic: bool,
    /// How many revisions are kept, the new one included; 0 keeps all. The deployed one is kept
    /// whatever its age.
    pub history_max: usize,
    /// Objects (`Kind/name`) that are applied though unchanged, and whose fields are taken over from
    /// whoever owns them.
    pub force: BTreeSet<String>,
    /// Objects that stand without the release's marks, or with another release's, become its own
    /// instead of an error; as Helm's `--take-ownership`.
    pub take_ownership: bool,
    /// An uninstall leaves the records, the newest with the status `uninstalled`, so that the release
    /// can be rolled back or upgraded to life again; as Helm's `--keep-history`.
    pub keep_history: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            field_manager: "helm".to_owned(),
            stale_after: Duration::from_secs(15 * 60),
            hook_timeout: Duration::from_secs(5 * 60),
            wait: Wait::No,
            wait_timeout: Duration::from_secs(5 * 60),
            atomic: false,
            history_max: 10,
            force: BTreeSet::new(),
            take_ownership: false,
            keep_history: false,
        }
    }
}

impl Options {
    fn waits(&self) -> Wait {
        if self.atomic && self.wait == Wait::No { Wait::Objects } else { self.wait }
    }
}

/// What an install, an upgrade or a rollback did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The revision as it is recorded now.
    pub release: Release,
    pub applied: Vec<ObjectRef>,
    /// Objects that the new revision dropped.
    pub deleted: Vec<ObjectRef>,
    /// Objects that the new revision dropped and that stay: their resource policy says so, or they
    /// belong to someone else by now.
    pub kept: Vec<ObjectRef>,
}

/// Who works on a release, and by which means.
#[derive(Clone, Copy)]
struct Actor<'a> {
    cluster: &'a dyn Cluster,
    clock: &'a dyn Clock,
    options: &'a Options,
}

/// Marks the newest revision as failed if it is pending, whatever its age. For a caller who was
/// interrupted and knows that it is its own work that stands there.
///
/// # Errors
/// The record cannot be read or written.
pub async fn abandon(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    namespace: &str,
    name: &str,
    reason: &str,
) -> Result<(), ReleaseError> {
    let history = History::read(cluster, namespace, name).await?;
    let pending = history.latest().filter(|latest| latest.info.status.is_pending());
    if let Some(mut pending) = pending.cloned() {
        pending.set_status(Status::Failed, short(reason));
        release::update(cluster, &mut pending, clock.now()).await?;
    }
    Ok(())
}

/// Records that a release did not become what it should, though all its objects were applied.
///
/// # Errors
/// The record cannot be written.
pub async fn mark_failed(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    release: &mut Release,
    reason: &str,
) -> Result<(), ReleaseError> {
    release.set_status(Status::Failed, short(reason));
    release::update(cluster, release, clock.now()).await
}

/// Descriptions stand in every `helm history`, and count against the size of the record.
fn short(reason: &str) -> String {
    const CHARS_MAX: usize = 1000;
    reason.chars().take(CHARS_MAX).collect()
}

/// An error and its causes in one line. A cause that begins with what was just said takes its place.
fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        match parts.last_mut() {
            Some(last) if text.starts_with(last.as_str()) => *last = text,
            Some(last) if last.ends_with(&text) => {}
            _ => parts.push(text),
        }
        cause = inner.source();
    }
    parts.join(": ")
}

impl Actor<'_> {
    fn timestamp(&self) -> String {
        self.clock.now().to_string()
    }

    /// The record of a revision that is about to be worked on.
    fn new_release(
        &self,
        rendered: &Rendered,
        status: Status,
        before: Option<&Release>,
    ) -> Result<Release, ReleaseError> {
        let failed = |source: ConvertError| ReleaseError::Value { name: rendered.name.clone(), source };
        let now = self.timestamp();
        let mut release = Release {
            name: rendered.name.clone(),
            namespace: rendered.namespace.clone(),
            version: rendered.revision,
            chart: chart_record(&rendered.chart).map_err(failed)?,
            manifest: rendered.manifest_text(),
            hooks: rendered.hooks.clone(),
            apply_method: "ssa".to_owned(),
            ..Release::default()
        };
        let config = Value::from(rendered.user_values.clone()).to_json().map_err(failed)?;
        if let serde_json::Value::Object(config) = config {
            release.config = config;
        }
        release.info.first_deployed =
            before.map_or_else(|| now.clone(), |before| before.info.first_deployed.clone());
        release.info.last_deployed = now;
        release.info.notes.clone_from(&rendered.notes);
        if let Some(before) = before {
            release.labels.clone_from(&before.labels);
        }
        let doing = if before.is_some() { "Preparing upgrade" } else { "Initial install underway" };
        release.set_status(status, doing);
        Ok(release)
    }

    /// Writes down how the work ended; the work's own error wins over one of writing it down.
    async fn conclude<T>(
        &self,
        release: &mut Release,
        result: Result<T, ReleaseError>,
        success: &str,
        failure: &str,
    ) -> Result<T, ReleaseError> {
        match &result {
            Ok(_) => release.set_status(Status::Deployed, success),
            Err(error) => release.set_status(Status::Failed, short(&format!("{failure}: {}", chain(error)))),
        }
        let recorded = release::update(self.cluster, release, self.clock.now()).await;
        match (result, recorded) {
            (Ok(done), recorded) => recorded.map(|()| done),
            (Err(error), recorded) => {
                if let Err(unrecorded) = recorded {
                    tracing::warn!(error = chain(&unrecorded), "the failure could not be recorded");
                }
                Err(error)
            }
        }
    }
}

/// `error` stopped the work, and what would have undone it failed by `second`.
fn not_undone(name: &str, second: &ReleaseError, error: ReleaseError) -> ReleaseError {
    ReleaseError::NotUndone { name: name.to_owned(), reason: chain(second), source: Box::new(error) }
}

fn cluster_error<'a>(
    operation: &'static str,
    object: &'a ObjectRef,
) -> impl FnOnce(ClusterError) -> ReleaseError + 'a {
    move |source| ReleaseError::Cluster { operation, object: object.to_string(), source }
}
