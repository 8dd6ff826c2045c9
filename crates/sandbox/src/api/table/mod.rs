//! Tables, as `kubectl get` prints them.

mod cells;
mod columns;
mod pods;
mod storage;
mod workloads;

pub(crate) use pods::summarize as summarize_pod;
use serde_json::{Value, json};

use super::accept::{RowObject, metadata_only};
use crate::store::Kind;

/// Renders objects as a Table.
pub(super) fn render(
    kind: &Kind,
    objects: &[&Value],
    metadata: &Value,
    beside: RowObject,
    now: jiff::Timestamp,
) -> Value {
    let columns: Vec<_> = columns::columns(kind)
        .iter()
        .map(|column| {
            let format = if column.name == "Name" { "name" } else { "" };
            json!({"name": column.name, "type": column.column_type, "format": format, "description": "",
                "priority": i32::from(column.is_wide)})
        })
        .collect();
    let rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let mut row = json!({"cells": cells::cells(kind, object, now)});
            match beside {
                RowObject::None => {}
                RowObject::Metadata => row["object"] = metadata_only(object),
                RowObject::Object => row["object"] = Value::clone(object),
            }
            row
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns, "rows": rows})
}

/// How long ago a time was, in kubectl's short form.
pub(super) fn age(time: &str, now: jiff::Timestamp) -> String {
    let Ok(time) = time.parse::<jiff::Timestamp>() else { return "<unknown>".to_owned() };
    lasted(now.as_second() - time.as_second())
}

/// A number of seconds in kubectl's short form.
fn lasted(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let with_rest = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{small}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..120 => format!("{}s", seconds.max(0)),
        120..600 => with_rest(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => with_rest(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => with_rest(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        _ => with_rest(days / 365, "y", days % 365, "d"),
    }
}
