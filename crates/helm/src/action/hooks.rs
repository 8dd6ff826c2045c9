//! Runs hooks: one after the other, each to its end.

use std::time::Duration;

use serde_json::Value as Json;

use super::target::{Target, address};
use super::{Actor, chain, cluster_error};
use crate::cluster::{DeleteOptions, ObjectRef};
use crate::manifest::{Hook, HookDeletePolicy, HookEvent, HookPhase, Manifest};
use crate::readiness::{Completion, completion};
use crate::release::{self, Release, ReleaseError};

const POLL_INTERVAL: Duration = Duration::from_secs(1);

impl Actor<'_> {
    /// Runs the hooks of an event by weight and name. The first that fails ends the run; those that
    /// succeeded before it are still cleaned up by their policies.
    pub(super) async fn run_hooks(
        &self,
        event: HookEvent,
        release: &mut Release,
    ) -> Result<(), ReleaseError> {
        let mut order: Vec<usize> = (0..release.hooks.len()).collect();
        order.retain(|index| release.hooks[*index].events.contains(&event));
        order.sort_by_key(|index| {
            let hook = &release.hooks[*index];
            (hook.weight, hook.name.clone())
        });
        let mut succeeded = Vec::new();
        for index in order {
            let target = self.hook_target(release, index).await?;
            if let Err(error) = self.run_hook(release, index, &target).await {
                let policies = &release.hooks[index].delete_policies;
                if policies.contains(&HookDeletePolicy::HookFailed) {
                    self.delete_quietly(&target).await;
                }
                self.clean_up(release, &succeeded).await;
                return Err(error);
            }
            succeeded.push((index, target));
        }
        self.clean_up(release, &succeeded).await;
        Ok(())
    }

    async fn hook_target(&self, release: &Release, index: usize) -> Result<Target, ReleaseError> {
        let hook = &release.hooks[index];
        let manifest = Manifest::parse(&hook.path, &hook.manifest).map_err(|source| {
            ReleaseError::Manifest { name: release.name.clone(), version: release.version, source }
        })?;
        address(self.cluster, &release.namespace, &hook.path, &manifest.object).await
    }

    async fn run_hook(
        &self,
        release: &mut Release,
        index: usize,
        target: &Target,
    ) -> Result<(), ReleaseError> {
        let hook = &mut release.hooks[index];
        if hook.delete_policies.is_empty() {
            hook.delete_policies.push(HookDeletePolicy::BeforeHookCreation);
        }
        if hook.delete_policies.contains(&HookDeletePolicy::BeforeHookCreation) {
            self.delete_hook(target).await?;
            self.wait_until_gone(&target.reference).await?;
        }
        hook.last_run.started_at = self.timestamp();
        hook.last_run.completed_at.clear();
        hook.last_run.phase = HookPhase::Running;
        release::update(self.cluster, release, self.clock.now()).await?;
        let result = match self.apply(target).await {
            Ok(_) => self.wait_until_complete(&release.hooks[index], &target.reference).await,
            Err(error) => Err(error),
        };
        let completed_at = self.timestamp();
        let run = &mut release.hooks[index].last_run;
        run.completed_at = completed_at;
        run.phase = if result.is_ok() { HookPhase::Succeeded } else { HookPhase::Failed };
        result
    }

    /// Definitions of custom resources are never deleted: all their objects would go with them.
    async fn delete_hook(&self, target: &Target) -> Result<(), ReleaseError> {
        if target.reference.kind == "CustomResourceDefinition" {
            return Ok(());
        }
        let deleted = self.cluster.delete(&target.reference, &DeleteOptions::default()).await;
        deleted.map_err(cluster_error("delete the hook", &target.reference))
    }

    async fn delete_quietly(&self, target: &Target) {
        if let Err(error) = self.delete_hook(target).await {
            tracing::warn!(error = chain(&error), "a hook stays behind");
        }
    }

    async fn clean_up(&self, release: &Release, succeeded: &[(usize, Target)]) {
        for (index, target) in succeeded.iter().rev() {
            if release.hooks[*index].delete_policies.contains(&HookDeletePolicy::HookSucceeded) {
                self.delete_quietly(target).await;
            }
        }
    }

    async fn wait_until_complete(&self, hook: &Hook, reference: &ObjectRef) -> Result<(), ReleaseError> {
        self.poll(reference, &hook.path, |live| match live {
            None => Err("it was deleted while it ran".to_owned()),
            Some(live) => match completion(live) {
                Completion::Succeeded => Ok(None),
                Completion::Running(last_seen) => Ok(Some(last_seen)),
                Completion::Failed(reason) => Err(reason),
            },
        })
        .await
    }

    pub(super) async fn wait_until_gone(&self, reference: &ObjectRef) -> Result<(), ReleaseError> {
        if reference.kind == "CustomResourceDefinition" {
            return Ok(());
        }
        let path = "deletion";
        self.poll(reference, path, |live| Ok(live.map(|_| "it is still there".to_owned()))).await
    }

    pub(super) async fn wait_until_ready(
        &self,
        reference: &ObjectRef,
        path: &str,
    ) -> Result<(), ReleaseError> {
        self.poll(reference, path, |live| {
            Ok(live.and_then(|live| crate::readiness::readiness(live).reason().map(str::to_owned)))
        })
        .await
    }

    /// Looks at an object until `judge` has nothing more to wait for, or the hook's timeout passed.
    async fn poll(
        &self,
        reference: &ObjectRef,
        path: &str,
        judge: impl Fn(Option<&Json>) -> Result<Option<String>, String> + Send + Sync,
    ) -> Result<(), ReleaseError> {
        let failed =
            |reason| ReleaseError::Hook { hook: reference.to_string(), path: path.to_owned(), reason };
        let begun = self.clock.now();
        loop {
            let live = self.get(reference).await?;
            let Some(last_seen) = judge(live.as_ref()).map_err(failed)? else { return Ok(()) };
            let waited = Duration::try_from(self.clock.now().duration_since(begun)).unwrap_or_default();
            if waited >= self.options.hook_timeout {
                let seconds = waited.as_secs();
                return Err(failed(format!("not done after {seconds} s, last seen: {last_seen}")));
            }
            self.clock.sleep(POLL_INTERVAL).await;
        }
    }
}
