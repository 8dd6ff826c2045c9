use helm::chart::Chart;
use helm::cluster::ClusterErrorKind;
use helm::release::ReleaseError;
use helm::render::{Rendered, Request, offline_capabilities, render_on};
use helm::template::World;
use helm::value::Map;
use serde_json::json;

use crate::{Stage, check};

struct Still;

impl World for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// A password that is kept once it exists, and a second lookup that depends on the first.
const TEMPLATE: &str = r#"
{{- $old := lookup "v1" "Secret" .Release.Namespace "first" -}}
{{- $next := "" }}{{ if $old }}{{ $next = index $old.data "next" }}{{ end -}}
kind: ConfigMap
apiVersion: v1
metadata: {name: a}
data:
  next: "{{ $next }}"
  found: "{{ if $next }}{{ (lookup "v1" "Secret" .Release.Namespace $next).data.x }}{{ end }}"
  all: "{{ range (lookup "v1" "Secret" .Release.Namespace "").items }}{{ .metadata.name }} {{ end }}"
"#;

async fn render(stage: &Stage) -> Result<Rendered, ReleaseError> {
    let chart = Chart::from_files([
        ("Chart.yaml", "apiVersion: v2\nname: tiny\nversion: 0.1.0\n"),
        ("templates/a.yaml", TEMPLATE),
    ]);
    let (chart, values, capabilities) = (chart.expect("a chart"), Map::new(), offline_capabilities());
    let request = Request {
        name: "rel",
        namespace: "ns",
        revision: 1,
        is_upgrade: false,
        values: &values,
        capabilities: &capabilities,
    };
    render_on(&stage.cluster, &chart, &request, &Still).await
}

fn secret(name: &str, key: &str, value: &str) -> serde_json::Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": "ns" }, "data": { key: value } })
}

#[tokio::test]
async fn templates_see_what_is_in_the_cluster() {
    let stage = Stage::new();
    stage.cluster.put(&secret("first", "next", "second"));
    stage.cluster.put(&secret("second", "x", "found"));
    let rendered = render(&stage).await.expect("a rendering");
    let data = &rendered.manifests[0].object["data"];
    assert_eq!(*data, json!({ "next": "second", "found": "found", "all": "first second " }));
    check(&stage.cluster.conversation(), &["list Secret ", "get Secret ns/first", "get Secret ns/second"]);
}

#[tokio::test]
async fn what_is_absent_is_an_empty_map() {
    let rendered = render(&Stage::new()).await.expect("a rendering");
    assert_eq!(rendered.manifests[0].object["data"], json!({ "next": "", "found": "", "all": "" }));
}

#[tokio::test]
async fn a_refused_lookup_is_an_error_and_not_an_absence() {
    let stage = Stage::new();
    stage.cluster.refuse("get Secret ns/first", ClusterErrorKind::Forbidden);
    let error = render(&stage).await.expect_err("forbidden");
    assert!(error.to_string().contains("cannot look up Secret \"first\""), "{error}");
}
