//! Changes: begun when the cluster is free, and waited for by the name of their operation, so
//! that an interrupted run can go on where it stopped.

use std::time::Duration;

use google_cloud_container_v1::Error as GoogleError;
use google_cloud_container_v1::model::{Operation, operation};
use tokio::time::{Instant, sleep, sleep_until};

use super::client::{attempts_max, pause_after};
use super::error::{Class, GkeError, classify, innermost, to_error};
use super::wire::{UpdateRequest, failure_of, to_create_request, to_update_request};
use super::{ClusterId, Gke, NodePoolSpec, NodePoolUpdate, Wait};

/// Between two looks at an operation: the first, and the longest.
const POLL: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Told the operation's name as soon as GKE has accepted it, before it is waited for.
pub type OnStarted<'a> = &'a mut (dyn FnMut(&str) + Send);

/// A change in words, and what it is about.
struct Change<'a> {
    cluster: &'a ClusterId,
    pool: &'a str,
    operation: String,
}

impl Change<'_> {
    fn path(&self) -> String {
        self.cluster.pool_path(self.pool)
    }
}

/// A request that was accepted, or that need not be made.
enum Started {
    Running(String),
    NothingToDo,
}

impl Gke {
    /// Creates a node pool and waits for its nodes. A pool of that name is `AlreadyExists`.
    pub async fn create_node_pool(
        &self,
        cluster: &ClusterId,
        spec: &NodePoolSpec,
        wait: Wait<'_>,
        on_started: OnStarted<'_>,
    ) -> Result<(), GkeError> {
        let pool = spec.name.as_str();
        let operation = format!("create the node pool {}", cluster.pool_path(pool));
        let change = Change { cluster, pool, operation };
        let manager = self.manager().await?;
        let request = to_create_request(cluster, spec);
        let started = self
            .start(&change, wait, Some(operation::Type::CreateNodePool), || {
                manager.create_node_pool().with_request(request.clone()).send()
            })
            .await?;
        self.finish(&change, started, wait, on_started).await
    }

    /// Makes one change to a node pool and waits for it.
    pub async fn update_node_pool(
        &self,
        cluster: &ClusterId,
        pool: &str,
        update: &NodePoolUpdate,
        wait: Wait<'_>,
        on_started: OnStarted<'_>,
    ) -> Result<(), GkeError> {
        let path = cluster.pool_path(pool);
        let change =
            Change { cluster, pool, operation: format!("{} of the node pool {path}", update.describe()) };
        let manager = self.manager().await?;
        let started = match to_update_request(&path, update) {
            UpdateRequest::Update(request) => {
                let send = || manager.update_node_pool().with_request((*request).clone()).send();
                self.start(&change, wait, None, send).await?
            }
            UpdateRequest::SetSize(request) => {
                let send = || manager.set_node_pool_size().with_request(request.clone()).send();
                self.start(&change, wait, None, send).await?
            }
        };
        self.finish(&change, started, wait, on_started).await
    }

    /// Deletes a node pool and waits until it is gone. One that is not there is a success.
    pub async fn delete_node_pool(
        &self,
        cluster: &ClusterId,
        pool: &str,
        wait: Wait<'_>,
        on_started: OnStarted<'_>,
    ) -> Result<(), GkeError> {
        let path = cluster.pool_path(pool);
        let change = Change { cluster, pool, operation: format!("delete the node pool {path}") };
        let manager = self.manager().await?;
        let send = || manager.delete_node_pool().set_name(&path).send();
        match self.start(&change, wait, None, send).await {
            Ok(started) => self.finish(&change, started, wait, on_started).await,
            Err(GkeError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Goes on waiting for an operation that an interrupted run began. One that GKE no longer
    /// knows ended long ago.
    pub async fn resume_operation(
        &self,
        cluster: &ClusterId,
        name: &str,
        wait: Wait<'_>,
    ) -> Result<(), GkeError> {
        let operation = format!("end the operation {name}");
        match self.await_operation(cluster, name, &operation, wait).await {
            Err(GkeError::NotFound { .. }) => Ok(()),
            ended => ended,
        }
    }

    /// Sends a request that begins an operation, as soon as the cluster runs no other. `lost` is
    /// the type to look for where an answer was lost and sending twice would be wrong.
    async fn start<F>(
        &self,
        change: &Change<'_>,
        wait: Wait<'_>,
        lost: Option<operation::Type>,
        send: impl Fn() -> F,
    ) -> Result<Started, GkeError>
    where
        F: Future<Output = Result<Operation, GoogleError>>,
    {
        let begun = Instant::now();
        let (mut failures, mut busy, mut uncertain) = (0, 0, false);
        loop {
            let error = match Box::pin(send()).await {
                Ok(operation) if operation.name.is_empty() => return Ok(Started::NothingToDo),
                Ok(operation) => return Ok(Started::Running(operation.name)),
                Err(error) => error,
            };
            let class = classify(&error);
            let last_seen = innermost(&error);
            uncertain |= class == Class::Uncertain;
            if uncertain
                && let Some(kind) = &lost
                && let Some(name) = self.find_operation(change, kind).await?
            {
                return Ok(Started::Running(name));
            }
            let pause = match class {
                Class::Busy => {
                    busy += 1;
                    tracing::info!(operation = %change.operation, "waiting for the cluster: {last_seen}");
                    pause_after(busy)
                }
                Class::NotDone | Class::Uncertain => {
                    failures += 1;
                    if failures >= attempts_max() {
                        return Err(self.given_up(&change.operation, &change.path(), failures, error));
                    }
                    pause_after(failures)
                }
                _ => return Err(to_error(&change.operation, &change.path(), error)),
            };
            pause_within(wait, pause, &change.operation, begun, &last_seen).await?;
        }
    }

    /// The operation of a request whose answer was lost.
    async fn find_operation(
        &self,
        change: &Change<'_>,
        kind: &operation::Type,
    ) -> Result<Option<String>, GkeError> {
        let manager = self.manager().await?;
        let parent = change.cluster.parent();
        let what = format!("list the operations of {parent}");
        let list = self.ask(&what, &parent, || manager.list_operations().set_parent(&parent).send()).await?;
        let target = format!("/clusters/{}/nodePools/{}", change.cluster.cluster, change.pool);
        let running = list.operations.into_iter().find(|operation| {
            operation.operation_type == *kind
                && operation.status != operation::Status::Done
                && operation.target_link.ends_with(&target)
        });
        Ok(running.map(|operation| operation.name))
    }

    async fn finish(
        &self,
        change: &Change<'_>,
        started: Started,
        wait: Wait<'_>,
        on_started: OnStarted<'_>,
    ) -> Result<(), GkeError> {
        let Started::Running(name) = started else { return Ok(()) };
        on_started(&name);
        self.await_operation(change.cluster, &name, &change.operation, wait).await
    }

    async fn await_operation(
        &self,
        cluster: &ClusterId,
        name: &str,
        what: &str,
        wait: Wait<'_>,
    ) -> Result<(), GkeError> {
        let begun = Instant::now();
        let path = format!("{}/operations/{name}", cluster.parent());
        let manager = self.manager().await?;
        let following = format!("follow the operation {name}");
        let mut pause = POLL.0;
        let mut told = String::new();
        loop {
            let get = || manager.get_operation().set_name(&path).send();
            let look = self.ask(&following, &path, get);
            let operation = tokio::select! {
                biased;
                () = wait.cancel.cancelled() => return Err(cancelled(what, name)),
                operation = look => operation?,
            };
            if operation.status == operation::Status::Done {
                return match failure_of(&operation) {
                    None => Ok(()),
                    Some(message) => {
                        Err(GkeError::Failed { operation: what.to_owned(), name: name.to_owned(), message })
                    }
                };
            }
            let seen = describe_progress(&operation);
            if seen != told {
                tracing::info!(
                    operation = name,
                    seconds = begun.elapsed().as_secs(),
                    "waiting to {what}: {seen}"
                );
                told.clone_from(&seen);
            }
            pause_within(wait, pause, what, begun, &format!("operation {name} is {seen}")).await?;
            pause = (pause * 3 / 2).min(POLL.1);
        }
    }
}

fn describe_progress(operation: &Operation) -> String {
    let status = operation.status.name().unwrap_or("in an unknown state");
    match operation.detail.as_str() {
        "" => status.to_owned(),
        detail => format!("{status}, {detail}"),
    }
}

fn cancelled(what: &str, name: &str) -> GkeError {
    let last_seen = format!("operation {name} goes on at GKE");
    GkeError::Cancelled { operation: what.to_owned(), last_seen }
}

/// Pauses, unless the deadline or a cancellation comes first.
async fn pause_within(
    wait: Wait<'_>,
    pause: Duration,
    what: &str,
    begun: Instant,
    last_seen: &str,
) -> Result<(), GkeError> {
    tokio::select! {
        biased;
        () = wait.cancel.cancelled() => {
            Err(GkeError::Cancelled { operation: what.to_owned(), last_seen: last_seen.to_owned() })
        }
        () = sleep_until(wait.deadline) => Err(GkeError::Timeout {
            operation: what.to_owned(),
            waited: begun.elapsed(),
            last_seen: last_seen.to_owned(),
        }),
        () = sleep(pause) => Ok(()),
    }
}
