//! Logs of a container.

use axum::body::Body;
use http::StatusCode;
use serde_json::Value;
use tokio_util::io::ReaderStream;

use super::Api;
use super::node_agent::{ContainerRef, LogOptions, NodeError};
use super::request::{Call, Query};
use super::respond::{self, Answer};
use crate::store::{Key, Status, object};

impl Api {
    pub(super) async fn logs(&self, call: &Call) -> Answer {
        let key = call.key();
        let pod = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        let target = container_of(&pod, &call.query)?;
        if object::text(&pod, "/spec/nodeName").is_empty() {
            return Ok(respond::plain(StatusCode::NO_CONTENT, ""));
        }
        let since = match call.query.number("sinceSeconds") {
            Some(seconds) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                self.store.now().saturating_sub(jiff::SignedDuration::from_secs(seconds)).ok()
            }
            None => call.query.get("sinceTime").and_then(|time| time.parse().ok()),
        };
        let options = LogOptions {
            follow: call.query.flag("follow"),
            previous: call.query.flag("previous"),
            tail_lines: call.query.number("tailLines"),
            limit_bytes: call.query.number("limitBytes"),
            timestamps: call.query.flag("timestamps"),
            since,
        };
        let reader = self.agent.logs(target, options).await.map_err(|source| node_status(&key, &source))?;
        Ok(respond::typed(StatusCode::OK, "text/plain", Body::from_stream(ReaderStream::new(reader))))
    }
}

/// The container that a query names; a pod with one container needs no name.
pub(super) fn container_of(pod: &Value, query: &Query) -> Result<ContainerRef, Status> {
    let name = object::name(pod);
    let lists = ["/spec/initContainers", "/spec/containers"];
    let known: Vec<&str> = lists
        .iter()
        .flat_map(|list| object::items(pod, list))
        .map(|container| object::text(container, "/name"))
        .collect();
    let default = object::text(pod, "/metadata/annotations/kubectl.kubernetes.io~1default-container");
    let container = match (query.get("container"), known.as_slice()) {
        (Some(container), _) if known.contains(&container) => container,
        (Some(container), _) => {
            return Err(Status::bad_request(format!("container {container} is not valid for pod {name}")));
        }
        (None, [only]) => only,
        (None, _) if !default.is_empty() && known.contains(&default) => default,
        (None, _) => {
            return Err(Status::bad_request(format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                known.join(" ")
            )));
        }
    };
    Ok(ContainerRef {
        namespace: object::namespace(pod).to_owned(),
        pod: name.to_owned(),
        container: container.to_owned(),
    })
}

/// What a node's refusal is to a client.
pub(super) fn node_status(key: &Key, error: &NodeError) -> Status {
    match error {
        NodeError::NotFound(why) => Status::new(404, "NotFound", why.clone(), None),
        NodeError::NotReady(why) => Status::bad_request(why.clone()),
        NodeError::Failed(why) => Status::new(500, "InternalError", format!("pod {}: {why}", key.name), None),
    }
}
