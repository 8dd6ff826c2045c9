//! Who asks, and whether they may. Enters: the headers of a request, and the roles and bindings of the store. Leaves: a
//! [`User`], or a refusal in Kubernetes' words.
//!
//! The bearer of the sandbox's own token is its administrator; a service account's token is held to its roles, and so is
//! whoever the administrator speaks as. Deliberately absent: certificates, and checks against escalation.

mod reviews;
mod rules;
mod tokens;

use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::Api;
use super::request::Target;
use crate::store::Status;
pub(super) use reviews::is_review;
pub(super) use rules::Attributes;
pub use tokens::Tokens;

const ADMINISTRATOR: &str = "sandbox-admin";
/// Its members may do everything.
const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

impl User {
    fn new(name: &str, groups: &[&str]) -> Self {
        Self { name: name.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect() }
    }

    /// Whoever holds the sandbox's own token.
    pub(super) fn administrator() -> Self {
        Self::new(ADMINISTRATOR, &[MASTERS, AUTHENTICATED])
    }

    fn service_account(namespace: &str, name: &str) -> Self {
        let namespaced = format!("system:serviceaccounts:{namespace}");
        Self::new(
            &format!("system:serviceaccount:{namespace}:{name}"),
            &["system:serviceaccounts", &namespaced, AUTHENTICATED],
        )
    }

    fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|one| one == group)
    }

    fn as_json(&self) -> Value {
        json!({"username": self.name, "groups": self.groups})
    }
}

impl Api {
    /// Reads who asks; a token that nobody issued is refused.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<User, Status> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(User::new("system:anonymous", &["system:unauthenticated"]));
        };
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let unauthorized = || Status::new(401, "Unauthorized", "Unauthorized", None);
        let user = self.bearer(token).ok_or_else(unauthorized)?;
        self.speak_as(user, headers)
    }

    /// Whose token this is.
    fn bearer(&self, token: &str) -> Option<User> {
        if tokens::is_same_secret(token.as_bytes(), self.token.reveal().as_bytes()) {
            return Some(User::administrator());
        }
        let account = self.tokens.verify(&self.store, token)?;
        Some(User::service_account(&account.namespace, &account.name))
    }

    /// Who the request says it is made for (`kubectl --as`), which only the administrator may say.
    fn speak_as(&self, user: User, headers: &HeaderMap) -> Result<User, Status> {
        let all = |name: &str| {
            let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let Some(name) = all("impersonate-user").into_iter().next() else { return Ok(user) };
        if !user.is_in(MASTERS) {
            let attributes = Attributes::of_resource("impersonate", "", "users").named(&name);
            return Err(attributes.refusal(&user));
        }
        let mut groups = all("impersonate-group");
        if let Some((namespace, account)) =
            name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
            && groups.is_empty()
        {
            return Ok(User::service_account(namespace, account));
        }
        groups.push(AUTHENTICATED.to_owned());
        Ok(User { name, groups })
    }

    /// Refuses what no role allows the user.
    pub(super) fn authorize(&self, user: &User, attributes: &Attributes) -> Result<(), Status> {
        if rules::allows(&self.store, user, attributes) { Ok(()) } else { Err(attributes.refusal(user)) }
    }
}

impl Attributes {
    /// What a request to a target asks for.
    pub(super) fn of_request(method: &http::Method, target: &Target, is_watch: bool) -> Self {
        let subresource = target.subresource.as_deref().unwrap_or_default();
        let streams = matches!(subresource, "exec" | "attach" | "portforward");
        let verb = match (method.as_str(), target.name.is_some()) {
            // A WebSocket opens with GET, the older protocol with POST.
            _ if streams => "create",
            ("GET", _) if is_watch => "watch",
            ("GET", true) => "get",
            ("GET", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            _ => "deletecollection",
        };
        Self {
            subresource: subresource.to_owned(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            ..Self::of_resource(verb, target.kind.group, target.kind.plural)
        }
    }
}
