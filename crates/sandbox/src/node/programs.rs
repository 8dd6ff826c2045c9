//! Programs that differ from the machine's: what an image builds in, and what scaled timings change.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::NodeError;
use super::images::{Family, Image, ImageTable};
use super::timing::FAST_SLEEP_DIVISOR;
use crate::launch::find_program;

/// Directories that come before the rest of PATH.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    /// The wrapper of each program: what it is, where the user's table has it, and the directory of the wrapper.
    wrappers: Vec<(Family, Option<PathBuf>, PathBuf)>,
    scaled: PathBuf,
}

impl Programs {
    /// Writes them below a directory that containers see read-only.
    pub(super) fn write(directory: &Path, table: &ImageTable) -> Result<Self, NodeError> {
        let machines = [Family::Redis, Family::Valkey, Family::Haproxy].map(|family| (family, None));
        let own = table.directories().map(|(family, own)| (family, Some(own.to_path_buf())));
        let mut wrappers = Vec::new();
        for (family, own) in machines.into_iter().chain(own) {
            let place = directory.join(format!("wrapper-{}", wrappers.len()));
            let program = family.program();
            let in_table = own.as_ref().map(|own| own.join(program)).filter(|path| path.is_file());
            let Some(path) = in_table.or_else(|| find_program(program)) else { continue };
            let path = path.display().to_string();
            let script = match family {
                Family::Redis | Family::Valkey => render_server(&path),
                Family::Haproxy => render_haproxy(&path),
                Family::Exporter | Family::Shell => continue,
            };
            write_program(&place, program, &script)?;
            if family == Family::Valkey {
                // Its image has the names of redis too.
                write_program(&place, Family::Redis.program(), &script)?;
            }
            wrappers.push((family, own, place));
        }
        let programs = Self { wrappers, scaled: directory.join("scaled") };
        write_program(&programs.scaled, "sleep", &render_sleep())?;
        Ok(programs)
    }

    /// The directories for a container of an image.
    pub(super) fn of(&self, image: &Image, scales_sleep: bool) -> Vec<PathBuf> {
        let own = image.own_programs();
        let mut wrappers = self.wrappers.iter();
        let wrapper = wrappers.find(|(family, from, _)| *family == image.family && from.as_deref() == own);
        let wrapper = wrapper.map(|(_, _, place)| place.clone());
        let scaled = scales_sleep.then(|| self.scaled.clone());
        wrapper.into_iter().chain(scaled).chain(own.map(Path::to_path_buf)).collect()
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
