//! Whether this machine can run a sandbox: programs, and a real trial of every kind of namespace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::LaunchError;

/// Programs without which no redis-ha starts, and the Debian package of each.
const PROGRAMS: [(&str, &str); 12] = [
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("bwrap", "bubblewrap"),
    ("bash", "bash"),
    ("sleep", "coreutils"),
    ("getent", "libc-bin"),
    ("redis-server", "redis-server"),
    ("redis-sentinel", "redis-sentinel"),
    ("redis-cli", "redis-tools"),
];

/// One of each that a pod needs; each line says first what it tries.
const TRIAL: &str = r"
echo mount; mount -t tmpfs tmpfs /run || exit 1
echo netns; ip netns add trial || exit 1
echo bridge; ip link add trial0 type bridge || exit 1
echo veth; ip link add trial1 type veth peer name eth0 netns trial || exit 1
echo container; nsenter --net=/run/netns/trial bwrap --unshare-user --uid 1000 --gid 1000 --unshare-pid \
    --unshare-uts --unshare-ipc --hostname trial --die-with-parent --as-pid-1 --cap-drop ALL --ro-bind / / \
    --proc /proc --dev /dev --tmpfs /tmp true || exit 1
echo done
";

/// Where programs are looked for: PATH, and what an unprivileged user's PATH leaves out.
pub(super) fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{own}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
}

pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = search_path();
    path.split(':').map(|directory| Path::new(directory).join(name)).find(|candidate| candidate.is_file())
}

/// Fails with everything that is missing and the commands that bring it.
pub(super) fn check() -> Result<(), LaunchError> {
    let missing: Vec<_> = PROGRAMS.into_iter().filter(|(name, _)| find_program(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(LaunchError::Preflight(render_missing(&missing)));
    }
    let trial = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--mount-proc"])
        .args(["--kill-child", "sh", "-c", TRIAL])
        .env("PATH", search_path())
        .stdin(Stdio::null())
        .output()
        .map_err(|source| LaunchError::Start { program: "unshare", source })?;
    let reached = String::from_utf8_lossy(&trial.stdout).lines().last().unwrap_or_default().to_owned();
    if trial.status.success() && reached == "done" {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&trial.stderr).trim().to_owned();
    Err(LaunchError::Preflight(render_trial(&reached, &said, &Kernel::observe())))
}

fn render_missing(missing: &[(&str, &str)]) -> String {
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    format!(
        "  missing programs: {}\n  on Debian and Ubuntu: sudo apt-get install --no-install-recommends {}",
        names.join(", "),
        packages.join(" ")
    )
}

/// The kernel's switches for user namespaces.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kernel {
    apparmor_restricts: bool,
    clone_forbidden: bool,
    none_allowed: bool,
    in_container: bool,
}

impl Kernel {
    fn observe() -> Self {
        let reads =
            |path: &str, value: &str| std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
        Self {
            apparmor_restricts: reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
            clone_forbidden: reads("/proc/sys/kernel/unprivileged_userns_clone", "0"),
            none_allowed: reads("/proc/sys/user/max_user_namespaces", "0"),
            in_container: ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists()),
        }
    }
}

/// `reached` is the last step that the trial began; none when unshare itself failed.
fn render_trial(reached: &str, said: &str, kernel: &Kernel) -> String {
    let (what, mut hints) = match reached {
        "" => ("make user, network, mount and process namespaces (root needs them too)", Vec::new()),
        "mount" => ("mount a tmpfs in its own mount namespace", Vec::new()),
        "netns" => ("make a network namespace for a pod", Vec::new()),
        "bridge" => ("make a bridge", vec!["load its module: sudo modprobe bridge"]),
        "veth" => ("make a pair of virtual network interfaces", vec!["load its module: sudo modprobe veth"]),
        _ => ("start a container with bwrap", Vec::new()),
    };
    let switches = [
        (kernel.apparmor_restricts, "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        (kernel.clone_forbidden, "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        (kernel.none_allowed, "sudo sysctl -w user.max_user_namespaces=15000"),
        (
            kernel.in_container,
            "this is a container: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined, or --privileged",
        ),
    ];
    hints.extend(switches.iter().filter(|(applies, _)| *applies).map(|(_, hint)| *hint));
    if hints.is_empty() {
        hints.push("ask the machine's administrator to allow unprivileged user namespaces");
    }
    let hints: Vec<_> = hints.iter().map(|hint| format!("  - {hint}")).collect();
    format!("  a trial failed to {what}: {said}\n  what may help:\n{}", hints.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_packages_of_missing_programs_once() {
        let text =
            render_missing(&[("setpriv", "util-linux"), ("unshare", "util-linux"), ("bwrap", "bubblewrap")]);
        assert!(text.contains("missing programs: setpriv, unshare, bwrap"), "{text}");
        assert!(text.ends_with("apt-get install --no-install-recommends util-linux bubblewrap"), "{text}");
    }

    #[test]
    fn names_the_switch_that_forbids_user_namespaces() {
        let kernel = Kernel { apparmor_restricts: true, ..Kernel::default() };
        let text =
            render_trial("", "unshare: write failed /proc/self/uid_map: Operation not permitted", &kernel);
        assert!(text.contains("kernel.apparmor_restrict_unprivileged_userns=0"), "{text}");
        assert!(text.contains("uid_map"), "{text}");
    }

    #[test]
    fn names_the_module_of_a_missing_device() {
        let text = render_trial("veth", "Unknown device type", &Kernel::default());
        assert!(text.contains("modprobe veth"), "{text}");
    }
}
