//! The resource in this very process, under the SDK's harness: every rule that Terraform core enforces
//! is enforced on each verb, those of Terraform 1.12 and 1.14 among them.

use provider_redis::provider::RedisProvider;
use serde_json::{Value, json};
use tfplugin_sdk::Diagnostics;
use tfplugin_sdk::harness::{Action, Harness, Moved, Subject, Wanted};

use super::support::Sandbox;

async fn harness(sandbox: &Sandbox) -> Harness<RedisProvider> {
    let harness = Harness::new(RedisProvider);
    let kubeconfig = sandbox.path().join("kubeconfig").display().to_string();
    let configured = harness.configure(json!({ "kubernetes": { "config_path": kubeconfig } })).await;
    assert!(configured.is_empty(), "{configured:?}");
    harness
}

fn fine(what: &str, said: &Diagnostics) {
    assert!(!said.has_errors(), "{what}: {said:?}");
}

async fn expect_nothing(subject: &mut Subject<'_, RedisProvider>, config: &Value) {
    let plan = subject.plan(config.clone()).await;
    assert_eq!(plan.action, Action::NoOp, "{:?} {:?}", plan.changes(), plan.diagnostics);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resource_keeps_every_rule_of_core_through_its_life() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let harness = harness(&sandbox).await;
    let config = json!({ "name": "redis-1" });
    let mut cluster = harness.resource("redis_ha_cluster");
    fine("create", &cluster.apply(config.clone()).await);
    let changed = json!({ "name": "redis-1", "redis": { "config": { "maxmemory": "100mb" } } });
    fine("update", &cluster.apply(changed.clone()).await);
    let identity = json!({ "namespace": "default", "name": "redis-1", "project": null, "location": null, "cluster": null });
    assert_eq!(cluster.kept_identity(), Some(identity.clone()));

    let mut by_id = harness.resource("redis_ha_cluster");
    fine("import by id", &by_id.import("default/redis-1").await);
    expect_nothing(&mut by_id, &config).await;
    let mut by_identity = harness.resource("redis_ha_cluster");
    let named = json!({ "namespace": "default", "name": "redis-1" });
    fine("import by identity", &by_identity.import_identity(named).await);
    expect_nothing(&mut by_identity, &changed).await;
    let mut moved = harness.resource("redis_ha_cluster");
    let state = json!({ "name": "redis-1", "namespace": "default", "metadata": { "chart": "redis-ha" } });
    let source = Moved {
        provider_address: "registry.terraform.io/hashicorp/helm",
        type_name: "helm_release",
        schema_version: 2,
        state: &state,
    };
    fine("move", &moved.take_over(source).await);
    expect_nothing(&mut moved, &config).await;

    let wanted = Wanted { whole: true, limit: 10 };
    let (found, said) = harness.list("redis_ha_cluster", json!({}), wanted).await;
    fine("list", &said);
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].identity, found[0].display_name.as_str()), (&identity, "default/redis-1"));
    assert_eq!(found[0].object.as_ref().expect("the object")["replicas"], 3);
    let reply = harness.data_source("redis_ha_clusters").read(json!({ "namespace": "elsewhere" })).await;
    assert_eq!(reply.state().expect("an object")["clusters"], json!([]));

    fine("destroy", &cluster.destroy().await);
    assert_eq!(cluster.state(), None);
    let mut gone = harness.resource("redis_ha_cluster");
    assert!(gone.import("default/redis-1").await.has_errors());
}
