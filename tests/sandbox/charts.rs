//! Charts of a repository and of a registry, as real helm packages them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::configuration;
use super::support::{Sandbox, Workspace, assert_success};

/// A chart repository and an OCI registry in one, on this machine. Dropping it stops it.
struct Shop {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Shop {
    fn open(pages: BTreeMap<String, Vec<u8>>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let pages = Arc::new(pages);
        let router = Router::new().fallback(move |uri: Uri| async move {
            match pages.get(uri.path()) {
                Some(page) => page.clone().into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        });
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, _runtime: runtime }
    }

    fn in_repository(&self, version: &str) -> String {
        let address = self.address;
        configuration(&format!(
            "chart = {{ repository = \"http://{address}/charts\", name = \"redis-ha\", version = \"{version}\" }}"
        ))
    }

    fn in_registry(&self, version: &str) -> String {
        let reference = format!("oci://{}/team/redis-ha", self.address);
        configuration(&format!("chart = {{ name = \"{reference}\", version = \"{version}\" }}"))
    }
}

/// The provider's own chart in two versions, in a repository and in a registry.
fn pages(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let (directory, mut pages) = (TempDir::new().expect("a scratch directory"), BTreeMap::new());
    let site = directory.path().join("site");
    let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
    let copied = std::process::Command::new("cp")
        .args(["-r", concat!(env!("CARGO_MANIFEST_DIR"), "/src/chart/redis-ha"), &text(directory.path())])
        .output();
    assert_success("cp", &copied.expect("cp runs"));
    let mut tags = Vec::new();
    for version in ["7.0.0", "7.1.0"] {
        let chart = text(&directory.path().join("redis-ha"));
        sandbox.helm(4, &["package", &chart, "--version", version, "--destination", &text(&site)]);
        let archive = fs::read(site.join(format!("redis-ha-{version}.tgz"))).expect("a packaged chart");
        put_in_registry(&mut pages, version, &archive);
        pages.insert(format!("/charts/redis-ha-{version}.tgz"), archive);
        tags.push(version);
    }
    sandbox.helm(4, &["repo", "index", &text(&site)]);
    pages.insert("/charts/index.yaml".to_owned(), fs::read(site.join("index.yaml")).expect("an index"));
    pages.insert("/v2/team/redis-ha/tags/list".to_owned(), json!({ "tags": tags }).to_string().into_bytes());
    pages
}

fn put_in_registry(pages: &mut BTreeMap<String, Vec<u8>>, version: &str, archive: &[u8]) {
    let digest: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest: Value = json!({
        "schemaVersion": 2,
        "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json" },
        "layers": [{
            "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            "digest": format!("sha256:{digest}"), "size": archive.len()
        }]
    });
    pages.insert(format!("/v2/team/redis-ha/manifests/{version}"), manifest.to_string().into_bytes());
    pages.insert(format!("/v2/team/redis-ha/blobs/sha256:{digest}"), archive.to_vec());
}

#[test]
fn a_chart_comes_from_a_repository_moves_to_a_registry_and_needs_no_network_twice() {
    let sandbox = Sandbox::up();
    let shop = Shop::open(pages(&sandbox));
    let workspace = Workspace::new(&sandbox, &shop.in_repository("7.0.0"));
    workspace.apply();
    assert_eq!(workspace.cluster()["release"]["chart_version"], "7.0.0");
    assert!(sandbox.helm(4, &["list"]).contains("redis-ha-7.0.0"));
    workspace.write("main.tf", &shop.in_registry("7.1.0"));
    let (code, plan) = workspace.plan();
    assert_eq!(code, 2, "{plan}");
    assert!(plan.contains("\"7.0.0\" -> \"7.1.0\""), "{plan}");
    workspace.apply();
    assert!(sandbox.helm(3, &["list"]).contains("redis-ha-7.1.0"));
    drop(shop);
    workspace.expect_empty_plan();
    workspace.destroy();
}

#[test]
fn a_chart_that_cannot_be_had_is_told_on_its_attribute_and_nothing_is_applied() {
    let sandbox = Sandbox::up();
    let shop = Shop::open(pages(&sandbox));
    let at = shop.address;
    let of_repository = |repository: String, name: &str, version: &str| {
        format!("chart = {{ repository = \"{repository}\", name = \"{name}\", version = \"{version}\" }}")
    };
    let here = format!("http://{at}/charts");
    let cases = [
        (of_repository(here.clone(), "redis-ha", "7.0.5"), "version", "there are 7.1.0, 7.0.0"),
        (of_repository(here.clone(), "redis", "7.0.0"), "name", "it has redis-ha"),
        (of_repository(format!("http://{at}/none"), "redis-ha", "7.0.0"), "repository", "answered 404"),
        (of_repository(here.clone(), "redis-ha", "^7.0.0"), "version", "no single version"),
        (format!("chart = {{ repository = \"{here}\", name = \"redis-ha\" }}"), "version", "exact version"),
        (format!("chart = {{ name = \"oci://{at}/team/redis-ha:7.0.5\" }}"), "version", "7.1.0, 7.0.0"),
        ("chart = { version = \"9.9.9\" }".to_owned(), "version", "the chart has the version 1.0.0"),
    ];
    let workspace = Workspace::new(&sandbox, &configuration(""));
    for (chart, attribute, wanted) in cases {
        workspace.write("main.tf", &configuration(&chart));
        let refused = workspace.expect_failure(&["apply", "-auto-approve", "-input=false", "-no-color"]);
        assert!(refused.contains(wanted), "{chart}: wanted {wanted:?}:\n{refused}");
        assert!(refused.contains(&format!("chart.{attribute}")), "{chart}: blames {attribute}:\n{refused}");
        assert_eq!(refused.matches("Error:").count(), 1, "{chart}: one diagnostic:\n{refused}");
    }
    assert!(
        !sandbox.kubectl(&["get", "secrets", "-o", "name"]).contains("helm.release"),
        "nothing is applied"
    );
}
