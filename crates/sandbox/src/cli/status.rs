//! `status`: the pods of a sandbox, and where it answers.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::StatusArguments;
use crate::launch::{Directory, PodSummary};

/// Exit code 1 says that no sandbox runs there.
pub(super) fn run(arguments: &StatusArguments) -> anyhow::Result<ExitCode> {
    let dir = &arguments.dir;
    let running = Directory::open(dir).and_then(|directory| {
        let state = directory.running()?;
        Some((directory, state))
    });
    let (text, code) = match (running, arguments.json) {
        (None, true) => (format!("{:#}\n", json!({"running": false, "directory": dir})), ExitCode::FAILURE),
        (None, false) => (render_absence(arguments), ExitCode::FAILURE),
        (Some((directory, state)), true) => {
            (format!("{:#}\n", directory.describe(&state)), ExitCode::SUCCESS)
        }
        (Some((directory, state)), false) => {
            (render(&directory, &state.addresses(), &directory.pods()), ExitCode::SUCCESS)
        }
    };
    std::io::stdout().write_all(text.as_bytes()).context("write to stdout")?;
    Ok(code)
}

fn render_absence(arguments: &StatusArguments) -> String {
    let dir = arguments.dir.display();
    format!("No sandbox runs in {dir}.\nStart one: redis-ha-sandbox up --dir {dir} --detach\n")
}

fn render(directory: &Directory, addresses: &str, pods: &[PodSummary]) -> String {
    let mut text = format!("{addresses}\n{}\n\n", directory.how_to_use());
    if pods.is_empty() {
        text.push_str("No pods.\n");
        return text;
    }
    let mut rows = vec![["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "IP", "NODE"].map(str::to_owned)];
    rows.extend(pods.iter().map(PodSummary::as_row));
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
