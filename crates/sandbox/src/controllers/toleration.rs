//! Which taints a pod bears.

use serde_json::Value;

use super::object::{list, text};

pub(super) fn is_tolerated(pod: &Value, taint: &Value) -> bool {
    list(pod, "/spec/tolerations").iter().any(|toleration| tolerates(toleration, taint))
}

pub(super) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = text(toleration, "/effect");
    let key = text(toleration, "/key");
    let is_same_effect = effect.is_empty() || effect == text(taint, "/effect");
    let is_any_value = text(toleration, "/operator") == "Exists";
    let is_same_key = key == text(taint, "/key") || key.is_empty() && is_any_value;
    let is_same_value = is_any_value || text(toleration, "/value") == text(taint, "/value");
    is_same_effect && is_same_key && is_same_value
}
