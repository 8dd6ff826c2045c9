//! Values, paths and diagnostics between the wire and the server.

use super::pb::tfplugin6 as pb;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::path::{AttributePath, Step};
use crate::server::Encoded;
use pb::attribute_path::step::Selector;

/// A value that is left out of a message is null.
pub(super) fn encoded(value: Option<pb::DynamicValue>) -> Encoded {
    const NULL: &[u8] = &[0xc0];
    match value {
        Some(pb::DynamicValue { msgpack, .. }) if !msgpack.is_empty() => Encoded::Msgpack(msgpack),
        Some(pb::DynamicValue { json, .. }) if !json.is_empty() => Encoded::Json(json),
        _ => Encoded::Msgpack(NULL.to_vec()),
    }
}

pub(super) fn dynamic(msgpack: Vec<u8>) -> pb::DynamicValue {
    pb::DynamicValue { msgpack, json: Vec::new() }
}

/// The identity that Terraform keeps already, if any.
pub(super) fn standing(identity: pb::ResourceIdentityData) -> Option<Vec<u8>> {
    identity.identity_data.map(|data| data.msgpack).filter(|msgpack| !msgpack.is_empty())
}

pub(super) fn identity_data(msgpack: Vec<u8>) -> pb::ResourceIdentityData {
    pb::ResourceIdentityData { identity_data: Some(dynamic(msgpack)) }
}

pub(super) fn path(path: &AttributePath) -> pb::AttributePath {
    let steps = path.0.iter().map(|step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::ElementKey(key) => Selector::ElementKeyString(key.clone()),
            Step::ElementIndex(index) => Selector::ElementKeyInt(*index),
        };
        pb::attribute_path::Step { selector: Some(selector) }
    });
    pb::AttributePath { steps: steps.collect() }
}

pub(super) fn diagnostics(all: &Diagnostics) -> Vec<pb::Diagnostic> {
    all.iter().map(diagnostic).collect()
}

fn diagnostic(one: &Diagnostic) -> pb::Diagnostic {
    let severity = match one.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    pb::Diagnostic {
        severity: severity.into(),
        summary: one.summary.clone(),
        detail: one.detail.clone(),
        attribute: one.path.as_ref().filter(|at| !at.is_root()).map(path),
    }
}

/// The answer for a kind of thing that no provider of ours has.
pub(super) fn absent(kind: &str, name: &str) -> Vec<pb::Diagnostic> {
    let summary = format!("Unknown {kind} {name}");
    diagnostics(
        &Diagnostic::error(summary, format!("This version of the provider has no such {kind}.")).into(),
    )
}
