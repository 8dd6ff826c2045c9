//! Evictions: a pod is told to go if no disruption budget is spent by it.
//!
//! The eviction subresource and the drain of a node both end here.

use serde_json::{Value, json};

use super::object::{
    integer, is_pod_finished, is_pod_ready, is_terminating, name, set_condition, text, time_text,
};
use super::selector::selects;
use crate::store::{DeleteOptions, Key, Managed, Status, Store, WriteOptions, kinds};

/// Why a pod is not evicted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The budget's own sentence, for the `causes` of the answer 429.
    #[error("Cannot evict pod as it would violate the pod's disruption budget. {0}")]
    Budget(String),
    #[error(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    )]
    SeveralBudgets,
    #[error(transparent)]
    Store(#[from] Status),
}

/// Evicts a pod, or says which budget forbids it. With `dry_run` it only says.
///
/// # Errors
/// A budget that has nothing left to spend, more than one budget, or a refusal of the store.
pub fn evict(store: &Store, namespace: &str, pod_name: &str, options: &DeleteOptions) -> Result<(), Refusal> {
    let key = Key::namespaced(&kinds::POD, namespace, pod_name);
    let pod = store.get(&key).ok_or_else(|| Status::not_found(&kinds::POD, pod_name))?;
    if !is_terminating(&pod) && !is_free(&pod) {
        let (budgets, _) = store.list(&kinds::POD_DISRUPTION_BUDGET, Some(namespace));
        let matching: Vec<_> = budgets
            .iter()
            .filter(|budget| selects(budget.pointer("/spec/selector"), pod.pointer("/metadata/labels")))
            .collect();
        match matching.as_slice() {
            [] => {}
            [budget] => spend(store, namespace, budget, &pod, options.dry_run)?,
            _ => return Err(Refusal::SeveralBudgets),
        }
    }
    if !is_terminating(&pod) && !options.dry_run {
        mark_disrupted(store, &key)?;
    }
    store.delete(&key, options)?;
    Ok(())
}

/// Pods that run nothing yet or no more are nobody's availability.
fn is_free(pod: &Value) -> bool {
    is_pod_finished(pod) || text(pod, "/status/phase") == "Pending"
}

fn spend(store: &Store, namespace: &str, budget: &Value, pod: &Value, dry_run: bool) -> Result<(), Refusal> {
    if !is_pod_ready(pod) && unhealthy_may_go(budget) {
        return Ok(());
    }
    let key = Key::namespaced(&kinds::POD_DISRUPTION_BUDGET, namespace, name(budget));
    let write = WriteOptions {
        manager: "kube-apiserver".to_owned(),
        subresource: Some("status"),
        managed: Managed::Computed,
        dry_run,
    };
    let now = time_text(store.now());
    let mut refused = None;
    store.update_with(&key, &write, |budget| {
        refused = nothing_to_spend(budget);
        if refused.is_none() {
            let allowed = integer(budget, "/status/disruptionsAllowed").unwrap_or(0);
            budget["status"]["disruptionsAllowed"] = json!(allowed - 1);
            budget["status"]["disruptedPods"][name(pod)] = json!(now);
        }
        Ok(())
    })?;
    refused.map_or(Ok(()), |reason| Err(Refusal::Budget(reason)))
}

/// The sentence of a budget that forbids one more disruption.
fn nothing_to_spend(budget: &Value) -> Option<String> {
    let generation = integer(budget, "/metadata/generation");
    let is_processed = integer(budget, "/status/observedGeneration") >= generation;
    if !is_processed {
        return Some(format!(
            "The disruption budget {} is still being processed by the server.",
            name(budget)
        ));
    }
    let count = |field: &str| integer(budget, &format!("/status/{field}")).unwrap_or(0);
    (count("disruptionsAllowed") <= 0).then(|| {
        format!(
            "The disruption budget {} needs {} healthy pods and has {} currently",
            name(budget),
            count("desiredHealthy"),
            count("currentHealthy")
        )
    })
}

fn unhealthy_may_go(budget: &Value) -> bool {
    if text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow" {
        return true;
    }
    let count = |field: &str| integer(budget, &format!("/status/{field}")).unwrap_or(0);
    count("desiredHealthy") > 0 && count("currentHealthy") >= count("desiredHealthy")
}

fn mark_disrupted(store: &Store, key: &Key) -> Result<(), Status> {
    let now = store.now();
    store.update_status(key, |pod| {
        let condition = json!({
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": null,
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        });
        set_condition(pod, condition, now);
    })?;
    Ok(())
}
