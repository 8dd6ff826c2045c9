//! An API server of prepared answers, and the tests of this room against it.

mod client;
mod ours;
mod waits;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body as Answer, Bytes};
use futures::{StreamExt as _, stream};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value as Json, json};
use tower::service_fn;

use super::{Kubernetes, RequestLimits};

/// One prepared answer.
pub(super) enum Reply {
    Json(u16, Json),
    /// A refusal in Kubernetes' form, with a Retry-After of no time at all.
    Refuse(u16, &'static str, &'static str),
    Text(&'static str),
    /// The connection breaks before an answer comes.
    Reset,
    /// Events, and then silence.
    Watch(Vec<Json>),
    /// Events, and then the end of the stream.
    DroppedWatch(Vec<Json>),
}

#[derive(Default)]
struct Script {
    replies: VecDeque<(String, Reply)>,
    calls: Vec<(String, Json)>,
}

/// Answers each request with the first prepared reply whose `METHOD path` it starts with. A
/// request for which none is left is answered with a status that no test expects.
#[derive(Clone, Default)]
pub(super) struct Server {
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub(super) fn on(self, call: &str, reply: Reply) -> Self {
        self.script().replies.push_back((call.to_owned(), reply));
        self
    }

    pub(super) fn kubernetes(&self) -> Kubernetes {
        let server = self.clone();
        let service = service_fn(move |request| server.clone().answer(request));
        let limits = RequestLimits {
            attempt_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(10),
            attempts_max: 3,
            first_pause: Duration::from_millis(1),
            pause_max: Duration::from_millis(2),
        };
        Kubernetes::from_client(kube::Client::new(service, "default"), limits)
    }

    /// `METHOD path?query` of each call so far.
    pub(super) fn calls(&self) -> Vec<String> {
        self.script().calls.iter().map(|(call, _)| call.clone()).collect()
    }

    /// The body of the last call.
    pub(super) fn last_body(&self) -> Json {
        self.script().calls.last().expect("a call was made").1.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test panics while it holds the lock")
    }

    async fn answer(self, request: Request<Body>) -> io::Result<Response<Answer>> {
        let call = format!("{} {}", request.method(), request.uri());
        let sent = request.into_body().collect().await.expect("a body in memory").to_bytes();
        let mut script = self.script();
        script.calls.push((call.clone(), serde_json::from_slice(&sent).unwrap_or(Json::Null)));
        let found = script.replies.iter().position(|(wanted, _)| call.starts_with(wanted.as_str()));
        match found.and_then(|at| script.replies.remove(at)) {
            Some((_, reply)) => respond(reply),
            None => respond(Reply::Refuse(418, "Unexpected", "no answer is prepared for this call")),
        }
    }
}

fn respond(reply: Reply) -> io::Result<Response<Answer>> {
    let builder = Response::builder();
    let answer = match reply {
        Reply::Json(status, body) => builder.status(status).body(Answer::from(body.to_string())),
        Reply::Refuse(status, reason, message) => {
            let body = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure",
                "code": status, "reason": reason, "message": message,
            });
            builder.status(status).header("retry-after", "0").body(Answer::from(body.to_string()))
        }
        Reply::Text(text) => builder.body(Answer::from(text)),
        Reply::Reset => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Reply::DroppedWatch(events) => builder.body(Answer::from(to_lines(&events))),
        Reply::Watch(events) => {
            let first = stream::iter([Ok::<_, io::Error>(Bytes::from(to_lines(&events)))]);
            builder.body(Answer::from_stream(first.chain(stream::pending())))
        }
    };
    Ok(answer.expect("a valid answer"))
}

fn to_lines(events: &[Json]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A list as the API server gives it.
pub(super) fn list(items: &[Json]) -> Reply {
    Reply::Json(
        200,
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}),
    )
}
