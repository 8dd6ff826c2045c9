//! What is served: plain and aggregated discovery, both read off the registry of kinds.

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::respond::{self, Answer};
use crate::store::Kind;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const AUTHORIZATION: &str = "authorization.k8s.io";
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

/// A subresource in discovery: name, the kind it speaks (group, version, kind), verbs.
type Subresource = (&'static str, (&'static str, &'static str, &'static str), &'static [&'static str]);

/// Resources that are only ever created: group, version, plural, singular, kind, namespaced.
const REVIEWS: [(&str, &str, &str, &str, &str, bool); 6] = [
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview", false),
    ("authentication.k8s.io", "v1", "tokenreviews", "tokenreview", "TokenReview", false),
    (
        AUTHORIZATION,
        "v1",
        "localsubjectaccessreviews",
        "localsubjectaccessreview",
        "LocalSubjectAccessReview",
        true,
    ),
    (
        AUTHORIZATION,
        "v1",
        "selfsubjectaccessreviews",
        "selfsubjectaccessreview",
        "SelfSubjectAccessReview",
        false,
    ),
    (
        AUTHORIZATION,
        "v1",
        "selfsubjectrulesreviews",
        "selfsubjectrulesreview",
        "SelfSubjectRulesReview",
        false,
    ),
    (AUTHORIZATION, "v1", "subjectaccessreviews", "subjectaccessreview", "SubjectAccessReview", false),
];

fn subresources(kind: &Kind) -> Vec<Subresource> {
    let mut found: Vec<Subresource> = Vec::new();
    let own = (kind.group, kind.version, kind.kind);
    match kind.kind {
        "Pod" => {
            found.push(("attach", ("", "v1", "PodAttachOptions"), &["create", "get"]));
            found.push(("eviction", ("policy", "v1", "Eviction"), &["create"]));
            found.push(("exec", ("", "v1", "PodExecOptions"), &["create", "get"]));
            found.push(("log", own, &["get"]));
            found.push(("portforward", ("", "v1", "PodPortForwardOptions"), &["create", "get"]));
        }
        "ServiceAccount" => {
            found.push(("token", ("authentication.k8s.io", "v1", "TokenRequest"), &["create"]))
        }
        "Namespace" => found.push(("finalize", own, &["update"])),
        _ => {}
    }
    if kind.has_subresource("scale") {
        found.push(("scale", ("autoscaling", "v1", "Scale"), &STATUS_VERBS));
    }
    if kind.has_subresource("status") {
        found.push(("status", own, &STATUS_VERBS));
    }
    found
}

/// Every group but the core one, with its version, in order.
pub(super) fn named_groups(kinds: &[&'static Kind]) -> Vec<(&'static str, &'static str)> {
    let kinds = kinds.iter().map(|kind| (kind.group, kind.version));
    let reviews = REVIEWS.iter().map(|review| (review.0, review.1));
    let mut groups: Vec<_> = kinds.chain(reviews).filter(|(group, _)| !group.is_empty()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn wants_aggregated(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|choice| choice.contains("g=apidiscovery.k8s.io") && choice.contains("v=v2;"))
}

pub(super) fn core_versions(kinds: &[&'static Kind], headers: &HeaderMap) -> Response {
    if wants_aggregated(headers) {
        return aggregated(kinds, headers, &[("", "v1")]);
    }
    let body = json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []});
    respond::json(StatusCode::OK, &body)
}

pub(super) fn groups(kinds: &[&'static Kind], headers: &HeaderMap) -> Response {
    if wants_aggregated(headers) {
        return aggregated(kinds, headers, &named_groups(kinds));
    }
    let groups: Vec<_> =
        named_groups(kinds).into_iter().map(|(group, version)| render_group(group, version)).collect();
    respond::json(StatusCode::OK, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

pub(super) fn group(kinds: &[&'static Kind], name: &str) -> Answer {
    let Some((group, version)) = named_groups(kinds).into_iter().find(|(group, _)| *group == name) else {
        return Ok(respond::plain(StatusCode::NOT_FOUND, "404 page not found\n"));
    };
    let mut body = render_group(group, version);
    body["kind"] = json!("APIGroup");
    body["apiVersion"] = json!("v1");
    Ok(respond::json(StatusCode::OK, &body))
}

fn render_group(group: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

/// The plain list of one group and version.
pub(super) fn resources(kinds: &[&'static Kind], group: &str, version: &str) -> Answer {
    let mut found = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.group == group && kind.version == version) {
        found.push(render_resource(kind));
        for (name, (sub_group, sub_version, sub_kind), verbs) in subresources(kind) {
            let mut entry = json!({"name": format!("{}/{name}", kind.plural), "singularName": "",
                "namespaced": kind.namespaced, "kind": sub_kind, "verbs": verbs});
            if (sub_group, sub_version) != (kind.group, kind.version) {
                entry["group"] = json!(sub_group);
                entry["version"] = json!(sub_version);
            }
            found.push(entry);
        }
    }
    for (_, _, plural, singular, kind, namespaced) in
        REVIEWS.iter().filter(|review| (review.0, review.1) == (group, version))
    {
        found.push(json!({"name": plural, "singularName": singular, "namespaced": namespaced, "kind": kind, "verbs": ["create"]}));
    }
    if found.is_empty() {
        return Ok(respond::plain(StatusCode::NOT_FOUND, "404 page not found\n"));
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let body =
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found});
    Ok(respond::json(StatusCode::OK, &body))
}

fn render_resource(kind: &Kind) -> Value {
    let mut entry = json!({"name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
        "kind": kind.kind, "verbs": VERBS});
    add_names(kind, &mut entry);
    entry
}

fn add_names(kind: &Kind, entry: &mut Value) {
    if !kind.short_names.is_empty() {
        entry["shortNames"] = json!(kind.short_names);
    }
    if kind.in_category_all {
        entry["categories"] = json!(["all"]);
    }
}

fn aggregated(
    kinds: &[&'static Kind],
    headers: &HeaderMap,
    groups: &[(&'static str, &'static str)],
) -> Response {
    let items: Vec<_> =
        groups.iter().map(|(group, version)| aggregated_group(kinds, group, version)).collect();
    let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    respond::cached(AGGREGATED, body.to_string(), headers.get(header::IF_NONE_MATCH))
}

fn aggregated_group(kinds: &[&'static Kind], group: &str, version: &str) -> Value {
    let mut found: Vec<Value> = kinds
        .iter()
        .filter(|kind| kind.group == group && kind.version == version)
        .map(|kind| aggregated_resource(kind))
        .collect();
    for (_, _, plural, singular, kind, namespaced) in
        REVIEWS.iter().filter(|review| (review.0, review.1) == (group, version))
    {
        let scope = if *namespaced { "Namespaced" } else { "Cluster" };
        found.push(json!({"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind},
            "scope": scope, "singularResource": singular, "verbs": ["create"]}));
    }
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": [{"version": version, "resources": found, "freshness": "Current"}]})
}

fn aggregated_resource(kind: &Kind) -> Value {
    let own = json!({"group": "", "version": "", "kind": kind.kind});
    let scope = if kind.namespaced { "Namespaced" } else { "Cluster" };
    let mut entry = json!({"resource": kind.plural, "responseKind": own, "scope": scope,
        "singularResource": kind.singular, "verbs": VERBS});
    add_names(kind, &mut entry);
    let below: Vec<_> = subresources(kind)
        .into_iter()
        .map(|(name, (group, version, sub_kind), verbs)| {
            let is_own = (group, version) == (kind.group, kind.version);
            let (group, version) = if is_own { ("", "") } else { (group, version) };
            let response = json!({"group": group, "version": version, "kind": sub_kind});
            json!({"subresource": name, "responseKind": response, "verbs": verbs})
        })
        .collect();
    if !below.is_empty() {
        entry["subresources"] = json!(below);
    }
    entry
}
