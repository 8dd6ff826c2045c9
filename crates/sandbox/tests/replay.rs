//! The conversation with a real kube-apiserver, replayed against the sandbox's.
//!
//! Left out are the requests whose answers are made by controllers, a scheduler or a kubelet, which do not run here.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use sandbox::api::node_agent::{ContainerRef, Duplex, ExecRequest, ExecSession, LogOptions, NodeError};
use sandbox::api::tls::Token;
use sandbox::api::{Api, NodeAgent};
use sandbox::store::Store;
use serde_json::{Value, json};
use tokio::io::AsyncRead;

const RECORDED: &str = include_str!("recorded/kubernetes-api.jsonl");

struct NoNode;

#[async_trait::async_trait]
impl NodeAgent for NoNode {
    async fn exec(&self, _: ExecRequest) -> Result<ExecSession, NodeError> {
        Err(NodeError::NotFound("no node".to_owned()))
    }

    async fn attach(&self, _: ContainerRef, _: bool) -> Result<ExecSession, NodeError> {
        Err(NodeError::Failed("no node".to_owned()))
    }

    async fn logs(
        &self,
        _: ContainerRef,
        _: LogOptions,
    ) -> Result<Box<dyn AsyncRead + Send + Unpin>, NodeError> {
        Err(NodeError::NotFound("no node".to_owned()))
    }

    async fn dial(&self, _: &str, _: &str, _: u16) -> Result<Box<dyn Duplex>, NodeError> {
        Err(NodeError::NotFound("no node".to_owned()))
    }
}

/// How old something is differs from run to run.
fn normalize_ages(cells: &mut Value) {
    for cell in cells.as_array_mut().into_iter().flatten() {
        let is_age = cell
            .as_str()
            .and_then(|text| text.strip_suffix('s'))
            .is_some_and(|text| text.parse::<u64>().is_ok());
        if is_age {
            *cell = json!("*");
        }
    }
}

/// What the recording calls a uid or a revision, and what the sandbox calls it.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn learn(&mut self, recorded: &Value, ours: &Value) {
        for field in ["uid", "resourceVersion"] {
            let at = format!("/metadata/{field}");
            if let (Some(Value::String(theirs)), Some(Value::String(mine))) =
                (recorded.pointer(&at), ours.pointer(&at))
            {
                self.0.insert(theirs.clone(), mine.clone());
            }
        }
    }

    fn translate(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, child) in map.iter_mut() {
                    match child {
                        Value::String(text) if key == "uid" || key == "resourceVersion" => {
                            if let Some(mine) = self.0.get(text) {
                                mine.clone_into(text);
                            }
                        }
                        child => self.translate(child),
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|child| self.translate(child)),
            _ => {}
        }
    }
}

/// Blanks what differs from run to run.
fn normalize(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                let varies = ["uid", "resourceVersion", "time", "clusterIP", "nodePort", "description"]
                    .contains(&key.as_str())
                    || key.ends_with("Timestamp")
                    || key.ends_with("Time");
                if varies && !child.is_null() && child != "None" {
                    *child = json!("*");
                } else if key == "clusterIPs" && *child != json!(["None"]) {
                    *child = json!(["*"]);
                } else if let ("message", Some(text)) = (key.as_str(), child.as_str()) {
                    let blank = |letter: char| if letter.is_ascii_digit() { '#' } else { letter };
                    *child = json!(
                        text.chars().map(blank).collect::<String>().replace("##", "#").replace("##", "#")
                    );
                } else if key == "cells" {
                    normalize_ages(child);
                } else if key == "name" && child.as_str().is_some_and(|name| name.starts_with("gen-")) {
                    *child = json!("gen-*");
                } else {
                    normalize(child);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(normalize),
        _ => {}
    }
}

/// Cases whose answers are made by controllers, the scheduler or a kubelet, or by requests that were not recorded.
const MADE_BY_OTHERS: &[std::ops::RangeInclusive<u64>] =
    &[57..=63, 65..=65, 67..=76, 78..=85, 87..=87, 93..=95, 104..=106, 108..=119, 121..=122];
/// Cases that the sandbox answers otherwise on purpose: RBAC, its own version, a record on reviews, Go's words for bad
/// JSON, the taint of a node that nobody reports for, a volume's
/// time of transition, Go's words for a bad token, the status of a new definition, its own list of kinds.
const OTHERWISE: &[std::ops::RangeInclusive<u64>] =
    &[3..=5, 20..=20, 64..=64, 66..=66, 86..=86, 123..=124, 127..=133];

fn is_replayed(case: &Value) -> bool {
    let number = case["n"].as_u64().expect("a case has a number");
    let is_left_out = MADE_BY_OTHERS.iter().chain(OTHERWISE).any(|range| range.contains(&number));
    !is_left_out
}

fn build_request(case: &Value, names: &Names) -> Request<Body> {
    let request = &case["request"];
    let text = |field: &str| request[field].as_str();
    let mut body = request.get("body").cloned().unwrap_or(Value::Null);
    names.translate(&mut body);
    let body = match &body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let mut builder = Request::builder()
        .method(text("method").expect("a method"))
        .uri(text("path").expect("a path"))
        .header("user-agent", "Python-urllib/3.11");
    builder = match text_of(&case["case"]) {
        "no token" => builder,
        "bad token" => builder.header("authorization", "Bearer wrong"),
        _ => builder.header("authorization", "Bearer right"),
    };
    for (field, header) in [("contentType", "content-type"), ("accept", "accept")] {
        if let Some(value) = text(field) {
            builder = builder.header(header, value);
        }
    }
    builder.body(Body::from(body)).expect("a request")
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn answers_as_the_recorded_api_server_answered() {
    // Managed fields are in the order of their seconds: what was recorded within one is replayed within one.
    let now = jiff::Timestamp::now();
    let store = Store::new(Arc::new(move || now));
    let api = Api::new(store, Arc::new(NoNode), Token::new("right"));
    let mut names = Names::default();
    let mut differences = Vec::new();
    let mut replayed = 0;
    for line in RECORDED.lines() {
        let case: Value = serde_json::from_str(line).expect("a recorded line is JSON");
        if case["response"].get("stream").is_some() {
            continue;
        }
        let response = api.clone().handle(build_request(&case, &names)).await;
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        let mut ours: Value = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        let mut theirs = case["response"]["body"].clone();
        names.learn(&theirs, &ours);
        if !is_replayed(&case) {
            continue;
        }
        replayed += 1;
        normalize(&mut ours);
        normalize(&mut theirs);
        if case["response"]["status"] != status || ours != theirs {
            let wanted = &case["response"]["status"];
            differences.push(format!(
                "{} {}\nours {status} {ours}\ntheirs {wanted} {theirs}",
                case["n"], case["case"]
            ));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n\n"));
    assert!(replayed > 50, "only {replayed} cases were replayed");
}
