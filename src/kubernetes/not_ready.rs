//! Why a StatefulSet is not ready: which pod, which container, why. Pure: objects in, words out.

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ContainerStatus, Event, PersistentVolumeClaim, Pod, PodCondition};

/// Events told of one object.
const EVENTS_MAX: usize = 3;

/// What a wait for a StatefulSet last saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// `StatefulSet default/redis-1`.
    pub subject: String,
    /// Such as `1 of 3 pods are ready`.
    pub summary: String,
    pub waited: Duration,
    pub problems: Vec<Problem>,
    /// What kept us from looking closer, if anything did.
    pub last_error: Option<String>,
}

/// One pod, claim or set that stands in the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// `Pod redis-1-1`.
    pub object: String,
    pub container: Option<String>,
    pub reason: String,
    /// The last warnings about the object.
    pub events: Vec<String>,
    /// The last lines of the failing container.
    pub log: Vec<String>,
}

impl fmt::Display for NotReady {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, summary, waited, problems, last_error } = self;
        write!(formatter, "{subject} is not ready after {} s: {summary}", waited.as_secs())?;
        for problem in problems {
            write!(formatter, "\n  {problem}")?;
        }
        match last_error {
            Some(error) => write!(formatter, "\n  looking closer failed: {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.object)?;
        if let Some(container) = &self.container {
            write!(formatter, ", container {container}")?;
        }
        write!(formatter, ": {}", self.reason)?;
        for event in &self.events {
            write!(formatter, "\n    event: {event}")?;
        }
        for line in &self.log {
            write!(formatter, "\n    log: {line}")?;
        }
        Ok(())
    }
}

/// How far a StatefulSet is. `None`: its controller has seen the present spec and every pod runs
/// it and is ready.
pub(super) fn unfinished(set: &StatefulSet) -> Option<String> {
    let spec_replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let Some(status) = &set.status else { return Some("its controller has not seen it yet".to_owned()) };
    let generation = set.metadata.generation.unwrap_or(0);
    if status.observed_generation.unwrap_or(0) < generation {
        return Some("its controller has not seen the last change yet".to_owned());
    }
    let ready = status.ready_replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    if status.replicas > spec_replicas {
        return Some(format!("{} pods exist, {spec_replicas} are wanted", status.replicas));
    }
    if ready < spec_replicas {
        return Some(format!("{ready} of {spec_replicas} pods are ready"));
    }
    // Pods are counted, and revisions not compared: a set that was made anew over pods of another template calls its
    // own revision the current one from the start. A partition leaves the pods below it as they are.
    let strategy = set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref()?.rolling_update.as_ref());
    let wanted = spec_replicas - strategy.and_then(|rolling| rolling.partition).unwrap_or(0);
    (updated < wanted).then(|| format!("{updated} of {wanted} pods run the present template"))
}

/// A container that keeps a pod from being ready, and whose log to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failing {
    pub container: String,
    pub reason: String,
    /// Read the log of the run before.
    pub previous: bool,
    /// It has run at all.
    pub has_log: bool,
}

/// The first container that is not as it should be, init containers first.
pub(super) fn failing_container(pod: &Pod) -> Option<Failing> {
    let status = pod.status.as_ref()?;
    let inits = status.init_container_statuses.iter().flatten().map(|status| (status, true));
    let mains = status.container_statuses.iter().flatten().map(|status| (status, false));
    let all: Vec<_> =
        inits.chain(mains).filter_map(|(status, init)| container_problem(status, init)).collect();
    // A container that only waits for its turn says less than one that failed.
    let waits_its_turn = |failing: &&Failing| failing.reason.contains("PodInitializing") && !failing.has_log;
    all.iter().find(|failing| !waits_its_turn(failing)).or_else(|| all.first()).cloned()
}

fn container_problem(status: &ContainerStatus, init: bool) -> Option<Failing> {
    let state = status.state.clone().unwrap_or_default();
    let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let ended = last.map(|ended| {
        let why = ended.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
        format!("; its last run ended with exit code {} ({why})", ended.exit_code)
    });
    let ended = ended.unwrap_or_default();
    let fail = |reason: String, previous: bool, has_log: bool| {
        Some(Failing { container: status.name.clone(), reason, previous, has_log })
    };
    if let Some(waiting) = state.waiting {
        let why = waiting.reason.unwrap_or_else(|| "no reason given".to_owned());
        let message = waiting.message.map(|message| format!(": {message}")).unwrap_or_default();
        return fail(format!("waiting, {why}{message}{ended}"), last.is_some(), last.is_some());
    }
    if let Some(stopped) = state.terminated {
        if init && stopped.exit_code == 0 {
            return None;
        }
        let why = stopped.reason.unwrap_or_else(|| "no reason given".to_owned());
        return fail(format!("ended with exit code {} ({why})", stopped.exit_code), false, true);
    }
    if status.ready {
        return None;
    }
    let restarts = match status.restart_count {
        0 => String::new(),
        count => format!(", restarted {count} times"),
    };
    let what = if init { "is still running" } else { "runs and its readiness probe fails" };
    fail(format!("{what}{restarts}{ended}"), false, true)
}

fn conditions(pod: &Pod) -> impl Iterator<Item = &PodCondition> {
    pod.status.iter().flat_map(|status| status.conditions.iter().flatten())
}

/// Whether a pod says that it is ready.
pub fn is_ready(pod: &Pod) -> bool {
    conditions(pod).any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// What is wrong with a pod, if anything is; its events and log are added by whoever can read them.
pub(super) fn pod_problem(pod: &Pod) -> Option<Problem> {
    let object = format!("Pod {}", pod.metadata.name.as_deref().unwrap_or("?"));
    if is_ready(pod) {
        return None;
    }
    if pod.metadata.deletion_timestamp.is_some() {
        return Some(Problem { object, reason: "is being deleted".to_owned(), ..Problem::default() });
    }
    let unscheduled =
        conditions(pod).find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unscheduled {
        let why = condition.reason.as_deref().unwrap_or("no reason given");
        let message = condition.message.as_deref().unwrap_or("the scheduler gave no message");
        return Some(Problem {
            object,
            reason: format!("not scheduled, {why}: {message}"),
            ..Problem::default()
        });
    }
    if let Some(failing) = failing_container(pod) {
        let (container, reason) = (Some(failing.container), failing.reason);
        return Some(Problem { object, container, reason, ..Problem::default() });
    }
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("unknown");
    Some(Problem { object, reason: format!("phase {phase}, no container started yet"), ..Problem::default() })
}

/// What is wrong with a claim, if anything is.
pub(super) fn claim_problem(claim: &PersistentVolumeClaim) -> Option<Problem> {
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    if phase == "Bound" {
        return None;
    }
    let class = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    let class =
        class.map_or("the default storage class".to_owned(), |name| format!("storage class `{name}`"));
    Some(Problem {
        object: format!("PersistentVolumeClaim {}", claim.metadata.name.as_deref().unwrap_or("?")),
        reason: format!("{phase}, not bound; it wants {class}"),
        ..Problem::default()
    })
}

/// The last warnings about one object, oldest first.
pub(super) fn warnings(events: &[Event], kind: &str, name: &str) -> Vec<String> {
    let is_about = |event: &&Event| {
        event.type_.as_deref() == Some("Warning")
            && event.involved_object.kind.as_deref() == Some(kind)
            && event.involved_object.name.as_deref() == Some(name)
    };
    let mut about: Vec<_> = events.iter().filter(is_about).collect();
    about.sort_by_key(|event| {
        let last = event.last_timestamp.as_ref().map(|time| time.0);
        last.or_else(|| event.event_time.as_ref().map(|time| time.0))
    });
    let from = about.len().saturating_sub(EVENTS_MAX);
    let told = about[from..].iter().map(|event| {
        let reason = event.reason.as_deref().unwrap_or("Warning");
        let times = event.count.filter(|count| *count > 1).map(|count| format!(" ({count} times)"));
        let message = event.message.as_deref().unwrap_or("no message").trim();
        format!("{reason}: {message}{}", times.unwrap_or_default())
    });
    told.collect()
}
