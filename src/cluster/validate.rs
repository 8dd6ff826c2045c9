//! What can be wrong with a configuration by itself: every rule here is on one attribute, knows
//! nothing of what is live, and says nothing about a value that is not known yet.

use tfplugin_sdk::{Attr, AttributePath, Diagnostic, Diagnostics, path};

use super::duration::parse_duration;
use super::model::{Gke, Model, NodePool, Persistence, Taint, Timeouts};
use crate::chart::check::{Severity, check_password};
use crate::chart::{Facts, Finding};
use crate::gke::TaintEffect;

const NAMESPACE_LENGTH_MAX: usize = 63;
/// Beyond this, Sentinel's own full mesh is the limit.
const REPLICAS_MAX: i64 = 99;

/// Checks the attributes one by one.
pub fn validate(model: &Model) -> Diagnostics {
    let mut found = Diagnostics::none();
    names(model, &mut found);
    if let Some(replicas) = model.replicas.known().filter(|replicas| !(1..=REPLICAS_MAX).contains(*replicas))
    {
        found.push(wrong(path!["replicas"], replicas, &format!("1 to {REPLICAS_MAX}; 3 are advised")));
    }
    one_of(&model.repair, path!["repair"], &["auto", "report"], &mut found);
    if let Some(image) = model.image.known() {
        let policies = ["Always", "IfNotPresent", "Never"];
        one_of(&image.pull_policy, path!["image", "pull_policy"], &policies, &mut found);
    }
    passwords(model, &mut found);
    secret(model, &mut found);
    if let Some(persistence) = model.persistence.known() {
        volumes(persistence, &mut found);
    }
    if let Some(timeouts) = model.timeouts.known() {
        time_limits(timeouts, &mut found);
    }
    if let Some(gke) = model.gke.known() {
        google(gke, &mut found);
    }
    found
}

fn wrong(at: AttributePath, seen: impl std::fmt::Display, wanted: &str) -> Diagnostic {
    Diagnostic::error(format!("Wrong value of {at}"), format!("It is `{seen}`. Wanted: {wanted}.")).at(at)
}

fn one_of(attribute: &Attr<String>, at: AttributePath, wanted: &[&str], found: &mut Diagnostics) {
    if let Some(seen) = attribute.as_str().filter(|seen| !wanted.contains(seen)) {
        found.push(wrong(at, seen, &wanted.join(", ")));
    }
}

fn names(model: &Model, found: &mut Diagnostics) {
    if let Some(name) = model.name.as_str().filter(|name| !helm::release::is_valid_name(name)) {
        found.push(wrong(
            path!["name"],
            name,
            "the name of a Helm release: lower-case letters, digits and '-', at most 53 characters",
        ));
    }
    let label = |name: &&str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let ends = name.starts_with('-') || name.ends_with('-');
        !name.is_empty() && name.len() <= NAMESPACE_LENGTH_MAX && !ends && name.chars().all(inner)
    };
    if let Some(namespace) = model.namespace.as_str().filter(|name| !label(name)) {
        let wanted = "the name of a namespace: lower-case letters, digits and '-', at most 63 characters";
        found.push(wrong(path!["namespace"], namespace, wanted));
    }
}

fn passwords(model: &Model, found: &mut Diagnostics) {
    let auth = model.auth.known().cloned().unwrap_or_default();
    let brings = !model.password_wo.is_null();
    if brings && !auth.existing_secret.is_null() {
        found.error_at(
            path!["password_wo"],
            "Two passwords",
            "`auth.existing_secret` names a Secret of your own, `password_wo` brings a password. Keep one of them.",
        );
    }
    if brings && auth.enabled.is(&false) {
        found.error_at(
            path!["password_wo"],
            "A password without authentication",
            "`auth.enabled` is false, so no password is used. Remove `password_wo`, or enable authentication.",
        );
    }
    if brings && model.password_wo_version.is_null() {
        found.error_at(
            path!["password_wo_version"],
            "Missing password_wo_version",
            "`password_wo` is kept nowhere, so its version says which one is in use. Set `password_wo_version = 1`.",
        );
    }
    if model.password_wo.is_null() && model.password_wo_version.known().is_some() {
        found.error_at(
            path!["password_wo_version"],
            "Missing password_wo",
            "There is a version and no password: is the variable that brings it null? Set `password_wo`, or remove \
             `password_wo_version` to have a password generated.",
        );
    }
    if let Some(Err(message)) = model.password_wo.as_str().map(check_password) {
        found.error_at(
            path!["password_wo"],
            "Wrong value of password_wo",
            format!("{message} Wanted: 16 or more of A-Z a-z 0-9 _ . -"),
        );
    }
}

fn secret(model: &Model, found: &mut Diagnostics) {
    let Some(auth) = model.auth.known() else { return };
    let word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let is_name = |text: &&str| word(text, "-.") && !text.chars().any(|c| c.is_ascii_uppercase());
    if let Some(name) = auth.existing_secret.as_str().filter(|name| !is_name(name)) {
        let wanted = "the name of a Secret: lower-case letters, digits, '-' and '.'";
        found.push(wrong(path!["auth", "existing_secret"], name, wanted));
    }
    if let Some(key) = auth.secret_key.as_str().filter(|key| !word(key, "-._")) {
        found.push(wrong(
            path!["auth", "secret_key"],
            key,
            "a key of a Secret: letters, digits, '-', '_' and '.'",
        ));
    }
}

fn volumes(persistence: &Persistence, found: &mut Diagnostics) {
    one_of(&persistence.on_destroy, path!["persistence", "on_destroy"], &["delete", "retain"], found);
    let quantity = |text: &&str| {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let units = ["", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi"];
        number.parse::<f64>().is_ok_and(|number| number > 0.0) && units.contains(&unit)
    };
    if let Some(size) = persistence.size.as_str().filter(|size| !quantity(size)) {
        found.push(wrong(path!["persistence", "size"], size, "a Kubernetes quantity, such as 10Gi"));
    }
}

fn time_limits(timeouts: &Timeouts, found: &mut Diagnostics) {
    let limits = [
        ("create", &timeouts.create),
        ("read", &timeouts.read),
        ("update", &timeouts.update),
        ("delete", &timeouts.delete),
    ];
    for (verb, limit) in limits {
        if let Some(text) =
            limit.as_str().filter(|text| parse_duration(text).is_none_or(|limit| limit.is_zero()))
        {
            found.push(wrong(path!["timeouts", verb], text, "a duration such as 45m, 90s or 1h30m"));
        }
    }
}

fn google(gke: &Gke, found: &mut Diagnostics) {
    if gke.cluster.is_null() {
        found.error_at(
            path!["gke", "cluster"],
            "Missing gke.cluster",
            "The gke block names no cluster. Set the name of the GKE cluster, or leave the block out and use the \
             provider's kubernetes block.",
        );
    }
    let Some(pool) = gke.node_pool.known() else { return };
    node_pool(pool, found);
}

fn node_pool(pool: &NodePool, found: &mut Diagnostics) {
    let at = |name: &str| path!["gke", "node_pool", name];
    if pool.name.is_null() {
        found.error_at(
            at("name"),
            "Missing gke.node_pool.name",
            "The pool has no name. Set one; leave node_pool out to use the cluster's own nodes.",
        );
    }
    let is_name = |name: &&str| {
        let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        inner
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.len() <= 40
    };
    if let Some(name) = pool.name.as_str().filter(|name| !is_name(name)) {
        let wanted = "a lower-case letter, then letters, digits and '-', at most 40 characters";
        found.push(wrong(at("name"), name, wanted));
    }
    if let Some(count) = pool.node_count.known().filter(|count| **count < 0) {
        found.push(wrong(at("node_count"), count, "0 or more nodes in each zone"));
    }
    if let Some(size) = pool.disk_size_gb.known().filter(|size| **size < 10) {
        found.push(wrong(at("disk_size_gb"), size, "10 or more"));
    }
    for (index, taint) in pool.taints.known().into_iter().flatten().enumerate() {
        let effect = taint.known().map(|taint: &Taint| &taint.effect);
        if let Some(text) = effect.and_then(Attr::as_str).filter(|text| TaintEffect::parse(text).is_none()) {
            let at = path!["gke", "node_pool", "taints", index, "effect"];
            found.push(wrong(at, text, "NO_SCHEDULE, PREFER_NO_SCHEDULE or NO_EXECUTE"));
        }
    }
}

/// The rules that look at several values at once, about what `facts` knows.
pub fn findings(facts: &Facts, model: &Model) -> Diagnostics {
    crate::chart::check::check(facts).iter().map(|finding| diagnostic(finding, model)).collect()
}

/// On the typed attribute where one is set, else on the values it must come from.
fn diagnostic(finding: &Finding, model: &Model) -> Diagnostic {
    let at = typed_path(finding.field);
    let summary = match &at {
        Some((_, path)) => path.to_string(),
        None => finding.field.to_owned(),
    };
    let diagnostic = match finding.severity {
        Severity::Error => Diagnostic::error(format!("Wrong value of {summary}"), &finding.message),
        Severity::Warning => Diagnostic::warning(format!("Unwise value of {summary}"), &finding.message),
    };
    match at {
        Some((is_set, path)) if is_set(model) => diagnostic.at(path),
        _ if !model.values.is_null() => diagnostic.at(path!["values"]),
        _ => diagnostic,
    }
}

type IsSet = fn(&Model) -> bool;

fn typed_path(field: &str) -> Option<(IsSet, AttributePath)> {
    let rows: [(&str, IsSet, AttributePath); 9] = [
        ("name", |_| true, path!["name"]),
        ("replicas", |model| !model.replicas.is_null(), path!["replicas"]),
        ("sentinel.quorum", |model| has(&model.sentinel, |s| &s.quorum), path!["sentinel", "quorum"]),
        (
            "sentinel.config.down-after-milliseconds",
            |model| has(&model.sentinel, |s| &s.down_after_milliseconds),
            path!["sentinel", "down_after_milliseconds"],
        ),
        (
            "sentinel.config.failover-timeout",
            |model| has(&model.sentinel, |s| &s.failover_timeout_milliseconds),
            path!["sentinel", "failover_timeout_milliseconds"],
        ),
        (
            "sentinel.config.parallel-syncs",
            |model| has(&model.sentinel, |s| &s.parallel_syncs),
            path!["sentinel", "parallel_syncs"],
        ),
        (
            "redis.masterGroupName",
            |model| has(&model.sentinel, |s| &s.master_group_name),
            path!["sentinel", "master_group_name"],
        ),
        ("image.tag", |model| has(&model.image, |image| &image.tag), path!["image", "tag"]),
        ("redis.config", |model| has(&model.redis, |redis| &redis.config), path!["redis", "config"]),
    ];
    let matches = |name: &str| field == name || name == "redis.config" && field.starts_with("redis.config.");
    rows.into_iter().find(|(name, _, _)| matches(name)).map(|(_, is_set, path)| (is_set, path))
}

fn has<T, U>(object: &Attr<T>, leaf: fn(&T) -> &Attr<U>) -> bool {
    object.known().is_some_and(|object| !leaf(object).is_null())
}
