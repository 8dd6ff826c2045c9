//! Tokens of service accounts: who they are for and until when, signed with a key that only the sandbox has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::store::object::{name, namespace, text, uid};
use crate::store::{Key, Store, kinds};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// A JSON Web Token's first part: how it is signed.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Issues and verifies them.
#[derive(Clone)]
pub struct Tokens {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tokens(redacted)")
    }
}

/// Names a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Tokens {
    /// The key follows from the administrator's token, so that the node can issue what the API verifies.
    pub fn new(administrator_token: &str) -> Self {
        let key =
            Hmac::new_from_slice(administrator_token.as_bytes()).expect("HMAC takes keys of any length");
        Self { key }
    }

    /// A token for an account (a ServiceAccount of the store), valid until a time.
    pub fn issue(&self, account: &Value, expires_at: jiff::Timestamp) -> String {
        let (namespace, name) = (namespace(account), name(account));
        let claims = json!({
            "iss": ISSUER, "aud": [ISSUER], "exp": expires_at.as_second(),
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid(account)}},
        });
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(&signed));
        format!("{signed}.{signature}")
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        self.key.clone().chain_update(text).finalize().into_bytes().to_vec()
    }

    /// Whose token it is: none when it was not issued here, is over, or its account is gone.
    pub(super) fn verify(&self, store: &Store, token: &str) -> Option<Account> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !is_same_secret(&signature, &self.sign(signed)) {
            return None;
        }
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        if claims.get("exp")?.as_i64()? <= store.now().as_second() {
            return None;
        }
        let account = Account {
            namespace: text(&claims, "/kubernetes.io/namespace").to_owned(),
            name: text(&claims, "/kubernetes.io/serviceaccount/name").to_owned(),
        };
        let key = Key::namespaced(&kinds::SERVICE_ACCOUNT, &account.namespace, &account.name);
        let stored = store.get(&key)?;
        (uid(&stored) == text(&claims, "/kubernetes.io/serviceaccount/uid")).then_some(account)
    }
}

/// Compares without stopping at the first difference.
pub(super) fn is_same_secret(given: &[u8], wanted: &[u8]) -> bool {
    given.len() == wanted.len() && given.iter().zip(wanted).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::DeleteOptions;

    #[test]
    fn a_token_is_good_until_its_time_is_over_or_its_account_is_gone() {
        let at = |second| jiff::Timestamp::from_second(second).expect("a time");
        let store = Store::new(Arc::new(move || at(1_000)));
        let account = json!({"metadata": {"name": "robot", "namespace": "default"}});
        let account = store.create(&kinds::SERVICE_ACCOUNT, account).expect("created");
        let tokens = Tokens::new("secret");
        let good = tokens.issue(&account, at(1_001));
        let robot = Account { namespace: "default".to_owned(), name: "robot".to_owned() };
        assert_eq!(tokens.verify(&store, &good), Some(robot));
        assert_eq!(tokens.verify(&store, &tokens.issue(&account, at(1_000))), None, "it is over");
        assert_eq!(Tokens::new("other").verify(&store, &good), None, "another sandbox issued it");
        let tampered = good.replacen(good.split('.').nth(1).expect("claims"), "e30", 1);
        assert_eq!(tokens.verify(&store, &tampered), None, "its claims were changed");
        store
            .delete(&Key::of(&kinds::SERVICE_ACCOUNT, &account), &DeleteOptions::default())
            .expect("deleted");
        assert_eq!(tokens.verify(&store, &good), None, "its account is gone");
    }
}
