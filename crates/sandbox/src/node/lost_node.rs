//! A node that is lost: its status goes stale, and comes back with it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::pod::Context;
use super::timing::Timing;
use crate::store::object::text;
use crate::store::{Key, format_time, kinds};

/// What a node that stops reporting no longer vouches for; the others are not the kubelet's.
const REPORTED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// A node that stopped reporting.
pub(super) struct LostNode {
    name: String,
    since: Instant,
    /// How long the control plane waits for a report (`node-monitor-grace-period`).
    grace: Duration,
    /// The conditions as the node last reported them, once they were replaced.
    last_report: Option<Value>,
}

impl LostNode {
    pub(super) fn new(name: &str, timing: Timing) -> Self {
        Self { name: name.to_owned(), since: Instant::now(), grace: timing.node_grace(), last_report: None }
    }

    /// When the node will be missed; none once it is.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.last_report.is_none().then(|| self.since + self.grace)
    }

    /// Says that nothing is known of the node any more, once the grace is over. What follows from that (taints,
    /// unready pods, evictions) is the controllers'.
    pub(super) fn miss(&mut self, context: &Context) {
        if self.deadline().is_none_or(|deadline| Instant::now() < deadline) {
            return;
        }
        let mut before = Value::Null;
        self.change_conditions(context, |conditions, now| {
            before = conditions.clone();
            for condition in conditions.as_array_mut().into_iter().flatten() {
                if !REPORTED.contains(&text(condition, "/type")) {
                    continue;
                }
                if text(condition, "/status") != "Unknown" {
                    condition["lastTransitionTime"] = json!(now);
                }
                condition["status"] = json!("Unknown");
                condition["reason"] = json!("NodeStatusUnknown");
                condition["message"] = json!("Kubelet stopped posting node status.");
            }
        });
        self.last_report = Some(before);
    }

    /// The node reports again what it reported last.
    pub(super) fn come_back(self, context: &Context) {
        let Some(report) = self.last_report.clone() else { return };
        self.change_conditions(context, |conditions, now| {
            let mut report = report;
            for condition in report.as_array_mut().into_iter().flatten() {
                if REPORTED.contains(&text(condition, "/type")) {
                    condition["lastTransitionTime"] = json!(now);
                    condition["lastHeartbeatTime"] = json!(now);
                }
            }
            *conditions = report;
        });
    }

    fn change_conditions(&self, context: &Context, change: impl FnOnce(&mut Value, &str)) {
        let now = format_time(context.store.now());
        let key = Key::cluster(&kinds::NODE, &self.name);
        let written =
            context.store.update_status(&key, |node| change(&mut node["status"]["conditions"], &now));
        if let Err(refusal) = written {
            // A node that was deleted meanwhile is missed by nobody.
            tracing::debug!(node = self.name, %refusal, "the status of a lost node was refused");
        }
    }
}
