//! Charts of our own, rendered as a real Helm 4.1.4 rendered them: the goldens are its output.

use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use helm::chart::{Chart, ChartError};
use helm::render::{self, RenderError, Rendered, Request, offline_capabilities};
use helm::template::World;
use helm::value::Map;
use helm::values;
use jiff::Timestamp;

struct Still;

impl World for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn family() -> Chart {
    Chart::load(&tests().join("charts/family")).expect("a chart")
}

fn set(argument: &str) -> Map {
    let values = Map::new();
    values::parse_set_into(argument, &values).expect("a good argument");
    values
}

fn render(chart: &Chart, values: &Map, namespace: &str, version: &str) -> Result<Rendered, RenderError> {
    let mut capabilities = offline_capabilities();
    version.clone_into(&mut capabilities.kube_version);
    let request = Request {
        name: "rel",
        namespace,
        revision: 1,
        is_upgrade: false,
        values,
        capabilities: &capabilities,
    };
    render::render(chart, &request, &Still)
}

fn render_here(chart: &Chart, values: &Map) -> Rendered {
    render(chart, values, "default", "v1.35.0").expect("a rendering")
}

fn check(rendered: &Rendered, golden: &str) {
    let golden = std::fs::read_to_string(tests().join("goldens").join(golden)).expect("a golden");
    let mut text = format!("{}\n", rendered.manifest_text().trim());
    for hook in &rendered.hooks {
        text.push_str(&format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest));
    }
    assert_eq!(text, golden);
}

fn tiny(files: &[(&str, &str)]) -> Chart {
    let own = [("Chart.yaml", "apiVersion: v2\nname: tiny\nversion: 0.1.0\n")];
    Chart::from_files(own.iter().chain(files).map(|(path, text)| (*path, *text))).expect("a chart")
}

#[test]
fn subcharts_globals_imports_and_hooks_are_as_in_helm() {
    check(&render_here(&family(), &Map::new()), "family.yaml");
}

#[test]
fn the_users_values_reach_every_chart_as_in_helm() {
    let text = std::fs::read_to_string(tests().join("charts/family-values.yaml")).expect("values");
    check(&render_here(&family(), &values::parse(&text).expect("values")), "family-with-values.yaml");
}

#[test]
fn tags_versions_and_namespaces_are_as_in_helm() {
    let values = set("tags.twins=false,big=1e6");
    let rendered = render(&family(), &values, "other", "v1.33.4-gke.100").expect("a rendering");
    check(&rendered, "family-elsewhere.yaml");
}

/// The family as `helm package` would pack it, in another order.
fn archive(skip: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let root = tests().join("charts/family");
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).expect("inside").display().to_string();
            let left_out = [skip, "ci/values.yaml", "x.bak"].contains(&inside.as_str());
            if !left_out {
                tar.append_path_with_name(&path, format!("family/{inside}")).expect("packed");
            }
        }
    }
    tar.into_inner().and_then(GzEncoder::finish).expect("packed")
}

#[test]
fn an_archive_renders_like_its_directory() {
    let chart = Chart::from_archive(archive("").as_slice()).expect("a chart");
    check(&render_here(&chart, &Map::new()), "family.yaml");
}

#[test]
fn an_archive_without_chart_yaml_is_no_chart() {
    let error = Chart::from_archive(archive("Chart.yaml").as_slice()).expect_err("no chart");
    assert!(matches!(error, ChartError::NoMetadata), "{error}");
    let error = Chart::from_archive(&b"plain text"[..]).expect_err("no archive");
    assert!(error.to_string().contains(".tgz"), "{error}");
}

#[test]
fn a_file_beyond_the_limit_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("Chart.yaml"), "name: a\nversion: 1.0.0\n").expect("written");
    let large = std::fs::File::create(directory.path().join("large.bin")).expect("created");
    large.set_len(helm::chart::FILE_BYTES_MAX + 1).expect("grown");
    let error = Chart::load(directory.path()).expect_err("too large");
    assert!(error.to_string().contains("large.bin has 5242881 bytes"), "{error}");
}

#[test]
fn a_link_back_up_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("Chart.yaml"), "name: a\nversion: 1.0.0\n").expect("written");
    std::os::unix::fs::symlink(directory.path(), directory.path().join("loop")).expect("linked");
    let error = Chart::load(directory.path()).expect_err("a cycle");
    assert!(matches!(error, ChartError::LinkCycle { .. }), "{error}");
}

#[test]
fn bad_charts_are_refused_with_the_reason() {
    let cases = [
        ("values.yaml", "[1]", "cannot parse values.yaml: values must be a map, found a list"),
        ("values.yaml", "a: 1\n b: 2\n", "yaml: line 2: mapping values are not allowed"),
        ("Chart.yaml", "", "name \"\": it must be a plain, non-empty name"),
        ("Chart.yaml", "name: a\n", "version \"\": it must be a semantic version"),
        ("Chart.yaml", "name: ../a\nversion: 1.0.0\n", "name \"../a\""),
        ("Chart.yaml", "apiVersion: v3\nname: a\nversion: 1.0.0\n", "apiVersion \"v3\": it must be v1 or v2"),
        ("Chart.yaml", "name: a\nversion: [1]\n", "cannot parse Chart.yaml: version: expected text"),
        ("Chart.yaml", "[1]", "Chart.yaml holds a list, a map is wanted"),
        ("Chart.yaml", "[", "cannot parse Chart.yaml: error converting"),
        (".helmignore.not", "", ""),
    ];
    for (path, text, reason) in cases {
        let chart_yaml = "apiVersion: v2\nname: tiny\nversion: 0.1.0\n";
        let mut files = vec![(path, text)];
        if path != "Chart.yaml" {
            files.push(("Chart.yaml", chart_yaml));
        }
        match Chart::from_files(files) {
            Err(error) => {
                let causes =
                    std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
                let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                assert!(!reason.is_empty() && text.contains(reason), "{path}: {text}");
            }
            Ok(_) => assert_eq!(reason, "", "{path} is accepted"),
        }
    }
}

#[test]
fn dependencies_must_be_there() {
    let chart = Chart::from_files([(
        "Chart.yaml",
        "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: b, version: '*'}]\n",
    )]);
    let error =
        render(&chart.expect("a chart"), &Map::new(), "default", "v1.35.0").expect_err("b is missing");
    assert!(error.to_string().contains("does not hold: b"), "{error}");
}

#[test]
fn a_library_is_not_installable() {
    let chart =
        Chart::from_files([("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\ntype: library\n")]);
    let error = render(&chart.expect("a chart"), &Map::new(), "default", "v1.35.0").expect_err("a library");
    assert!(error.to_string().contains("chart a is a library"), "{error}");
}

#[test]
fn a_chart_says_which_cluster_it_wants() {
    let error = render(&family(), &Map::new(), "default", "v1.19.9").expect_err("too old");
    assert!(
        error.to_string().contains("requires Kubernetes >=1.20.0-0, the cluster runs v1.19.9"),
        "{error}"
    );
}

#[test]
fn notes_are_the_root_charts() {
    assert_eq!(render_here(&family(), &Map::new()).notes, "Installed rel.\n");
}

#[test]
fn what_does_not_fit_is_warned_of() {
    let rendered = render_here(&family(), &set("big.a=1"));
    let [warning] = rendered.warnings.as_slice() else { panic!("one warning: {:?}", rendered.warnings) };
    assert!(warning.contains("family.big"), "{warning}");
    let error = render(&family(), &set("child=5"), "default", "v1.35.0").expect_err("no map");
    assert!(error.to_string().contains("subchart child"), "{error}");
}

#[test]
fn the_default_values_of_a_chart_are_not_changed_by_rendering() {
    let chart = family();
    let before = chart.values.deep_clone();
    render_here(&chart, &set("global.colour=blue"));
    assert_eq!(chart.values, before);
}

#[test]
fn templates_that_ask_beyond_their_values_are_volatile() {
    let document = |name: &str, value: &str| {
        format!("kind: ConfigMap\napiVersion: v1\nmetadata: {{name: {name}}}\ndata: {{x: '{value}'}}\n")
    };
    let (steady, random, looking) = (
        document("steady", "{{ .Release.Name }}"),
        document("random", "{{ randAlphaNum 8 }}"),
        document("looking", "{{ lookup \"v1\" \"Secret\" \"ns\" \"s\" | len }}"),
    );
    let chart = tiny(&[
        ("templates/steady.yaml", &steady),
        ("templates/random.yaml", &random),
        ("templates/looking.yaml", &looking),
    ]);
    let digests = render_here(&chart, &Map::new()).digests();
    let known: Vec<_> = digests.iter().map(|(name, digest)| (name.as_str(), digest.is_some())).collect();
    assert_eq!(
        known,
        [("ConfigMap/looking", false), ("ConfigMap/random", false), ("ConfigMap/steady", true)]
    );
}
