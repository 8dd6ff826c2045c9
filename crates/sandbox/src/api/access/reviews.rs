//! Who am I, what may I, and what may others: reviews are answered and never stored.

use http::StatusCode;
use serde_json::{Value, json};

use super::rules::{self, Attributes};
use super::{AUTHENTICATED, User};
use crate::api::Api;
use crate::api::protobuf;
use crate::api::request::Call;
use crate::api::respond::{self, Answer};
use crate::store::{Status, format_time, object};

/// A token lasts at least this long, as Kubernetes has it.
const EXPIRATION_SECONDS_MIN: i64 = 600;

/// What kinds of reviews there are: group, plural, whether they stand in a namespace.
pub(in crate::api) fn is_review(group: &str, resource: &str) -> bool {
    match group {
        "authorization.k8s.io" => matches!(
            resource,
            "selfsubjectaccessreviews"
                | "selfsubjectrulesreviews"
                | "subjectaccessreviews"
                | "localsubjectaccessreviews"
        ),
        "authentication.k8s.io" => matches!(resource, "selfsubjectreviews" | "tokenreviews"),
        _ => false,
    }
}

impl Api {
    /// Answers a review.
    pub(in crate::api) fn review(
        &self,
        user: &User,
        group: &str,
        resource: &str,
        content_type: &str,
        body: &[u8],
    ) -> Answer {
        self.authorize(user, &Attributes::of_resource("create", group, resource))?;
        let mut review: Value = if content_type == protobuf::CONTENT_TYPE {
            protobuf::decode(body)?
        } else {
            serde_json::from_slice(body)
                .map_err(|source| Status::bad_request(format!("the review is no JSON: {source}")))?
        };
        let status = match resource {
            "selfsubjectreviews" => json!({"userInfo": user.as_json()}),
            "selfsubjectaccessreviews" => self.access(user, &review),
            "subjectaccessreviews" | "localsubjectaccessreviews" => {
                self.access(&subject_of(&review), &review)
            }
            "selfsubjectrulesreviews" => self.rules(user, object::text(&review, "/spec/namespace")),
            _ => match self.bearer(object::text(&review, "/spec/token")) {
                Some(bearer) => json!({"authenticated": true, "user": bearer.as_json()}),
                None => json!({"authenticated": false, "error": "nobody issued this token"}),
            },
        };
        object::child(&mut review, "metadata");
        review["status"] = status;
        Ok(respond::json(StatusCode::CREATED, &review))
    }

    fn access(&self, user: &User, review: &Value) -> Value {
        let text = |path: &str| object::text(review, path).to_owned();
        let filled = |path: &str| Some(text(path)).filter(|text| !text.is_empty());
        let attributes = if review.pointer("/spec/nonResourceAttributes").is_some_and(Value::is_object) {
            Attributes {
                verb: text("/spec/nonResourceAttributes/verb"),
                path: filled("/spec/nonResourceAttributes/path"),
                ..Attributes::default()
            }
        } else {
            Attributes {
                verb: text("/spec/resourceAttributes/verb"),
                group: text("/spec/resourceAttributes/group"),
                resource: text("/spec/resourceAttributes/resource"),
                subresource: text("/spec/resourceAttributes/subresource"),
                namespace: filled("/spec/resourceAttributes/namespace"),
                name: filled("/spec/resourceAttributes/name"),
                path: None,
            }
        };
        json!({"allowed": rules::allows(&self.store, user, &attributes)})
    }

    fn rules(&self, user: &User, namespace: &str) -> Value {
        let everything = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
        if user.is_in(super::MASTERS) {
            let paths = json!([{"nonResourceURLs": ["*"], "verbs": ["*"]}]);
            return json!({"incomplete": false, "nonResourceRules": paths, "resourceRules": everything});
        }
        let own = json!({"apiGroups": ["authorization.k8s.io"], "verbs": ["create"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]});
        let rules = rules::of_user(&self.store, user, Some(namespace));
        let (resources, paths): (Vec<Value>, Vec<Value>) =
            rules.into_iter().partition(|rule| rule.get("resources").is_some());
        let resources: Vec<Value> = std::iter::once(own).chain(resources).collect();
        json!({"incomplete": false, "nonResourceRules": paths, "resourceRules": resources})
    }

    /// A token for a service account (the TokenRequest API).
    pub(in crate::api) fn request_token(&self, call: &Call) -> Answer {
        let key = call.key();
        let account = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        let mut request = if call.body.is_empty() { json!({}) } else { call.json_body()? };
        let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
        let seconds = jiff::SignedDuration::from_secs(seconds.max(EXPIRATION_SECONDS_MIN));
        let end = self.store.now().saturating_add(seconds).unwrap_or(self.store.now());
        request["kind"] = json!("TokenRequest");
        request["apiVersion"] = json!("authentication.k8s.io/v1");
        request["status"] =
            json!({"token": self.tokens.issue(&account, end), "expirationTimestamp": format_time(end)});
        Ok(respond::json(StatusCode::CREATED, &request))
    }
}

/// Whom a review by somebody else is about.
fn subject_of(review: &Value) -> User {
    let groups = object::items(review, "/spec/groups").iter().filter_map(Value::as_str);
    User {
        name: object::text(review, "/spec/user").to_owned(),
        groups: groups.chain([AUTHENTICATED]).map(str::to_owned).collect(),
    }
}
