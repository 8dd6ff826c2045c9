//! What a pod is doing, as records, and the `status` that says so.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::store::format_time;
use crate::store::object::{items, text};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Waiting { reason: &'static str, message: String },
    Running { started_at: Timestamp },
    Terminated(Termination),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Termination {
    pub(super) exit_code: i32,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Timestamp,
    pub(super) container_id: String,
}

/// One container, through all its runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ContainerRecord {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) image_id: String,
    pub(super) container_id: String,
    pub(super) state: State,
    pub(super) last: Option<Termination>,
    pub(super) restarts: u32,
    pub(super) ready: bool,
    pub(super) started: bool,
    /// An init container that runs on beside the main ones.
    pub(super) is_sidecar: bool,
}

impl ContainerRecord {
    pub(super) fn new(container: &Value, reason: &'static str) -> Self {
        Self {
            name: text(container, "/name").to_owned(),
            image: text(container, "/image").to_owned(),
            image_id: String::new(),
            container_id: String::new(),
            state: State::Waiting { reason, message: String::new() },
            last: None,
            restarts: 0,
            ready: false,
            started: false,
            is_sidecar: is_sidecar(container),
        }
    }

    /// Whether the containers behind this init container may start.
    fn is_done(&self) -> bool {
        match &self.state {
            _ if self.is_sidecar => self.started,
            State::Terminated(end) => end.exit_code == 0,
            _ => false,
        }
    }

    fn has_run(&self) -> bool {
        !matches!(self.state, State::Waiting { .. }) || self.last.is_some()
    }

    fn render(&self) -> Value {
        let mut status = json!({
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": render_state(&self.state),
            "lastState": self.last.as_ref().map_or_else(|| json!({}), |last| json!({"terminated": render_end(last)})),
        });
        if !self.container_id.is_empty() {
            status["containerID"] = json!(self.container_id);
        }
        status
    }
}

fn render_state(state: &State) -> Value {
    match state {
        State::Waiting { reason, message } if message.is_empty() => json!({"waiting": {"reason": reason}}),
        State::Waiting { reason, message } => json!({"waiting": {"reason": reason, "message": message}}),
        State::Running { started_at } => json!({"running": {"startedAt": format_time(*started_at)}}),
        State::Terminated(end) => json!({"terminated": render_end(end)}),
    }
}

fn render_end(end: &Termination) -> Value {
    let mut rendered = json!({
        "exitCode": end.exit_code,
        "reason": end.reason,
        "startedAt": format_time(end.started_at),
        "finishedAt": format_time(end.finished_at),
        "containerID": end.container_id,
    });
    if !end.message.is_empty() {
        rendered["message"] = json!(end.message);
    }
    rendered
}

/// A pod as its node sees it.
#[derive(Debug, Clone)]
pub(super) struct PodRecord {
    pub(super) started_at: Timestamp,
    pub(super) host_address: String,
    pub(super) address: Option<Ipv4Addr>,
    pub(super) init: Vec<ContainerRecord>,
    pub(super) main: Vec<ContainerRecord>,
    /// Nothing will be started again.
    pub(super) is_stopping: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

impl PodRecord {
    pub(super) fn new(pod: &Value, host_address: String, now: Timestamp) -> Self {
        let init = items(pod, "/spec/initContainers");
        let reason = if init.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        Self {
            started_at: now,
            host_address,
            address: None,
            init: init.iter().map(|container| ContainerRecord::new(container, "PodInitializing")).collect(),
            main: items(pod, "/spec/containers")
                .iter()
                .map(|container| ContainerRecord::new(container, reason))
                .collect(),
            is_stopping: false,
        }
    }

    pub(super) fn container(&mut self, name: &str) -> Option<&mut ContainerRecord> {
        self.init.iter_mut().chain(&mut self.main).find(|container| container.name == name)
    }

    /// Once a main container ran, a sidecar that starts again does not undo it.
    fn is_initialized(&self) -> bool {
        self.main.iter().any(ContainerRecord::has_run) || self.init.iter().all(ContainerRecord::is_done)
    }

    /// The containers that the pod is ready with.
    fn lasting(&self) -> impl Iterator<Item = &ContainerRecord> {
        self.init.iter().filter(|record| record.is_sidecar).chain(&self.main)
    }

    fn is_ready(&self) -> bool {
        self.is_initialized() && !self.is_stopping && self.lasting().all(|container| container.ready)
    }

    fn phase(&self, restart_policy: &str) -> Phase {
        let ended = |container: &ContainerRecord| match &container.state {
            State::Terminated(end) => Some(end.exit_code),
            _ => None,
        };
        let failed = |container: &ContainerRecord| ended(container).is_some_and(|code| code != 0);
        let init_failed = self.init.iter().any(|container| !container.is_sidecar && failed(container));
        // A pod is over when its sidecars have ended too.
        let sidecar_runs = self
            .init
            .iter()
            .any(|container| container.is_sidecar && matches!(container.state, State::Running { .. }));
        if init_failed && restart_policy == "Never" && !sidecar_runs {
            return Phase::Failed;
        }
        let codes: Option<Vec<_>> = self.main.iter().map(ended).collect();
        if let Some(codes) = codes {
            return match restart_policy {
                _ if sidecar_runs => Phase::Running,
                _ if self.is_stopping && codes.iter().any(|code| *code != 0) => Phase::Failed,
                _ if self.is_stopping => Phase::Succeeded,
                "Always" => Phase::Running,
                _ if codes.iter().all(|code| *code == 0) => Phase::Succeeded,
                "Never" => Phase::Failed,
                _ => Phase::Running,
            };
        }
        if !self.is_initialized() || !self.main.iter().all(ContainerRecord::has_run) {
            Phase::Pending
        } else {
            Phase::Running
        }
    }

    /// The status of `pod`; what others wrote into it (PodScheduled, disruption) stays.
    pub(super) fn render(&self, pod: &Value, now: Timestamp) -> Value {
        let phase = self.phase(text(pod, "/spec/restartPolicy"));
        let before = pod.get("status").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut status = before.clone();
        let phase_text = match phase {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
        };
        status.insert("phase".into(), json!(phase_text));
        status.insert("startTime".into(), json!(format_time(self.started_at)));
        status.insert("hostIP".into(), json!(self.host_address));
        status.insert("hostIPs".into(), json!([{"ip": self.host_address}]));
        if let Some(address) = self.address {
            status.insert("podIP".into(), json!(address));
            status.insert("podIPs".into(), json!([{"ip": address}]));
        }
        for (field, records) in [("initContainerStatuses", &self.init), ("containerStatuses", &self.main)] {
            if !records.is_empty() {
                status.insert(field.into(), records.iter().map(ContainerRecord::render).collect());
            }
        }
        let conditions = self.render_conditions(pod, phase, now);
        status.insert("conditions".into(), conditions);
        Value::Object(status)
    }

    fn render_conditions(&self, pod: &Value, phase: Phase, now: Timestamp) -> Value {
        let is_over = phase == Phase::Succeeded;
        let unready = names(self.lasting().filter(|record| !record.ready));
        let unready = format!("containers with unready status: {unready}");
        let incomplete = names(self.init.iter().filter(|record| !record.is_done()));
        let incomplete = format!("containers with incomplete status: {incomplete}");
        let not_ready = if is_over { ("PodCompleted", "") } else { ("ContainersNotReady", &*unready) };
        let wanted = [
            ("PodReadyToStartContainers", self.address.is_some() && !is_over, ("", "")),
            ("Initialized", self.is_initialized(), ("ContainersNotInitialized", &*incomplete)),
            ("Ready", self.is_ready(), not_ready),
            ("ContainersReady", self.is_ready(), not_ready),
        ];
        let existing = items(pod, "/status/conditions");
        let ours = |condition: &&Value| !wanted.iter().any(|(kind, ..)| *kind == text(condition, "/type"));
        let mut conditions: Vec<Value> = wanted
            .iter()
            .map(|(kind, is_true, why)| {
                let before = existing.iter().find(|condition| text(condition, "/type") == *kind);
                render_condition(kind, *is_true, *why, before, now)
            })
            .collect();
        conditions.extend(existing.iter().filter(ours).cloned());
        Value::Array(conditions)
    }
}

/// Whether a container of `initContainers` runs on beside the main ones.
pub(super) fn is_sidecar(container: &Value) -> bool {
    text(container, "/restartPolicy") == "Always"
}

fn names<'a>(records: impl Iterator<Item = &'a ContainerRecord>) -> String {
    let names: Vec<_> = records.map(|record| &*record.name).collect();
    format!("[{}]", names.join(" "))
}

/// The time of the last transition moves only when the status does.
fn render_condition(
    kind: &str,
    is_true: bool,
    (reason, message): (&str, &str),
    before: Option<&Value>,
    now: Timestamp,
) -> Value {
    let status = if is_true { "True" } else { "False" };
    let mut condition = Map::new();
    condition.insert("type".into(), json!(kind));
    condition.insert("status".into(), json!(status));
    condition.insert("lastProbeTime".into(), Value::Null);
    let since = before
        .filter(|before| text(before, "/status") == status)
        .map_or_else(|| json!(format_time(now)), |before| before["lastTransitionTime"].clone());
    condition.insert("lastTransitionTime".into(), since);
    for (field, value) in [("reason", reason), ("message", message)] {
        if !is_true && !value.is_empty() {
            condition.insert(field.into(), json!(value));
        }
    }
    Value::Object(condition)
}
