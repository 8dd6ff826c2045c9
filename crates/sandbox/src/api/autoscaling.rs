//! HorizontalPodAutoscalers of `autoscaling/v1`, which `kubectl autoscale` makes up to 1.32: kept as those of v2.
//!
//! Deliberately absent: every other call to v1. Clients read what discovery offers, which is v2.

use axum::body::Body;
use http::{HeaderValue, Request, Response, header};
use serde_json::{Value, json};

use super::Api;
use super::access::{Attributes, User};
use super::request::{Call, Target};
use super::respond::Answer;
use crate::store::{Status, kinds};

const OLDER: &str = "autoscaling/v1";
/// An autoscaler is short.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The v2 target of a create in v1; none for every other request.
pub(super) fn older_create(group: &str, version: &str, rest: &[String], is_post: bool) -> Option<Target> {
    let is_older = (group, version, is_post) == ("autoscaling", "v1", true);
    let target =
        is_older.then(|| Target::parse(&[&kinds::HORIZONTAL_POD_AUTOSCALER], group, "v2", rest))??;
    (target.name.is_none() && target.namespace.is_some()).then_some(target)
}

impl Api {
    pub(super) async fn create_older(&self, user: &User, target: Target, request: Request<Body>) -> Answer {
        self.authorize(user, &Attributes::of_request(request.method(), &target, false))?;
        let mut call = Call::read(target, request).await?;
        let mut object = call.json_body()?;
        to_newer(&mut object);
        call.body = object.to_string().into();
        call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (head, body) = self.create(&call)?.into_parts();
        let bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await;
        let bytes = bytes.map_err(|source| Status::bad_request(source.to_string()))?;
        let mut answer: Value =
            serde_json::from_slice(&bytes).map_err(|source| Status::bad_request(source.to_string()))?;
        to_older(&mut answer);
        let mut answer = Response::new(Body::from(answer.to_string()));
        *answer.status_mut() = head.status;
        *answer.headers_mut() = head.headers;
        answer.headers_mut().remove(header::CONTENT_LENGTH);
        Ok(answer)
    }
}

fn to_newer(object: &mut Value) {
    object["apiVersion"] = json!("autoscaling/v2");
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if let Some(percent) =
        spec.shift_remove("targetCPUUtilizationPercentage").filter(|percent| !percent.is_null())
    {
        let target = json!({"type": "Utilization", "averageUtilization": percent});
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        spec.insert("metrics".to_owned(), json!([metric]));
    }
    if let Some(body) = object.as_object_mut() {
        body.shift_remove("status");
    }
}

fn to_older(object: &mut Value) {
    object["apiVersion"] = json!(OLDER);
    let percent = object.pointer("/spec/metrics/0/resource/target/averageUtilization").cloned();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.shift_remove("metrics");
        spec.extend(percent.map(|percent| ("targetCPUUtilizationPercentage".to_owned(), percent)));
    }
    object["status"] = json!({"currentReplicas": 0, "desiredReplicas": 0});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscaler_goes_to_the_newer_version_and_back() {
        let older = json!({"apiVersion": OLDER, "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"},
            "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50},
            "status": {"currentReplicas": 0, "desiredReplicas": 0}});
        let mut object = older.clone();
        to_newer(&mut object);
        assert_eq!(object["apiVersion"], "autoscaling/v2");
        assert_eq!(object["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
        to_older(&mut object);
        assert_eq!(object, older);
    }
}
