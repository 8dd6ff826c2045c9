//! What `make dist` packs is what Terraform installs.

use std::process::Command;

use super::support::{assert_success, binaries, text};

#[test]
fn terraform_installs_the_provider_from_the_archive_of_a_release() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let mirror = place.path().join("registry.terraform.io/redis-ha/redis");
    let mut pack = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/dist"));
    pack.env("BIN", binaries()).env("OUT", &mirror).env_remove("GPG_FINGERPRINT");
    assert_success("scripts/dist", &pack.output().expect("bash runs"));
    let digests = format!("terraform-provider-redis_{}_SHA256SUMS", env!("CARGO_PKG_VERSION"));
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", &digests]).current_dir(&mirror);
    assert_success("sha256sum", &check.output().expect("sha256sum runs"));

    let settings = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {:?}\n  }}\n}}\n",
        place.path().display().to_string()
    );
    let main = "terraform {\n  required_providers {\n    redis = { source = \"redis-ha/redis\" }\n  }\n}\n";
    std::fs::write(place.path().join("terraformrc"), settings).expect("written");
    std::fs::write(place.path().join("main.tf"), main).expect("written");
    let terraform = |arguments: &[&str]| {
        let mut command = Command::new("terraform");
        command.args(arguments).current_dir(place.path());
        command.env("TF_CLI_CONFIG_FILE", place.path().join("terraformrc"));
        let output = command.output().expect("terraform runs");
        assert_success(&arguments.join(" "), &output);
        text(&output.stdout)
    };
    terraform(&["init", "-input=false"]);
    assert!(terraform(&["providers", "schema", "-json"]).contains("redis_ha_cluster"));
}
