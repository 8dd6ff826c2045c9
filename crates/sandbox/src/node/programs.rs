//! Programs that differ from the machine's: what an image builds in, and what scaled timings change.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::NodeError;
use super::images::{Family, Image};
use super::timing::FAST_SLEEP_DIVISOR;
use crate::launch::find_program;

/// Directories that come before the rest of PATH.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    redis: PathBuf,
    haproxy: PathBuf,
    scaled: PathBuf,
}

impl Programs {
    /// Writes them below a directory that containers see read-only.
    pub(super) fn write(directory: &Path) -> Result<Self, NodeError> {
        let programs = Self {
            redis: directory.join("redis"),
            haproxy: directory.join("haproxy"),
            scaled: directory.join("scaled"),
        };
        let server = find_program("redis-server").unwrap_or_else(|| PathBuf::from("/usr/bin/redis-server"));
        write_program(&programs.redis, "redis-server", &render_server(&server.display().to_string()))?;
        let haproxy = find_program("haproxy").unwrap_or_else(|| PathBuf::from("/usr/sbin/haproxy"));
        write_program(&programs.haproxy, "haproxy", &render_haproxy(&haproxy.display().to_string()))?;
        write_program(&programs.scaled, "sleep", &render_sleep())?;
        Ok(programs)
    }

    /// The directories for a container of an image.
    pub(super) fn of(&self, image: &Image, scales_sleep: bool) -> Vec<PathBuf> {
        let own = match image.family {
            Family::Redis => Some(self.redis.clone()),
            Family::Haproxy => Some(self.haproxy.clone()),
            Family::Exporter | Family::Shell => None,
        };
        own.into_iter().chain(scales_sleep.then(|| self.scaled.clone())).collect()
    }
}

fn write_program(directory: &Path, name: &str, script: &str) -> Result<(), NodeError> {
    fs::create_dir_all(directory).map_err(NodeError::file("create the directory", directory))?;
    let path = directory.join(name);
    fs::write(&path, script).map_err(NodeError::file("write", &path))?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))
        .map_err(NodeError::file("set the mode of", &path))
}

/// The official image is built with protected mode off by default, Debian's package is not. A configuration that
/// says otherwise is left alone, and sentinels turn it off themselves.
fn render_server(server: &str) -> String {
    format!(
        "#!/bin/bash\nfor word in \"$@\"; do\n  case \"$word\" in\n    --protected-mode|--sentinel|-v|--version|-h|--help|\
         --test-memory|--check-system) exec {server} \"$@\" ;;\n  esac\ndone\n\
         if [ -f \"${{1:-}}\" ] && grep -qiE '^[[:space:]]*protected-mode[[:space:]]' \"$1\"; then\n  \
         exec {server} \"$@\"\nfi\nexec {server} \"$@\" --protected-mode no\n"
    )
}

/// Since 2.3 haproxy refuses a configuration whose last line does not end, which older images took.
fn render_haproxy(haproxy: &str) -> String {
    format!(
        "#!/bin/bash\nwords=()\nwhile [ $# -gt 0 ]; do\n  \
         if [ \"$1\" = -f ] && [ -f \"${{2:-}}\" ] && [ -n \"$(tail -c 1 \"$2\")\" ]; then\n    \
         whole=/tmp/${{2##*/}}\n    {{ cat \"$2\"; echo; }} > \"$whole\"\n    words+=(-f \"$whole\")\n    shift\n  \
         else\n    words+=(\"$1\")\n  fi\n  shift\ndone\nexec {haproxy} \"${{words[@]}}\"\n"
    )
}

/// A `sleep` that sleeps a fraction: scripts of init containers wait for nothing that takes whole seconds here.
fn render_sleep() -> String {
    format!(
        "#!/bin/bash\ncase \"$1\" in\n  *[!0-9]*|'') exec /usr/bin/sleep \"$@\" ;;\nesac\n\
         milliseconds=$(( $1 * 1000 / {FAST_SLEEP_DIVISOR} ))\n\
         exec /usr/bin/sleep \"$(( milliseconds / 1000 )).$(printf %03d $(( milliseconds % 1000 )))\"\n"
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the wrapper passes on to the server.
    fn check(arguments: &[&str], configuration: &str, expected: &str) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("redis.conf");
        fs::write(&file, configuration).expect("written");
        write_program(directory.path(), "redis-server", &render_server("/bin/echo")).expect("written");
        let file = file.display().to_string();
        let arguments = arguments.iter().map(|word| if *word == "CONF" { file.as_str() } else { *word });
        let output =
            Command::new(directory.path().join("redis-server")).args(arguments).output().expect("run");
        let said = String::from_utf8_lossy(&output.stdout).trim().replace(&file, "CONF");
        assert_eq!(said, expected);
    }

    #[test]
    fn haproxy_gets_a_configuration_that_ends() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join(format!("{:x}.cfg", rand::random::<u64>()));
        let check = |text: &str| {
            fs::write(&file, text).expect("written");
            write_program(directory.path(), "haproxy", &render_haproxy("/bin/cat -- ")).expect("written");
            let mut command = Command::new(directory.path().join("haproxy"));
            let output = command.arg("-f").arg(&file).output().expect("run");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(check("global\n  daemon"), "global\n  daemon\n");
        assert_eq!(check("global\n"), "global\n");
    }

    #[test]
    fn protected_mode_is_off_unless_the_configuration_says_so() {
        check(&["CONF"], "port 6379\n", "CONF --protected-mode no");
        check(&["CONF"], "protected-mode yes\n", "CONF");
        check(&[], "", "--protected-mode no");
    }

    #[test]
    fn questions_and_sentinels_are_passed_on_as_they_are() {
        check(&["-v"], "", "-v");
        check(&["CONF", "--sentinel"], "", "CONF --sentinel");
        check(&["CONF", "--protected-mode", "yes"], "", "CONF --protected-mode yes");
    }
}
