//! The targets: lexer, parser, evaluator, chart archive, values.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use helm::chart::Chart;
use helm::template::{Environment, Limits, TemplateSet, World};
use helm::value::{Map, Value};
use helm::{values, yaml};

use super::fuzz;

struct Still;

impl World for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(tests().join(path)).expect("an input")
}

/// The templates of the goldens.
fn templates() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in ["language.txt", "functions.txt", "corners.txt", "library.txt"] {
        let text = String::from_utf8(read(&format!("goldens/templates/{file}"))).expect("UTF-8");
        let cases = text.split("\n====\n").filter_map(|case| case.split_once("\n----\n"));
        found.extend(cases.map(|(source, _)| source.as_bytes().to_vec()));
    }
    found
}

const TOKENS: [&str; 30] = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{/*",
    "*/}}",
    "{{ end }}",
    "{{ else }}",
    "{{ range . }}",
    "{{ with . }}",
    "{{ if . }}",
    "{{ define \"a\" }}",
    "{{ template \"a\" . }}",
    "{{ break }}",
    "|",
    "(",
    ")",
    "\"",
    "`",
    "'",
    ".",
    "$",
    ":=",
    "=",
    ",",
    "0x",
    "1e",
    "\\u",
    "nil",
    "é",
];

#[test]
fn the_lexer_ends_on_any_bytes() {
    fuzz("lexer", &templates(), &TOKENS, |input| {
        // One action of arbitrary content: what is read is all tokens.
        let source = format!("{{{{ {}", String::from_utf8_lossy(input));
        let _ = TemplateSet::new().parse("t", &source);
    });
}

#[test]
fn the_parser_ends_on_any_template() {
    fuzz("parser", &templates(), &TOKENS, |input| {
        let source = String::from_utf8_lossy(input);
        let mut set = TemplateSet::new();
        // What it accepts once, it accepts again.
        if set.parse("t", &source).is_ok() {
            set.parse("t", &source).expect("the same source");
        }
    });
}

const CALLS: [&str; 24] = [
    " | toYaml",
    " | fromYaml",
    " | toJson",
    " | quote",
    " | nindent 4",
    " | tpl . ",
    "include \"a\" .",
    "printf \"%v %d %q\" . 1",
    "range $i, $x := . ",
    "index . 0",
    "set . \"a\" .",
    "dict \"a\" .",
    "list . .",
    "merge . .",
    "regexFind \".*\" ",
    "until 100",
    "repeat 1000 ",
    "toToml",
    "dig \"a\" \"b\" .",
    "$",
    ".Values",
    " | sortAlpha",
    " | toYamlPretty",
    " | deepCopy",
];

#[test]
fn the_evaluator_ends_within_its_limits() {
    let data = yaml::parse(&String::from_utf8_lossy(&read("goldens/templates/values.yaml"))).expect("values");
    let limits =
        Limits { include_depth: 20, nesting: 200, steps: 20_000, text_bytes: 1 << 16, list_length: 1_000 };
    let environment = Environment { limits, ..Environment::new(&Still) };
    let rendered = AtomicU64::new(0);
    fuzz("evaluator", &templates(), &CALLS, |input| {
        let mut set = TemplateSet::new();
        if set.parse("t", &String::from_utf8_lossy(input)).is_ok() {
            let root = Map::new();
            root.insert("Values", data.deep_clone());
            if let Ok(text) = set.render("t", &Value::Map(root), &environment) {
                assert!(text.len() <= limits.text_bytes, "{} bytes", text.len());
                rendered.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    assert!(rendered.into_inner() > 0, "no mutation renders: nothing was evaluated to its end");
}

/// A chart as a tar, not compressed yet, so that mutations reach its headers.
fn tar_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("packed");
    }
    tar.into_inner().expect("packed")
}

fn compressed(tar: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(tar).expect("compressed");
    gzip.finish().expect("compressed")
}

const PATHS: [&str; 12] = [
    "../",
    "/etc/passwd",
    "c/charts/d/Chart.yaml",
    "c/charts/d-1.tgz",
    "\u{0}",
    "0000644",
    "ustar",
    "c/",
    "C:\\",
    "./",
    "name: ",
    "apiVersion: v1\n",
];

#[test]
fn archives_are_charts_or_errors() {
    let metadata = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies: [{name: d, version: '*'}]\n";
    let child = "apiVersion: v1\nname: d\nversion: 1.0.0\n";
    let charts = [
        tar_of(&[("c/Chart.yaml", metadata), ("c/values.yaml", "a: 1\n"), ("c/charts/d/Chart.yaml", child)]),
        tar_of(&[
            ("c/Chart.yaml", child),
            ("c/templates/a.yaml", "a: {{ .Values.a }}\n"),
            ("c/.helmignore", "*.x"),
        ]),
    ];
    fuzz("chart archive", &charts, &PATHS, |input| {
        let _ = Chart::from_archive(compressed(input).as_slice());
    });
    let archives = charts.map(|chart| compressed(&chart));
    fuzz("compressed chart archive", &archives, &PATHS, |input| {
        let _ = Chart::from_archive(input);
    });
}

const YAML: [&str; 32] = [
    "- ",
    ": ",
    "? ",
    "|",
    ">",
    "|2-",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "!!binary ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "#",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\t",
    "\n  ",
    "null",
    "0x1f",
    "1e400",
    ".inf",
    "2020-01-01",
    "\\u0085",
    "😀",
    "{a: {a: {a: ",
];

#[test]
fn values_are_read_or_refused_and_written_back_as_they_were() {
    let corpus = [
        read("goldens/templates/values.yaml"),
        read("charts/family/values.yaml"),
        read("charts/family-values.yaml"),
        read("differential/bundled-values.yaml"),
        b"a: &x {b: [1, 'two', \"th\\u0072ee\"]}\nc: *x\nd: |\n  text\n  more\ne: >-\n  folded\n\n  text\n"
            .to_vec(),
    ];
    fuzz("values", &corpus, &YAML, |input| {
        let text = String::from_utf8_lossy(input);
        let _ = values::parse(&text);
        let _ = values::parse_set_into(&text, &Map::new());
        let Ok(value) = yaml::parse(&text) else { return };
        let Ok(written) = yaml::to_yaml(&value) else { return };
        let _ = yaml::to_yaml_pretty(&value);
        let again = yaml::parse(&written).and_then(|again| yaml::to_yaml(&again));
        // Keys named `<<` merge when they are read back, in Go as well.
        if !written.contains("<<") {
            assert_eq!(again.as_ref(), Ok(&written), "written as {written:?}");
        }
    });
}
