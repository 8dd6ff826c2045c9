//! Records that real Helm wrote, and records that it must read.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{History, Release, Status, decode, encode, is_valid_name};

/// The record of a release as Helm 3.17 and 4.1 write it, its chart and manifest cut short.
fn recorded(version: &str) -> Json {
    let mut record = json!({
        "name": "rel",
        "info": {
            "first_deployed": "2026-11-23T18:51:35.480114604Z",
            "last_deployed": "2026-11-23T18:51:35.947198856Z",
            "description": "Upgrade complete",
            "status": "deployed"
        },
        "chart": {
            "metadata": { "name": "cache", "version": "1.0.0", "apiVersion": "v2", "appVersion": "7.2" },
            "lock": null,
            "templates": [{ "name": "templates/all.yaml", "data": "YQ==" }],
            "values": { "replicas": 3 },
            "schema": null,
            "files": null
        },
        "config": { "replicas": 4 },
        "manifest": "---\n# Source: cache/templates/all.yaml\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n",
        "version": 2,
        "namespace": "h35"
    });
    if version == "3.17.2" {
        record["info"]["deleted"] = json!("");
    } else {
        record["apply_method"] = json!("ssa");
        record["chart"]["modtime"] = json!("2026-11-23T18:47:58.626217524Z");
        record["chart"]["schemamodtime"] = json!("0001-01-01T00:00:00Z");
    }
    record
}

fn secret_of(record: &Json) -> Json {
    let data = STANDARD.encode(record.to_string());
    json!({
        "metadata": {
            "name": "sh.helm.release.v1.rel.v2",
            "resourceVersion": "1118",
            "labels": { "name": "rel", "owner": "helm", "status": "deployed", "version": "2", "team": "a" }
        },
        "data": { "release": STANDARD.encode(data) }
    })
}

fn now() -> Timestamp {
    "2026-11-23T19:00:00Z".parse().expect("a constant time")
}

#[test]
fn reads_records_of_helm_3_and_4_and_loses_nothing() {
    for version in ["3.17.2", "4.1.4"] {
        let record = recorded(version);
        let release = decode(&secret_of(&record)).expect("a record");
        assert_eq!(release.info.status, Status::Deployed);
        assert_eq!((release.version, release.chart_version()), (2, "1.0.0"));
        assert_eq!(release.is_server_side_applied(), version == "4.1.4");
        assert_eq!(release.labels.len(), 1, "system labels are no labels of the release");
        assert_eq!(release.manifests().expect("objects").len(), 1);
        let mut again = serde_json::to_value(&release).expect("a record");
        if version == "3.17.2" {
            again["info"]["deleted"] = json!("");
        }
        assert_eq!(again, record, "Helm {version}");
    }
}

#[test]
fn writes_the_secret_that_helm_expects() {
    let release = decode(&secret_of(&recorded("4.1.4"))).expect("a record");
    let secret = encode(&release, now(), true).expect("small enough");
    assert_eq!(secret["type"], "helm.sh/release.v1");
    assert_eq!(secret["metadata"]["name"], "sh.helm.release.v1.rel.v2");
    assert_eq!(secret["metadata"]["resourceVersion"], "1118");
    let expected = json!({
        "team": "a", "name": "rel", "owner": "helm", "status": "deployed", "version": "2",
        "modifiedAt": now().as_second().to_string()
    });
    assert_eq!(secret["metadata"]["labels"], expected);
    let again = decode(&secret).expect("a record");
    assert_eq!(again, release);
}

#[test]
fn refuses_a_record_larger_than_a_secret() {
    let mut release = Release { name: "big".to_owned(), version: 1, ..Release::default() };
    // Digits of a pseudo-random walk, which gzip cannot make small.
    let mut state = 1_u64;
    release.manifest = (0..400_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:x}", state >> 40)
        })
        .collect();
    let error = encode(&release, now(), true).expect_err("too large");
    assert!(error.to_string().contains("1048576"), "{error}");
}

#[test]
fn says_which_record_is_damaged() {
    let error = decode(&json!({ "metadata": { "name": "x.v1" }, "data": { "release": "!" } }));
    assert!(error.expect_err("no record").to_string().contains("x.v1"));
}

fn history(statuses: &[(u64, Status)]) -> History {
    let secrets = statuses.iter().map(|(version, status)| {
        let mut release = Release { name: "rel".to_owned(), version: *version, ..Release::default() };
        release.info.status = *status;
        release.info.last_deployed = "2026-11-23T18:55:00Z".to_owned();
        encode(&release, now(), false).expect("small enough")
    });
    History::of(&secrets.collect::<Vec<_>>()).expect("records")
}

#[test]
fn the_current_revision_is_the_deployed_one() {
    let history = history(&[(3, Status::Failed), (1, Status::Superseded), (2, Status::Deployed)]);
    assert_eq!(history.current().map(|one| one.version), Some(2));
    assert_eq!(history.latest().map(|one| one.version), Some(3));
    assert_eq!(history.next_revision(), 4);
}

#[test]
fn a_pending_revision_is_busy_until_it_is_old() {
    let pending = history(&[(1, Status::PendingInstall)]);
    let error = pending.check_idle(now(), Duration::from_secs(600)).expect_err("somebody is at work");
    assert!(error.to_string().contains("pending-install"), "{error}");
    pending.check_idle(now(), Duration::from_secs(300)).expect("five minutes have passed");
    history(&[(1, Status::Failed)]).check_idle(now(), Duration::from_secs(600)).expect("nobody works");
}

#[test]
fn makes_room_by_dropping_the_oldest_but_never_the_deployed() {
    let mut statuses: Vec<_> = (2..=11).map(|version| (version, Status::Failed)).collect();
    statuses.insert(0, (1, Status::Deployed));
    let versions: Vec<_> = history(&statuses).surplus(10).iter().map(|one| one.version).collect();
    assert_eq!(versions, [2, 3]);
    assert!(history(&[(1, Status::Deployed)]).surplus(10).is_empty());
}

#[test]
fn names_are_dns_names() {
    for good in ["redis-1", "a.b", "0"] {
        assert!(is_valid_name(good), "{good}");
    }
    let long = "a".repeat(54);
    for bad in ["", "A", "-a", "a-", "a..b", "a_b", &long] {
        assert!(!is_valid_name(bad), "{bad}");
    }
}
