//! Real Helm, which packages, indexes and pushes what is pulled here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A directory of its own for charts and for all that Helm keeps.
pub(crate) struct Workshop(TempDir);

impl Workshop {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn helm(&self, release: u8, arguments: &[&str]) -> Output {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools");
        let program = format!("{root}/helm{release}/helm");
        assert!(Path::new(&program).exists(), "{program} is missing: run `make tools`");
        let home = self.path().join("home");
        Command::new(program)
            .args(arguments)
            .current_dir(self.path())
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env_remove("HELM_REGISTRY_CONFIG")
            .env_remove("HELM_REPOSITORY_CONFIG")
            .output()
            .expect("helm runs")
    }

    pub(crate) fn run(&self, release: u8, arguments: &[&str]) -> String {
        let output = self.helm(release, arguments);
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "helm {arguments:?}: {text}");
        text
    }

    /// A packaged chart of one template.
    pub(crate) fn package(&self, name: &str, version: &str) -> PathBuf {
        let chart = self.path().join(name);
        fs::create_dir_all(chart.join("templates")).expect("a directory");
        let description = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        fs::write(chart.join("Chart.yaml"), description).expect("a file");
        let template = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n";
        fs::write(chart.join("templates/a.yaml"), template).expect("a file");
        self.run(4, &["package", name, "--destination", "site"]);
        self.path().join(format!("site/{name}-{version}.tgz"))
    }

    /// A directory with an index of the packaged charts.
    pub(crate) fn site(&self) -> PathBuf {
        self.run(4, &["repo", "index", "site"]);
        self.path().join("site")
    }
}
