//! Releases of both generations in every shape that their values allow are imported and plan nothing.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::import_forms::{HEAD, PASSWORD};
use super::support::{Sandbox, Workspace, assert_success, chart};

/// A release: its name, its chart, its values, and what an import has to find.
type Variant = (&'static str, &'static str, &'static str, Value);

fn variants() -> Vec<Variant> {
    vec![
        ("plain", "old", "persistentVolume.enabled=false", json!({ "/auth/enabled": false })),
        (
            "hard",
            "old",
            "hardAntiAffinity=true,exporter.enabled=true",
            json!({ "/persistence/size": "10Gi" }),
        ),
        (
            "own-secret",
            "old",
            "auth=true,existingSecret=redis-credentials,authKey=word,labels.team=web",
            json!({ "/auth_secret/name": "redis-credentials", "/auth_secret/key": "word" }),
        ),
        (
            "grouped",
            "old",
            "redis.masterGroupName=shop,sentinel.quorum=3,sentinel.config.parallel-syncs=1",
            json!({ "/master_group_name": "shop", "/sentinel/quorum": 3, "/sentinel/parallel_syncs": 1 }),
        ),
        (
            "renamed",
            "old",
            "nameOverride=store,serviceAccount=mine",
            json!({ "/service_endpoint": "renamed-store.default.svc:6379" }),
        ),
        (
            "rendered",
            "new",
            "auth=true,redisPassword=PASSWORD,sentinel.auth=true,sentinel.password=PASSWORD",
            json!({ "/auth_secret/name": "rendered-redis-ha" }),
        ),
        (
            "ported",
            "new",
            "redis.port=6390,sentinel.port=26390,exporter.enabled=true",
            json!({ "/announce_endpoints/0": "ported-redis-ha-announce-0.default.svc:6390",
                    "/sentinel_endpoints/2": "ported-redis-ha-announce-2.default.svc:26390" }),
        ),
        (
            "fronted",
            "new",
            "haproxy.enabled=true,persistentVolume.size=1Gi",
            json!({ "/persistence/size": "1Gi" }),
        ),
        (
            "cache-1",
            "new",
            "fullnameOverride=sessions,hardAntiAffinity=true,persistentVolume.enabled=false",
            json!({ "/service_endpoint": "sessions.default.svc:6379", "/persistence/enabled": false }),
        ),
        (
            "tuned",
            "new",
            "redis.config.maxmemory=104857600,redis.config.maxmemory-policy=allkeys-lru,podManagementPolicy=Parallel",
            json!({ "/redis/config/maxmemory": "104857600" }),
        ),
        (
            "forked",
            "fork",
            "auth=true,credentials.secret=redis-credentials,credentials.key=word,watch.group=shop,listen=6391",
            json!({ "/auth_secret/name": "redis-credentials", "/auth_secret/key": "word", "/master_group_name": "shop",
                    "/announce_endpoints/0": "forked-our-redis-announce-0.default.svc:6391" }),
        ),
    ]
}

/// The new generation's chart under another name, with values that are called otherwise.
fn fork(directory: &TempDir) -> String {
    let script = format!(
        "cp -r {} fork && cd fork && sed -i -e 's/^name: .*/name: our-redis/' Chart.yaml && \
         sed -i -e 's/\\.Values\\.existingSecret/.Values.credentials.secret/' \
         -e 's/\\.Values\\.authKey/.Values.credentials.key/' -e 's/\\.Values\\.redis\\.masterGroupName/.Values.watch.group/' \
         -e 's/\\.Values\\.redis\\.port/.Values.listen/' templates/*",
        chart("new")
    );
    let made = Command::new("sh").args(["-c", &script]).current_dir(directory.path()).output();
    assert_success("the fork", &made.expect("sh runs"));
    directory.path().join("fork").display().to_string()
}

#[test]
fn releases_of_every_shape_are_imported_and_plan_nothing() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let directory = TempDir::new().expect("a scratch directory");
    let fork = fork(&directory);
    let literal = format!("--from-literal=word={PASSWORD}");
    sandbox.kubectl(&["create", "secret", "generic", "redis-credentials", &literal]);
    sandbox.kubectl(&["create", "serviceaccount", "mine"]);
    let variants = variants();
    for (index, (name, chart_name, values, _)) in variants.iter().enumerate() {
        let chart = if *chart_name == "fork" { fork.clone() } else { chart(chart_name) };
        let values = values.replace("PASSWORD", PASSWORD);
        sandbox.helm(if index % 2 == 0 { 3 } else { 4 }, &["install", name, &chart, "--set", &values]);
    }
    let sets = sandbox.kubectl(&["get", "statefulsets", "-o", "name"]);
    for set in sets.lines() {
        sandbox.kubectl(&["rollout", "status", set, "--timeout=3m"]);
    }
    let mut configuration = HEAD.to_owned();
    for (name, ..) in &variants {
        let resource = format!(
            "import {{\n  to = redis_ha_cluster.{name}\n  id = \"default/{name}\"\n}}\n\
             resource \"redis_ha_cluster\" \"{name}\" {{\n  name = \"{name}\"\n}}\n"
        );
        configuration.write_str(&resource).expect("a string takes text");
    }
    let workspace = Workspace::new(&sandbox, &configuration);
    let applied = workspace.apply();
    let wanted = format!("{} imported, 0 added, 0 changed, 0 destroyed", variants.len());
    assert!(applied.contains(&wanted), "wanted {wanted}: {applied}");
    workspace.expect_empty_plan();
    let shown = workspace.terraform(&["show", "-json"]);
    let state: Value = serde_json::from_slice(&shown.stdout).expect("terraform prints JSON");
    let resources = state["values"]["root_module"]["resources"].as_array().expect("resources");
    for (name, _, _, wanted) in &variants {
        let resource = resources.iter().find(|one| one["name"] == *name).expect("a resource");
        for (pointer, wanted) in wanted.as_object().expect("what is wanted") {
            assert_eq!(resource["values"].pointer(pointer), Some(wanted), "{name}: {pointer}");
        }
    }
    let fronted = "  name = \"fronted\"\n";
    let moved = configuration.replace(fronted, &format!("{fronted}  chart = {{ name = \"bundled\" }}\n"));
    workspace.write("main.tf", &moved);
    let refused = workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
    assert!(refused.contains("The bundled chart has no haproxy.enabled"), "{refused}");
}
