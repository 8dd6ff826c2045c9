//! Every way in, for releases of both generations of the chart.

use std::time::Duration;

use serde_json::Value;

use super::support::{Sandbox, Workspace, assert_success, chart, eventually};

pub(super) const PASSWORD: &str = "long-enough.and_random-0123456789";
pub(super) const HEAD: &str =
    "terraform {\n  required_providers {\n    redis = { source = \"redis-ha/redis\" }\n  }\n}\n";

/// A configuration that says nothing but the name.
pub(super) fn silent(name: &str) -> String {
    format!("{HEAD}resource \"redis_ha_cluster\" \"cache\" {{\n  name = \"{name}\"\n}}\n")
}

/// A release of the old generation with the user's own Secret, by Helm 3.
pub(super) fn install_old(sandbox: &Sandbox, name: &str) {
    let literal = format!("--from-literal=auth={PASSWORD}");
    sandbox.kubectl(&["create", "secret", "generic", "redis-credentials", &literal]);
    let chart = chart("old");
    let values = "auth=true,existingSecret=redis-credentials,persistentVolume.size=1Gi";
    sandbox.helm(3, &["install", name, &chart, "--set", values, "--wait", "--timeout", "3m"]);
}

/// A release of the new generation whose chart renders both Secrets, by Helm 4.
pub(super) fn install_new(sandbox: &Sandbox, name: &str) {
    let chart = chart("new");
    let values = format!(
        "auth=true,redisPassword={PASSWORD},sentinel.auth=true,sentinel.password=sentinel-{PASSWORD},\
         persistentVolume.size=1Gi"
    );
    sandbox.helm(4, &["install", name, &chart, "--set", &values, "--wait", "--timeout", "3m"]);
}

pub(super) fn import(workspace: &Workspace<'_>, id: &str) -> String {
    let imported =
        workspace.terraform(&["import", "-input=false", "-no-color", "redis_ha_cluster.cache", id]);
    assert_success("terraform import", &imported);
    super::support::text(&imported.stdout)
}

/// What is in the cluster, as far as an import could change it.
pub(super) fn versions(sandbox: &Sandbox) -> String {
    let kinds = "statefulsets,configmaps,secrets,services,pods";
    let columns = "custom-columns=K:.kind,N:.metadata.name,V:.metadata.resourceVersion";
    sandbox.kubectl(&["get", kinds, "--no-headers", "-o", columns])
}

#[test]
fn a_release_of_either_generation_is_imported_by_its_name_and_plans_nothing() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    install_new(&sandbox, "redis-ha-new");
    let before = versions(&sandbox);
    for (name, version) in [("old-1", "3.6.1"), ("redis-ha-new", "4.39.0")] {
        let workspace = Workspace::new(&sandbox, &silent(name));
        import(&workspace, &format!("default/{name}"));
        workspace.expect_empty_plan();
        let cluster = workspace.cluster();
        assert_eq!(cluster["chart"]["name"], "recorded");
        assert_eq!(cluster["chart"]["version"], version);
        let state = std::fs::read_to_string(workspace.path().join("terraform.tfstate")).expect("a state");
        assert!(!state.contains(PASSWORD), "the state of {name} holds a password");
    }
    assert_eq!(versions(&sandbox), before, "an import has changed something");
}

#[test]
fn import_blocks_made_of_the_data_source_generate_a_configuration_that_plans_nothing() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    sandbox.kubectl(&["create", "namespace", "web"]);
    let block = "import {\n  to = redis_ha_cluster.found\n  id = \"default/old-1\"\n}\n";
    let generated = Workspace::new(&sandbox, &format!("{HEAD}{block}"));
    let plan = generated.terraform(&["plan", "-input=false", "-no-color", "-generate-config-out=found.tf"]);
    assert_success("terraform plan -generate-config-out", &plan);
    let plan = super::support::text(&plan.stdout);
    assert!(plan.contains("1 to import, 0 to add, 0 to change, 0 to destroy"), "{plan}");
    generated.apply();
    generated.expect_empty_plan();
    let each = "data \"redis_ha_clusters\" \"all\" {}\n\
                locals { found = { for one in data.redis_ha_clusters.all.clusters : one.name => one } }\n\
                import {\n  for_each = local.found\n  to       = redis_ha_cluster.all[each.key]\n  id       = each.value.id\n}\n\
                resource \"redis_ha_cluster\" \"all\" {\n  for_each  = local.found\n  name      = each.value.name\n  \
                namespace = each.value.namespace\n}\n\
                output \"found\" { value = data.redis_ha_clusters.all.clusters }\n";
    let all = Workspace::new(&sandbox, &format!("{HEAD}{each}"));
    let applied = all.apply();
    assert!(applied.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{applied}");
    all.expect_empty_plan();
    let output = all.terraform(&["output", "-json", "found"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("terraform prints JSON");
    let wanted = serde_json::json!([{
        "id": "default/old-1", "namespace": "default", "name": "old-1", "chart_version": "3.6.1",
        "app_version": "5.0.5", "revision": 1, "status": "deployed",
    }]);
    assert_eq!(found, wanted);
}

const IN_GKE: &str = "projects/sandbox/locations/asia-east1/clusters/sandbox/default/old-1";

#[test]
fn the_pool_that_pods_run_on_is_named_and_the_longer_id_binds_them_to_it() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    let workspace = Workspace::new(&sandbox, &silent("old-1"));
    let told = import(&workspace, IN_GKE);
    let longer = format!("{IN_GKE}/default-pool");
    assert!(told.contains("The pods run on the node pool default-pool"), "{told}");
    assert!(super::support::unfolded(&told).contains(&longer), "{told}");
    workspace.expect_empty_plan();
    let owner = Workspace::new(&sandbox, &silent("old-1"));
    let told = import(&owner, &longer);
    assert!(told.contains("The pods are not bound to the node pool default-pool"), "{told}");
    assert_eq!(owner.cluster()["gke"]["node_pool"]["name"], "default-pool");
    owner.apply();
    owner.expect_empty_plan();
    let bound =
        ["get", "statefulset", "old-1-redis-ha-server", "-o", "jsonpath={.spec.template.spec.nodeSelector}"];
    assert!(sandbox.kubectl(&bound).contains("default-pool"));
}

#[test]
fn releases_with_one_group_name_are_told_and_so_are_sentinels_that_met() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    let chart = chart("old");
    let values = "auth=true,existingSecret=redis-credentials,persistentVolume.size=1Gi";
    sandbox.helm(3, &["install", "old-2", &chart, "--set", values, "--wait", "--timeout", "3m"]);
    let workspace = Workspace::new(&sandbox, &silent("old-1"));
    let told = super::support::unfolded(&import(&workspace, "default/old-1"));
    assert!(told.contains("mymaster is that of default/old-2 too"), "{told}");
    assert!(!told.contains("none of this release"), "{told}");
    workspace.expect_empty_plan();
    let address = ["get", "service", "old-1-redis-ha-announce-0", "-o", "jsonpath={.spec.clusterIP}"];
    let address = sandbox.kubectl(&address);
    let stranger = "old-2-redis-ha-server-2";
    sandbox.sentinel(stranger, &["SENTINEL", "REMOVE", "mymaster"]);
    sandbox.sentinel(stranger, &["SENTINEL", "MONITOR", "mymaster", address.trim(), "6379", "2"]);
    sandbox.sentinel(stranger, &["SENTINEL", "SET", "mymaster", "auth-pass", PASSWORD]);
    eventually("a sentinel of old-1 knows one of old-2", Duration::from_secs(60), || {
        let known = sandbox.sentinel("old-1-redis-ha-server-0", &["SENTINEL", "SENTINELS", "mymaster"]);
        if known.matches("runid").count() > 2 { Ok(()) } else { Err(known) }
    });
    let again = Workspace::new(&sandbox, &silent("old-1"));
    let told = super::support::unfolded(&import(&again, "default/old-1"));
    assert!(told.contains("The sentinels know members that are none of this release"), "{told}");
}

/// Terraform wants every provider that a state names to be there, and to tell its schemas. It asks the
/// source of a move for nothing else, so any provider will do.
pub(super) fn stand_in_for_helm(sandbox: &Sandbox) {
    let arch = if cfg!(target_arch = "aarch64") { "linux_arm64" } else { "linux_amd64" };
    let mirror = sandbox.path().join("mirror/registry.terraform.io/hashicorp/helm/3.0.0").join(arch);
    std::fs::create_dir_all(&mirror).expect("a place in the mirror");
    let provider = env!("CARGO_BIN_EXE_terraform-provider-redis");
    std::os::unix::fs::symlink(provider, mirror.join("terraform-provider-helm_v3.0.0")).expect("a link");
    let mirror = sandbox.path().join("mirror").display().to_string();
    let rc = format!("provider_installation {{\n  filesystem_mirror {{ path = {mirror:?} }}\n}}\n");
    std::fs::write(sandbox.path().join("terraform.tfrc"), rc).expect("a CLI configuration");
}

/// A state of the helm provider: its version 2 keeps the metadata in a list, its version 3 in an object.
pub(super) fn helm_release_state(name: &str, schema_version: u8) -> Value {
    let metadata = serde_json::json!({
        "app_version": "5.0.5", "chart": "redis-ha", "name": name, "namespace": "default", "notes": "",
        "revision": 1, "values": "{\"auth\":true}", "version": "3.6.1",
        "first_deployed": 1_700_000_000, "last_deployed": 1_700_000_000,
    });
    let metadata = if schema_version == 1 { serde_json::json!([metadata]) } else { metadata };
    let attributes = serde_json::json!({
        "id": name, "name": name, "namespace": "default", "chart": "redis-ha", "version": "3.6.1",
        "repository": null, "values": null, "set": [{ "name": "auth", "value": "true", "type": "" }],
        "set_sensitive": [], "status": "deployed", "metadata": metadata, "timeout": 300, "wait": true,
    });
    serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "c0ffee", "outputs": {},
        "resources": [{
            "mode": "managed", "type": "helm_release", "name": "cache",
            "provider": "provider[\"registry.terraform.io/hashicorp/helm\"]",
            "instances": [{ "schema_version": schema_version, "attributes": attributes,
                            "sensitive_attributes": [] }],
        }],
    })
}

#[test]
fn the_state_of_a_helm_release_moves_and_plans_nothing() {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    install_old(&sandbox, "old-1");
    stand_in_for_helm(&sandbox);
    let before = versions(&sandbox);
    let moved = "moved {\n  from = helm_release.cache\n  to   = redis_ha_cluster.cache\n}\n";
    for schema_version in [1, 2] {
        let workspace = Workspace::new(&sandbox, &silent("old-1"));
        let state = helm_release_state("old-1", schema_version);
        workspace.write("terraform.tfstate", &state.to_string());
        workspace.write("moved.tf", moved);
        assert_success("terraform init", &workspace.terraform(&["init", "-input=false"]));
        let (_, plan) = workspace.plan();
        assert!(plan.contains("helm_release.cache has moved to redis_ha_cluster.cache"), "{plan}");
        assert!(plan.contains("0 to add, 0 to change, 0 to destroy"), "{plan}");
        workspace.apply();
        workspace.expect_empty_plan();
        assert_eq!(workspace.cluster()["chart"]["version"], "3.6.1");
    }
    assert_eq!(versions(&sandbox), before, "a move has changed something");
}
