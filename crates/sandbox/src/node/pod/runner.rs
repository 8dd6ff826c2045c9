//! One container through its runs: start, hooks and probes, end, back-off, and again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::backoff::Backoff;
use super::{Context, Pod, prepare, stop, worker};
use crate::node::NodeError;
use crate::node::container::Instance;
use crate::node::cuts::Presence;
use crate::node::events::EventKind;
use crate::node::images::Image;
use crate::node::lifecycle::{Action, Place};
use crate::node::logs::LogDirectory;
use crate::node::probe::{Probe, Verdict};
use crate::node::sentinel_debug;
use crate::node::status::{State, Termination};
use crate::node::volumes::Sources;
use crate::store::object::{items, name, namespace, text};

const HOOK_LIMIT: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Init,
    /// An init container that runs on beside the main ones.
    Sidecar,
    Main,
}

/// One container of one pod.
struct Runner<'a> {
    context: &'a Context,
    pod: &'a Arc<Pod>,
    container: &'a Value,
    name: &'a str,
    field_path: String,
    sources: &'a Sources,
    kind: Kind,
}

/// Runs an init container until it succeeds; false if it failed and is not to run again.
pub(super) async fn run_to_success(
    context: &Context,
    pod: &Arc<Pod>,
    container: &Value,
    sources: &Sources,
) -> bool {
    run(context, pod, container, sources, Kind::Init).await == 0
}

/// Runs a container as often as the pod's policy says; the last exit code.
pub(super) async fn run(
    context: &Context,
    pod: &Arc<Pod>,
    container: &Value,
    sources: &Sources,
    kind: Kind,
) -> i32 {
    let name = text(container, "/name");
    let field = if kind == Kind::Main { "containers" } else { "initContainers" };
    let field_path = format!("spec.{field}{{{name}}}");
    let runner = Runner { context, pod, container, name, field_path, sources, kind };
    runner.run().await
}

impl Runner<'_> {
    async fn run(&self) -> i32 {
        let scale = self.context.backoff_scale;
        let mut backoff = Backoff::new(scale);
        let mut image_backoff = Backoff::new(scale);
        loop {
            let image = self.find_image(&mut image_backoff).await;
            let instance = match self.start(&image).await {
                Ok(instance) => instance,
                Err(error) => {
                    self.wait_for_configuration(&error).await;
                    continue;
                }
            };
            let started = tokio::time::Instant::now();
            self.attend(&instance).await;
            let code = instance.ended().await;
            self.record_end(code);
            if !self.runs_again(code) {
                return code;
            }
            if let Some(wait) = backoff.after_run_of(started.elapsed()) {
                self.back_off(wait);
                backoff.elapse(wait).await;
            }
            self.pod.change(self.context, self.name, |record| record.restarts += 1);
        }
    }

    fn event(&self, kind: EventKind, reason: &'static str, message: &str) {
        self.pod.container_event(self.context, &self.field_path, kind, reason, message);
    }

    fn waits(&self, reason: &'static str, message: String) {
        self.pod.change(self.context, self.name, |record| record.state = State::Waiting { reason, message });
    }

    fn runs_again(&self, code: i32) -> bool {
        match (text(&self.pod.object, "/spec/restartPolicy"), self.kind) {
            (_, Kind::Sidecar) => true,
            ("Never", _) => false,
            ("OnFailure", _) | (_, Kind::Init) => code != 0,
            _ => true,
        }
    }

    /// Waits until the image stands for a program of this machine.
    async fn find_image(&self, backoff: &mut Backoff) -> Image {
        let reference = text(self.container, "/image");
        loop {
            match Image::find(&self.context.images, reference) {
                Ok(image) => return image,
                Err(error) => {
                    let message = error.to_string();
                    self.event(EventKind::Warning, "Failed", &message);
                    self.event(EventKind::Warning, "Failed", "Error: ErrImagePull");
                    self.waits("ErrImagePull", message.clone());
                    if let Some(wait) = backoff.after_run_of(Duration::ZERO) {
                        let backing_off = format!("Back-off pulling image \"{reference}\"");
                        self.event(EventKind::Normal, "BackOff", &backing_off);
                        self.event(EventKind::Warning, "Failed", "Error: ImagePullBackOff");
                        self.waits("ImagePullBackOff", format!("{backing_off}: ErrImagePull: {message}"));
                        backoff.elapse(wait).await;
                    } else {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        }
    }

    async fn wait_for_configuration(&self, error: &NodeError) {
        let message = error.in_one_line();
        let reason = match error {
            NodeError::Configuration(_) => "CreateContainerConfigError",
            _ => "RunContainerError",
        };
        self.event(EventKind::Warning, "Failed", &format!("Error: {message}"));
        self.waits(reason, message);
        worker::await_change(self.context).await;
    }

    async fn start(&self, image: &Image) -> Result<Arc<Instance>, NodeError> {
        let is_init = self.kind == Kind::Init;
        let plan = prepare::plan(self.context, self.pod, self.container, image, self.sources, is_init)?;
        let version = image.version(&self.context.spawner).await;
        let stands_for =
            format!("Container image \"{}\" already present on machine: local {version}", image.reference);
        self.event(EventKind::Normal, "Pulled", &stands_for);
        let object = &self.pod.object;
        let logs_directory = &self.context.logs_directory;
        let logs =
            LogDirectory::new(logs_directory, namespace(object), name(object), &self.pod.uid, self.name);
        let run = self.pod.record().container(self.name).map_or(0, |record| record.restarts);
        let is_sentinel = sentinel_debug::is_sentinel(&plan.command_line);
        self.event(EventKind::Normal, "Created", &format!("Created container: {}", self.name));
        let instance = Arc::new(Instance::start(&self.context.spawner, plan, logs.open(run)?).await?);
        self.pod.lock_instances().insert(self.name.to_owned(), Arc::clone(&instance));
        let started_at = self.context.store.now();
        let container_id =
            format!("sandbox://{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        self.pod.change(self.context, self.name, |record| {
            if let State::Terminated(end) = &record.state {
                record.last = Some(end.clone());
            }
            record.state = State::Running { started_at };
            record.image_id = format!("local/{version}").replace(' ', "@");
            record.container_id = container_id;
        });
        self.event(EventKind::Normal, "Started", &format!("Started container {}", self.name));
        if is_sentinel && self.context.timing.is_fast() {
            let (instance, address) = (Arc::clone(&instance), self.pod.network.address);
            let port =
                items(self.container, "/ports").first().and_then(|port| port["containerPort"].as_u64());
            let port = port.and_then(|port| u16::try_from(port).ok());
            tokio::spawn(async move { sentinel_debug::quicken(&instance, address, port).await });
        }
        Ok(instance)
    }

    /// Hooks and probes of a running container, until it ends or a probe ends it.
    async fn attend(&self, instance: &Instance) {
        let place = Place { spawner: &self.context.spawner, instance, pod_address: self.pod.network.address };
        let killed_by = tokio::select! {
            _ = instance.ended() => return,
            why = self.watch_over(place) => why,
        };
        let (message, grace) = killed_by;
        self.event(EventKind::Normal, "Killing", &message);
        stop::stop_container(self.context, self.pod, self.container, instance, grace, &[]).await;
    }

    /// Ends only with the reason why the container has to go.
    async fn watch_over(&self, place: Place<'_>) -> (String, Duration) {
        let own_grace =
            self.pod.object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
        let grace_of = |probe: Option<&Probe>| {
            let seconds = probe.and_then(|probe| probe.grace_seconds).or(own_grace).unwrap_or(30);
            Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
        };
        let hook = self.container.pointer("/lifecycle/postStart");
        if let Some(action) = hook.and_then(|hook| Action::parse(hook, self.container))
            && let Err(why) = place.perform(&action, HOOK_LIMIT).await
        {
            self.event(EventKind::Warning, "FailedPostStartHook", &format!("PostStartHook failed: {why}"));
            return ("FailedPostStartHook".to_owned(), grace_of(None));
        }
        if self.kind == Kind::Init {
            return std::future::pending().await;
        }
        let startup = Probe::parse(self.container, "startupProbe");
        if let Some(probe) = &startup
            && !self.probe_until_verdict(probe, place).await
        {
            let message = format!("Container {} failed startup probe, will be restarted", self.name);
            return (message, grace_of(startup.as_ref()));
        }
        let readiness = Probe::parse(self.container, "readinessProbe");
        let liveness = Probe::parse(self.container, "livenessProbe");
        self.pod.change(self.context, self.name, |record| {
            record.started = true;
            record.ready = readiness.is_none();
        });
        let stays_alive = async {
            match &liveness {
                Some(probe) => {
                    self.probe(probe, "Liveness", place, |verdict| verdict != Verdict::Passed).await
                }
                None => std::future::pending().await,
            }
        };
        let is_ready = async {
            if let Some(probe) = &readiness {
                self.probe(probe, "Readiness", place, |verdict| {
                    let ready = verdict == Verdict::Passed;
                    self.pod.change(self.context, self.name, |record| record.ready = ready);
                    false
                })
                .await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = stays_alive => {}
            () = is_ready => {}
        }
        let message = format!("Container {} failed liveness probe, will be restarted", self.name);
        (message, grace_of(liveness.as_ref()))
    }

    async fn probe_until_verdict(&self, probe: &Probe, place: Place<'_>) -> bool {
        let mut passed = false;
        self.probe(probe, "Startup", place, |verdict| {
            passed = verdict == Verdict::Passed;
            true
        })
        .await;
        passed
    }

    async fn probe(&self, probe: &Probe, what: &str, place: Place<'_>, verdict: impl FnMut(Verdict) -> bool) {
        let unhealthy = |why: &str| {
            self.event(EventKind::Warning, "Unhealthy", &format!("{what} probe failed: {why}"));
        };
        // Nobody probes on a node that is lost.
        let presence = Presence { cuts: &self.context.cuts, node: self.pod.node() };
        probe.run(self.context.timing, place, presence, unhealthy, verdict).await;
    }

    fn record_end(&self, exit_code: i32) {
        record_end(self.context, self.pod, self.name, exit_code);
    }

    fn back_off(&self, wait: Duration) {
        let long_name = self.pod.long_name();
        let again = format!("Back-off restarting failed container {} in pod {long_name}", self.name);
        self.event(EventKind::Warning, "BackOff", &again);
        let message = format!(
            "back-off {} restarting failed container={} pod={long_name}",
            render_wait(wait),
            self.name
        );
        self.pod.change(self.context, self.name, |record| {
            if let State::Terminated(end) = &record.state {
                record.last = Some(end.clone());
            }
            record.state = State::Waiting { reason: "CrashLoopBackOff", message };
        });
    }
}

/// As Go prints durations: `10s`, `1m20s`, `5m0s`.
fn render_wait(wait: Duration) -> String {
    match (wait.as_secs() / 60, wait.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

/// Notes how a run ended.
pub(super) fn record_end(context: &Context, pod: &Pod, container: &str, exit_code: i32) {
    let finished_at = context.store.now();
    let is_init = pod.record().init.iter().any(|record| record.name == container && !record.is_sidecar);
    pod.change(context, container, |record| {
        let State::Running { started_at } = record.state else { return };
        // An init container that completed counts as ready.
        record.ready = is_init && exit_code == 0;
        record.started = false;
        record.state = State::Terminated(Termination {
            exit_code,
            reason: if exit_code == 0 { "Completed" } else { "Error" },
            message: String::new(),
            started_at,
            finished_at,
            container_id: record.container_id.clone(),
        });
    });
}
