//! Looks closer at a StatefulSet that did not become ready: its pods, their claims, events and
//! logs. It only reads, and what it cannot read it leaves out.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::Api;
use kube::api::LogParams;
use tokio::time::timeout;

use super::error::KubernetesError;
use super::not_ready::{NotReady, Problem, claim_problem, failing_container, pod_problem, warnings};
use super::{Kubernetes, Password};

/// Of the whole closer look: the wait is over already.
const LOOK_TIMEOUT: Duration = Duration::from_secs(20);
const LOG_LINES: i64 = 5;
const LINE_LENGTH_MAX: usize = 400;

/// What is known before looking closer.
pub(super) struct Diagnosis<'a> {
    pub(super) namespace: &'a str,
    pub(super) subject: String,
    pub(super) summary: String,
    pub(super) waited: Duration,
    pub(super) last_error: Option<String>,
}

impl Diagnosis<'_> {
    pub(super) async fn run(
        self,
        kubernetes: &Kubernetes,
        set: Option<&StatefulSet>,
        secrets: &[Password],
    ) -> NotReady {
        let looked = match set {
            Some(set) => timeout(LOOK_TIMEOUT, look(kubernetes, self.namespace, set)).await,
            None => Ok(Ok(Vec::new())),
        };
        let (mut problems, look_error) = match looked {
            Ok(Ok(problems)) => (problems, None),
            Ok(Err(error)) => (Vec::new(), Some(error.to_string())),
            Err(_) => (Vec::new(), Some(format!("no answer within {} s", LOOK_TIMEOUT.as_secs()))),
        };
        problems.iter_mut().for_each(|problem| redact_problem(problem, secrets));
        NotReady {
            subject: self.subject,
            summary: self.summary,
            waited: self.waited,
            problems,
            last_error: look_error.or(self.last_error),
        }
    }
}

async fn look(
    kubernetes: &Kubernetes,
    namespace: &str,
    set: &StatefulSet,
) -> Result<Vec<Problem>, KubernetesError> {
    let selector = set.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
    let selector = to_selector(&selector);
    let (pods, claims, events) = tokio::join!(
        kubernetes.pods(namespace, &selector),
        kubernetes.claims(namespace, &selector),
        kubernetes.list_as::<Event>("v1", "Event", Some(namespace), ""),
    );
    // Claims and events only explain: without the right to read them the pods still speak.
    let (pods, claims, events) = (pods?, claims.unwrap_or_default(), events.unwrap_or_default());
    let mut problems: Vec<_> = set_problem(set, &events).into_iter().collect();
    problems.extend(claims.iter().filter_map(|claim| with_claim_events(claim, &events)));
    for pod in &pods {
        if let Some(problem) = pod_problem(pod) {
            problems.push(with_pod_details(kubernetes, namespace, pod, problem, &events).await);
        }
    }
    Ok(problems)
}

pub(super) fn to_selector(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

/// A set that cannot make its pods says so in events alone.
fn set_problem(set: &StatefulSet, events: &[Event]) -> Option<Problem> {
    let name = set.metadata.name.as_deref().unwrap_or_default();
    let events = warnings(events, "StatefulSet", name);
    let reason = "its controller warns".to_owned();
    (!events.is_empty()).then(|| Problem {
        object: format!("StatefulSet {name}"),
        reason,
        events,
        ..Problem::default()
    })
}

fn with_claim_events(claim: &PersistentVolumeClaim, events: &[Event]) -> Option<Problem> {
    let name = claim.metadata.name.as_deref().unwrap_or_default();
    let problem = claim_problem(claim)?;
    Some(Problem { events: warnings(events, "PersistentVolumeClaim", name), ..problem })
}

async fn with_pod_details(
    kubernetes: &Kubernetes,
    namespace: &str,
    pod: &Pod,
    problem: Problem,
    events: &[Event],
) -> Problem {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let failing = failing_container(pod).filter(|failing| failing.has_log && problem.container.is_some());
    let log = match failing {
        Some(failing) => read_log(kubernetes, namespace, name, &failing.container, failing.previous).await,
        None => Vec::new(),
    };
    Problem { events: warnings(events, "Pod", name), log, ..problem }
}

async fn read_log(
    kubernetes: &Kubernetes,
    namespace: &str,
    pod: &str,
    container: &str,
    previous: bool,
) -> Vec<String> {
    let Ok(client) = kubernetes.raw().await else { return Vec::new() };
    let parameters = LogParams {
        container: Some(container.to_owned()),
        previous,
        tail_lines: Some(LOG_LINES),
        ..LogParams::default()
    };
    let text = Api::<Pod>::namespaced(client, namespace).logs(pod, &parameters).await.unwrap_or_default();
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(usize::try_from(LOG_LINES).unwrap_or(usize::MAX));
    lines[from..].iter().map(|line| line.chars().take(LINE_LENGTH_MAX).collect()).collect()
}

fn redact_problem(problem: &mut Problem, secrets: &[Password]) {
    let texts = problem.events.iter_mut().chain(&mut problem.log).chain(std::iter::once(&mut problem.reason));
    for text in texts {
        for secret in secrets.iter().filter(|secret| !secret.expose().is_empty()) {
            if text.contains(secret.expose()) {
                *text = text.replace(secret.expose(), "(redacted)");
            }
        }
    }
}
