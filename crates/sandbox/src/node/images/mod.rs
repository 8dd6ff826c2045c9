//! Images as local programs: what a container without a command runs, and what it finds.
//! Enters: a reference, and the user's table. Leaves: a command line, directories of programs, a version.
//! Deliberately absent: anything that is pulled.

mod table;

use std::path::{Path, PathBuf};

use super::{NodeError, Spawner};
use crate::launch::find_program;
use table::Entry;
pub use table::{ImageTable, ImageTableError};

/// What stands for an image on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) family: Family,
    /// The reference as the pod gave it.
    pub(super) reference: String,
    /// What the user's table says of it.
    own: Option<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Redis,
    Valkey,
    Exporter,
    Haproxy,
    Shell,
}

/// Repository names and what stands for them.
const KNOWN: [(&str, Family); 7] = [
    ("redis", Family::Redis),
    ("valkey", Family::Valkey),
    ("redis_exporter", Family::Exporter),
    ("haproxy", Family::Haproxy),
    ("busybox", Family::Shell),
    ("alpine", Family::Shell),
    ("bash", Family::Shell),
];

impl Image {
    /// Any registry, any tag: `public.ecr.aws/docker/library/redis:8-alpine` is the machine's redis.
    /// The user's table comes first.
    pub(super) fn find(table: &ImageTable, reference: &str) -> Result<Self, NodeError> {
        if let Some(own) = table.find(reference).cloned() {
            return Ok(Self { family: own.family(), reference: reference.to_owned(), own: Some(own) });
        }
        let Some(family) = Family::named(repository_name(reference)) else {
            return Err(NodeError::Image(unknown(table, reference)));
        };
        match find_program(family.program()) {
            Some(_) => Ok(Self { family, reference: reference.to_owned(), own: None }),
            None => Err(NodeError::Image(format!(
                "failed to pull image \"{reference}\": it stands for the local program {}, which is not installed; \
                 on Debian and Ubuntu: sudo apt-get install --no-install-recommends {}",
                family.program(),
                family.package()
            ))),
        }
    }

    /// The whole command line: the pod's command, or the image's entry point, with the pod's args or the image's own.
    pub(super) fn command_line(
        &self,
        command: Option<Vec<String>>,
        arguments: Option<Vec<String>>,
    ) -> Vec<String> {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        if let Some(mut command) = command.filter(|command| !command.is_empty()) {
            command.extend(arguments.unwrap_or_default());
            return command;
        }
        let arguments = arguments.filter(|arguments| !arguments.is_empty());
        if let Some(command) = self.own.as_ref().and_then(|own| own.command.clone()) {
            return [command, arguments.unwrap_or_default()].concat();
        }
        let server = self.family.program();
        match (self.family, arguments) {
            (Family::Redis | Family::Valkey, Some(arguments)) => {
                with_default_program(server, arguments, ".conf")
            }
            (Family::Redis | Family::Valkey, None) => own(&[server]),
            (Family::Exporter, arguments) => {
                let mut line = own(&["prometheus-redis-exporter"]);
                line.extend(arguments.unwrap_or_default());
                line
            }
            (Family::Haproxy, Some(arguments)) => with_default_program("haproxy", arguments, ""),
            (Family::Haproxy, None) => {
                own(&["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"])
            }
            (Family::Shell, Some(arguments)) => arguments,
            (Family::Shell, None) => own(&["sh"]),
        }
    }

    /// Where the image's processes start.
    pub(super) fn working_directory(&self) -> &'static str {
        match self.family {
            Family::Redis | Family::Valkey => "/data",
            Family::Exporter | Family::Haproxy | Family::Shell => "/",
        }
    }

    /// The user of the image's processes unless the pod names one.
    pub(super) fn default_user(&self) -> u32 {
        if let Some(user) = self.own.as_ref().and_then(|own| own.user) {
            return user;
        }
        match self.family {
            Family::Redis | Family::Valkey => 999,
            Family::Exporter => 59_000,
            Family::Haproxy => 99,
            Family::Shell => 0,
        }
    }

    /// The directory of programs that the user's table gives it.
    pub(super) fn own_programs(&self) -> Option<&Path> {
        self.own.as_ref()?.programs.as_deref()
    }

    /// The program and its version, as `redis-server 7.0.15`. A command of the user's own is only named.
    pub(super) async fn version(&self, spawner: &Spawner) -> String {
        if let Some(command) = self.own.as_ref().and_then(|own| own.command.as_ref()) {
            return command.first().cloned().unwrap_or_default();
        }
        let program = self.family.program();
        let own = self.own_programs().map(|programs| programs.join(program)).filter(|path| path.is_file());
        let path = own.unwrap_or_else(|| PathBuf::from(program));
        let flag = if self.family == Family::Haproxy { "-v" } else { "--version" };
        let said = spawner.run(&path.display().to_string(), &[flag], "").await.unwrap_or_default();
        parse_version(&said).map_or_else(|| program.to_owned(), |version| format!("{program} {version}"))
    }
}

impl Family {
    /// The family of an image of the built-in table.
    fn named(name: &str) -> Option<Self> {
        KNOWN.iter().find(|(known, _)| *known == name).map(|(_, family)| *family)
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
            Self::Exporter => "prometheus-redis-exporter",
            Self::Haproxy => "haproxy",
            Self::Shell => "bash",
        }
    }

    fn package(self) -> &'static str {
        self.program()
    }
}

/// As the entry points of the official images do: flags and configuration files are for the program.
fn with_default_program(
    program: &str,
    mut arguments: Vec<String>,
    configuration_suffix: &str,
) -> Vec<String> {
    let for_program = arguments.first().is_some_and(|first| {
        first.starts_with('-') || (!configuration_suffix.is_empty() && first.ends_with(configuration_suffix))
    });
    if for_program {
        arguments.insert(0, program.to_owned());
    }
    arguments
}

/// The last part of a reference without its tag and digest.
fn repository_name(reference: &str) -> &str {
    let path = reference.split('@').next().unwrap_or(reference);
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split(':').next().unwrap_or(last)
}

/// The first word that looks like a version: `v=7.0.15`, `2.6.12-1+deb12u3`.
fn parse_version(said: &str) -> Option<&str> {
    let words =
        said.split_ascii_whitespace().map(|word| word.trim_start_matches("v=").trim_start_matches('v'));
    let mut words = words.map(|word| word.trim_end_matches([',', ':']));
    words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.'))
}

fn built_in_names() -> String {
    KNOWN.map(|(name, _)| name).join(", ")
}

fn unknown(table: &ImageTable, reference: &str) -> String {
    let own: Vec<_> = table.patterns().collect();
    let own =
        if own.is_empty() { String::new() } else { format!(" and those of its table, {}", own.join(", ")) };
    format!(
        "failed to pull image \"{reference}\": the sandbox pulls nothing; it knows the images {} (any registry, any \
         tag){own}, each as a local program; others come with `up --images FILE`",
        built_in_names()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, command: &[&str], arguments: &[&str], expected: &[&str]) {
        let image = Image { family: family(reference), reference: reference.to_owned(), own: None };
        let words = |words: &[&str]| {
            (!words.is_empty()).then(|| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(image.command_line(words(command), words(arguments)), expected);
    }

    fn family(reference: &str) -> Family {
        Family::named(repository_name(reference)).expect("a known image")
    }

    #[test]
    fn any_registry_and_tag_of_a_known_image_will_do() {
        for reference in ["redis", "redis:5.0.5-alpine", "public.ecr.aws/docker/library/redis:8.8.0-alpine"] {
            assert_eq!(family(reference), Family::Redis, "{reference}");
        }
        assert_eq!(family("localhost:5000/oliver006/redis_exporter:v1@sha256:00"), Family::Exporter);
    }

    #[test]
    fn finds_the_version_in_what_a_program_says() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64";
        assert_eq!(parse_version(redis), Some("7.0.15"));
        assert_eq!(parse_version("HAProxy version 2.6.12-1+deb12u3 2025/10/03"), Some("2.6.12-1+deb12u3"));
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn an_unknown_image_is_refused_with_the_known_ones() {
        let refusal =
            Image::find(&ImageTable::default(), "nginx:1").expect_err("not in the table").to_string();
        assert!(refusal.contains("\"nginx:1\"") && refusal.contains("redis_exporter"), "{refusal}");
    }

    #[test]
    fn the_command_of_the_pod_replaces_the_entry_point() {
        check("redis", &["sh", "-c"], &["true"], &["sh", "-c", "true"]);
    }

    #[test]
    fn an_image_without_a_command_runs_its_entry_point() {
        check("redis", &[], &[], &["redis-server"]);
        check("redis", &[], &["/etc/redis.conf"], &["redis-server", "/etc/redis.conf"]);
        check("redis", &[], &["redis-cli", "ping"], &["redis-cli", "ping"]);
        check("valkey/valkey:8", &[], &["/etc/valkey.conf"], &["valkey-server", "/etc/valkey.conf"]);
        check("haproxy", &[], &["-f", "x.cfg"], &["haproxy", "-f", "x.cfg"]);
        check("redis_exporter", &[], &["-debug"], &["prometheus-redis-exporter", "-debug"]);
    }
}
