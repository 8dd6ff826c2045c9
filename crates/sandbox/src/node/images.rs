//! Images as local programs: what a container without a command runs, and what it finds.

use super::{NodeError, Spawner};
use crate::launch::find_program;

/// What stands for an image on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) family: Family,
    /// The reference as the pod gave it.
    pub(super) reference: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Redis,
    Exporter,
    Haproxy,
    Shell,
}

/// Repository names and what stands for them.
const KNOWN: [(&str, Family); 6] = [
    ("redis", Family::Redis),
    ("redis_exporter", Family::Exporter),
    ("haproxy", Family::Haproxy),
    ("busybox", Family::Shell),
    ("alpine", Family::Shell),
    ("bash", Family::Shell),
];

impl Image {
    /// Any registry, any tag: `public.ecr.aws/docker/library/redis:8-alpine` is the machine's redis.
    pub(super) fn find(reference: &str) -> Result<Self, NodeError> {
        let repository = repository_name(reference);
        let known = KNOWN.iter().find(|(name, _)| *name == repository);
        let Some((_, family)) = known else { return Err(NodeError::Image(unknown(reference))) };
        match find_program(family.program()) {
            Some(_) => Ok(Self { family: *family, reference: reference.to_owned() }),
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
        match (self.family, arguments) {
            (Family::Redis, Some(arguments)) => with_default_program("redis-server", arguments, ".conf"),
            (Family::Redis, None) => own(&["redis-server"]),
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
            Family::Redis => "/data",
            Family::Exporter | Family::Haproxy | Family::Shell => "/",
        }
    }

    /// The user of the image's processes unless the pod names one.
    pub(super) fn default_user(&self) -> u32 {
        match self.family {
            Family::Redis => 999,
            Family::Exporter => 59_000,
            Family::Haproxy => 99,
            Family::Shell => 0,
        }
    }

    /// The program and its version, as `redis-server 7.0.15`.
    pub(super) async fn version(&self, spawner: &Spawner) -> String {
        let program = self.family.program();
        let flag = if self.family == Family::Haproxy { "-v" } else { "--version" };
        let said = spawner.run(program, &[flag], "").await.unwrap_or_default();
        parse_version(&said).map_or_else(|| program.to_owned(), |version| format!("{program} {version}"))
    }
}

impl Family {
    fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
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

fn unknown(reference: &str) -> String {
    let names: Vec<_> = KNOWN.iter().map(|(name, _)| *name).collect();
    format!(
        "failed to pull image \"{reference}\": the sandbox pulls nothing; it knows the images {} (any registry, any \
         tag), each as a local program",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, command: &[&str], arguments: &[&str], expected: &[&str]) {
        let image = Image { family: family(reference), reference: reference.to_owned() };
        let words = |words: &[&str]| {
            (!words.is_empty()).then(|| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(image.command_line(words(command), words(arguments)), expected);
    }

    fn family(reference: &str) -> Family {
        let name = repository_name(reference);
        KNOWN.iter().find(|(known, _)| *known == name).expect("a known image").1
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
        let refusal = Image::find("nginx:1").expect_err("not in the table").to_string();
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
        check("haproxy", &[], &["-f", "x.cfg"], &["haproxy", "-f", "x.cfg"]);
        check("redis_exporter", &[], &["-debug"], &["prometheus-redis-exporter", "-debug"]);
    }
}
