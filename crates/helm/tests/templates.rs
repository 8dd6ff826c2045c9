//! Templates against what a real Helm 4.1.4 made of them. Each file of `goldens/templates` holds cases
//! parted by `====`: a template, `----`, and its output, or `ERR ` and Helm's error. Errors are in the
//! one-line form of Go, which Helm 3 prints and Helm 4 breaks into lines.

use std::path::{Path, PathBuf};

use helm::template::{Environment, Limits, TemplateError, TemplateSet, World};
use helm::value::{Map, Value};
use helm::yaml;
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

const FILE: &str = "c/templates/t.yaml";

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/templates")
}

/// The data of each case: fresh, since templates may change it.
fn data() -> Value {
    let text = std::fs::read_to_string(goldens().join("values.yaml")).expect("the values");
    let values = yaml::parse(&text).expect("good YAML");
    let release = Map::new();
    for (key, value) in [("Name", "r"), ("Namespace", "default"), ("Service", "Helm")] {
        release.insert(key, value);
    }
    release.insert("Revision", Value::Int(1));
    release.insert("IsInstall", true);
    release.insert("IsUpgrade", false);
    let root = Map::new();
    root.insert("Values", values.as_map().expect("a map").typed("common.Values"));
    root.insert("Release", release);
    Value::Map(root)
}

fn render_with(source: &str, environment: &Environment<'_>) -> Result<String, TemplateError> {
    let mut set = TemplateSet::new();
    set.parse(FILE, source)?;
    set.render(FILE, &data(), environment)
}

fn render(source: &str) -> String {
    match render_with(source, &Environment::new(&Still)) {
        Ok(text) => text,
        // Helm shortens errors of its parser in this way.
        Err(TemplateError::Parse { name, line, message }) => {
            let last = message.rsplit(": ").next().unwrap_or_default();
            format!("ERR parse error at ({name}:{line}): {last}")
        }
        Err(error) => format!("ERR {error}"),
    }
}

fn check(file: &str) {
    let text = std::fs::read_to_string(goldens().join(file)).expect("the goldens");
    let mut wrong = Vec::new();
    for case in text.strip_suffix('\n').unwrap_or(&text).split("\n====\n") {
        let (source, expected) = case.split_once("\n----\n").expect("a template and its output");
        let actual = render(source);
        if actual != expected {
            wrong.push(format!("{source}\n  is {actual:?}\n  not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ from Helm:\n{}", wrong.len(), wrong.join("\n"));
}

/// The error of a template that a limit stops.
fn check_limit(source: &str, what: &str) {
    let limits = Limits { steps: 100_000, text_bytes: 1 << 20, list_length: 10_000, ..Limits::default() };
    let environment = Environment { limits, ..Environment::new(&Still) };
    let error = render_with(source, &environment).expect_err("a limit");
    assert!(error.to_string().contains(what), "{source}: {error}");
}

#[test]
fn the_language_behaves_as_in_helm() {
    check("language.txt");
}

#[test]
fn functions_answer_as_in_helm() {
    check("functions.txt");
}

#[test]
fn the_rest_of_the_library_answers_as_in_helm() {
    check("library.txt");
}

#[test]
fn every_function_and_rule_answers_or_fails_as_in_helm() {
    check("rules.txt");
}

#[test]
fn corners_of_language_and_yaml_are_those_of_helm() {
    check("corners.txt");
}

#[test]
fn a_template_that_includes_itself_ends_with_helms_error() {
    let text = render("{{ define \"loop\" }}{{ include \"loop\" . }}{{ end }}{{ include \"loop\" . }}");
    let end = "error calling include: rendering template has a nested reference name: loop: \
               unable to execute template";
    assert!(text.ends_with(end), "{}", &text[text.len().saturating_sub(300)..]);
}

#[test]
fn no_chart_can_exhaust_the_stack() {
    check_limit("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", "limit of");
    let nested = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    check_limit(&format!("{{{{ {nested} }}}}"), "nested deeper than");
    let through_tpl = "{{ $x := dict }}{{ $_ := set $x \"t\" \"{{ tpl .t . }}\" }}{{ tpl $x.t $x }}";
    check_limit(through_tpl, "limit of");
}

#[test]
fn no_chart_can_run_forever() {
    check_limit("{{ range 100000000 }}{{ end }}", "evaluation steps exceeds the limit of 100000");
}

#[test]
fn no_chart_can_fill_the_memory() {
    check_limit("{{ repeat 100000000 \"x\" }}", "limit of 1048576");
    check_limit("{{ until 100000000 }}", "limit of 10000");
    let doubling = "{{ $x := \"xxxxxxxx\" }}{{ range until 40 }}{{ $x = print $x $x }}{{ end }}";
    check_limit(doubling, "exceeds the limit of");
    check_limit("{{ range until 9999 }}{{ repeat 1000 \"x\" }}{{ end }}", "limit of 1048576");
    check_limit("{{ indent 1000000 \"a\\nb\\nc\" }}", "limit of 1048576");
    check_limit("{{ randAlpha 1000000 }}", "limit of 10000");
}

#[test]
fn a_map_that_contains_itself_is_no_danger() {
    let source = "{{ $x := dict }}{{ $_ := set $x \"self\" $x }}{{ toYaml $x }}{{ mustToJson $x }}";
    check_limit(source, "does a map contain itself?");
    let printed = render("{{ $x := dict }}{{ $_ := set $x \"self\" $x }}{{ $x }}{{ merge (dict) $x }}");
    assert!(printed.starts_with("map[self:map[self:"), "{printed}");
}

#[test]
fn copies_and_comparisons_of_what_contains_itself_end() {
    let cyclic = |rest: &str| {
        format!(
            "{{{{ $x := dict }}}}{{{{ $_ := set $x \"s\" $x }}}}{{{{ $y := dict }}}}{{{{ $_ := set $y \"s\" $y }}}}{rest}"
        )
    };
    for call in
        ["deepCopy $x", "deepEqual $x $y", "uniq (list $x $y)", "has $x (list $y)", "without (list $x) $y"]
    {
        check_limit(&cyclic(&format!("{{{{ {call} }}}}")), "does a map contain itself?");
    }
}

#[test]
fn values_may_nest_deeper_than_any_stack() {
    let nested = "{{ $x := list }}{{ range until 9999 }}{{ range until 9 }}{{ $x = list $x }}{{ end }}{{ end }}\
                  {{ $_ := set .Values \"kept\" $x }}{{ len $x }}";
    let limits = Limits { steps: 10_000_000, ..Limits::default() };
    let environment = Environment { limits, ..Environment::new(&Still) };
    assert_eq!(render_with(nested, &environment).expect("a rendering"), "1");
}

#[test]
fn costly_functions_and_large_values_count_for_many_steps() {
    check_limit("{{ bcrypt \"x\" }}", "evaluation steps");
    let copies = "{{ $x := list }}{{ range until 9999 }}{{ $x = append $x (repeat 500000 \"x\") }}{{ end }}";
    check_limit(copies, "evaluation steps");
    let trees =
        "{{ $big := dict \"a\" (until 9000) }}{{ range until 9999 }}{{ $_ := deepCopy $big }}{{ end }}";
    check_limit(trees, "evaluation steps");
}

#[test]
fn strict_mode_refuses_absent_keys() {
    let environment = Environment { strict: true, ..Environment::new(&Still) };
    let error = render_with("{{ .Values.absent }}", &environment).expect_err("an error");
    let expected = "template: c/templates/t.yaml:1:10: executing \"c/templates/t.yaml\" at \
                    <.Values.absent>: map has no entry for key \"absent\"";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_function_that_does_not_exist_is_named_when_the_template_is_parsed() {
    assert_eq!(
        render("{{ if false }}{{ env \"HOME\" }}{{ end }}"),
        "ERR parse error at (c/templates/t.yaml:1): function \"env\" not defined"
    );
}

#[test]
fn a_later_definition_overrides_and_an_empty_one_does_not() {
    let mut set = TemplateSet::new();
    set.parse("c/_a.tpl", "{{ define \"x\" }}first{{ end }}").expect("good syntax");
    set.parse("c/_b.tpl", "{{ define \"x\" }}second{{ end }}").expect("good syntax");
    set.parse("c/_c.tpl", "{{ define \"x\" }}  {{ end }}").expect("good syntax");
    set.parse(FILE, "{{ include \"x\" . }}").expect("good syntax");
    let text = set.render(FILE, &data(), &Environment::new(&Still)).expect("a rendering");
    assert_eq!(text, "second");
}

#[test]
fn what_is_rendered_and_its_values_may_move_between_threads() {
    fn is_send<T: Send + Sync>() {}
    is_send::<Value>();
    is_send::<TemplateSet>();
    is_send::<TemplateError>();
}
