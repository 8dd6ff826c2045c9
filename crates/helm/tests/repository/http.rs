use std::fs;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use helm::repository::{Access, Authorization, Fault, HttpTransport, Source, Tls, cached, pull};

use crate::peer::Workshop;
use crate::server::{Authority, PASSWORD, Server, USER, files, guarded};
use crate::{cache, fetch, refusal};

fn credentials() -> Authorization {
    Authorization::basic(USER, PASSWORD)
}

#[tokio::test]
async fn pulls_what_helm_packaged_and_indexed_and_needs_no_network_twice() {
    let workshop = Workshop::new();
    workshop.package("web", "1.2.3");
    workshop.package("web", "1.3.0");
    let server = Server::start(files(&workshop.site())).await;
    let url = format!("http://{}", server.address);
    let source = Source::parse(Some(&url), "web", Some("1.2.3")).expect("a source");
    let ((_directory, cache), transport, access) = (cache(), HttpTransport::new(), Access::default());
    assert!(cached(&source, &cache).is_none());
    let first = pull(&source, &transport, &access, Some(&cache)).await.expect("a chart");
    assert_eq!((first.chart.name(), first.chart.metadata.version.as_str()), ("web", "1.2.3"));
    assert_eq!(server.requests(), 2, "the index and the archive");
    let second = pull(&source, &transport, &access, Some(&cache)).await.expect("a chart");
    assert_eq!(second.digest, first.digest);
    assert_eq!(server.requests(), 2, "no request for what is cached");
    assert_eq!(cached(&source, &cache).expect("a chart").digest, first.digest);
}

#[tokio::test]
async fn names_what_there_is_where_there_is_not_what_was_asked_for() {
    let workshop = Workshop::new();
    workshop.package("web", "1.2.3");
    workshop.package("web", "1.3.0");
    let server = Server::start(files(&workshop.site())).await;
    let url = format!("http://{}", server.address);
    let access = Access::default();
    let result = fetch(Some(&url), "web", Some("1.2.4"), &access).await;
    assert_eq!(result.as_ref().expect_err("no such version").fault(), Fault::Version);
    let said = refusal(result);
    assert!(said.contains("no version 1.2.4") && said.contains("1.3.0, 1.2.3"), "{said}");
    let result = fetch(Some(&url), "webb", Some("1.2.3"), &access).await;
    assert_eq!(result.as_ref().expect_err("no such chart").fault(), Fault::Name);
    let said = refusal(result);
    assert!(said.contains("no chart webb; it has web"), "{said}");
    let elsewhere = format!("{url}/elsewhere");
    let result = fetch(Some(&elsewhere), "web", Some("1.2.3"), &access).await;
    assert_eq!(result.as_ref().expect_err("no repository").fault(), Fault::Repository);
    assert!(refusal(result).contains("answered 404"));
}

#[tokio::test]
async fn shows_credentials_to_the_repository_alone() {
    let workshop = Workshop::new();
    let archive = workshop.package("web", "1.2.3");
    let site = workshop.site();
    let archives = Server::start(guarded(files(&site))).await;
    // The index is on one server, the archive on another that wants credentials too.
    let index = fs::read_to_string(site.join("index.yaml")).expect("an index");
    let elsewhere = index.replace("web-1.2.3.tgz", &format!("http://{}/web-1.2.3.tgz", archives.address));
    let apart = tempfile::tempdir().expect("a directory");
    fs::write(apart.path().join("index.yaml"), elsewhere).expect("a file");
    let index = Server::start(guarded(files(apart.path()))).await;
    let whole = format!("http://{}", archives.address);
    let said = refusal(fetch(Some(&whole), "web", Some("1.2.3"), &Access::default()).await);
    assert!(said.contains("answered 401; give it credentials: helm repo add"), "{said}");
    let access = Access::default().with_repository(&whole, Some(credentials()), Tls::default());
    let pulled = fetch(Some(&whole), "web", Some("1.2.3"), &access).await.expect("a chart");
    assert!(archive.exists() && pulled.digest.starts_with("sha256:"));
    let split = format!("http://{}", index.address);
    let access = Access::default().with_repository(&split, Some(credentials()), Tls::default());
    let said = refusal(fetch(Some(&split), "web", Some("1.2.3"), &access).await);
    assert!(said.contains("cannot get the chart") && said.contains("401"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn knows_the_repositories_that_helm_was_told_of() {
    let workshop = Workshop::new();
    workshop.package("web", "1.2.3");
    let server = Server::start(guarded(files(&workshop.site()))).await;
    let url = format!("http://{}", server.address);
    let add = ["repo", "add", "ours", &url, "--username", USER, "--password", PASSWORD];
    tokio::task::block_in_place(|| workshop.run(3, &add));
    let home = workshop.path().join("home");
    let lookup = |name: &str| match name {
        "HOME" => Some(home.display().to_string()),
        "XDG_CONFIG_HOME" => Some(home.join("config").display().to_string()),
        _ => None,
    };
    let access = Access::from_environment(&lookup).expect("what helm wrote");
    assert!(!format!("{access:?}").contains(PASSWORD));
    fetch(Some(&format!("{url}/")), "web", Some("1.2.3"), &access).await.expect("a chart");
}

#[tokio::test]
async fn trusts_whom_it_is_told_to_trust() {
    let workshop = Workshop::new();
    workshop.package("web", "1.2.3");
    let site = workshop.site();
    let authority = Authority::new();
    let server = Server::start_tls(files(&site), authority.acceptor(false)).await;
    let url = format!("https://{}", server.address);
    let with = |tls: Tls| Access::default().with_repository(&url, None, tls);
    let said = refusal(fetch(Some(&url), "web", Some("1.2.3"), &Access::default()).await);
    assert!(said.contains("certificate"), "{said}");
    let own = Tls { ca_file: Some(authority.file("ca.pem")), ..Tls::default() };
    fetch(Some(&url), "web", Some("1.2.3"), &with(own.clone())).await.expect("a chart");
    let careless = Tls { insecure_skip_verify: true, ..Tls::default() };
    fetch(Some(&url), "web", Some("1.2.3"), &with(careless)).await.expect("a chart");
    let missing = Tls { ca_file: Some(authority.file("none.pem")), ..Tls::default() };
    let said = refusal(fetch(Some(&url), "web", Some("1.2.3"), &with(missing)).await);
    assert!(said.contains("none.pem cannot be read"), "{said}");

    let strict = Server::start_tls(files(&site), authority.acceptor(true)).await;
    let url = format!("https://{}", strict.address);
    let with = |tls: Tls| Access::default().with_repository(&url, None, tls);
    refusal(fetch(Some(&url), "web", Some("1.2.3"), &with(own.clone())).await);
    let client = Some((authority.file("client.pem"), authority.file("client.key")));
    let known = Tls { client_files: client, ..own };
    fetch(Some(&url), "web", Some("1.2.3"), &with(known)).await.expect("a chart");
}

#[tokio::test]
async fn refuses_an_archive_that_is_not_the_promised_one() {
    let workshop = Workshop::new();
    let archive = workshop.package("web", "1.2.3");
    let other = workshop.package("other", "1.2.3");
    let site = workshop.site();
    let server = Server::start(files(&site)).await;
    let url = format!("http://{}", server.address);
    fs::copy(other, archive).expect("an exchange");
    let result = fetch(Some(&url), "web", Some("1.2.3"), &Access::default()).await;
    let said = refusal(result);
    assert!(said.contains("damaged or exchanged"), "{said}");
    // Where the index promises no digest, the chart still has to be the one that was asked for.
    let index = fs::read_to_string(site.join("index.yaml")).expect("an index");
    let unsigned: String = index
        .lines()
        .filter(|line| !line.contains("digest:"))
        .fold(String::new(), |all, line| all + line + "\n");
    fs::write(site.join("index.yaml"), unsigned).expect("a file");
    let said = refusal(fetch(Some(&url), "web", Some("1.2.3"), &Access::default()).await);
    assert!(said.contains("was asked for, and the archive holds other 1.2.3"), "{said}");
}

#[tokio::test]
async fn tells_what_is_no_repository_and_who_does_not_answer() {
    let page = Server::start(Router::new().fallback(get(|| async { "<html>: a page</html>" }))).await;
    let said = refusal(
        fetch(Some(&format!("http://{}", page.address)), "web", Some("1.2.3"), &Access::default()).await,
    );
    assert!(said.contains("is no index of a chart repository"), "{said}");
    let secret = "http://127.0.0.1:1/charts?signature=hunter2";
    let said = refusal(fetch(Some(secret), "web", Some("1.2.3"), &Access::default()).await);
    assert!(said.contains("cannot get the index from http://127.0.0.1:1/charts/index.yaml"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn is_not_led_from_https_to_http() {
    let workshop = Workshop::new();
    workshop.package("web", "1.2.3");
    let clear = Server::start(files(&workshop.site())).await;
    let authority = Authority::new();
    let target = format!("http://{}/index.yaml", clear.address);
    let leads = Router::new().fallback(get(move || async move { Redirect::temporary(&target) }));
    let server = Server::start_tls(leads, authority.acceptor(false)).await;
    let url = format!("https://{}", server.address);
    let tls = Tls { ca_file: Some(authority.file("ca.pem")), ..Tls::default() };
    let access = Access::default().with_repository(&url, None, tls);
    let said = refusal(fetch(Some(&url), "web", Some("1.2.3"), &access).await);
    assert!(said.contains("from https to http"), "{said}");
    assert_eq!(clear.requests(), 0);
}
