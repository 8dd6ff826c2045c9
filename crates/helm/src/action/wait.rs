//! Waits, by watches: for hooks to end, for objects to be ready, for objects to be gone.

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::Value as Json;

use super::target::Target;
use super::{Actor, Wait, cluster_error};
use crate::cluster::ObjectRef;
use crate::manifest::Hook;
use crate::readiness::{Completion, Readiness, completion, readiness};
use crate::release::ReleaseError;

/// What a look at an object says: nothing more to wait for, or what is missing, or why no waiting helps.
type Verdict = Result<Option<String>, String>;

impl Actor<'_> {
    /// Waits for the objects that the options say to wait for, all of them within one timeout.
    pub(super) async fn wait_for_objects(&self, targets: &[Target]) -> Result<(), ReleaseError> {
        if self.options.waits() == Wait::No {
            return Ok(());
        }
        let begun = self.clock.now();
        for target in targets {
            let is_job = target.reference.kind == "Job";
            let is_ready_as_it_is = !is_job && readiness(&target.object).is_ready();
            if is_ready_as_it_is || is_job && self.options.waits() != Wait::ObjectsAndJobs {
                continue;
            }
            let waited = Duration::try_from(self.clock.now().duration_since(begun)).unwrap_or_default();
            let left = self.options.wait_timeout.saturating_sub(waited);
            let judged = if is_job { judge_end } else { judge_readiness };
            self.watch(&target.reference, left, judged).await?.map_err(|reason| ReleaseError::NotReady {
                object: target.reference.to_string(),
                seconds: self.options.wait_timeout.as_secs(),
                reason,
            })?;
        }
        Ok(())
    }

    pub(super) async fn wait_until_complete(
        &self,
        hook: &Hook,
        reference: &ObjectRef,
    ) -> Result<(), ReleaseError> {
        self.watch_hook(reference, &hook.path, |live| match live {
            None => Err("it was deleted while it ran".to_owned()),
            Some(_) => judge_end(live),
        })
        .await
    }

    pub(super) async fn wait_until_gone(&self, reference: &ObjectRef) -> Result<(), ReleaseError> {
        if reference.kind == "CustomResourceDefinition" {
            return Ok(());
        }
        self.watch_hook(reference, "deletion", |live| Ok(live.map(|_| "it is still there".to_owned()))).await
    }

    pub(super) async fn wait_until_ready(
        &self,
        reference: &ObjectRef,
        path: &str,
    ) -> Result<(), ReleaseError> {
        self.watch_hook(reference, path, judge_readiness).await
    }

    async fn watch_hook(
        &self,
        reference: &ObjectRef,
        path: &str,
        judge: impl FnMut(Option<&Json>) -> Verdict + Send,
    ) -> Result<(), ReleaseError> {
        let timeout = self.options.hook_timeout;
        let outcome = self.watch(reference, timeout, judge).await?;
        outcome.map_err(|reason| ReleaseError::Hook {
            hook: reference.to_string(),
            path: path.to_owned(),
            reason,
        })
    }

    /// Watches an object until `judge` has nothing more to wait for. What it was still waiting for
    /// when the time was over, or why it gave up, is the inner error.
    async fn watch(
        &self,
        reference: &ObjectRef,
        within: Duration,
        mut judge: impl FnMut(Option<&Json>) -> Verdict + Send,
    ) -> Result<Result<(), String>, ReleaseError> {
        let mut verdict: Verdict = Ok(Some("nothing yet".to_owned()));
        let mut look = |live: Option<&Json>| {
            verdict = judge(live);
            if matches!(verdict, Ok(Some(_))) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let watched = self.cluster.watch(reference, within, &mut look).await;
        watched.map_err(cluster_error("watch", reference))?;
        Ok(match verdict {
            Ok(None) => Ok(()),
            Ok(Some(last_seen)) => {
                Err(format!("not done after {} s, last seen: {last_seen}", within.as_secs()))
            }
            Err(reason) => Err(reason),
        })
    }
}

fn judge_readiness(live: Option<&Json>) -> Verdict {
    Ok(match live.map(readiness) {
        None => Some("it is not there".to_owned()),
        Some(Readiness::NotReady(reason)) => Some(reason),
        Some(Readiness::Ready) => None,
    })
}

fn judge_end(live: Option<&Json>) -> Verdict {
    match live.map(completion) {
        None => Ok(Some("it is not there".to_owned())),
        Some(Completion::Succeeded) => Ok(None),
        Some(Completion::Running(last_seen)) => Ok(Some(last_seen)),
        Some(Completion::Failed(reason)) => Err(reason),
    }
}
