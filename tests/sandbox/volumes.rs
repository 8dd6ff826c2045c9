//! The servers' volumes: their claims grow where that is declared, and what is wrong with one is told.

use super::configuration;
use super::drift::{Damaged, server};
use super::support::{Sandbox, unfolded};

const SET: &str = "redis-1-redis-ha-server";

fn claim(index: usize) -> String {
    format!("data-{}", server(index))
}

fn sizes(sandbox: &Sandbox) -> String {
    let path = "jsonpath={.items[*].spec.resources.requests.storage}";
    sandbox.kubectl(&["get", "persistentvolumeclaims", "-o", path])
}

fn pods(sandbox: &Sandbox) -> String {
    sandbox.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"])
}

#[test]
fn volumes_grow_under_running_pods() {
    let sandbox = Sandbox::up();
    let damaged = Damaged::new(&sandbox, "persistence = { size = \"10Gi\" }");
    sandbox.server(&damaged.master(), &["SET", "kept", "yes"]);
    let before = pods(&sandbox);
    let larger = configuration("persistence = { size = \"20Gi\" }");
    damaged.workspace.write("main.tf", &larger);
    damaged.mends_though_killed("a larger volume", &["The volumes grow", "No pod restarts"], "GrowClaims");
    assert_eq!(sizes(&sandbox), "20Gi 20Gi 20Gi");
    assert_eq!(pods(&sandbox), before, "pods were replaced");
    assert_eq!(sandbox.server(&damaged.master(), &["GET", "kept"]).trim(), "yes");

    damaged.workspace.write("main.tf", &configuration("persistence = { size = \"15Gi\" }"));
    let refused = damaged.workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
    assert!(refused.contains("persistence.size cannot be changed"), "{refused}");
    damaged.workspace.write("main.tf", &larger);

    let patch = r#"{"spec": {"resources": {"requests": {"storage": "30Gi"}}}}"#;
    sandbox.kubectl(&["patch", "persistentvolumeclaim", &claim(1), "--type=merge", "-p", patch]);
    sandbox.kubectl(&["delete", "persistentvolumeclaim", &claim(2), "--wait=false"]);
    let (code, plan) = damaged.workspace.plan();
    let plan = unfolded(&plan);
    assert_eq!(code, 0, "{plan}");
    assert!(plan.contains(&format!("the claim {} asks for 30Gi, and 20Gi is declared", claim(1))), "{plan}");
    assert!(plan.contains(&format!("the claim {} is being deleted", claim(2))), "{plan}");
}

#[test]
fn a_class_that_lets_no_volume_grow_stops_an_apply_before_it_changes_anything() {
    let sandbox = Sandbox::up();
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fixed}\n\
                 provisioner: pd.csi.storage.gke.io\nvolumeBindingMode: WaitForFirstConsumer\n";
    std::fs::write(sandbox.path().join("class.yaml"), class).expect("written");
    sandbox.kubectl(&["apply", "-f", &sandbox.path().join("class.yaml").to_string_lossy()]);
    let sized = |size: &str| {
        configuration(&format!("persistence = {{ size = \"{size}\", storage_class = \"fixed\" }}"))
    };
    let damaged = Damaged::new(&sandbox, "persistence = { size = \"10Gi\", storage_class = \"fixed\" }");
    damaged.workspace.write("main.tf", &sized("20Gi"));
    let refused = damaged.workspace.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    for wanted in
        [&*format!("the claim {} keeps its 10Gi, and 20Gi is declared", claim(0)), "must support resize"]
    {
        assert!(refused.contains(wanted), "{wanted:?} is missing: {refused}");
    }
    damaged.workspace.write("main.tf", &sized("10Gi"));
    damaged.workspace.expect_empty_plan();
}

#[test]
fn a_claim_that_is_smaller_than_declared_is_drift_and_one_that_was_left_grows_at_a_create() {
    let sandbox = Sandbox::up();
    let retained = |size: &str| format!("persistence = {{ size = \"{size}\", on_destroy = \"retain\" }}");
    let damaged = Damaged::new(&sandbox, &retained("10Gi"));
    sandbox.server(&damaged.master(), &["SET", "kept", "yes"]);
    // Without its set nobody makes the claim anew before a smaller one has its name.
    sandbox.kubectl(&["delete", "statefulset", SET, "--cascade=orphan"]);
    sandbox.kubectl(&["delete", "pod", &server(2), "--wait=true"]);
    sandbox.kubectl(&["delete", "persistentvolumeclaim", &claim(2), "--wait=true"]);
    let small = format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {}, labels: {{app: redis-ha, release: \
         redis-1}}}}\nspec: {{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {{requests: \
         {{storage: 5Gi}}}}}}\n",
        claim(2)
    );
    let path = sandbox.path().join("small.yaml");
    std::fs::write(&path, small).expect("written");
    sandbox.kubectl(&["apply", "-f", &path.to_string_lossy()]);
    let bound = format!("persistentvolumeclaim/{}", claim(2));
    sandbox.kubectl(&["wait", &bound, "--for=jsonpath={.status.phase}=Bound", "--timeout=120s"]);
    let row =
        format!("PersistentVolumeClaim/{}: spec.resources.requests.storage is 5Gi, declared 10Gi", claim(2));
    damaged.mends("a smaller claim", &[&row, "ask for volumes of the declared size", "0 -> 3"]);
    assert_eq!(sizes(&sandbox), "10Gi 10Gi 10Gi");
    assert_eq!(sandbox.server(&damaged.master(), &["GET", "kept"]).trim(), "yes");

    damaged.workspace.destroy();
    assert_eq!(sizes(&sandbox), "10Gi 10Gi 10Gi");
    damaged.workspace.write("main.tf", &configuration(&retained("20Gi")));
    damaged.workspace.apply();
    damaged.workspace.expect_empty_plan();
    assert_eq!(sizes(&sandbox), "20Gi 20Gi 20Gi");
}
