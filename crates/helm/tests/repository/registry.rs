use helm::repository::{Access, Authorization, Fault, HttpTransport, Source, pull};
use serde_json::json;

use crate::peer::Workshop;
use crate::server::{PASSWORD, Server, USER};
use crate::store::{Door, Registry};
use crate::{cache, fetch, refusal};

fn access(server: &Server) -> Access {
    Access::default().with_registry(&server.address.to_string(), Authorization::basic(USER, PASSWORD))
}

/// Pushes by real Helm; it runs beside the server, which has to go on.
async fn push(workshop: &Workshop, release: u8, archive: &std::path::Path, server: &Server) {
    let archive = archive.to_str().expect("a plain path");
    let target = format!("oci://{}/charts", server.address);
    tokio::task::block_in_place(|| workshop.run(release, &["push", archive, &target, "--plain-http"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_what_both_helms_push_and_needs_no_network_twice() {
    let (workshop, registry) = (Workshop::new(), Registry::new(Door::Open));
    let server = Server::start(registry.router()).await;
    for (release, version) in [(3, "1.2.3"), (4, "1.3.0-rc.1+build")] {
        let archive = workshop.package("web", version);
        push(&workshop, release, &archive, &server).await;
        let at = format!("oci://{}/charts", server.address);
        let ((_directory, cache), transport) = (cache(), HttpTransport::new());
        let source = Source::parse(Some(&at), "web", Some(version)).expect("a source");
        let pulled = pull(&source, &transport, &Access::default(), Some(&cache)).await.expect("a chart");
        assert_eq!(pulled.chart.metadata.version, version);
        let requests = server.requests();
        pull(&source, &transport, &Access::default(), Some(&cache)).await.expect("a chart");
        assert_eq!(server.requests(), requests, "no request for what is cached");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_each_door_what_it_wants_to_see() {
    let (workshop, registry) = (Workshop::new(), Registry::new(Door::Open));
    let archive = workshop.package("web", "1.2.3");
    push(&workshop, 4, &archive, &Server::start(registry.router()).await).await;
    for door in [Door::AnonymousToken, Door::Token, Door::Basic] {
        let server = Server::start(registry.behind(door).router()).await;
        let reference = format!("oci://{}/charts/web:1.2.3", server.address);
        let stranger = fetch(None, &reference, None, &Access::default()).await;
        if door == Door::AnonymousToken {
            stranger.expect("a token for everyone");
        } else {
            let said = refusal(stranger);
            assert!(said.contains("helm registry login 127.0.0.1:"), "{said}");
        }
        fetch(None, &reference, None, &access(&server)).await.expect("a chart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn knows_the_registries_that_helm_logged_in_to() {
    let (workshop, registry) = (Workshop::new(), Registry::new(Door::Open));
    let archive = workshop.package("web", "1.2.3");
    push(&workshop, 4, &archive, &Server::start(registry.router()).await).await;
    let server = Server::start(registry.behind(Door::Basic).router()).await;
    let host = server.address.to_string();
    for (release, in_the_clear) in [(3, "--insecure"), (4, "--plain-http")] {
        let login = ["registry", "login", &host, "--username", USER, "--password", PASSWORD, in_the_clear];
        tokio::task::block_in_place(|| workshop.run(release, &login));
        let home = workshop.path().join("home");
        let lookup = |name: &str| {
            (name == "HELM_REGISTRY_CONFIG")
                .then(|| home.join("config/helm/registry/config.json").display().to_string())
        };
        let access = Access::from_environment(&lookup).expect("what helm wrote");
        let reference = format!("oci://{host}/charts/web");
        fetch(None, &reference, Some("1.2.3"), &access).await.expect("a chart");
        std::fs::remove_dir_all(&home).expect("helm's own directory");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_the_versions_that_there_are() {
    let (workshop, registry) = (Workshop::new(), Registry::new(Door::Open));
    let server = Server::start(registry.router()).await;
    for version in ["1.2.3", "1.3.0+x"] {
        push(&workshop, 4, &workshop.package("web", version), &server).await;
    }
    let reference = format!("oci://{}/charts/web", server.address);
    let result = fetch(None, &reference, Some("1.2.4"), &Access::default()).await;
    assert_eq!(result.as_ref().expect_err("no such version").fault(), Fault::Version);
    let said = refusal(result);
    assert!(said.contains("no version 1.2.4 of the chart web; there are 1.3.0+x, 1.2.3"), "{said}");
    let result = fetch(None, &format!("{reference}b"), Some("1.2.3"), &Access::default()).await;
    assert_eq!(result.as_ref().expect_err("no such chart").fault(), Fault::Name);
    assert!(refusal(result).contains("no chart charts/webb"));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_no_chart_or_not_the_promised_one() {
    let registry = Registry::new(Door::Open);
    let server = Server::start(registry.router()).await;
    let promised = format!("sha256:{}", "0".repeat(64));
    let layer = json!({
        "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": promised, "size": 3
    });
    let config = json!({ "mediaType": "application/vnd.cncf.helm.config.v1+json" });
    let image =
        json!({ "config": { "mediaType": "application/vnd.oci.image.config.v1+json" }, "layers": [] });
    let cases = [
        ("1.0.0", json!({ "config": config, "layers": [layer] }), "damaged or exchanged"),
        ("1.0.1", image, "such as an image"),
        ("1.0.2", json!({ "config": config, "layers": [] }), "none of its layers"),
        ("1.0.3", json!("text"), "such as an image"),
    ];
    for (version, manifest, expected) in cases {
        registry.put(&format!("charts/web:{version}"), &manifest, (&promised, b"abc"));
        let reference = format!("oci://{}/charts/web", server.address);
        let said = refusal(fetch(None, &reference, Some(version), &Access::default()).await);
        assert!(said.contains(expected), "{version}: {said}");
    }
    let pinned = format!("oci://{}/charts/web:1.0.0@{promised}", server.address);
    let said = refusal(fetch(None, &pinned, None, &Access::default()).await);
    assert!(said.contains("answered 404") || said.contains("no version"), "{said}");
}
