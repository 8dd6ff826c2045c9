//! Jobs: pods run to completion, again after a failure until the back-off limit.
//!
//! Absent: indexed completion, pod failure policies, suspension.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::digest::letters_of;
use super::events::{Event, EventKind};
use super::object::{
    condition_is_true, controller_reference, entry, integer, is_controlled_by, is_pod_finished,
    is_terminating, metadata_entry, name, namespace, parse_time, set_condition, text, time_text, uid,
};
use super::world::{Plan, Reconciler, World, Write};

const FIRST_BACKOFF_SECONDS: i64 = 10;
const LONGEST_BACKOFF_SECONDS: i64 = 360;

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: "job-controller", reads: &["Job", "Pod"], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for job in world.all("Job").filter(|job| !is_terminating(job)) {
        reconcile_job(world, job, &mut plan);
    }
    plan
}

struct Progress<'a> {
    active: Vec<&'a Value>,
    succeeded: i64,
    failed: i64,
    last_failure: Option<&'a str>,
}

fn reconcile_job(world: &World, job: &Value, plan: &mut Plan) {
    if condition_is_true(job, "Complete") || condition_is_true(job, "Failed") {
        expire(world, job, plan);
        return;
    }
    let mut progress = observe(world, job);
    let completions = integer(job, "/spec/completions").unwrap_or(1);
    let limit = integer(job, "/spec/backoffLimit").unwrap_or(6);
    let deadline = deadline(world, job);
    plan.look_again_at(deadline);
    let verdict = if progress.succeeded >= completions {
        Some(("Complete", "CompletionsReached", "Reached expected number of succeeded pods"))
    } else if progress.failed > limit {
        Some(("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"))
    } else if deadline.is_some_and(|deadline| deadline <= world.now) {
        Some(("Failed", "DeadlineExceeded", "Job was active longer than specified deadline"))
    } else {
        None
    };
    let created = match verdict {
        Some(_) => {
            for pod in progress.active.drain(..) {
                plan.push(Write::delete(pod));
            }
            0
        }
        None => start_pods(world, job, &progress, completions, plan),
    };
    write_status(world, job, &progress, created, verdict, plan);
}

fn observe<'a>(world: &'a World, job: &'a Value) -> Progress<'a> {
    let pods: Vec<&Value> =
        world.within("Pod", namespace(job)).filter(|pod| is_controlled_by(pod, uid(job))).collect();
    let in_phase = |phase: &str| pods.iter().filter(|pod| text(pod, "/status/phase") == phase).count();
    Progress {
        succeeded: i64::try_from(in_phase("Succeeded")).unwrap_or(i64::MAX),
        failed: i64::try_from(in_phase("Failed")).unwrap_or(i64::MAX),
        last_failure: pods
            .iter()
            .filter(|pod| text(pod, "/status/phase") == "Failed")
            .map(|pod| match text(pod, "/status/containerStatuses/0/state/terminated/finishedAt") {
                "" => text(pod, "/metadata/creationTimestamp"),
                at => at,
            })
            .max(),
        active: pods.into_iter().filter(|pod| !is_pod_finished(pod) && !is_terminating(pod)).collect(),
    }
}

fn deadline(world: &World, job: &Value) -> Option<jiff::Timestamp> {
    let seconds = integer(job, "/spec/activeDeadlineSeconds")?;
    let start = parse_time(text(job, "/status/startTime")).unwrap_or(world.now);
    Some(start + SignedDuration::from_secs(seconds))
}

fn start_pods(world: &World, job: &Value, progress: &Progress<'_>, completions: i64, plan: &mut Plan) -> i64 {
    let active = i64::try_from(progress.active.len()).unwrap_or(i64::MAX);
    let parallelism = integer(job, "/spec/parallelism").unwrap_or(1);
    let missing = (completions - progress.succeeded).min(parallelism) - active;
    let not_before = progress.last_failure.and_then(parse_time).map(|at| {
        let exponent = u32::try_from(progress.failed - 1).unwrap_or(0).min(10);
        let seconds = FIRST_BACKOFF_SECONDS << exponent;
        at + SignedDuration::from_secs(seconds.min(LONGEST_BACKOFF_SECONDS))
    });
    if missing > 0 && not_before.is_some_and(|at| at > world.now) {
        plan.look_again_at(not_before);
        return 0;
    }
    for index in 0..missing.max(0) {
        let attempt = progress.succeeded + progress.failed + active + index;
        let pod = render_pod(job, attempt);
        plan.push(Write::Event(Event {
            about: job.clone(),
            kind: EventKind::Normal,
            reason: "SuccessfulCreate",
            message: format!("Created pod: {}", name(&pod)),
            component: "job-controller",
        }));
        plan.push(Write::Create(pod));
    }
    missing.max(0)
}

fn render_pod(job: &Value, attempt: i64) -> Value {
    let template = &job["spec"]["template"];
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": template.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "spec": template["spec"],
    });
    let suffix = letters_of(&format!("{}/{attempt}", uid(job)), 5);
    let metadata = entry(&mut pod, "metadata");
    metadata.insert("name".to_owned(), json!(format!("{}-{suffix}", name(job))));
    metadata.insert("generateName".to_owned(), json!(format!("{}-", name(job))));
    metadata.insert("namespace".to_owned(), json!(namespace(job)));
    metadata.insert("ownerReferences".to_owned(), json!([controller_reference(job)]));
    let labels = metadata_entry(&mut pod, "labels");
    for prefix in ["", "batch.kubernetes.io/"] {
        labels.insert(format!("{prefix}controller-uid"), json!(uid(job)));
        labels.insert(format!("{prefix}job-name"), json!(name(job)));
    }
    pod
}

fn write_status(
    world: &World,
    job: &Value,
    progress: &Progress<'_>,
    created: i64,
    verdict: Option<(&str, &str, &str)>,
    plan: &mut Plan,
) {
    let active = i64::try_from(progress.active.len()).unwrap_or(i64::MAX) + created;
    let now = time_text(world.now);
    let start = match text(job, "/status/startTime") {
        "" => now.clone(),
        start => start.to_owned(),
    };
    let mut changed = json!({"status": {"startTime": start, "terminating": 0,
        "uncountedTerminatedPods": {}, "ready": 0}});
    for (key, count) in [("active", active), ("succeeded", progress.succeeded), ("failed", progress.failed)] {
        if count > 0 {
            changed["status"][key] = json!(count);
        }
    }
    if let Some((kind, reason, message)) = verdict {
        let first = if kind == "Complete" { "SuccessCriteriaMet" } else { "FailureTarget" };
        for kind in [first, kind] {
            let condition = json!({"type": kind, "status": "True", "lastProbeTime": now,
                "reason": reason, "message": message});
            set_condition(&mut changed, condition, world.now);
        }
        if kind == "Complete" {
            changed["status"]["completionTime"] = json!(now);
        }
        plan.push(Write::Event(Event {
            about: job.clone(),
            kind: if kind == "Complete" { EventKind::Normal } else { EventKind::Warning },
            reason: if kind == "Complete" { "Completed" } else { "BackoffLimitExceeded" },
            message: if kind == "Complete" { "Job completed".to_owned() } else { message.to_owned() },
            component: "job-controller",
        }));
    }
    plan.set_status(job, changed["status"].take());
}

/// `ttlSecondsAfterFinished`.
fn expire(world: &World, job: &Value, plan: &mut Plan) {
    let Some(ttl) = integer(job, "/spec/ttlSecondsAfterFinished") else {
        return;
    };
    let finished = super::object::list(job, "/status/conditions")
        .iter()
        .filter_map(|condition| parse_time(text(condition, "/lastTransitionTime")))
        .max();
    let at = finished.unwrap_or(world.now) + SignedDuration::from_secs(ttl);
    if at <= world.now {
        plan.push(Write::delete(job));
    } else {
        plan.look_again_at(Some(at));
    }
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{owned_by, status_of, summary, world};

    use super::*;

    fn job() -> Value {
        json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "hook", "namespace": "web", "uid": "j"},
            "spec": {"backoffLimit": 1, "template": {"spec": {"containers": []}}}})
    }

    fn pod(name: &str, phase: &str) -> Value {
        let pod = json!({"kind": "Pod", "metadata": {"name": name, "namespace": "web", "uid": name,
            "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": phase}});
        owned_by(pod, &job())
    }

    #[test]
    fn a_job_runs_a_pod_and_completes() {
        let plan = reconcile(&world([job()]));
        assert!(summary(&plan)[0].starts_with("create Pod hook-"));
        assert_eq!(status_of(&plan, "hook").expect("a status")["active"], 1);
        let done = reconcile(&world([job(), pod("a", "Succeeded")]));
        let status = status_of(&done, "hook").expect("a status");
        assert_eq!(status["succeeded"], 1);
        assert_eq!(status.pointer("/conditions/1/type"), Some(&json!("Complete")));
    }

    #[test]
    fn a_job_fails_beyond_its_back_off_limit() {
        let again = reconcile(&world([job(), pod("a", "Failed")]));
        assert!(summary(&again)[0].starts_with("create Pod hook-"));
        let failed = reconcile(&world([job(), pod("a", "Failed"), pod("b", "Failed")]));
        let status = status_of(&failed, "hook").expect("a status");
        assert_eq!(status.pointer("/conditions/1/reason"), Some(&json!("BackoffLimitExceeded")));
    }
}
