//! The state of a `helm_release` becomes a state of ours. Terraform asks a provider that is not
//! configured, so only the names are taken; the Read that follows fills in what is live. Pure.
//!
//! Nothing else of the source is looked at: it may hold passwords.

use serde_json::Value as Json;
use tfplugin_sdk::{Attr, Diagnostic, MoveSource, Outcome, Private};

use super::model::Model;

const SOURCE_TYPE: &str = "helm_release";
/// Whatever registry it was installed from.
const SOURCE_PROVIDER: &str = "/hashicorp/helm";
const CHART: &str = "redis-ha";

pub fn move_state(source: &MoveSource) -> Outcome<Model> {
    if source.type_name != SOURCE_TYPE || !source.provider_address.ends_with(SOURCE_PROVIDER) {
        return Outcome::gone();
    }
    let state = &source.state;
    let Some(name) = text(&state["name"]) else {
        let detail = format!(
            "The state of {SOURCE_TYPE} has no name: version {} of it is not known here. Import the cluster \
             instead: remove the moved block, run terraform state rm, then terraform import.",
            source.schema_version
        );
        return Outcome::failed(None, Diagnostic::error("The helm_release cannot be taken over", detail));
    };
    if let Some(chart) = recorded_chart(state).filter(|chart| *chart != CHART) {
        let detail = format!("The release {name} is of the chart {chart}; wanted {CHART}.");
        return Outcome::failed(None, Diagnostic::error("The helm_release is no redis-ha", detail));
    }
    let namespace = text(&state["namespace"]).unwrap_or("default");
    let model = Model { name: name.into(), namespace: namespace.into(), ..Model::default() };
    Outcome::new(Model { password_wo: Attr::Null, ..model }, Private::default())
}

/// The chart's own name. Version 2 of the helm provider keeps metadata as a list of one, version 3
/// as an object.
fn recorded_chart(state: &Json) -> Option<&str> {
    let metadata = match &state["metadata"] {
        Json::Array(one) => one.first()?,
        other => other,
    };
    text(&metadata["chart"])
}

fn text(value: &Json) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(provider: &str, state: Json) -> Outcome<Model> {
        move_state(&MoveSource {
            provider_address: provider.to_owned(),
            type_name: SOURCE_TYPE.to_owned(),
            schema_version: 1,
            state,
        })
    }

    const HELM: &str = "registry.example/hashicorp/helm";

    #[test]
    fn takes_the_names_from_both_versions_of_the_helm_provider_and_no_password() {
        let set = json!([{ "name": "redisPassword", "value": "hunter2-hunter2-hunter2", "type": "" }]);
        let version_2 = json!({
            "name": "redis-1", "namespace": "cache", "chart": "./redis-ha", "set": set,
            "metadata": [{ "chart": "redis-ha", "revision": 4, "values": "{}" }],
        });
        let version_3 = json!({
            "name": "redis-1", "namespace": "cache", "chart": "redis-ha", "set": set,
            "metadata": { "chart": "redis-ha", "revision": 4, "values": "{}" },
        });
        for state in [version_2, version_3] {
            let model = take(HELM, state).state.expect("a state");
            assert_eq!((model.name.as_str(), model.namespace.as_str()), (Some("redis-1"), Some("cache")));
            assert!(!format!("{model:?}").contains("hunter2"));
        }
    }

    #[test]
    fn refuses_what_is_no_redis_ha_and_leaves_other_types_alone() {
        let other = take(HELM, json!({ "name": "web", "metadata": { "chart": "nginx" } }));
        assert!(other.state.is_none() && format!("{:?}", other.diagnostics).contains("chart nginx"));
        assert!(take(HELM, json!({ "id": "web" })).diagnostics.has_errors());
        let foreign = take("registry.example/acme/helm", json!({ "name": "redis-1" }));
        assert!(foreign.state.is_none() && foreign.diagnostics.is_empty());
    }
}
