//! CronJobs: a Job each time that the schedule names.
//!
//! Enters: CronJobs and their Jobs. Leaves: Jobs under the name that Kubernetes gives them, the end of those that the
//! history has no room for or a newer one replaces, status. As in Kubernetes, of several times that were missed only
//! the newest is made up for.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::events::{Event, EventKind};
use super::object::{
    annotation, condition_is_true, controller_reference, entry, integer, is_controlled_by, is_terminating,
    list, metadata_entry, name, namespace, parse_time, text, time_text, uid,
};
use super::world::{Plan, Reconciler, World, Write};
use crate::cron::Schedule;

const COMPONENT: &str = "cronjob-controller";
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: COMPONENT, reads: &["CronJob", "Job"], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for cron_job in world.all("CronJob").filter(|cron_job| !is_terminating(cron_job)) {
        let jobs =
            world.within("Job", namespace(cron_job)).filter(|job| is_controlled_by(job, uid(cron_job)));
        let observed = Observed { now: world.now, cron_job, jobs: jobs.collect() };
        observed.forget_history(&mut plan);
        let last = observed.keep_schedule(&mut plan);
        observed.write_status(last, &mut plan);
    }
    plan
}

struct Observed<'a> {
    now: Timestamp,
    cron_job: &'a Value,
    jobs: Vec<&'a Value>,
}

fn is_finished(job: &Value) -> bool {
    condition_is_true(job, "Complete") || condition_is_true(job, "Failed")
}

impl Observed<'_> {
    /// Jobs of the schedule that run. One that somebody made by hand from this CronJob is not among them.
    fn active(&self) -> impl Iterator<Item = &Value> {
        let is_scheduled = |job: &&&Value| annotation(job, SCHEDULED_AT).is_some();
        self.jobs.iter().filter(is_scheduled).copied().filter(|job| !is_finished(job) && !is_terminating(job))
    }

    /// Deletes the oldest of the finished jobs beyond the limits.
    fn forget_history(&self, plan: &mut Plan) {
        let limits = [
            ("Complete", "/spec/successfulJobsHistoryLimit", 3),
            ("Failed", "/spec/failedJobsHistoryLimit", 1),
        ];
        for (condition, field, default) in limits {
            let limit = integer(self.cron_job, field).unwrap_or(default);
            let mut finished: Vec<&Value> =
                self.jobs.iter().copied().filter(|job| condition_is_true(job, condition)).collect();
            finished.sort_by_key(|job| (text(job, "/status/startTime"), name(job)));
            let surplus = finished.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
            for job in finished[..surplus].iter().filter(|job| !is_terminating(job)) {
                self.tell(EventKind::Normal, "SuccessfulDelete", format!("Deleted job {}", name(job)), plan);
                plan.push(Write::delete(job));
            }
        }
    }

    /// Starts what is due; the newest time that was kept.
    fn keep_schedule(&self, plan: &mut Plan) -> Option<Timestamp> {
        let last = parse_time(text(self.cron_job, "/status/lastScheduleTime"));
        if self.cron_job.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
            return last;
        }
        let zone = match text(self.cron_job, "/spec/timeZone") {
            "" => TimeZone::UTC,
            zone => match TimeZone::get(zone) {
                Ok(zone) => zone,
                Err(error) => {
                    let message = format!("invalid timeZone: \"{zone}\": {error}");
                    self.tell(EventKind::Warning, "UnknownTimeZone", message, plan);
                    return last;
                }
            },
        };
        let schedule = match Schedule::parse(text(self.cron_job, "/spec/schedule")) {
            Ok(schedule) => schedule,
            Err(why) => {
                let message =
                    format!("unparseable schedule: {:?} : {why}", text(self.cron_job, "/spec/schedule"));
                self.tell(EventKind::Warning, "UnparseableSchedule", message, plan);
                return last;
            }
        };
        plan.look_again_at(schedule.next(self.now, &zone));
        let created = parse_time(text(self.cron_job, "/metadata/creationTimestamp")).unwrap_or(self.now);
        let deadline = integer(self.cron_job, "/spec/startingDeadlineSeconds").map(SignedDuration::from_secs);
        let since = last.map_or(created, |last| last.max(created));
        let Some(due) = schedule.newest(since, self.now, &zone) else { return last };
        if deadline.is_some_and(|deadline| due + deadline < self.now) {
            let message = format!("Missed scheduled time to start a job: {}", time_text(due));
            self.tell(EventKind::Warning, "MissSchedule", message, plan);
            return Some(due);
        }
        self.start(due, &zone, plan).then_some(due).or(last)
    }

    /// Starts the job of a time; false where another one still runs and nothing else may.
    fn start(&self, due: Timestamp, zone: &TimeZone, plan: &mut Plan) -> bool {
        let job_name = format!("{}-{}", name(self.cron_job), due.as_second() / 60);
        if self.jobs.iter().any(|job| name(job) == job_name) {
            return true;
        }
        match text(self.cron_job, "/spec/concurrencyPolicy") {
            "Forbid" if self.active().next().is_some() => {
                let message =
                    "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.tell(EventKind::Normal, "JobAlreadyActive", message.to_owned(), plan);
                return false;
            }
            "Replace" => {
                for job in self.active() {
                    self.tell(
                        EventKind::Normal,
                        "SuccessfulDelete",
                        format!("Deleted job {}", name(job)),
                        plan,
                    );
                    plan.push(Write::delete(job));
                }
            }
            _ => {}
        }
        self.tell(EventKind::Normal, "SuccessfulCreate", format!("Created job {job_name}"), plan);
        plan.push(Write::Create(self.render_job(&job_name, due, zone)));
        true
    }

    fn render_job(&self, job_name: &str, due: Timestamp, zone: &TimeZone) -> Value {
        let template = &self.cron_job["spec"]["jobTemplate"];
        let mut job = json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": job_name, "namespace": namespace(self.cron_job),
                "ownerReferences": [controller_reference(self.cron_job)]},
            "spec": template["spec"],
        });
        if let Some(labels) = template.pointer("/metadata/labels") {
            entry(&mut job, "metadata").insert("labels".to_owned(), labels.clone());
        }
        let annotations = template.pointer("/metadata/annotations").and_then(Value::as_object).cloned();
        let at = due.display_with_offset(zone.to_offset(due)).to_string().replace("+00:00", "Z");
        let target = metadata_entry(&mut job, "annotations");
        target.extend(annotations.unwrap_or_default());
        target.insert(SCHEDULED_AT.to_owned(), json!(at));
        job
    }

    fn write_status(&self, last: Option<Timestamp>, plan: &mut Plan) {
        let known = list(self.cron_job, "/status/active");
        for job in self.jobs.iter().filter(|job| is_finished(job)) {
            if known.iter().any(|one| text(one, "/uid") == uid(job)) {
                let condition = if condition_is_true(job, "Complete") { "Complete" } else { "Failed" };
                let message = format!("Saw completed job: {}, condition: {condition}", name(job));
                self.tell(EventKind::Normal, "SawCompletedJob", message, plan);
            }
        }
        let mut status = json!({});
        let active: Vec<Value> = self.active().map(reference).collect();
        if !active.is_empty() {
            status["active"] = json!(active);
        }
        if let Some(last) = last {
            status["lastScheduleTime"] = json!(time_text(last));
        }
        let completed = self.jobs.iter().map(|job| text(job, "/status/completionTime"));
        let completed = completed.chain([text(self.cron_job, "/status/lastSuccessfulTime")]).max();
        if let Some(time) = completed.filter(|time| !time.is_empty()) {
            status["lastSuccessfulTime"] = json!(time);
        }
        plan.set_status(self.cron_job, status);
    }

    fn tell(&self, kind: EventKind, reason: &'static str, message: String, plan: &mut Plan) {
        let about = self.cron_job.clone();
        plan.push(Write::Event(Event { about, kind, reason, message, component: COMPONENT }));
    }
}

fn reference(job: &Value) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "name": name(job), "namespace": namespace(job),
        "resourceVersion": text(job, "/metadata/resourceVersion"), "uid": uid(job)})
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{messages, owned_by, status_of, summary, world};

    use super::*;

    /// Made three minutes before now, which is ten past.
    fn cron_job(changes: Value) -> Value {
        let mut cron_job = json!({"apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "dump", "namespace": "web", "uid": "c", "creationTimestamp": "2026-01-01T00:07:00Z"},
            "spec": {"schedule": "*/2 * * * *", "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {}}}});
        for (field, value) in changes.as_object().expect("fields") {
            cron_job["spec"][field] = value.clone();
        }
        cron_job
    }

    fn job(name: &str, condition: &str) -> Value {
        let conditions = match condition {
            "" => json!([]),
            condition => json!([{"type": condition, "status": "True"}]),
        };
        let job = json!({"kind": "Job", "metadata": {"name": name, "namespace": "web", "uid": name,
            "annotations": {SCHEDULED_AT: "2026-01-01T00:00:00Z"}},
            "status": {"conditions": conditions, "startTime": format!("2026-01-01T00:00:0{}Z", name.len())}});
        owned_by(job, &cron_job(json!({})))
    }

    /// What becomes of jobs; `dump-29453770` is that of ten past.
    fn check(changes: Value, jobs: Vec<Value>, expected: &[&str]) {
        let plan = reconcile(&world(jobs.into_iter().chain([cron_job(changes)])));
        let found = summary(&plan);
        let found: Vec<&str> =
            found.iter().map(String::as_str).filter(|line| line.contains(" Job ")).collect();
        assert_eq!(found, expected, "{:?}", messages(&plan));
    }

    #[test]
    fn the_newest_time_that_is_due_gets_its_job_once() {
        check(json!({}), vec![], &["create Job dump-29453770"]);
        check(json!({}), vec![job("dump-29453770", "")], &[]);
        check(json!({"schedule": "@hourly"}), vec![], &[]);
        check(json!({"suspend": true}), vec![], &[]);
        check(json!({"schedule": "9 * * * *", "startingDeadlineSeconds": 30}), vec![], &[]);
        check(
            json!({"schedule": "9 * * * *", "startingDeadlineSeconds": 90}),
            vec![],
            &["create Job dump-29453769"],
        );
        check(json!({"schedule": "often"}), vec![], &[]);
        check(json!({"schedule": "8 * * * *", "timeZone": "Asia/Kolkata"}), vec![], &[]);
    }

    #[test]
    fn a_job_that_still_runs_is_joined_waited_for_or_replaced() {
        let running = || vec![job("before", "")];
        check(json!({"concurrencyPolicy": "Allow"}), running(), &["create Job dump-29453770"]);
        check(json!({"concurrencyPolicy": "Forbid"}), running(), &[]);
        let replaced = ["delete Job before", "create Job dump-29453770"];
        check(json!({"concurrencyPolicy": "Replace"}), running(), &replaced);
        check(
            json!({"concurrencyPolicy": "Forbid"}),
            vec![job("before", "Failed")],
            &["create Job dump-29453770"],
        );
    }

    #[test]
    fn the_oldest_finished_jobs_go() {
        let finished = |condition: &str| ["a", "bb", "ccc"].map(|name| job(name, condition)).to_vec();
        let suspended = |limit: i64| json!({"suspend": true, "successfulJobsHistoryLimit": limit});
        check(suspended(3), finished("Complete"), &[]);
        check(suspended(1), finished("Complete"), &["delete Job a", "delete Job bb"]);
        check(suspended(0), finished("Failed"), &["delete Job a", "delete Job bb"]);
    }

    #[test]
    fn the_status_tells_what_runs_and_when_it_began() {
        let plan = reconcile(&world([job("dump-29453770", ""), cron_job(json!({}))]));
        let status = status_of(&plan, "dump").expect("a status");
        assert_eq!(status["active"][0]["name"], "dump-29453770");
        assert_eq!(status["lastScheduleTime"], "2026-01-01T00:10:00Z");
    }
}
