//! Requests as faults see them, and the refusals that Google's APIs would give.

use http::{Method, StatusCode};

use super::error::GoogleError;
use crate::faults::{Call, Service, Verb};

/// The parts of a path that name a collection; one at the end of a path means all of it.
const COLLECTIONS: [&str; 7] = [
    "clusters",
    "nodePools",
    "operations",
    "instanceGroupManagers",
    "autoscalers",
    "listManagedInstances",
    "zones",
];

/// What a request does, in the words of `fault add`: verbs after a colon or in a last segment are updates.
pub(super) fn called<'a>(method: &Method, path: &'a str) -> Call<'a> {
    let is_compute = path.starts_with("/compute/") || path.contains("/instanceGroupManagers");
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_collection = COLLECTIONS.contains(&last);
    let verb = match method.as_str() {
        "GET" if is_collection => Verb::List,
        "GET" => Verb::Get,
        "POST" if last == "listManagedInstances" => Verb::List,
        "POST" if is_collection => Verb::Create,
        "DELETE" => Verb::Delete,
        "PATCH" => Verb::Patch,
        _ => Verb::Update,
    };
    Call { service: if is_compute { Service::Compute } else { Service::Gke }, verb, path }
}

/// What the API says with a status.
pub(super) fn refusal(call: &Call<'_>, status: StatusCode) -> GoogleError {
    let resource = resource(call.path);
    match status.as_u16() {
        403 => GoogleError::forbidden(permission(call), resource),
        404 => GoogleError::not_found(resource),
        409 => GoogleError::fault(409, "The operation was aborted because of a conflict; try again."),
        429 => GoogleError::fault(
            429,
            "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service \
             'container.googleapis.com'.",
        ),
        503 => GoogleError::fault(503, "The service is currently unavailable."),
        code => GoogleError::fault(code, "Internal error encountered."),
    }
}

/// The path from `projects` on, without a verb.
fn resource(path: &str) -> &str {
    let from = path.find("projects/").map_or(path, |at| &path[at..]);
    from.split(':').next().unwrap_or(from)
}

/// The permission of IAM that the call needs; node pools belong to their cluster.
fn permission(call: &Call<'_>) -> &'static str {
    let reads = matches!(call.verb, Verb::Get | Verb::List);
    match (call.service, reads) {
        (Service::Compute, true) => "compute.instanceGroupManagers.get",
        (Service::Compute, false) => "compute.instanceGroupManagers.update",
        _ if call.path.contains("/operations") => "container.operations.get",
        _ if call.path.ends_with("/clusters") => "container.clusters.list",
        (_, true) => "container.clusters.get",
        (_, false) => "container.clusters.update",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, path: &str, service: Service, verb: Verb, permission_needed: &str) {
        let call = called(&method, path);
        assert_eq!((call.service, call.verb), (service, verb), "{method} {path}");
        assert_eq!(permission(&call), permission_needed, "{method} {path}");
    }

    #[test]
    fn requests_have_the_verbs_of_kubernetes_and_the_permissions_of_google() {
        let pools = "/v1/projects/p/locations/l/clusters/c/nodePools";
        let group = "/compute/v1/projects/p/zones/z/instanceGroupManagers/g";
        let (gke, compute) = (Service::Gke, Service::Compute);
        check(Method::GET, pools, gke, Verb::List, "container.clusters.get");
        check(Method::POST, pools, gke, Verb::Create, "container.clusters.update");
        check(Method::GET, &format!("{pools}/n"), gke, Verb::Get, "container.clusters.get");
        check(Method::POST, &format!("{pools}/n:setSize"), gke, Verb::Update, "container.clusters.update");
        check(Method::DELETE, &format!("{pools}/n"), gke, Verb::Delete, "container.clusters.update");
        check(Method::GET, group, compute, Verb::Get, "compute.instanceGroupManagers.get");
        let listed = format!("{group}/listManagedInstances");
        check(Method::POST, &listed, compute, Verb::List, "compute.instanceGroupManagers.get");
        let resized = format!("{group}/resize");
        check(Method::POST, &resized, compute, Verb::Update, "compute.instanceGroupManagers.update");
    }

    #[test]
    fn a_refusal_names_the_resource() {
        let call = called(&Method::POST, "/v1/projects/p/locations/l/clusters/c/nodePools/n:setSize");
        let refused = refusal(&call, StatusCode::FORBIDDEN);
        assert_eq!(
            refused.message,
            "Required \"container.clusters.update\" permission(s) for \
             \"projects/p/locations/l/clusters/c/nodePools/n\"."
        );
    }
}
