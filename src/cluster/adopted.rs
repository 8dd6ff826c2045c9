//! What a release of another chart keeps in its own way, seen as this provider keeps it. Pure.
//!
//! Public charts render the password's Secret themselves unless they are given one. To the provider
//! such a Secret is one that exists: no upgrade renders it again, and no record holds its password.

use serde_json::{Map, Value as Json, json};

use super::observed::ReleaseSeen;
use crate::chart::effective::{effective, names};

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
        set(&mut seen.config, at, &secret.secret);
        set(&mut seen.effective_values, at, &secret.secret);
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

fn set(values: &mut Json, path: &[&str], text: &str) {
    let mut at = values;
    for key in path {
        if !at.is_object() {
            *at = Json::Object(Map::new());
        }
        at = &mut at[*key];
    }
    *at = text.into();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

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
            chart_name: "recorded",
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
