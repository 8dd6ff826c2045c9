//! Charts with subcharts, hooks, files and notes, beside the real helm.

use super::helm::{VERSIONS, difference, ours, parse, real, tests};
use ::helm::values;

/// Beside Helm 4: what is imported from a subchart wins over the parent's own default in Helm 3 only.
fn check(user: &str, flags: &[&str], kube_version: &str) {
    check_beside(&["helm4"], "family", user, flags, kube_version);
}

fn check_beside(versions: &[&str], chart: &str, user: &str, flags: &[&str], kube_version: &str) {
    let chart = tests().join("charts").join(chart);
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
    for version in versions {
        let real = real(version, &chart, &arguments).expect("helm renders");
        if let Some(difference) = difference(&real, &ours) {
            panic!("{version}: {difference}");
        }
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

/// Dependencies in `requirements.yaml`: ranges, an alias, tags, conditions, imports, globals, and a
/// subchart that nothing names.
#[test]
fn a_chart_of_the_first_version_renders_alike() {
    let values = std::fs::read_to_string(tests().join("charts/elder-values.yaml")).expect("values");
    for user in ["", &values] {
        check_beside(&VERSIONS, "elder", user, &[], "v1.35.0");
        check_beside(&VERSIONS, "elder", user, &["tags.heavy=false", "global.workers=false"], "v1.35.0");
    }
}
