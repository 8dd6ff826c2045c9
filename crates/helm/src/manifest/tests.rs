//! What is split, ordered, set apart and digested.

use super::{HookEvent, digests, join, parse_joined, sort, split_documents};

const CONFIG: &str = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n";
const ACCOUNT: &str = "kind: ServiceAccount\napiVersion: v1\nmetadata: {name: a}\n";

fn check(files: &[(&str, &str)], expected: &[&str]) {
    let sorted = sort(files.iter().copied()).expect("good documents");
    let names: Vec<_> = sorted.manifests.iter().map(|one| format!("{}/{}", one.kind(), one.name())).collect();
    assert_eq!(names, expected);
}

#[test]
fn splits_at_dashes_that_start_a_line() {
    assert_eq!(split_documents("---\na: 1\n---\nb: 2\n"), ["a: 1", "b: 2"]);
    assert_eq!(split_documents("a: 1\n\n--- # note\nb: |\n  x ---\n"), ["a: 1", "# note\nb: |\n  x ---"]);
    assert_eq!(split_documents("---\n"), [""; 0]);
}

#[test]
fn orders_by_kind_and_then_by_file() {
    let both = format!("{CONFIG}---\n{ACCOUNT}");
    check(&[("b.yaml", &both)], &["ServiceAccount/a", "ConfigMap/c"]);
    let other = CONFIG.replace("name: c", "name: d");
    check(&[("b.yaml", CONFIG), ("a.yaml", &other)], &["ConfigMap/d", "ConfigMap/c"]);
}

#[test]
fn skips_partials_and_white_space() {
    check(&[("t/_a.yaml", CONFIG), ("t/b.yaml", " \n")], &[]);
}

#[test]
fn keeps_documents_of_comments_as_helm_does() {
    let sorted = sort([("a.yaml", "# nothing here")]).expect("good documents");
    assert_eq!(sorted.manifests.len(), 1);
    assert!(sorted.manifests[0].objects().is_empty());
}

#[test]
fn sets_hooks_apart() {
    let hook = "kind: Pod\napiVersion: v1\nmetadata:\n  name: p\n  annotations:\n    \
                helm.sh/hook: pre-install, test-success\n    helm.sh/hook-weight: -5\n    \
                helm.sh/hook-delete-policy: hook-succeeded\n";
    let sorted = sort([("a.yaml", hook)]).expect("good documents");
    assert!(sorted.manifests.is_empty());
    let [hook] = sorted.hooks.as_slice() else { panic!("one hook: {:?}", sorted.hooks) };
    assert_eq!(hook.events, [HookEvent::PreInstall, HookEvent::Test]);
    assert_eq!(hook.weight, -5);
    assert_eq!(hook.name, "p");
}

#[test]
fn names_the_template_of_a_bad_document() {
    let error = sort([("t/bad.yaml", "a: [")]).expect_err("no YAML");
    assert!(error.to_string().contains("t/bad.yaml"), "{error}");
    let error = sort([("t/list.yaml", "[1]")]).expect_err("no object");
    assert!(error.to_string().contains("t/list.yaml"), "{error}");
}

#[test]
fn reads_back_what_it_joins() {
    let sorted = sort([("x/a.yaml", CONFIG), ("x/b.yaml", ACCOUNT)]).expect("good documents");
    let again = parse_joined(&join(&sorted.manifests)).expect("good documents");
    let objects = |manifests: &[super::Manifest]| -> Vec<_> {
        manifests.iter().map(|one| (one.path.clone(), one.object.clone())).collect()
    };
    assert_eq!(objects(&again), objects(&sorted.manifests));
}

#[test]
fn digests_follow_meaning_and_not_text() {
    let one = sort([("a.yaml", CONFIG)]).expect("good documents").manifests;
    let same = "# note\nmetadata:\n  name: c\nkind: ConfigMap\napiVersion: v1\n";
    let same = sort([("b.yaml", same)]).expect("good documents").manifests;
    assert_eq!(digests(&one), digests(&same));
    let other = CONFIG.replace("v1\n", "v1\ndata: {x: '1'}\n");
    let other = sort([("a.yaml", other.as_str())]).expect("good documents").manifests;
    assert_ne!(digests(&one), digests(&other));
}

#[test]
fn what_another_rendering_may_change_has_no_digest() {
    let mut volatile = sort([("a.yaml", CONFIG)]).expect("good documents").manifests;
    volatile[0].is_volatile = true;
    assert_eq!(digests(&volatile).get("ConfigMap/c"), Some(&None));
}

#[test]
fn refuses_annotations_that_helm_could_not_read() {
    for annotations in ["s", "[q]", "1000000", "{a: {b: c}}"] {
        let text = format!("{CONFIG}\n---\nkind: A\nmetadata: {{name: a, annotations: {annotations}}}\n");
        let error = sort([("t/a.yaml", text.as_str())]).expect_err("no annotations");
        assert!(error.to_string().starts_with("t/a.yaml: the annotation"), "{error}");
    }
}
