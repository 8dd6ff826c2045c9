//! `status`: the pods of a sandbox, and where it answers.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::launch::{Directory, PodSummary};

pub(super) fn run(dir: &Path) -> anyhow::Result<ExitCode> {
    let running = Directory::open(dir).and_then(|directory| {
        let state = directory.running()?;
        Some((directory, state))
    });
    let mut out = std::io::stdout();
    let Some((directory, state)) = running else {
        writeln!(out, "No sandbox runs in {}.", dir.display()).context("write to stdout")?;
        return Ok(ExitCode::from(1));
    };
    let text = render(&directory, &state.addresses(), &directory.pods());
    out.write_all(text.as_bytes()).context("write to stdout")?;
    Ok(ExitCode::SUCCESS)
}

fn render(directory: &Directory, addresses: &str, pods: &[PodSummary]) -> String {
    let mut rows = vec![["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "IP", "NODE"].map(str::to_owned)];
    rows.extend(pods.iter().map(PodSummary::as_row));
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut text = format!("{addresses}\n{}\n\n", directory.how_to_use());
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
