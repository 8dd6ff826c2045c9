//! What a release of another chart keeps in its own way, seen as this provider keeps it. Pure.
//!
//! Public charts render the password's Secret themselves unless they are given one. To the provider
//! such a Secret is one that exists: no upgrade renders it again, and no record holds its password.

use serde_json::{Value as Json, json};

use super::facts::parts;
use super::observed::ReleaseSeen;
use super::reconstructed::put;
use crate::chart::effective::{effective, names};
use crate::chart::{Effective, SecretKey, TlsFiles};

/// Where the pods say otherwise than the values, as those of a fork that calls its values otherwise
/// do, the pods are right.
pub fn facts_as_values(seen: &mut ReleaseSeen, release: &str, namespace: &str) {
    let names = names(&seen.effective_values, release, namespace);
    let effective = effective(&seen.effective_values, &names);
    let facts = parts(&seen.manifest).map(|parts| parts.identity()).unwrap_or_default();
    let fact = |path: &[&str]| facts.iter().find(|(at, _)| *at == path).map(|(_, fact)| fact.clone());
    let secret =
        |secret: &Option<SecretKey>| secret.as_ref().map(|secret| (json!(secret.secret), json!(secret.key)));
    let quorum = effective.sentinel.get("quorum").and_then(|quorum| quorum.parse::<u32>().ok());
    let said = [
        (&["fullnameOverride"][..], json!(names.fullname)),
        (&["nameOverride"], json!(names.name)),
        (&["redis", "port"], json!(effective.redis.plain)),
        (&["sentinel", "port"], json!(effective.sentinels.plain)),
        (&["redis", "masterGroupName"], json!(effective.master_group_name)),
        (&["sentinel", "quorum"], json!(quorum)),
    ];
    let said = said.into_iter().chain(tls_said(&effective));
    let mut wrong: Vec<(&[&str], Json)> = Vec::new();
    for (path, said) in said {
        wrong.extend(fact(path).filter(|fact| !said.is_null() && *fact != said).map(|fact| (path, fact)));
    }
    for (said, paths) in [
        (secret(&effective.auth), [&["existingSecret"][..], &["authKey"], &["auth"]]),
        (
            secret(&effective.sentinel_auth),
            [&["sentinel", "existingSecret"], &["sentinel", "authKey"], &["sentinel", "auth"]],
        ),
    ] {
        let live = fact(paths[0]).zip(fact(paths[1]));
        if live.is_some() && live != said {
            wrong.extend(paths.into_iter().filter_map(|path| Some((path, fact(path)?))));
        }
        // Charts before 4.x know no password of the sentinels, whatever the values say.
        if live.is_none() && said.is_some() && !facts.is_empty() {
            wrong.push((paths[2], json!(false)));
        }
    }
    for (path, fact) in wrong {
        put(&mut seen.config, path, fact.clone());
        put(&mut seen.effective_values, path, fact);
    }
}

/// A fork that calls these otherwise says nothing by these names.
fn tls_said(effective: &Effective) -> [(&'static [&'static str], Json); 8] {
    let file = |name: fn(&TlsFiles) -> &str| json!(effective.tls.as_ref().map_or("", name));
    let asks = effective.tls.as_ref().map_or("", |tls| if tls.asks_for_certificate { "yes" } else { "no" });
    [
        (&["redis", "tlsPort"], json!(effective.redis.tls)),
        (&["sentinel", "tlsPort"], json!(effective.sentinels.tls)),
        (&["redis", "tlsReplication"], json!(effective.redis.announces_tls)),
        (&["redis", "authClients"], json!(asks)),
        (&["tls", "secretName"], file(|tls| &tls.secret)),
        (&["tls", "caCertFile"], file(|tls| &tls.ca)),
        (&["tls", "certFile"], file(|tls| &tls.certificate)),
        (&["tls", "keyFile"], file(|tls| &tls.key)),
    ]
}

/// A record keeps no difference between a whole number of `--set`, which a chart prints as it is, and
/// one of a file, which it prints as 1.048576e+08. Redis takes the first alone, so that is what was
/// meant: as a text it is printed so whichever way it comes.
pub fn settings_as_texts(config: &mut Json) {
    for part in ["redis", "sentinel"] {
        let settings =
            config.get_mut(part).and_then(|part| part.get_mut("config")).and_then(Json::as_object_mut);
        for value in settings.into_iter().flat_map(|settings| settings.values_mut()) {
            if let Some(number) = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() >= 1e6)
            {
                *value = json!(format!("{number:.0}"));
            }
        }
    }
}

/// Shows Secrets that the chart rendered as existing ones.
pub fn own_secrets_as_existing(seen: &mut ReleaseSeen, release: &str, namespace: &str) {
    let names = names(&seen.effective_values, release, namespace);
    let effective = effective(&seen.effective_values, &names);
    for (secret, at) in [
        (effective.auth, &["existingSecret"][..]),
        (effective.sentinel_auth, &["sentinel", "existingSecret"]),
    ] {
        let Some(secret) = secret.filter(|secret| secret.rendered_by_chart) else { continue };
        seen.objects.remove(&format!("Secret/{}", secret.secret));
        put(&mut seen.config, at, json!(secret.secret));
        put(&mut seen.effective_values, at, json!(secret.secret));
    }
    for values in [&mut seen.config, &mut seen.effective_values] {
        *values = super::values::without_passwords(values);
    }
}

/// Values for an upgrade: a Secret of the sentinels that stands is named, as the password's is.
pub fn sentinel_secret(values: &Json, release: &str, namespace: &str) -> Option<Json> {
    let names = names(values, release, namespace);
    let secret = effective(values, &names).sentinel_auth.filter(|secret| secret.rendered_by_chart)?;
    Some(json!({ "sentinel": { "existingSecret": secret.secret } }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_large_number_is_printed_by_every_chart_as_it_was_set() {
        let mut config =
            json!({ "redis": { "config": { "maxmemory": 104_857_600, "hz": 10 }, "port": 6379 } });
        settings_as_texts(&mut config);
        let wanted = json!({ "redis": { "config": { "maxmemory": "104857600", "hz": 10 }, "port": 6379 } });
        assert_eq!(config, wanted);
    }

    #[test]
    fn a_secret_that_the_chart_rendered_counts_as_existing_and_its_password_is_forgotten() {
        let config = json!({
            "auth": true, "redisPassword": "in-the-record-0123456789",
            "sentinel": { "auth": true, "password": "in-the-record-too-0123" },
        });
        let mut seen = ReleaseSeen {
            revision: 1,
            status: "deployed".into(),
            chart_version: "4.39.0".into(),
            chart_name: Some("recorded"),
            effective_values: config.clone(),
            config,
            manifest: Vec::new(),
            objects: ["Secret/r-redis-ha", "Secret/r-redis-ha-sentinel", "Service/r-redis-ha"]
                .map(|key| (key.to_owned(), "digest".to_owned()))
                .into(),
            ..ReleaseSeen::default()
        };
        own_secrets_as_existing(&mut seen, "r", "default");
        let wanted = json!({
            "auth": true, "existingSecret": "r-redis-ha",
            "sentinel": { "auth": true, "existingSecret": "r-redis-ha-sentinel" },
        });
        assert_eq!(seen.config, wanted);
        assert_eq!(seen.effective_values, wanted);
        assert_eq!(seen.objects, BTreeMap::from([("Service/r-redis-ha".to_owned(), "digest".to_owned())]));
    }
}
