//! Releases whose servers and sentinels speak TLS, alone or beside plain text.

use std::fs;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::adopt::{MORE_MEMORY, ON_BUNDLED, status, with};
use super::import_forms::{PASSWORD, import, silent};
use super::load::Load;
use super::support::{Sandbox, Workspace, assert_success, chart, eventually, unfolded};

/// What redis-cli needs beside the port.
const BY_TLS: [&str; 7] = [
    "--tls",
    "--cacert",
    "/tls-certs/ca.crt",
    "--cert",
    "/tls-certs/redis.crt",
    "--key",
    "/tls-certs/redis.key",
];

/// A CA, and a certificate of it for a name that nobody connects to.
fn certificates(directory: &TempDir) {
    let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(parameters, key).expect("a CA");
    let mut parameters = CertificateParams::new(["redis.example".to_owned()]).expect("parameters");
    parameters.distinguished_name.push(DnType::CommonName, "redis.example");
    let key = KeyPair::generate().expect("a key");
    let own = parameters.signed_by(&key, &authority).expect("a certificate");
    let both = format!("{}{}", own.pem(), key.serialize_pem());
    for (name, pem) in [
        ("ca.crt", authority.pem()),
        ("redis.crt", own.pem()),
        ("redis.key", key.serialize_pem()),
        ("both.pem", both),
    ] {
        fs::write(directory.path().join(name), pem).expect("a writable directory");
    }
}

/// Makes or replaces the Secret with the certificates.
fn put_certificates(sandbox: &Sandbox, directory: &TempDir) {
    let files = ["ca.crt", "redis.crt", "redis.key"].map(|name| {
        let path = directory.path().join(name);
        format!("--from-file={name}={}", path.display())
    });
    let mut arguments = vec!["create", "secret", "generic", "certs", "--dry-run=client", "-o", "yaml"];
    arguments.extend(files.iter().map(String::as_str));
    let file = directory.path().join("secret.yaml");
    fs::write(&file, sandbox.kubectl(&arguments)).expect("a writable directory");
    sandbox.kubectl(&["apply", "-f", &file.display().to_string()]);
}

fn install(sandbox: &Sandbox, name: &str, plain: [u16; 2]) {
    let values = format!(
        "auth=true,existingSecret=redis-credentials,persistentVolume.size=1Gi,tls.secretName=certs,\
         redis.port={},redis.tlsPort=6385,redis.tlsReplication=true,\
         sentinel.port={},sentinel.tlsPort=26385,sentinel.tlsReplication=true",
        plain[0], plain[1]
    );
    sandbox.helm(4, &["install", name, &chart("new"), "--set", &values, "--wait", "--timeout", "3m"]);
}

fn prepare() -> (Sandbox, TempDir) {
    let sandbox = Sandbox::up_with(&["--nodes", "3"]);
    let directory = TempDir::new().expect("a scratch directory");
    certificates(&directory);
    put_certificates(&sandbox, &directory);
    let literal = format!("--from-literal=auth={PASSWORD}");
    sandbox.kubectl(&["create", "secret", "generic", "redis-credentials", &literal]);
    (sandbox, directory)
}

/// The state of an imported release whose members have all found one another.
fn settled(workspace: &Workspace<'_>) -> Value {
    eventually("everybody is linked", Duration::from_secs(120), || {
        let looked = workspace.terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"]);
        assert_success("a refresh", &looked);
        let cluster = workspace.cluster();
        if cluster["health"] == json!([]) { Ok(cluster) } else { Err(cluster["health"].to_string()) }
    })
}

/// One command of redis-cli under TLS.
fn ask(sandbox: &Sandbox, pod: &str, port: &str, arguments: &[&str]) -> String {
    sandbox.server(pod, &[&["-p", port], &BY_TLS[..], arguments].concat())
}

#[test]
fn a_release_that_speaks_tls_alone_is_seen_and_mended_and_hands_its_master_over() {
    let (sandbox, directory) = prepare();
    install(&sandbox, "tls-1", [0, 0]);
    let workspace = Workspace::new(&sandbox, &silent("tls-1"));
    let told = import(&workspace, "default/tls-1");
    assert!(!told.contains("TLS"), "{told}");
    workspace.expect_empty_plan();
    let cluster = settled(&workspace);
    assert_eq!(cluster["master_endpoint"], "tls-1-redis-ha-announce-0.default.svc:6385");
    assert_eq!(cluster["sentinel_endpoints"][1], "tls-1-redis-ha-announce-1.default.svc:26385");
    assert_eq!(cluster["redis_version"], "7.0.15");
    ask(&sandbox, "tls-1-redis-ha-server-1", "6385", &["CONFIG", "SET", "maxmemory", "123mb"]);
    let set = ["exec", "tls-1-redis-ha-server-2", "-c", "sentinel", "--", "redis-cli", "-p", "26385"];
    sandbox.kubectl(&[&set[..], &BY_TLS[..], &["sentinel", "set", "mymaster", "quorum", "3"]].concat());
    let (code, plan) = workspace.plan();
    assert!(code == 2 && plan.contains("maxmemory") && plan.contains("quorum"), "{plan}");
    workspace.apply();
    workspace.expect_empty_plan();
    let memory = ask(&sandbox, "tls-1-redis-ha-server-1", "6385", &["CONFIG", "GET", "maxmemory"]);
    assert_eq!(memory.split_whitespace().last(), Some("0"), "{memory}");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (ca, certificate) = (path("ca.crt"), path("both.pem"));
    let arguments = ["--ca", ca.as_str(), "--certificate", certificate.as_str()];
    let to_server = [&["-p", "6385"], &BY_TLS[..]].concat();
    let load = Load::begin(&sandbox, "tls-1-redis-ha", PASSWORD, (26385, &arguments), &to_server);
    workspace.write("main.tf", &with("tls-1", MORE_MEMORY));
    workspace.apply();
    workspace.expect_empty_plan();
    let report = load.stop();
    assert!(report["masters"].as_array().is_some_and(|masters| masters.len() > 1), "{report}");
    assert_eq!(status(&sandbox, "tls-1"), ("deployed".to_owned(), "redis-ha-4.39.0".to_owned()));
    workspace.write("main.tf", &with("tls-1", &format!("{MORE_MEMORY}\n{ON_BUNDLED}")));
    let refused = workspace.expect_failure(&["plan", "-input=false", "-no-color"]);
    assert!(refused.contains("The bundled chart has no redis.tlsPort"), "{refused}");
    workspace.write("main.tf", &with("tls-1", MORE_MEMORY));
    workspace.destroy();
}

#[test]
fn servers_are_held_to_the_ca_and_asked_in_plain_text_where_they_speak_it() {
    let (sandbox, directory) = prepare();
    install(&sandbox, "tls-only", [0, 0]);
    install(&sandbox, "both", [6379, 26379]);
    let both = Workspace::new(&sandbox, &silent("both"));
    import(&both, "default/both");
    both.expect_empty_plan();
    let cluster = settled(&both);
    assert_eq!(cluster["master_endpoint"], "both-redis-ha-announce-0.default.svc:6379");
    assert_eq!(cluster["replica_endpoints"].as_array().map(Vec::len), Some(2));
    let only = Workspace::new(&sandbox, &silent("tls-only"));
    import(&only, "default/tls-only");
    certificates(&directory);
    put_certificates(&sandbox, &directory);
    let (code, plan) = only.plan();
    let plan = unfolded(&plan);
    assert_eq!(code, 0, "what is unreachable changes nothing: {plan}");
    assert!(plan.contains("invalid peer certificate"), "{plan}");
    both.expect_empty_plan();
    sandbox.kubectl(&["delete", "secret", "certs"]);
    let refused = Workspace::new(&sandbox, &silent("tls-only"));
    let refused =
        refused.expect_failure(&["import", "-no-color", "redis_ha_cluster.cache", "default/tls-only"]);
    assert!(refused.contains("Secret default/certs does not exist"), "{refused}");
    let name = "both-redis-ha-server-0";
    eventually("the servers go on", Duration::from_secs(30), || {
        let answer = sandbox.server(name, &["PING"]);
        if answer.trim() == "PONG" { Ok(()) } else { Err(answer) }
    });
}
