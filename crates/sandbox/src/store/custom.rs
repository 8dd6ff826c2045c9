//! Kinds that a CustomResourceDefinition adds while the sandbox runs.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::kinds::{Column, Kind};
use super::object::{items, text};

/// The kinds that were ever defined. A kind lives as long as the process, so that keys can point to it; the same
/// definition again is the same kind.
static DEFINED: Mutex<Vec<&'static Kind>> = Mutex::new(Vec::new());

/// The kind that a definition adds: its storage version.
pub(super) fn kind_of(definition: &Value) -> Option<&'static Kind> {
    let version = items(definition, "/spec/versions").iter().find(|version| version["storage"] == true)?;
    let names = definition.pointer("/spec/names")?;
    let plural = text(names, "/plural");
    let singular = match text(names, "/singular") {
        "" => text(names, "/kind").to_lowercase(),
        singular => singular.to_owned(),
    };
    let has_status = version.pointer("/subresources/status").is_some();
    let words = |path: &str| items(names, path).iter().filter_map(Value::as_str);
    let columns = items(version, "/additionalPrinterColumns").iter().map(|column| Column {
        name: leak(text(column, "/name")),
        column_type: leak(text(column, "/type")),
        path: leak(text(column, "/jsonPath")),
        is_wide: column["priority"].as_i64().is_some_and(|priority| priority > 0),
    });
    let wanted = Kind {
        group: leak(text(definition, "/spec/group")),
        version: leak(text(version, "/name")),
        kind: leak(text(names, "/kind")),
        plural: leak(plural),
        singular: leak(&singular),
        short_names: words("/shortNames").map(leak).collect::<Vec<_>>().leak(),
        namespaced: text(definition, "/spec/scope") == "Namespaced",
        subresources: if has_status { &["status"] } else { &[] },
        in_category_all: words("/categories").any(|category| category == "all"),
        is_custom: true,
        columns: columns.collect::<Vec<_>>().leak(),
        structure: version
            .pointer("/schema/openAPIV3Schema")
            .map(|schema| &*Box::leak(Box::new(schema.clone()))),
    };
    let mut defined = DEFINED.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = format!("{wanted:?}");
    if let Some(known) = defined.iter().find(|known| format!("{known:?}") == shown) {
        return Some(known);
    }
    let kind: &'static Kind = Box::leak(Box::new(wanted));
    defined.push(kind);
    Some(kind)
}

/// Definitions are few and short, and a sandbox does not live long.
fn leak(text: &str) -> &'static str {
    String::leak(text.to_owned())
}
