//! Label selectors as objects carry them: `metav1.LabelSelector` and node selector terms.

use serde_json::Value;

use super::object::{list, text};

/// Whether `labels` (a JSON map) satisfy a `LabelSelector`. A missing selector selects nothing;
/// an empty one selects everything.
pub(crate) fn selects(selector: Option<&Value>, labels: Option<&Value>) -> bool {
    let Some(selector) = selector.filter(|value| value.is_object()) else {
        return false;
    };
    let equal = selector.get("matchLabels").is_none_or(|wanted| contains(labels, wanted));
    equal && list(selector, "/matchExpressions").iter().all(|requirement| satisfies(requirement, labels))
}

/// Whether `labels` hold every pair of `wanted`.
pub(crate) fn contains(labels: Option<&Value>, wanted: &Value) -> bool {
    wanted.as_object().is_none_or(|wanted| {
        wanted.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    })
}

/// One requirement of `matchExpressions`, for label selectors and for node selector terms (which
/// add Gt and Lt).
pub(crate) fn satisfies(requirement: &Value, labels: Option<&Value>) -> bool {
    let key = text(requirement, "/key");
    let value = labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let named = || list(requirement, "/values").iter().any(|wanted| wanted.as_str() == value);
    let compared = |accept: fn(&i64, &i64) -> bool| {
        let bound = text(requirement, "/values/0").parse::<i64>().ok();
        let live = value.and_then(|value| value.parse::<i64>().ok());
        live.zip(bound).is_some_and(|(live, bound)| accept(&live, &bound))
    };
    match text(requirement, "/operator") {
        "In" => value.is_some() && named(),
        "NotIn" => value.is_none() || !named(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared(i64::gt),
        "Lt" => compared(i64::lt),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(selector: Value, labels: Value, expected: bool) {
        assert_eq!(selects(Some(&selector), Some(&labels)), expected, "{selector} on {labels}");
    }

    #[test]
    fn selectors_select_as_in_kubernetes() {
        let labels = json!({"app": "cache", "release": "r1", "n": "5"});
        let expression = |key: &str, operator: &str, values: Value| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        check(json!({}), labels.clone(), true);
        check(json!({"matchLabels": {"app": "cache"}}), labels.clone(), true);
        check(json!({"matchLabels": {"app": "other"}}), labels.clone(), false);
        check(expression("app", "In", json!(["a", "cache"])), labels.clone(), true);
        check(expression("app", "NotIn", json!(["cache"])), labels.clone(), false);
        check(expression("none", "NotIn", json!(["cache"])), labels.clone(), true);
        check(expression("app", "Exists", json!([])), labels.clone(), true);
        check(expression("app", "DoesNotExist", json!([])), labels.clone(), false);
        check(expression("n", "Gt", json!(["4"])), labels.clone(), true);
        check(expression("n", "Lt", json!(["5"])), labels, false);
    }

    #[test]
    fn a_missing_selector_selects_nothing() {
        assert!(!selects(None, Some(&json!({"app": "cache"}))));
    }
}
