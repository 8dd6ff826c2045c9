//! The goldens of `tests/goldens/templates`, each case run by the real helm and by the engine as a
//! file of a chart. Where the two helms differ, the engine is Helm 4.

use super::helm::{difference, ours, parse, real, tests, write_chart};

struct Case {
    source: String,
    expected: String,
}

impl Case {
    fn is_error(&self) -> bool {
        self.expected.starts_with("ERR ")
    }

    /// Whether Helm 3.17 lacks what the case is about.
    fn is_newer_than_helm_3(&self) -> bool {
        ["range 3", "range $i := 3", "mustToYaml", "1000000.0"]
            .iter()
            .any(|newer| self.source.contains(newer))
    }
}

fn cases(file: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(tests().join("goldens/templates").join(file)).expect("goldens");
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let case = |case: &str| {
        let (source, expected) = case.split_once("\n----\n").expect("a template and its output");
        Case { source: source.to_owned(), expected: expected.to_owned() }
    };
    text.split("\n====\n").map(case).collect()
}

fn values() -> String {
    std::fs::read_to_string(tests().join("goldens/templates/values.yaml")).expect("the values")
}

/// A chart with one object for each case; the object holds what the case prints, as JSON text.
fn chart_of(cases: &[Case]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let mut files = vec![("values.yaml".to_owned(), values())];
    for (index, case) in cases.iter().enumerate() {
        let partial = format!("templates/_{index:03}.tpl");
        let object = format!("kind: Case\nout: {{{{ include \"cases/{partial}\" . | toJson }}}}\n");
        files.push((partial, case.source.clone()));
        files.push((format!("templates/{index:03}.yaml"), object));
    }
    write_chart(directory.path(), &files);
    directory
}

fn check_printed(version: &str, cases: &[Case]) {
    let chart = chart_of(cases);
    let ours = ours(chart.path(), &parse(""), "v1.35.0").expect("a rendering");
    let arguments = ["--kube-version", "v1.35.0"];
    let real = real(version, chart.path(), &arguments).unwrap_or_else(|error| panic!("{version}: {error}"));
    // The type of values has moved to another package.
    let real = real.replace("chartutil.Values", "common.Values");
    if let Some(difference) = difference(&real, &ours) {
        panic!("{version}: {difference}");
    }
}

fn check(file: &str) {
    let (failing, mut printing): (Vec<Case>, Vec<Case>) = cases(file).into_iter().partition(Case::is_error);
    std::thread::scope(|scope| {
        for part in failing.chunks(failing.len().div_ceil(2).max(1)) {
            scope.spawn(move || part.iter().for_each(check_error));
        }
    });
    check_printed("helm4", &printing);
    printing.retain(|case| !case.is_newer_than_helm_3());
    check_printed("helm3", &printing);
}

/// Helm 4 breaks Go's one line into several, and leaves out colons: what remains is the same.
fn squeezed(error: &str) -> String {
    let error = error.replace("template: ", "").replace("cases/templates", "c/templates");
    error.chars().filter(|character| !character.is_whitespace() && *character != ':').collect()
}

fn check_error(case: &Case) {
    let directory = tempfile::tempdir().expect("a directory");
    let files = [("values.yaml".to_owned(), values()), ("templates/t.yaml".to_owned(), case.source.clone())];
    write_chart(directory.path(), &files);
    let error = real("helm4", directory.path(), &[]).expect_err(&case.source);
    let error = error.trim().trim_end_matches("Use --debug flag to render out invalid YAML").trim();
    let error = error.strip_prefix("Error: ").unwrap_or(error);
    let expected = case.expected.strip_prefix("ERR ").unwrap_or_default();
    assert_eq!(squeezed(expected), squeezed(error), "{}: helm says {error}", case.source);
}

#[test]
fn the_language_is_that_of_helm() {
    check("language.txt");
}

#[test]
fn the_functions_are_those_of_helm() {
    check("functions.txt");
}

#[test]
fn the_corners_are_those_of_helm() {
    check("corners.txt");
}

#[test]
fn the_rest_of_the_library_is_that_of_helm() {
    check("library.txt");
}

#[test]
fn every_function_and_rule_answers_or_fails_as_in_helm() {
    check("rules.txt");
}

/// These need a whole chart, which the tests of single templates do not have; Helm 3 has other fields.
#[test]
fn the_built_in_objects_are_those_of_helm() {
    check_printed("helm4", &cases("objects.txt"));
}
