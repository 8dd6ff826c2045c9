//! What a chart is read from, and what makes it unusable.

mod archive;
mod schema;

use helm::chart::Chart;

/// A chart of version 2 with these files.
pub(crate) fn chart(name: &str, files: &[(&str, &[u8])]) -> Chart {
    let description = format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n");
    let own = [("Chart.yaml", description.as_bytes())];
    let all = own.iter().chain(files).map(|(path, data)| (*path, data.to_vec()));
    Chart::from_files(all).expect("a chart")
}

/// An error with all its causes, in one line.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
