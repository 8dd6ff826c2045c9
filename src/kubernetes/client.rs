//! The handle on a cluster: connects when first used, sends calls, and retries what is safe.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value as Json;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout_at};

use super::connect::{Home, build_client, load_config};
use super::error::{Answer, KubernetesError};
use super::objects::contains;
use super::request::{Call, Operation};
use super::resources::Resources;
use super::retry::{Decision, Failure, RequestLimits, decide};
use super::sort::{sort_error, sort_timeout};
use super::token::TokenSource;
use super::{KubernetesSettings, Lookup};

/// A cluster. Cheap to clone; nothing is read or sent before the first call.
#[derive(Clone)]
pub struct Kubernetes {
    pub(super) inner: Arc<Inner>,
    /// Until when a release may make StatefulSets anew; `None`: not at all.
    pub(super) recreates_until: Option<Instant>,
}

pub(super) struct Inner {
    settings: KubernetesSettings,
    home: Home,
    tokens: Option<Arc<dyn TokenSource>>,
    limits: RequestLimits,
    /// In words, where the connection comes from.
    described: String,
    connected: OnceCell<Connected>,
    pub(super) resources: Resources,
}

struct Connected {
    client: kube::Client,
    host: String,
}

/// An answer that went well.
struct Received {
    body: Json,
}

impl Kubernetes {
    /// A cluster by the provider's kubernetes block or the `KUBE_*` variables. `lookup` answers
    /// only for HOME.
    pub fn from_settings(settings: KubernetesSettings, lookup: Lookup<'_>) -> Self {
        let described = settings.describe();
        Self::assemble(settings, lookup("HOME"), None, described, RequestLimits::default())
    }

    /// A cluster by its address and CA, with a source of access tokens: a GKE cluster.
    /// `described` tells errors where the address comes from.
    pub fn from_tokens(
        host: &str,
        cluster_ca_certificate: Option<String>,
        tokens: Arc<dyn TokenSource>,
        described: &str,
    ) -> Self {
        let settings = KubernetesSettings {
            host: Some(host.to_owned()),
            cluster_ca_certificate,
            ..KubernetesSettings::default()
        };
        Self::assemble(settings, None, Some(tokens), described.to_owned(), RequestLimits::default())
    }

    /// A cluster behind a client that exists: for tests.
    pub fn from_client(client: kube::Client, limits: RequestLimits) -> Self {
        let described = "a client of its own".to_owned();
        let made = Self::assemble(KubernetesSettings::default(), None, None, described, limits);
        let connected = Connected { client, host: "the cluster".to_owned() };
        // The cell is new, so setting it cannot fail.
        let _ = made.inner.connected.set(connected);
        made
    }

    fn assemble(
        settings: KubernetesSettings,
        home: Home,
        tokens: Option<Arc<dyn TokenSource>>,
        described: String,
        limits: RequestLimits,
    ) -> Self {
        let (connected, resources) = (OnceCell::new(), Resources::default());
        let inner = Arc::new(Inner { settings, home, tokens, limits, described, connected, resources });
        Self { inner, recreates_until: None }
    }

    async fn connected(&self) -> Result<&Connected, KubernetesError> {
        let inner = &self.inner;
        inner
            .connected
            .get_or_try_init(|| async {
                let config = Box::pin(load_config(&inner.settings, &inner.home)).await?;
                let host = config.cluster_url.to_string();
                let client = Box::pin(build_client(config, &inner.described, inner.tokens.clone())).await?;
                tracing::debug!(%host, from = %inner.described, "the cluster is configured");
                Ok(Connected { client, host })
            })
            .await
    }

    /// kube's own client, for watches and streams.
    pub(super) async fn raw(&self) -> Result<kube::Client, KubernetesError> {
        Ok(self.connected().await?.client.clone())
    }

    /// The API server's address.
    pub async fn host(&self) -> Result<String, KubernetesError> {
        Ok(self.connected().await?.host.clone())
    }

    /// Sends a call, again where that is safe, and returns the answer's JSON.
    pub(super) async fn send(&self, call: &Call) -> Result<Json, KubernetesError> {
        let connected = self.connected().await?;
        let limits = &self.inner.limits;
        let started = Instant::now();
        let deadline = started + limits.deadline;
        let mut uncertain = false;
        let mut attempt = 1;
        loop {
            let failure = match Box::pin(attempt_once(&connected.client, call, limits, deadline)).await {
                Ok(received) => return Ok(received.body),
                Err(failure) => failure,
            };
            if uncertain && let Some(made) = self.made_by_lost_attempt(call, &failure).await {
                return Ok(made);
            }
            let decision = decide(call.operation.verb, &failure);
            uncertain |= matches!(decision, Decision::AgainUncertain { .. });
            let (Decision::Again { pause } | Decision::AgainUncertain { pause }) = decision else {
                return Err(self.error_of(&call.operation, connected, failure, attempt, started));
            };
            let pause = pause.unwrap_or_else(|| limits.pause(attempt));
            if attempt >= limits.attempts_max || Instant::now() + pause >= deadline {
                return Err(self.error_of(&call.operation, connected, failure, attempt, started));
            }
            tracing::debug!(operation = %call.operation, attempt, ?pause, "trying again");
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// After a create whose answer was lost, an object of that name that holds all that we sent
    /// is the one that we made.
    async fn made_by_lost_attempt(&self, call: &Call, failure: &Failure) -> Option<Json> {
        let Failure::Answered { status: 409, .. } = failure else { return None };
        let sent = call.body.as_ref()?;
        let reference = helm::cluster::ObjectRef::of(sent)?;
        let live = Box::pin(self.get(&reference)).await.ok()??;
        contains(&live, sent).then_some(live)
    }

    fn error_of(
        &self,
        operation: &Operation,
        connected: &Connected,
        failure: Failure,
        attempts: u32,
        started: Instant,
    ) -> KubernetesError {
        let (operation, host) = (Box::new(operation.clone()), connected.host.clone());
        let described = self.inner.described.clone();
        match failure {
            Failure::Answered { status, reason, message, .. } => {
                let hint = self.hint(status, &operation, attempts);
                KubernetesError::Refused {
                    operation,
                    answer: Box::new(Answer { status, reason, message, hint }),
                }
            }
            Failure::NotSent { reason, source } => {
                let seconds = started.elapsed().as_secs();
                let source = Some(source);
                KubernetesError::Unreachable { operation, host, described, reason, attempts, seconds, source }
            }
            Failure::Lost { reason, source } => {
                let seconds = started.elapsed().as_secs();
                KubernetesError::Unreachable { operation, host, described, reason, attempts, seconds, source }
            }
            Failure::Fatal { reason, source } => {
                KubernetesError::Unusable { operation, host, described, reason, source }
            }
        }
    }

    fn hint(&self, status: u16, operation: &Operation, attempts: u32) -> String {
        match status {
            401 => format!("; the credentials of {} are not accepted", self.inner.described),
            403 => format!("; it takes the permission {}", operation.permission()),
            _ if attempts > 1 => format!("; tried {attempts} times"),
            _ => String::new(),
        }
    }
}

async fn attempt_once(
    client: &kube::Client,
    call: &Call,
    limits: &RequestLimits,
    deadline: Instant,
) -> Result<Received, Failure> {
    let request = call.to_request().map_err(|error| Failure::Fatal {
        reason: format!("{} is no address: {error}", call.uri),
        source: Some(Box::new(error)),
    })?;
    let exchange = async {
        let response = client.send(request).await.map_err(sort_error)?;
        receive(call, response).await
    };
    let until = deadline.min(Instant::now() + limits.attempt_timeout);
    timeout_at(until, exchange).await.unwrap_or_else(|_| Err(sort_timeout(limits.attempt_timeout)))
}

async fn receive(call: &Call, response: Response<Body>) -> Result<Received, Failure> {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let collected = response.into_body().collect().await.map_err(|error| Failure::Lost {
        reason: "the answer broke off".to_owned(),
        source: Some(Box::new(error)),
    })?;
    let bytes = collected.to_bytes();
    let body: Option<Json> = serde_json::from_slice(&bytes).ok();
    if status.is_success() {
        return body.map(|body| Received { body }).ok_or_else(|| Failure::Fatal {
            reason: format!("the answer to `{}` is no JSON", call.operation),
            source: None,
        });
    }
    let text = |name: &str| body.as_ref().and_then(|body| body[name].as_str()).map(str::to_owned);
    let message = text("message").filter(|message| !message.is_empty());
    let in_details = body.as_ref().and_then(|body| body["details"]["retryAfterSeconds"].as_u64());
    Err(Failure::Answered {
        status: status.as_u16(),
        reason: text("reason")
            .filter(|reason| !reason.is_empty())
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("Unknown").to_owned()),
        message: message.unwrap_or_else(|| "the server gave no reason".to_owned()),
        retry_after: retry_after.or(in_details.map(Duration::from_secs)),
    })
}
