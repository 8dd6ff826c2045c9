//! The bundled chart, embedded.

use helm::chart::Chart;
use include_dir::{Dir, File, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/chart/redis-ha");

/// The bundled redis-ha chart.
pub fn bundled() -> Chart {
    Chart::from_files(bundled_files()).expect("the embedded chart is well formed")
}

/// Path below the chart's directory and contents of every file, sorted by path.
pub fn bundled_files() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    collect(&FILES, &mut found);
    found.sort();
    found
}

fn collect(directory: &'static Dir<'static>, found: &mut Vec<(String, Vec<u8>)>) {
    let named = |file: &File<'_>| (file.path().to_string_lossy().into_owned(), file.contents().to_vec());
    found.extend(directory.files().map(named));
    for inner in directory.dirs() {
        collect(inner, found);
    }
}
