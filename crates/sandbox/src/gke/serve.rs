//! The HTTP side: who asks, what is asked, and the answer in the encoding that was asked for.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::enums::{decode_to_names, encode_as_numbers};
use super::error::GoogleError;
use super::fault::{called, refusal};
use super::operation::Phase;
use super::route::{Call, Route, parse_route};
use super::{Gke, OperationKind};
use crate::faults::Connection;

/// The Container API under `/v1/` and the Compute API under `/compute/v1/`, on plain HTTP.
pub fn router(gke: Gke) -> Router {
    Router::new().fallback(serve).with_state(gke)
}

/// Answers one request, and logs its method, path and status: never a query, a body or a token.
async fn serve(
    State(gke): State<Gke>,
    connection: Option<Extension<Connection>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = called(&method, uri.path());
    let answer = async { gke.respond(&method, &uri, &headers, &body) };
    let response = match gke.faults().strike(&call) {
        Some(strike) => {
            let connection = connection.as_ref().map(|Extension(connection)| connection);
            strike.carry_out(&call, connection, |status| refusal(&call, status).into_response(), answer).await
        }
        None => answer.await,
    };
    tracing::info!(target: "sandbox::gke", %method, path = uri.path(), status = response.status().as_u16());
    response
}

/// The value of a query parameter, as it stands.
fn query<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    uri.query()?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name || key.replace("%24", "$") == name).then_some(value)
    })
}

/// `$alt=json;enum-encoding=int`, with or without percent-encoding.
fn asks_for_numbers(value: &str) -> bool {
    value == "int" || value.replace("%3B", ";").replace("%3D", "=").contains("enum-encoding=int")
}

impl Gke {
    fn respond(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
        match self.answer(method, uri, headers, body) {
            Ok(mut value) => {
                if query(uri, "enum-encoding").or_else(|| query(uri, "$alt")).is_some_and(asks_for_numbers) {
                    encode_as_numbers(&mut value);
                }
                axum::Json(value).into_response()
            }
            Err(error) => {
                tracing::debug!(path = uri.path(), %error, "refused");
                error.into_response()
            }
        }
    }

    fn answer(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, GoogleError> {
        self.authenticate(headers)?;
        let path = uri.path().replace("%3A", ":").replace("//", "/");
        if let Some(rest) = path.strip_prefix("/compute/v1/").or_else(|| compute_without_prefix(&path)) {
            return self.answer_compute(method, rest, uri, body);
        }
        let route = parse_route(method, &path)?;
        let mut body = parse_body(body)?;
        decode_to_names(&mut body);
        self.check_place(&route)?;
        self.call(&route.call, &body)
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<(), GoogleError> {
        let header = headers.get(http::header::AUTHORIZATION).ok_or_else(GoogleError::missing_token)?;
        let token = header.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        if token == Some(self.settings().access_token.as_str()) {
            Ok(())
        } else {
            Err(GoogleError::wrong_token())
        }
    }

    fn check_place(&self, route: &Route) -> Result<(), GoogleError> {
        let settings = self.settings();
        if route.project != settings.project {
            let place = format!("projects/{}/locations/{}", route.project, route.location);
            return Err(GoogleError::forbidden("container.clusters.get", &place));
        }
        let cluster = match &route.call {
            Call::GetCluster { cluster }
            | Call::UpdateCluster { cluster }
            | Call::ListPools { cluster }
            | Call::CreatePool { cluster }
            | Call::GetPool { cluster, .. }
            | Call::UpdatePool { cluster, .. }
            | Call::DeletePool { cluster, .. }
            | Call::SetSize { cluster, .. }
            | Call::SetManagement { cluster, .. }
            | Call::SetAutoscaling { cluster, .. } => cluster,
            Call::ListClusters
            | Call::GetServerConfig
            | Call::ListOperations
            | Call::GetOperation { .. }
            | Call::CancelOperation { .. } => return Ok(()),
        };
        if *cluster == settings.cluster && route.location == settings.location {
            return Ok(());
        }
        let place = format!("projects/{}/locations/{}", route.project, route.location);
        Err(GoogleError::not_found(&format!("{place}/clusters/{cluster}")))
    }

    fn call(&self, call: &Call, body: &Value) -> Result<Value, GoogleError> {
        match call {
            Call::ListClusters => Ok(json!({"clusters": [self.render_cluster()]})),
            Call::GetCluster { .. } => Ok(self.render_cluster()),
            Call::UpdateCluster { .. } => self.update_cluster(body),
            Call::GetServerConfig => Ok(self.render_server_config()),
            Call::ListPools { .. } => Ok(self.list_pools()),
            Call::CreatePool { .. } => self.create_pool(body),
            Call::GetPool { pool, .. } => self.get_pool(pool),
            Call::UpdatePool { pool, .. } => self.update_pool(pool, body),
            Call::DeletePool { pool, .. } => self.delete_pool(pool),
            Call::SetSize { pool, .. } => self.set_pool_size(pool, body),
            Call::SetManagement { pool, .. } => self.set_management(pool, body),
            Call::SetAutoscaling { pool, .. } => self.set_autoscaling(pool, body),
            Call::ListOperations => Ok(self.list_operations()),
            Call::GetOperation { operation } => self.get_operation(operation),
            Call::CancelOperation { operation } => self.cancel_operation(operation),
        }
    }

    fn list_operations(&self) -> Value {
        let state = self.state();
        let operations: Vec<Value> =
            state.operations.iter().map(|operation| operation.render(self.settings())).collect();
        json!({"operations": operations})
    }

    fn operation_not_found(&self, name: &str) -> GoogleError {
        let settings = self.settings();
        GoogleError::not_found(&format!(
            "projects/{}/locations/{}/operations/{name}",
            settings.project, settings.location
        ))
    }

    fn get_operation(&self, name: &str) -> Result<Value, GoogleError> {
        let state = self.state();
        let found = state.operations.iter().find(|operation| operation.name == name);
        found.map(|operation| operation.render(self.settings())).ok_or_else(|| self.operation_not_found(name))
    }

    /// Only operations that roll or drain nodes can be stopped midway; the others finish first.
    fn cancel_operation(&self, name: &str) -> Result<Value, GoogleError> {
        let mut state = self.state();
        let found = state.operations.iter_mut().find(|operation| operation.name == name);
        let operation = found.ok_or_else(|| self.operation_not_found(name))?;
        if operation.is_done() {
            return Err(GoogleError::precondition(format!("Operation {name} is already done.")));
        }
        if operation.kind == OperationKind::CreateNodePool {
            return Err(GoogleError::precondition(format!("Operation {name} cannot be cancelled.")));
        }
        operation.phase = Phase::Aborting;
        operation.cancel.cancel();
        Ok(json!({}))
    }

    fn answer_compute(
        &self,
        method: &Method,
        path: &str,
        uri: &Uri,
        body: &[u8],
    ) -> Result<Value, GoogleError> {
        let unknown = || GoogleError::fault(404, "The requested URL was not found on this server.");
        let segments: Vec<&str> = path.split('/').collect();
        if let ["projects", _, "zones", _, "autoscalers"] = segments.as_slice() {
            // GKE scales its pools itself; no group has an autoscaler of Compute.
            return Ok(json!({"kind": "compute#autoscalerList", "items": []}));
        }
        let ["projects", project, "zones", zone, "instanceGroupManagers", name, verb @ ..] =
            segments.as_slice()
        else {
            return Err(unknown());
        };
        if *project != self.settings().project {
            let place = format!("projects/{project}/zones/{zone}/instanceGroupManagers/{name}");
            return Err(GoogleError::forbidden("compute.instanceGroupManagers.get", &place));
        }
        match (method.as_str(), verb) {
            ("GET", []) => self.get_group(zone, name),
            ("POST", ["listManagedInstances"]) => self.list_managed_instances(zone, name),
            ("POST", ["resize"]) => {
                let in_body = parse_body(body)?["size"].as_i64().map(|size| size.to_string());
                let size = query(uri, "size").map(str::to_owned).or(in_body).unwrap_or_default();
                self.resize_group(zone, name, &size)
            }
            ("POST", ["deleteInstances"]) => self.delete_instances(zone, name, &parse_body(body)?),
            _ => Err(unknown()),
        }
    }
}

/// Some clients are given the endpoint with `/compute/v1` in it, some without.
fn compute_without_prefix(path: &str) -> Option<&str> {
    let rest = path.trim_start_matches('/');
    let rest = rest.strip_prefix("v1/").unwrap_or(rest);
    rest.contains("/instanceGroupManagers/").then_some(rest)
}

fn parse_body(body: &[u8]) -> Result<Value, GoogleError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body)
        .map_err(|error| GoogleError::invalid(format!("Invalid JSON payload received. {error}")))
}
