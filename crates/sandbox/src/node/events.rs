//! Events about pods, as a kubelet writes them: the same event again raises the count of the first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::store::object::{name, namespace, text, uid};
use crate::store::{Key, Store, format_time, kinds};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    Normal,
    Warning,
}

/// What happened, to which container if to one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sameness {
    pod_uid: String,
    field_path: String,
    reason: &'static str,
    message: String,
}

pub(super) struct Events {
    store: Store,
    written: Mutex<HashMap<Sameness, Key>>,
}

impl Events {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.acting_as("kubelet"), written: Mutex::default() }
    }

    /// An event about a pod, or about the container at `field_path` (`spec.containers{redis}`).
    pub(super) fn record(
        &self,
        pod: &Value,
        field_path: &str,
        kind: EventKind,
        reason: &'static str,
        message: &str,
    ) {
        let sameness = Sameness {
            pod_uid: uid(pod).to_owned(),
            field_path: field_path.to_owned(),
            reason,
            message: message.to_owned(),
        };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let now = json!(format_time(self.store.now()));
        if let Some(key) = written.get(&sameness) {
            let counted = self.store.update(key, |event| {
                event["count"] = json!(event["count"].as_i64().unwrap_or(1) + 1);
                event["lastTimestamp"] = now.clone();
            });
            if counted.is_ok() {
                return;
            }
        }
        match self.store.create(&kinds::EVENT, render(pod, &sameness, kind, &now)) {
            Ok(event) => {
                written.insert(sameness, Key::of(&kinds::EVENT, &event));
            }
            // A namespace that is being deleted takes no events.
            Err(refusal) => tracing::debug!(pod = name(pod), reason, %refusal, "an event was refused"),
        }
    }

    /// Forgets what was written about a pod that is gone.
    pub(super) fn forget(&self, pod_uid: &str) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|sameness, _| sameness.pod_uid != pod_uid);
    }
}

fn render(pod: &Value, sameness: &Sameness, kind: EventKind, now: &Value) -> Value {
    let node = text(pod, "/spec/nodeName");
    let mut about = json!({
        "apiVersion": "v1", "kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": uid(pod),
        "resourceVersion": text(pod, "/metadata/resourceVersion"),
    });
    if !sameness.field_path.is_empty() {
        about["fieldPath"] = json!(sameness.field_path);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{}.{:016x}", name(pod), rand::random::<u64>()), "namespace": namespace(pod)},
        "involvedObject": about,
        "type": match kind { EventKind::Normal => "Normal", EventKind::Warning => "Warning" },
        "reason": sameness.reason,
        "message": sameness.message,
        "source": {"component": "kubelet", "host": node},
        "reportingComponent": "kubelet",
        "reportingInstance": node,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "eventTime": null,
        "count": 1,
    })
}
