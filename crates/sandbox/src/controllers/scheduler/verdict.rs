//! Why nodes were refused, and kube-scheduler's sentence about it.

use std::collections::BTreeMap;

/// One reason why one node cannot take a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// Whether it could be otherwise if other pods went away (resources, anti-affinity).
    pub(super) depends_on_pods: bool,
}

impl Refusal {
    pub(super) fn by_node(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), depends_on_pods: false }
    }

    pub(super) fn by_pods(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), depends_on_pods: true }
    }
}

/// The refusals of all nodes, counted by reason.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    nodes: usize,
    reasons: BTreeMap<String, usize>,
    preemptible: usize,
    whole_pod: Option<String>,
}

impl Refusals {
    /// A reason that lies in the pod itself and holds for every node.
    pub(super) fn of_all(nodes: usize, reason: String) -> Self {
        Self { nodes, whole_pod: Some(reason), ..Self::default() }
    }

    pub(super) fn add(&mut self, refused: Vec<Refusal>) {
        self.nodes += 1;
        if refused.iter().all(|refusal| refusal.depends_on_pods) {
            self.preemptible += 1;
        }
        for refusal in refused {
            *self.reasons.entry(refusal.reason).or_default() += 1;
        }
    }

    /// The message of the condition and of the event, in kube-scheduler's form.
    pub(super) fn message(&self) -> String {
        if self.nodes == 0 {
            return "no nodes available to schedule pods".to_owned();
        }
        let total = self.nodes;
        let reasons = match &self.whole_pod {
            Some(reason) => reason.clone(),
            None => joined(self.reasons.iter().map(|(reason, count)| (*count, reason.as_str()))),
        };
        let preemption = joined(
            [
                (self.preemptible, "No preemption victims found for incoming pod"),
                (total - self.preemptible, "Preemption is not helpful for scheduling"),
            ]
            .into_iter()
            .filter(|(count, _)| *count > 0),
        );
        format!(
            "0/{total} nodes are available: {reasons}. \
             preemption: 0/{total} nodes are available: {preemption}."
        )
    }
}

/// "COUNT REASON" for each, sorted as text, as kube-scheduler does.
fn joined<'a>(reasons: impl Iterator<Item = (usize, &'a str)>) -> String {
    let mut parts: Vec<String> = reasons.map(|(count, reason)| format!("{count} {reason}")).collect();
    parts.sort();
    parts.join(", ")
}
