//! Runs hooks: one after the other, each to its end.

use super::target::{Target, address};
use super::{Actor, chain, cluster_error};
use crate::cluster::DeleteOptions;
use crate::manifest::{HookDeletePolicy, HookEvent, HookPhase, Manifest};
use crate::release::{self, Release, ReleaseError};

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
}
