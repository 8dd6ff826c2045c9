//! The generated /etc of a pod: users, name service, and its own name.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use crate::node::NodeError;
use crate::node::network::GATEWAY;

/// Search domains as the kubelet gives them to a pod of this namespace.
pub(crate) fn render_resolv_conf(namespace: &str) -> String {
    format!(
        "nameserver {GATEWAY}\nsearch {namespace}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
    )
}

/// Writes the files that every container of the pod sees below /etc.
pub(in crate::node) fn write_etc(
    directory: &Path,
    hostname: &str,
    namespace: &str,
    address: Ipv4Addr,
    users: &[(u32, u32)],
) -> Result<(), NodeError> {
    let mut passwd = String::from("root:x:0:0:root:/root:/bin/sh\n");
    let mut group = String::from("root:x:0:\n");
    let mut known = vec![0];
    for (user, own_group) in users.iter().filter(|(user, _)| *user != 0) {
        if !known.contains(user) {
            known.push(*user);
            let _ = writeln!(passwd, "user{user}:x:{user}:{own_group}::/tmp:/bin/sh");
            let _ = writeln!(group, "group{own_group}:x:{own_group}:");
        }
    }
    let hosts = format!("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n{address}\t{hostname}\n");
    let files = [
        ("passwd", passwd),
        ("group", group),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        ("resolv.conf", render_resolv_conf(namespace)),
        ("hosts", hosts),
        ("hostname", format!("{hostname}\n")),
    ];
    fs::create_dir_all(directory).map_err(NodeError::file("create the directory", directory))?;
    for (name, text) in files {
        let path = directory.join(name);
        fs::write(&path, text).map_err(NodeError::file("write", &path))?;
    }
    Ok(())
}
