//! The chart that is bundled with the provider, with the values files of `bundled-values.yaml`.

use std::path::{Path, PathBuf};

use super::helm::{VERSIONS, difference, ours, parse, real, tests};

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/chart/redis-ha")
}

/// What differs with one values file, in both helms.
fn differences(values: &str) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), values).expect("written");
    let path = file.path().to_str().expect("UTF-8");
    let ours = ours(&chart(), &parse(values), "v1.35.0");
    let check = |version: &str| {
        let real = real(version, &chart(), &["--kube-version", "v1.35.0", "-f", path]);
        match (&real, &ours) {
            (Ok(real), Ok(ours)) => difference(real, ours),
            (Err(_), Err(_)) => None,
            _ => Some(format!("helm says {:?}, we say {:?}", real.err(), ours.as_ref().err())),
        }
    };
    let found = VERSIONS.iter().filter_map(|version| Some(format!("{version}: {}", check(version)?)));
    found.map(|difference| format!("{values}\n{difference}")).collect()
}

#[test]
fn the_bundled_chart_renders_alike_whatever_it_is_configured_to() {
    let text = std::fs::read_to_string(tests().join("differential/bundled-values.yaml")).expect("values");
    let files: Vec<&str> = text.split("\n---\n").collect();
    assert!(files.len() >= 30, "{} values files", files.len());
    let halves: Vec<_> = files.chunks(files.len().div_ceil(2)).collect();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let run = |half: &[&str]| half.iter().flat_map(|values| differences(values)).collect::<Vec<_>>();
        let threads: Vec<_> = halves.iter().map(|half| scope.spawn(move || run(half))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("the comparison ends")).collect()
    });
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}
