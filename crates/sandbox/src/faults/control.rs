//! The control channel: `/sandbox/faults` beside Google's APIs, for whoever holds the sandbox's token.
//!
//! It is HTTP on the loopback rather than a socket in the directory, whose path may be longer than a socket's may.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use http::{StatusCode, header};
use serde_json::json;

use super::error::FaultError;
use super::fault::{Effect, Fault, Service};
use super::registry::{Faults, Recorded};
use crate::api::tls::Token;
use crate::node::Outages;

/// Where the channel is, below the address of Google's APIs.
pub const CONTROL_PATH: &str = "/sandbox/faults";

/// Adds faults and takes them back.
#[derive(Clone)]
pub struct Control {
    faults: Faults,
    outages: Arc<Outages>,
    token: Token,
}

type Answer = Result<Response, FaultError>;

impl Control {
    pub fn new(faults: Faults, outages: Arc<Outages>, token: Token) -> Self {
        Self { faults, outages, token }
    }

    pub fn router(self) -> Router {
        let by_id = format!("{CONTROL_PATH}/{{id}}");
        Router::new()
            .route(CONTROL_PATH, get(list).post(add).delete(clear_all))
            .route(&by_id, delete(clear_one))
            .layer(from_fn_with_state(self.clone(), authenticate))
            .with_state(self)
    }

    async fn add(&self, fault: Fault) -> Result<Recorded, FaultError> {
        match &fault {
            Fault::Api(api) => {
                if matches!(api.effect, Effect::HalfWatch { .. }) && api.service != Service::Kubernetes {
                    return Err(FaultError::NoWatches);
                }
            }
            Fault::Stop(target) => self.outages.stop(target)?,
            Fault::Kill(target) => self.outages.kill(target)?,
            Fault::Partition(partition) => {
                if partition.from.contains(&partition.pod) {
                    return Err(FaultError::FromItself { pod: partition.pod.clone() });
                }
                for pod in std::iter::once(&partition.pod).chain(&partition.from) {
                    self.outages.check_pod(pod)?;
                }
            }
            Fault::Node(lost) => self.outages.check_node(&lost.node)?,
        }
        let recorded = self.faults.add(fault);
        self.outages.renew().await?;
        Ok(recorded)
    }

    async fn clear(&self, recorded: Vec<Recorded>) -> Answer {
        for one in &recorded {
            if let Fault::Stop(target) = &one.fault {
                self.outages.resume(target);
            }
        }
        self.outages.renew().await?;
        Ok(axum::Json(recorded).into_response())
    }
}

async fn list(State(control): State<Control>) -> Response {
    axum::Json(control.faults.list()).into_response()
}

async fn add(State(control): State<Control>, axum::Json(fault): axum::Json<Fault>) -> Answer {
    let recorded = control.add(fault).await?;
    Ok((StatusCode::CREATED, axum::Json(recorded)).into_response())
}

async fn clear_all(State(control): State<Control>) -> Answer {
    let all = control.faults.list();
    let removed = all.into_iter().filter_map(|recorded| control.faults.remove(recorded.id)).collect();
    control.clear(removed).await
}

async fn clear_one(State(control): State<Control>, Path(id): Path<u64>) -> Answer {
    let removed = control.faults.remove(id).ok_or(FaultError::NoSuchFault { id })?;
    control.clear(vec![removed]).await
}

async fn authenticate(State(control): State<Control>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|value| value.strip_prefix("Bearer ")) == Some(control.token.reveal()) {
        return next.run(request).await;
    }
    let refusal = json!({"error": "the sandbox's token is missing or wrong"});
    (StatusCode::UNAUTHORIZED, axum::Json(refusal)).into_response()
}

impl IntoResponse for FaultError {
    fn into_response(self) -> Response {
        (self.status(), axum::Json(json!({"error": self.to_string()}))).into_response()
    }
}
