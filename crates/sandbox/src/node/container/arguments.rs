//! The arguments of bwrap for a container: a root of the machine's programs, a generated /etc, the pod's volumes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Plan;

/// A volume at its place in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::node) struct Mount {
    pub(in crate::node) source: PathBuf,
    pub(in crate::node) target: String,
    pub(in crate::node) read_only: bool,
}

/// Files of /etc that are generated for each pod, and those that are the machine's.
const GENERATED: [&str; 6] = ["passwd", "group", "nsswitch.conf", "resolv.conf", "hosts", "hostname"];
const MACHINES: [&str; 5] =
    ["/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl", "/etc/ca-certificates", "/etc/localtime"];

/// Everything after `bwrap`. No value of a variable is among it.
pub(super) fn render(plan: &Plan) -> Vec<String> {
    let mut arguments = words(&[
        "--unshare-user",
        "--unshare-pid",
        "--unshare-uts",
        "--unshare-ipc",
        "--die-with-parent",
        "--as-pid-1",
        "--cap-drop",
        "ALL",
    ]);
    let mut push = |more: &[&str]| arguments.extend(words(more));
    push(&["--uid", &plan.user.to_string(), "--gid", &plan.group.to_string(), "--hostname", &plan.hostname]);
    push(&[
        "--ro-bind",
        "/usr",
        "/usr",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--dir",
        "/root",
    ]);
    for directory in ["bin", "sbin", "lib", "lib32", "lib64"] {
        push_root_directory(&mut push, directory);
    }
    for directory in closed_directories(&plan.mounts) {
        open_up(&mut push, &directory);
    }
    // dash stands behind sh on Debian and fails the charts' scripts silently: `[[: not found`, exit code 0.
    push(&["--ro-bind", "/usr/bin/bash", &resolved("/usr/bin/sh")]);
    for file in GENERATED {
        let source = plan.etc.join(file);
        push(&["--ro-bind", &source.display().to_string(), &format!("/etc/{file}")]);
    }
    for path in MACHINES {
        push(&["--ro-bind-try", path, path]);
    }
    for directory in &plan.programs {
        let directory = directory.display().to_string();
        push(&["--ro-bind", &directory, &directory]);
    }
    push(&["--dir", &plan.working_directory]);
    // Parents before what lies below them, whatever order the pod gives.
    let mut mounts: Vec<_> = plan.mounts.iter().collect();
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
    for mount in mounts {
        let flag = if mount.read_only { "--ro-bind" } else { "--bind" };
        push(&[flag, &mount.source.display().to_string(), &mount.target]);
    }
    if plan.read_only_root {
        push(&["--remount-ro", "/"]);
    }
    push(&["--chdir", &plan.working_directory, "--"]);
    if plan.input.is_terminal {
        arguments.extend(words(&["setsid", "--ctty"]));
    }
    arguments.extend(plan.command_line.iter().cloned());
    arguments
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A link on merged-/usr machines, a directory on others.
fn push_root_directory(push: &mut impl FnMut(&[&str]), name: &str) {
    let path = format!("/{name}");
    match std::fs::read_link(&path) {
        Ok(target) => push(&["--symlink", &target.display().to_string(), &path]),
        Err(_) if Path::new(&path).is_dir() => push(&["--ro-bind", &path, &path]),
        Err(_) => {}
    }
}

/// The directories of the machine's read-only /usr in which a mount needs a place that is not there: an image has
/// /usr/local/etc/haproxy, the machine does not.
fn closed_directories(mounts: &[Mount]) -> BTreeSet<PathBuf> {
    let targets = mounts.iter().map(|mount| Path::new(&mount.target));
    let missing = targets.filter(|target| target.starts_with("/usr") && !target.exists());
    missing
        .filter_map(|target| target.ancestors().find(|ancestor| ancestor.is_dir()))
        .map(Path::to_owned)
        .collect()
}

/// The same directory with the same entries, but one in which places can be made.
fn open_up(push: &mut impl FnMut(&[&str]), directory: &Path) {
    push(&["--tmpfs", &directory.display().to_string()]);
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let path = entry.path().display().to_string();
        match std::fs::read_link(entry.path()) {
            Ok(target) => push(&["--symlink", &target.display().to_string(), &path]),
            Err(_) => push(&["--ro-bind", &path, &path]),
        }
    }
}

fn resolved(path: &str) -> String {
    Path::new(path).canonicalize().map_or_else(|_| path.to_owned(), |found| found.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::node::container::Input;
    use crate::node::environment::Environment;
    use crate::node::network::PodNetwork;

    fn plan() -> Plan {
        let mut environment = Environment::default();
        environment.set("AUTH", "hunter2");
        let mount = |target: &str, read_only| Mount {
            source: PathBuf::from("/run/volumes").join(target.trim_start_matches('/')),
            target: target.to_owned(),
            read_only,
        };
        Plan {
            input: Input::default(),
            name: "redis".into(),
            command_line: vec!["redis-server".into(), "/data/conf/redis.conf".into()],
            environment,
            user: 1000,
            group: 1000,
            working_directory: "/data".into(),
            mounts: vec![mount("/data/deeper", true), mount("/data", false)],
            hostname: "redis-0".into(),
            network: PodNetwork { namespace: "pod-1".into(), address: Ipv4Addr::new(10, 244, 0, 10) },
            etc: PathBuf::from("/run/etc"),
            read_only_root: true,
            programs: Vec::new(),
        }
    }

    #[test]
    fn no_variable_is_among_the_arguments() {
        let line = render(&plan()).join(" ");
        assert!(!line.contains("hunter2") && !line.contains("AUTH"), "{line}");
    }

    #[test]
    fn a_mount_below_usr_gets_a_place_and_its_neighbours_stay() {
        let mut plan = plan();
        let target = "/usr/local/etc/no-such-program".to_owned();
        plan.mounts.push(Mount {
            source: "/run/volumes/config".into(),
            target: target.clone(),
            read_only: true,
        });
        let line = render(&plan).join(" ");
        let opened = line.find("--tmpfs /usr/local").expect("a place to make it in");
        let mounted = line.find(&format!("--ro-bind /run/volumes/config {target}")).expect("the mount");
        assert!(opened < mounted, "{line}");
        assert!(!line.contains("--tmpfs /usr "), "{line}");
    }

    #[test]
    fn the_command_comes_last_and_mounts_go_outside_in() {
        let line = render(&plan()).join(" ");
        assert!(line.ends_with("--chdir /data -- redis-server /data/conf/redis.conf"), "{line}");
        let outer = line.find("--bind /run/volumes/data /data").expect("the outer mount");
        let inner = line.find("--ro-bind /run/volumes/data/deeper /data/deeper").expect("the inner mount");
        assert!(outer < inner, "{line}");
    }
}
