//! What a release asks of a Kubernetes cluster, and of a clock.
//!
//! Enters: nothing; this room is types and two traits that the caller implements over its own
//! client. Leaves: [`ObjectRef`]s, whole objects as JSON, and [`ClusterError`]s sorted by what
//! a caller can do about them.
//! Deliberately absent: a client, an async runtime, retries. An implementation decides
//! what is safe to retry; nothing here repeats a call that failed, except where a conflict on a
//! record says to read it again.

mod error;
mod object;
mod scope;

use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value as Json;

pub use error::{ClusterError, ClusterErrorKind};
pub use object::ObjectRef;
pub use scope::{Scope, builtin_scope};

/// What a cluster can do, as discovery tells it; templates see it as `.Capabilities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The server's `gitVersion`, such as `v1.33.4-gke.1`.
    pub kube_version: String,
    /// Every served `GROUP/VERSION` (`v1` for the core group) and `GROUP/VERSION/Kind`.
    pub api_versions: Vec<String>,
}

/// How an object is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyOptions {
    /// The owner of the applied fields in `metadata.managedFields`.
    pub field_manager: String,
    /// Take fields over from other managers instead of failing with a conflict.
    pub force: bool,
    /// Let the server validate and answer, and store nothing.
    pub dry_run: bool,
}

/// What happens to the objects that the deleted object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// Delete now; the garbage collector removes what is owned afterwards. Helm's choice.
    #[default]
    Background,
    /// Delete what is owned first; the object stays until that is done.
    Foreground,
    /// Leave what is owned alone.
    Orphan,
}

/// How an object is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteOptions {
    pub propagation: Propagation,
    /// Delete only the object with this uid; another one is a `Conflict`.
    pub uid: Option<String>,
    /// Delete only this resourceVersion; another one is a `Conflict`.
    pub resource_version: Option<String>,
}

/// A cluster as a release needs it. Every method is one request or a small fixed number of them,
/// may be dropped at any await point without leaving more than that request's own effect, and
/// has a deadline of its own.
///
/// Objects carry `apiVersion`, `kind`, `metadata.name` and, when their kind is namespaced,
/// `metadata.namespace`: the callers in this crate fill the namespace in before they call.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// The server's version and API versions.
    async fn capabilities(&self) -> Result<Capabilities, ClusterError>;

    /// Whether a kind lives in namespaces. Asked only for kinds that [`builtin_scope`] does not
    /// know. A kind that the server does not serve is `NotFound`.
    async fn scope(&self, api_version: &str, kind: &str) -> Result<Scope, ClusterError>;

    /// The object, or `None` when it, its namespace or its kind does not exist.
    async fn get(&self, object: &ObjectRef) -> Result<Option<Json>, ClusterError>;

    /// The objects of a kind in a namespace (`None`: in all, or cluster-scoped), all pages, each
    /// with its apiVersion and kind. `label_selector` is in the API's syntax; empty means all.
    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        label_selector: &str,
    ) -> Result<Vec<Json>, ClusterError>;

    /// Creates the object and returns it as stored. `AlreadyExists` when the name is taken.
    async fn create(&self, object: &Json) -> Result<Json, ClusterError>;

    /// Server-side apply: creates or updates, and returns the object as stored. `Conflict` when
    /// another manager owns a field and `force` is not set, and when an object stands whose version is
    /// not the `metadata.resourceVersion` of this one, if that is set.
    async fn apply(&self, object: &Json, options: &ApplyOptions) -> Result<Json, ClusterError>;

    /// Replaces the object and returns it as stored. With `metadata.resourceVersion` set, a
    /// `Conflict` when the object has changed since.
    async fn update(&self, object: &Json) -> Result<Json, ClusterError>;

    /// JSON merge patch (RFC 7386): a null deletes, a list replaces. Returns the object as stored.
    /// With `metadata.resourceVersion` in the patch, a `Conflict` when the object has changed.
    async fn merge_patch(
        &self,
        object: &ObjectRef,
        patch: &Json,
        field_manager: &str,
    ) -> Result<Json, ClusterError>;

    /// Starts the deletion; an object that is not there is a success.
    async fn delete(&self, object: &ObjectRef, options: &DeleteOptions) -> Result<(), ClusterError>;

    /// Shows the object to `look` (`None` when it does not exist), as it is now and after each change,
    /// by a watch: until `look` breaks, or until `within` has passed, which is no error. A watch that
    /// drops is opened again.
    async fn watch(
        &self,
        object: &ObjectRef,
        within: Duration,
        look: &mut Look<'_>,
    ) -> Result<(), ClusterError>;
}

/// What a watch shows an object to.
pub type Look<'a> = dyn FnMut(Option<&Json>) -> ControlFlow<()> + Send + 'a;

/// The time of day, so that tests own it. Records are stamped with it.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}
