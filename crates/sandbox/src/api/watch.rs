//! Watches: a stream of JSON lines, one an event.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::Api;
use super::accept::Form;
use super::list::Selection;
use super::request::Call;
use super::respond::{self, Answer};
use crate::store::{Event, EventType, Kind, Status, Store, Watch};

const TIMEOUT_SECONDS_DEFAULT: u64 = 1800;
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);
/// How long to wait for a revision that does not exist yet.
pub(super) const FRESHNESS_WAIT: Duration = Duration::from_secs(3);

/// One client's watch.
struct Session {
    store: Store,
    kind: &'static Kind,
    form: Form,
    selection: Selection,
    watch: Watch,
    ready: VecDeque<Bytes>,
    wants_bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    is_over: bool,
}

impl Api {
    pub(super) async fn watch(&self, call: &Call) -> Answer {
        let form = Form::of(&call.headers, &call.query)?;
        let selection = Selection::parse(call)?;
        let seconds = call.query.number("timeoutSeconds").filter(|seconds| *seconds > 0);
        let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(TIMEOUT_SECONDS_DEFAULT));
        let asked = call.query.get("resourceVersion").unwrap_or("0");
        let Ok(asked) = asked.parse::<u64>() else {
            return Err(Status::bad_request(format!(
                "invalid resource version {asked:?}: it is not a number"
            )));
        };
        let sends_initial = call.query.flag("sendInitialEvents");
        if asked > self.store.revision() && !self.catch_up(asked, end).await {
            return Ok(one_error(&Status::too_large(asked, self.store.revision())));
        }
        let namespace = call.target.namespace.as_deref();
        let (objects, revision) = self.store.list(call.kind(), namespace);
        let starts_with_all = sends_initial || asked == 0;
        let from = if starts_with_all { revision } else { asked };
        let watch = match self.store.watch(call.kind(), namespace, from) {
            Ok(watch) => watch,
            Err(status) => return Ok(one_error(&status)),
        };
        let mut session = Session {
            store: self.store.clone(),
            kind: call.kind(),
            form,
            selection,
            watch,
            ready: VecDeque::new(),
            wants_bookmarks: call.query.flag("allowWatchBookmarks"),
            next_bookmark: Instant::now() + BOOKMARK_PERIOD,
            end,
            is_over: false,
        };
        if starts_with_all {
            for object in objects.iter().filter(|object| session.selection.matches(object)) {
                let line = session.line("ADDED", object);
                session.ready.push_back(line);
            }
        }
        if sends_initial && session.wants_bookmarks {
            let line = session.bookmark(revision, true);
            session.ready.push_back(line);
        }
        Ok(stream_of(session))
    }

    /// Waits a little for a revision that other clients have already seen announced.
    pub(super) async fn catch_up(&self, asked: u64, end: Instant) -> bool {
        let mut changes = self.store.changes();
        let deadline = end.min(Instant::now() + FRESHNESS_WAIT);
        tokio::time::timeout_at(deadline, changes.wait_for(|revision| *revision >= asked)).await.is_ok()
    }
}

fn stream_of(session: Session) -> axum::response::Response {
    let lines = stream::unfold(session, |mut session| async move {
        let line = session.next_line().await?;
        Some((Ok::<_, std::convert::Infallible>(line), session))
    });
    respond::typed(StatusCode::OK, "application/json", Body::from_stream(lines))
}

fn one_error(status: &Status) -> axum::response::Response {
    let line = json!({"type": "ERROR", "object": status.as_json()});
    respond::typed(StatusCode::OK, "application/json", format!("{line}\n"))
}

impl Session {
    async fn next_line(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            tokio::select! {
                biased;
                event = self.watch.next() => match event {
                    Ok(event) => self.take(&event),
                    Err(status) => {
                        self.is_over = true;
                        let line = json!({"type": "ERROR", "object": status.as_json()});
                        return Some(Bytes::from(format!("{line}\n")));
                    }
                },
                () = sleep_until(self.end) => {
                    self.is_over = true;
                    self.push_bookmark();
                }
                () = sleep_until(self.next_bookmark) => {
                    self.next_bookmark = Instant::now() + BOOKMARK_PERIOD;
                    self.push_bookmark();
                }
            }
        }
    }

    /// An object that enters the selection is ADDED to this client, one that leaves it DELETED.
    fn take(&mut self, event: &Event) {
        let is_in = event.event_type != EventType::Deleted && self.selection.matches(&event.object);
        let was_in = event.previous.as_ref().is_some_and(|previous| self.selection.matches(previous));
        let name = match (was_in, is_in) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return,
        };
        let line = self.line(name, &event.object);
        self.ready.push_back(line);
    }

    fn line(&self, name: &str, object: &Value) -> Bytes {
        let object = self.form.one(self.kind, object, self.store.now());
        Bytes::from(format!("{}\n", json!({"type": name, "object": object})))
    }

    fn push_bookmark(&mut self) {
        if self.wants_bookmarks {
            let line = self.bookmark(self.watch.seen(), false);
            self.ready.push_back(line);
        }
    }

    fn bookmark(&self, revision: u64, ends_initial: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if ends_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, version) = match self.form {
            Form::Metadata => ("PartialObjectMetadata".to_owned(), "meta.k8s.io/v1".to_owned()),
            Form::Table(_) | Form::Object => (self.kind.kind.to_owned(), self.kind.api_version()),
        };
        let mut object = json!({"kind": kind, "apiVersion": version, "metadata": metadata});
        if matches!(self.form, Form::Table(_)) {
            object = self.form.one(self.kind, &object, self.store.now());
            object["rows"][0]["cells"] = json!([]);
        }
        Bytes::from(format!("{}\n", json!({"type": "BOOKMARK", "object": object})))
    }
}
