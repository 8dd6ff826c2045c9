//! The chart of a record, so that a release can be rendered again without its source.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::Release;
use crate::chart::{Chart, ChartError};

impl Release {
    /// The chart as the record has it. Subcharts are not recorded: a chart that has some lacks them
    /// here, which [`Chart::check_dependencies`] tells.
    ///
    /// # Errors
    /// The record holds no chart, or a damaged one.
    pub fn recorded_chart(&self) -> Result<Chart, ChartError> {
        let chart = &self.chart;
        let mut files = Vec::new();
        let mut text = |path: &str, json: &Json| {
            if !json.is_null() {
                files.push((path.to_owned(), json.to_string().into_bytes()));
            }
        };
        // JSON is YAML as well.
        text("Chart.yaml", &chart["metadata"]);
        text("Chart.lock", &chart["lock"]);
        text("values.yaml", &chart["values"]);
        files.extend(encoded(&chart["schema"]).map(|schema| ("values.schema.json".to_owned(), schema)));
        for list in [&chart["templates"], &chart["files"]] {
            for file in list.as_array().into_iter().flatten() {
                // Chart.lock of a first version stands among the files too, as its requirements do.
                let path = file["name"].as_str().unwrap_or_default();
                files.extend(encoded(&file["data"]).map(|data| (path.to_owned(), data)));
            }
        }
        Chart::from_files(files)
    }
}

fn encoded(data: &Json) -> Option<Vec<u8>> {
    STANDARD.decode(data.as_str()?).ok()
}
