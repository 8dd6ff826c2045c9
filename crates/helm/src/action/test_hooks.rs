//! The tests that a release brings along: its hooks of the event `test`.

use super::{Actor, Options};
use crate::cluster::{Clock, Cluster};
use crate::manifest::HookEvent;
use crate::release::{self, History, Release, ReleaseError};

/// Runs the test hooks of the newest revision, and records how each of them ended.
///
/// # Errors
/// There is no such release, someone else works on it, or a test fails. What ran is recorded then too.
pub async fn test(
    cluster: &dyn Cluster,
    clock: &dyn Clock,
    namespace: &str,
    name: &str,
    options: &Options,
) -> Result<Release, ReleaseError> {
    let actor = Actor { cluster, clock, options };
    let history = History::read(cluster, namespace, name).await?;
    history.check_idle(clock.now(), options.stale_after)?;
    let Some(mut release) = history.latest().cloned() else {
        let (name, namespace) = (name.to_owned(), namespace.to_owned());
        return Err(ReleaseError::NotFound { name, namespace });
    };
    let tested = actor.run_hooks(HookEvent::Test, &mut release).await;
    let recorded = release::update(cluster, &mut release, clock.now()).await;
    tested.and(recorded).map(|()| release)
}
