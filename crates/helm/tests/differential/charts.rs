//! Charts with subcharts, hooks, files and notes, beside Helm 4: what is imported from a subchart wins
//! over the parent's own default in Helm 3 only.

use super::helm::{difference, ours, parse, real, tests};
use ::helm::values;

fn check(user: &str, flags: &[&str], kube_version: &str) {
    let chart = tests().join("charts/family");
    let user_values = parse(user);
    for set in flags {
        values::parse_set_into(set, &user_values).expect("a setting");
    }
    let ours = ours(&chart, &user_values, kube_version).expect("a rendering");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), user).expect("written");
    let path = file.path().to_str().expect("UTF-8");
    let mut arguments = vec!["--kube-version", kube_version, "-f", path];
    for set in flags {
        arguments.extend(["--set", set]);
    }
    let real = real("helm4", &chart, &arguments).expect("helm renders");
    if let Some(difference) = difference(&real, &ours) {
        panic!("{difference}");
    }
}

#[test]
fn the_family_renders_alike() {
    check("", &[], "v1.35.0");
}

#[test]
fn the_family_renders_alike_with_the_users_values() {
    let values = std::fs::read_to_string(tests().join("charts/family-values.yaml")).expect("values");
    check(&values, &[], "v1.35.0");
}

#[test]
fn the_family_renders_alike_with_settings_on_another_cluster() {
    check("", &["tags.twins=false", "big=1e6"], "v1.33.4-gke.100");
}
