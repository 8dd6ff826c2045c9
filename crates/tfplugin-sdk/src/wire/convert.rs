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
        attribute: one.path.as_ref().filter(|at| !at.is_root()).map(|at| path(&shown(at))),
    }
}

/// As much of a path as Terraform finds the line of. Of an attribute in an attribute it would show the
/// resource's own attribute of that name, or none; it finds the outermost, and an element of that.
fn shown(at: &AttributePath) -> AttributePath {
    let is_element = |step: &Step| !matches!(step, Step::Attribute(_));
    let steps = match at.0.as_slice() {
        [_, second] if is_element(second) => 2,
        _ => 1,
    };
    AttributePath(at.0.iter().take(steps).cloned().collect())
}

/// The answer for a kind of thing that no provider of ours has.
pub(super) fn absent(kind: &str, name: &str) -> Vec<pb::Diagnostic> {
    let summary = format!("Unknown {kind} {name}");
    diagnostics(
        &Diagnostic::error(summary, format!("This version of the provider has no such {kind}.")).into(),
    )
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::path::AttributePath;

    #[test]
    fn a_diagnostic_is_on_the_line_that_terraform_finds() {
        let chart = || AttributePath::root().attribute("chart");
        assert_eq!(shown(&chart()), chart());
        assert_eq!(shown(&chart().attribute("name")), chart());
        assert_eq!(shown(&chart().attribute("labels").key("a")), chart());
        let values = || AttributePath::root().attribute("values").index(1);
        assert_eq!(shown(&values()), values());
        assert_eq!(shown(&values().attribute("a")), AttributePath::root().attribute("values"));
    }
}
