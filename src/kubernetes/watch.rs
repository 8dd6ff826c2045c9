//! Waiting by watches. A watch that drops is opened again; what was last seen is always told.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use helm::cluster::{Look, ObjectRef};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Config, Error as WatchError, Event, watch_object};
use serde_json::Value as Json;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::diagnose::Diagnosis;
use super::error::{Answer, KubernetesError};
use super::not_ready::unfinished;
use super::request::{Call, Operation, Verb};
use super::sort::innermost;
use super::{Kubernetes, Password, ResourceKind};

/// The first and the longest pause before a broken watch is opened again.
const REOPEN_AFTER: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// How long to wait, and who may end it early.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    pub deadline: Instant,
    pub cancel: &'a CancellationToken,
    /// Never told, should an event or a log line hold one of them.
    pub secrets: &'a [Password],
}

/// How a watch ended without what was waited for.
enum Unmet {
    Deadline,
    Cancelled,
    Refused(Answer),
}

impl Kubernetes {
    /// Waits until every pod of a StatefulSet runs its present template and is ready. Past the
    /// deadline the error says which pod, which container, and why.
    pub async fn wait_for_stateful_set(
        &self,
        namespace: &str,
        name: &str,
        wait: Wait<'_>,
    ) -> Result<(), KubernetesError> {
        let started = Instant::now();
        let api: Api<StatefulSet> = Api::namespaced(self.raw().await?, namespace);
        let stream = watch_object(api, name).backoff(reopen()).boxed();
        let mut seen: Option<StatefulSet> = None;
        let mut summary = "it has not been seen yet".to_owned();
        let mut last_error = None;
        let unmet = watch_until(stream, wait, &mut last_error, |set| {
            let left = match &set {
                None => Some("it does not exist".to_owned()),
                Some(set) => unfinished(set),
            };
            seen = set;
            if let Some(left) = left {
                if left != summary {
                    tracing::info!(statefulset = %format!("{namespace}/{name}"), "waiting: {left}");
                    summary = left;
                }
                return false;
            }
            true
        })
        .await;
        let subject = format!("StatefulSet {namespace}/{name}");
        match unmet {
            None => Ok(()),
            Some(Unmet::Cancelled) => Err(KubernetesError::Cancelled { subject, last_seen: summary }),
            Some(Unmet::Refused(answer)) => {
                let kind = ResourceKind::builtin("apps/v1", "StatefulSet").expect("a built-in kind");
                Err(refused(Call::on(Verb::Watch, &kind, Some(namespace), name).operation, answer))
            }
            Some(Unmet::Deadline) => {
                let (waited, set) = (started.elapsed(), seen.as_ref());
                let diagnosis = Diagnosis { namespace, subject, summary, waited, last_error };
                Err(KubernetesError::NotReady(Box::new(
                    Box::pin(diagnosis.run(self, set, wait.secrets)).await,
                )))
            }
        }
    }

    /// Waits until an object is gone.
    pub async fn wait_gone(&self, object: &ObjectRef, wait: Wait<'_>) -> Result<(), KubernetesError> {
        let Some(kind) = self.served(object).await? else { return Ok(()) };
        let api = self.dynamic_api(&kind, object.namespace.as_deref()).await?;
        let stream = watch_object(api, &object.name).backoff(reopen()).boxed();
        let mut last_seen = "nothing yet".to_owned();
        let started = Instant::now();
        let mut last_error = None;
        let unmet = watch_until(stream, wait, &mut last_error, |found| match found {
            None => true,
            Some(found) => {
                last_seen = describe_remains(&found);
                false
            }
        })
        .await;
        let operation = Call::on(Verb::Watch, &kind, object.namespace.as_deref(), &object.name).operation;
        outcome(unmet, object.to_string(), started, last_seen, last_error, operation)
    }

    /// Waits until no object of a kind and a selector is left in a namespace.
    pub async fn wait_none(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        label_selector: &str,
        wait: Wait<'_>,
    ) -> Result<(), KubernetesError> {
        let kind = self.resource_kind(api_version, kind).await?;
        let api = self.dynamic_api(&kind, Some(namespace)).await?;
        let config = Config::default().labels(label_selector);
        let stream = watcher::watcher(api, config).backoff(reopen()).boxed();
        let started = Instant::now();
        let (mut names, mut last_error) = (BTreeSet::new(), None);
        let unmet = watch_until(stream, wait, &mut last_error, |event| left_empty(&mut names, event)).await;
        let last_seen = names.into_iter().collect::<Vec<_>>().join(", ");
        let subject = format!("{}s of namespace {namespace} with {label_selector}", kind.kind);
        let operation = Call::on(Verb::Watch, &kind, Some(namespace), "").operation;
        outcome(unmet, subject, started, last_seen, last_error, operation)
    }

    /// Shows an object to `look`, as it is and after each change, until that breaks or the time is over.
    pub async fn watch_object(
        &self,
        object: &ObjectRef,
        within: Duration,
        look: &mut Look<'_>,
    ) -> Result<(), KubernetesError> {
        let Some(kind) = self.served(object).await? else {
            // Nothing of a kind that is not served can change.
            let _ = look(None);
            return Ok(());
        };
        let api = self.dynamic_api(&kind, object.namespace.as_deref()).await?;
        let stream = watch_object(api, &object.name).backoff(reopen()).boxed();
        let never = CancellationToken::new();
        let wait = Wait { deadline: Instant::now() + within, cancel: &never, secrets: &[] };
        let mut last_error = None;
        let unmet = watch_until(stream, wait, &mut last_error, |found| {
            let found = found.and_then(|found| whole(object, &found));
            look(found.as_ref()).is_break()
        })
        .await;
        let operation = Call::on(Verb::Watch, &kind, object.namespace.as_deref(), &object.name).operation;
        let waited = within;
        match (unmet, last_error) {
            (Some(Unmet::Refused(answer)), _) => Err(refused(operation, answer)),
            (Some(Unmet::Deadline), Some(last_seen)) => {
                Err(KubernetesError::WatchFailed { subject: object.to_string(), waited, last_seen })
            }
            _ => Ok(()),
        }
    }

    async fn served(&self, object: &ObjectRef) -> Result<Option<ResourceKind>, KubernetesError> {
        match self.resource_kind(&object.api_version, &object.kind).await {
            Ok(kind) => Ok(Some(kind)),
            Err(KubernetesError::KindNotServed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn dynamic_api(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
    ) -> Result<Api<DynamicObject>, KubernetesError> {
        let (client, resource) = (self.raw().await?, kind.to_api_resource());
        Ok(match namespace.filter(|_| kind.namespaced) {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        })
    }
}

/// The pauses between the openings of a broken watch: short, since a user waits, and bounded.
struct Reopen {
    next: Duration,
}

impl Iterator for Reopen {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next = (pause * 2).min(REOPEN_AFTER.1);
        Some(pause)
    }
}

impl Backoff for Reopen {
    fn reset(&mut self) {
        self.next = REOPEN_AFTER.0;
    }
}

fn reopen() -> Reopen {
    Reopen { next: REOPEN_AFTER.0 }
}

/// Feeds a watch to `is_met` until it says so. Errors of the watch are remembered and the watch
/// goes on; only a refusal of our rights ends it.
async fn watch_until<T: Debug>(
    mut stream: impl Stream<Item = Result<T, WatchError>> + Unpin,
    wait: Wait<'_>,
    last_error: &mut Option<String>,
    mut is_met: impl FnMut(T) -> bool,
) -> Option<Unmet> {
    loop {
        let item = tokio::select! {
            biased;
            () = wait.cancel.cancelled() => return Some(Unmet::Cancelled),
            item = stream.next() => item,
            () = sleep_until(wait.deadline) => return Some(Unmet::Deadline),
        };
        match item {
            Some(Ok(seen)) => {
                *last_error = None;
                if is_met(seen) {
                    return None;
                }
            }
            Some(Err(error)) => {
                if let Some(answer) = refusal(&error) {
                    return Some(Unmet::Refused(answer));
                }
                tracing::debug!(error = %innermost(&error), "a watch broke and is opened again");
                *last_error = Some(innermost(&error));
            }
            // The watcher reopens for ever, so its end is only that of a test's stream.
            None => sleep_until(wait.deadline).await,
        }
    }
}

/// The server's answer, where it says that we may not watch at all.
fn refusal(error: &WatchError) -> Option<Answer> {
    let (WatchError::InitialListFailed(kube::Error::Api(status))
    | WatchError::WatchStartFailed(kube::Error::Api(status))) = error
    else {
        return None;
    };
    matches!(status.code, 401 | 403).then(|| Answer {
        status: status.code,
        reason: status.reason.clone(),
        message: status.message.clone(),
        hint: String::new(),
    })
}

fn refused(operation: Operation, mut answer: Answer) -> KubernetesError {
    let list = Operation { verb: Verb::List, ..operation.clone() };
    answer.hint = format!("; it takes the permissions {} and {}", list.permission(), operation.permission());
    KubernetesError::Refused { operation: Box::new(operation), answer: Box::new(answer) }
}

fn outcome(
    unmet: Option<Unmet>,
    subject: String,
    started: Instant,
    last_seen: String,
    last_error: Option<String>,
    operation: Operation,
) -> Result<(), KubernetesError> {
    let waited = started.elapsed();
    match (unmet, last_error) {
        (None, _) => Ok(()),
        (Some(Unmet::Cancelled), _) => Err(KubernetesError::Cancelled { subject, last_seen }),
        (Some(Unmet::Refused(answer)), _) => Err(refused(operation, answer)),
        (Some(Unmet::Deadline), Some(error)) => {
            Err(KubernetesError::WatchFailed { subject, waited, last_seen: error })
        }
        (Some(Unmet::Deadline), None) => Err(KubernetesError::StillThere { subject, waited, last_seen }),
    }
}

/// Keeps the names that are left; true once a complete list is empty.
fn left_empty(names: &mut BTreeSet<String>, event: Event<DynamicObject>) -> bool {
    let name = |object: DynamicObject| object.metadata.name.unwrap_or_default();
    match event {
        Event::Init => {
            names.clear();
            false
        }
        Event::InitApply(object) | Event::Apply(object) => {
            names.insert(name(object));
            false
        }
        Event::Delete(object) => {
            names.remove(&name(object));
            names.is_empty()
        }
        Event::InitDone => names.is_empty(),
    }
}

/// The object as a get has it: what comes from a list does not say its kind.
fn whole(reference: &ObjectRef, found: &DynamicObject) -> Option<Json> {
    let mut object = serde_json::to_value(found).ok()?;
    let fields = object.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), reference.api_version.as_str().into());
    fields.insert("kind".to_owned(), reference.kind.as_str().into());
    Some(object)
}

/// Why an object is still there, in words.
fn describe_remains(object: &DynamicObject) -> String {
    let finalizers = object.metadata.finalizers.clone().unwrap_or_default();
    match (&object.metadata.deletion_timestamp, finalizers.is_empty()) {
        (None, _) => "its deletion has not begun".to_owned(),
        (Some(_), true) => "it is being deleted".to_owned(),
        (Some(_), false) => format!("it is being deleted and waits for {}", finalizers.join(", ")),
    }
}
